# amaranth: UnusedElaboratable=no
"""The top module: stages strung together between the ports of the interface."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import reduce
from operator import and_

from amaranth import Cat, ClockDomain, Module, Mux, Signal, Value
from amaranth.hdl import ValueLike

from hwflow.backends.amaranth.datapath import layer_module
from hwflow.backends.amaranth.folded import FoldedLayer
from hwflow.backends.amaranth.links import Links, LiveStream, converted
from hwflow.backends.amaranth.loader import LoaderModule, Words
from hwflow.backends.amaranth.module import HwModule
from hwflow.backends.amaranth.serial import SerialLayer
from hwflow.backends.amaranth.voted import VotedLoader
from hwflow.plan.connect import AnyLayer
from hwflow.plan.dataflow import (
    FoldedStage,
    GatherStage,
    Region,
    SerialStage,
    Stage,
    WindowStage,
)
from hwflow.plan.folded import FoldedPlan
from hwflow.plan.loading import loader_inputs, loader_outputs
from hwflow.plan.plan import Plan
from hwflow.plan.serial import SerialPlan
from hwflow.plan.streams import PortGroup, StreamType

__all__ = ["Probe", "TopModule"]


@dataclass(frozen=True, slots=True)
class Probe:
    """A layer's result where the layer delivers it: `data` is one beat whenever `strobe` is 1."""

    stream: StreamType
    data: Value
    strobe: Value


class TopModule(Links):
    """The design's top: ports as its interface says, layers as sub-modules by name.

    `probes` are filled by elaboration: every layer output, by value name. `weights` is the packed
    vector of `plan.interface.store`, which is loaded at run time, or None; a simulation can
    start with `words` loaded.
    """

    uses_reset = True

    def __init__(self, plan: Plan, *, generate: bool, words: Words | None = None) -> None:
        super().__init__(plan, generate=generate)
        self.probes: dict[str, Probe] = {}
        interface = plan.interface
        # Without ready, a layer that takes several clocks reads what the register before it
        # holds: registers load where there is something to load.
        self.gated = not self.handshake and interface.initiation_interval > 1
        self.clk = Signal(name=interface.clock)
        self.reset_pin = Signal(name=interface.reset)
        for group in interface.inputs:
            self.add_input(group.data, group.data_bits)
            self.add_input(group.valid, 1)
            if group.ready:
                self.add_output(group.ready, 1)
            if group.last:
                self.add_input(group.last, 1)
        for group in interface.outputs:
            self.add_output(group.data, group.data_bits)
            self.add_output(group.valid, 1)
            if group.ready:
                self.add_input(group.ready, 1)
            if group.last:
                self.add_output(group.last, 1)
        store = interface.store
        self.running = Signal(name="running")
        self.weights = Signal(store.bits, name="weights") if store else None
        self.loader: LoaderModule | VotedLoader | None = None
        if store:
            kind = VotedLoader if plan.options.protect == "tmr" else LoaderModule
            self.loader = kind(f"{self.name}__loader", store, generate=generate, words=words)
            for pin, bits in loader_inputs(store).items():
                self.add_input(pin, bits)
            for pin, bits in loader_outputs().items():
                self.add_output(pin, bits)

    def ports(self) -> list[Signal]:
        return [self.clk, self.reset_pin, *self.inputs.values(), *self.outputs.values()]

    def elaborate(self, platform: object) -> Module:
        if not self.generate and self.weights is None:
            return super().elaborate(platform)
        m = Module()
        domain = ClockDomain("sync")
        if self.generate:
            domain.clk = self.clk
            if self.plan.interface.reset_active_high:
                self.rst = self.reset_pin
            else:
                m.d.comb += self.rst.eq(~self.reset_pin)
        domain.rst = self.rst if self.weights is None else self._loader(m, domain, self.weights)
        m.domains += domain
        self.build(m)
        return m

    def _loader(self, m: Module, domain: ClockDomain, weights: Signal) -> Signal:
        """Put the weight loader inside; returns the reset of all else, which ends when it runs."""
        store = self.plan.interface.store
        assert store is not None
        design_reset = Signal(name="design_reset")
        pins = {**loader_inputs(store), **loader_outputs()}
        wires: dict[str, ValueLike] = {pin: {**self.inputs, **self.outputs}[pin] for pin in pins}
        wires |= {"weights_o": weights, "running_o": self.running}
        if not self.generate:
            own = ClockDomain("loader", reset_less=True)
            own.clk = domain.clk
            m.domains += own
        assert self.loader is not None
        self.attach(m, "loader", self.loader, wires, "loader")
        m.d.comb += design_reset.eq(~self.running | (self.rst if self.generate else 0))
        self.rst = design_reset
        return design_reset

    def build(self, m: Module) -> None:
        live: dict[str, LiveStream] = {}
        for group in self.plan.interface.inputs:
            ready = Signal(name=f"{group.tensor}_ready")
            bits = self.inputs[group.data][: max(1, group.stream.bits)]
            valid = self._if_running(self.inputs[group.valid])
            live[group.tensor] = LiveStream(group.stream, bits, valid, ready)
            if group.ready:
                m.d.comb += self.outputs[group.ready].eq(self._if_running(ready))
        for stage in self.plan.stages:
            self._stage(m, stage, live)
        for group in self.plan.interface.outputs:
            source = live[self.plan.links[group.tensor]]
            self._output(m, group, replace(source, valid=self._if_running(source.valid)))

    def _if_running(self, bit: Value) -> Value:
        return bit if self.weights is None else bit & self.running

    def _stage(self, m: Module, stage: Stage, live: dict[str, LiveStream]) -> None:
        match stage:
            case Region():
                self._region(m, stage, live)
            case WindowStage() | GatherStage() | FoldedStage() | SerialStage():
                self._one_layer(m, stage, live)
            case _:
                self.link(m, stage, live)

    def _region(self, m: Module, region: Region, live: dict[str, LiveStream]) -> None:
        sources = [live[link] for link in region.reads]
        enable = Signal(name=f"{region.layers[0].name}_enable")
        accept = Signal(name=f"{region.layers[0].name}_accept")
        m.d.comb += accept.eq(reduce(and_, [s.valid for s in sources]) & enable)
        for index, source in enumerate(sources):
            others = [s.valid for i, s in enumerate(sources) if i != index]
            m.d.comb += source.ready.eq(reduce(and_, others, enable))
        valids: list[Value] = [accept]
        for stage in range(1, region.latency + 1):
            register = Signal(name=f"{region.layers[0].name}_valid_s{stage}")
            with m.If(enable):
                m.d.sync += register.eq(valids[-1])
            valids.append(register)
        strobes = [valid & enable for valid in valids]
        values = self._pipeline(m, region, live, enable, strobes)
        if not self.handshake:
            m.d.comb += enable.eq(1)
            for value in region.outputs:
                live[value] = self._registered(m, value, values[value], valids[-1])
            return
        buffers = []
        for value in region.outputs:
            stream, ready = self.buffered(m, value, values[value], strobes[-1])
            live[value] = stream
            buffers.append(ready)
        m.d.comb += enable.eq(reduce(and_, buffers))

    def _pipeline(
        self,
        m: Module,
        region: Region,
        live: dict[str, LiveStream],
        enable: Value,
        strobes: list[Value],
    ) -> dict[str, tuple[StreamType, Value]]:
        """The outputs of a region, delayed to its latency, as (lanes, bits).

        `strobes` say for each cycle of the pipeline that a tensor goes through it.
        """
        arrived = dict(zip(region.inputs, (live[link] for link in region.reads), strict=True))
        history: dict[str, list[Value]] = {v: [s.data] for v, s in arrived.items()}
        streams = {v: s.stream for v, s in arrived.items()}

        def at(value: str, cycle: int) -> Value:
            line = history[value]
            while region.times[value] + len(line) <= cycle:
                stage = region.times[value] + len(line)
                register = Signal(len(line[-1]), name=f"{value}_s{stage}", reset_less=True)
                with m.If(strobes[stage - 1] if self.gated else enable):
                    m.d.sync += register.eq(line[-1])
                line.append(register)
            return line[cycle - region.times[value]]

        for layer in region.layers:
            enables = int(self.handshake) or int(self.gated) * layer.latency
            module = layer_module(self.name, layer, enables=enables, generate=self.generate)
            first = region.starts[layer.name]
            wires: dict[str, Value] = self._weights(layer, module)
            if "en_i" in module.inputs:
                stages = Cat(*strobes[first : first + layer.latency])
                wires["en_i"] = stages if self.gated else enable
            ports = [n for n in module.inputs if n not in ("en_i", "weights_i")]
            for port, value in zip(ports, layer.inputs, strict=True):
                bits = at(value, first)
                wires[port] = converted(bits, streams[value], layer.stream(value))
            for port, value in zip(module.outputs, layer.outputs, strict=True):
                signal = Signal(len(module.outputs[port]), name=f"{value}_data")
                wires[port] = signal
                history[value], streams[value] = [signal], layer.stream(value)
                self.probes[value] = Probe(streams[value], signal, strobes[region.times[value]])
            self.attach(m, layer.name, module, wires)
        return {v: (streams[v], at(v, region.latency)) for v in region.outputs}

    def _registered(
        self, m: Module, value: str, result: tuple[StreamType, Value], valid: Value
    ) -> LiveStream:
        stream, bits = result
        data = Signal(max(1, stream.bits), name=f"{value}_out", reset_less=True)
        out_valid = Signal(name=f"{value}_out_valid")
        m.d.sync += out_valid.eq(valid)
        if self.gated:
            with m.If(valid):
                m.d.sync += data.eq(bits)
        else:
            m.d.sync += data.eq(bits)
        return LiveStream(stream, data, out_valid, Signal(name=f"{value}_out_ready"))

    def _weights(self, layer: AnyLayer, module: HwModule) -> dict[str, Value]:
        """The wires of a layer's weights, if it reads any."""
        store = self.plan.interface.store
        if isinstance(layer, FoldedPlan) or "weights_i" not in module.inputs:
            return {}
        assert store is not None
        assert self.weights is not None
        fields = {field.name: field for field in store.fields}
        parts = [fields[name] for name in layer.weights]
        return {"weights_i": Cat(*(self.weights[f.offset : f.offset + f.bits] for f in parts))}

    def _one_layer(
        self,
        m: Module,
        stage: WindowStage | GatherStage | FoldedStage | SerialStage,
        live: dict[str, LiveStream],
    ) -> None:
        layer = stage.layer
        source, (value,) = live[stage.reads[0]], layer.outputs
        module: HwModule
        if isinstance(layer, FoldedPlan):
            module = FoldedLayer(self.name, layer, generate=self.generate)
        elif isinstance(layer, SerialPlan):
            module = SerialLayer(self.name, layer, generate=self.generate)
        else:
            module = layer_module(self.name, layer, enables=1, generate=self.generate)
        data = Signal(len(module.outputs["out_data_o"]), name=f"{value}_data")
        valid = Signal(name=f"{value}_data_valid")
        enable = Signal(name=f"{layer.name}_enable")
        wires: dict[str, Value] = {
            "en_i": enable,
            "in_data_i": converted(source.data, source.stream, layer.stream(layer.inputs[0])),
            "in_valid_i": source.valid,
            "in_ready_o": source.ready,
            "out_data_o": data,
            "out_valid_o": valid,
            **self._weights(layer, module),
        }
        self.attach(m, layer.name, module, wires)
        self.probes[value] = Probe(layer.stream(value), data, valid & enable)
        if not self.handshake:
            m.d.comb += enable.eq(1)
            live[value] = self._registered(m, value, (layer.stream(value), data), valid)
            return
        live[value], ready = self.buffered(m, value, (layer.stream(value), data), valid & enable)
        m.d.comb += enable.eq(ready)

    def _output(self, m: Module, group: PortGroup, source: LiveStream) -> None:
        bits = converted(source.data, source.stream, group.stream)
        m.d.comb += [
            self.outputs[group.data].eq(bits),
            self.outputs[group.valid].eq(source.valid),
        ]
        if group.ready:
            m.d.comb += source.ready.eq(self.inputs[group.ready])
        if group.last and group.stream.beats == 1:
            m.d.comb += self.outputs[group.last].eq(source.valid)
        elif group.last:
            beats = group.stream.beats
            beat, last = Signal(range(beats), name=f"{group.tensor}_beat"), beats - 1
            m.d.comb += self.outputs[group.last].eq(source.valid & (beat == last))
            with m.If(source.valid & source.ready):
                m.d.sync += beat.eq(Mux(beat == last, 0, beat + 1))
