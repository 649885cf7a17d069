# amaranth: UnusedElaboratable=no
"""What lies between stages: converters, forks, FIFOs, delays and buffers."""

from __future__ import annotations

from dataclasses import dataclass, replace

from amaranth import Cat, Const, Module, Signal, Value

from hwflow.backends.amaranth.logic import extended
from hwflow.backends.amaranth.module import HwModule
from hwflow.backends.amaranth.pipeline import lanes_of
from hwflow.backends.amaranth.stream import (
    DelayModule,
    DeserializerModule,
    FifoModule,
    ForkModule,
    SerializerModule,
    StreamBuffer,
)
from hwflow.plan.dataflow import Delay, Deserializer, Fifo, Fork, Serializer
from hwflow.plan.plan import Plan
from hwflow.plan.rom import memory_style
from hwflow.plan.streams import StreamType

__all__ = ["Links", "LiveStream", "converted"]


@dataclass(frozen=True, slots=True)
class LiveStream:
    """One value between two stages: its bits, and the handshake (ready is driven downstream)."""

    stream: StreamType
    data: Value
    valid: Value
    ready: Signal


class Links(HwModule):
    """A module that joins the stages of `plan` (`handshake`: with ready)."""

    def __init__(self, plan: Plan, *, generate: bool) -> None:
        super().__init__(plan.graph.name, generate=generate)
        self.plan = plan
        self.handshake = plan.interface.kind != "valid_only"

    def link(
        self,
        m: Module,
        stage: Serializer | Deserializer | Fork | Fifo | Delay,
        live: dict[str, LiveStream],
    ) -> None:
        """Put `stage` inside, from and to the `live` streams by link."""
        match stage:
            case Serializer():
                live[stage.writes[0]] = self._serialized(m, stage, live[stage.reads[0]])
            case Deserializer():
                live[stage.writes[0]] = self._deserialized(m, stage, live[stage.reads[0]])
            case Fork():
                self._fork(m, stage, live)
            case Fifo():
                live[stage.writes[0]] = self._fifo(m, stage, live[stage.reads[0]])
            case Delay():
                live[stage.writes[0]] = self._delay(m, stage, live[stage.reads[0]])

    def buffered(
        self, m: Module, value: str, result: tuple[StreamType, Value], valid: Value
    ) -> tuple[LiveStream, Signal]:
        """A buffered stream, and the buffer's ready (to be the enable of what feeds it)."""
        stream, bits = result
        width = max(1, stream.bits)
        buffer = StreamBuffer(f"{self.name}__buffer_{width}", width, generate=self.generate)
        out_data = Signal(width, name=f"{value}_buffered")
        out_valid, ready = Signal(name=f"{value}_valid"), Signal(name=f"{value}_free")
        onward = Signal(name=f"{value}_ready")
        wires: dict[str, Value] = {
            "in_data_i": bits,
            "in_valid_i": valid,
            "in_ready_o": ready,
            "out_data_o": out_data,
            "out_valid_o": out_valid,
            "out_ready_i": onward,
        }
        self.attach(m, f"buffer_{value}", buffer, wires)
        return LiveStream(stream, out_data, out_valid, onward), ready

    def _serialized(self, m: Module, stage: Serializer, source: LiveStream) -> LiveStream:
        lanes = lanes_of(source.data, source.stream)
        widths = [*stage.stream.widths] * stage.count
        wide = Cat(*(extended(lane, w) for lane, w in zip(lanes, widths, strict=True)))
        instance = f"serializer_{stage.reads[0]}"
        module = SerializerModule(
            f"{self.name}__{instance}", stage.stream, stage.count, generate=self.generate
        )
        return self._through(m, instance, module, wide, source, stage.stream)

    def _deserialized(self, m: Module, stage: Deserializer, source: LiveStream) -> LiveStream:
        instance = f"deserializer_{stage.reads[0]}"
        module = DeserializerModule(
            f"{self.name}__{instance}", stage.stream, stage.count, generate=self.generate
        )
        return self._through(m, instance, module, source.data, source, stage.wide)

    def _fifo(self, m: Module, stage: Fifo, source: LiveStream) -> LiveStream:
        bits = max(1, stage.stream.bits)
        style = memory_style(self.plan.options.target, stage.depth, bits, writable=True)
        instance = f"fifo_{stage.reads[0]}"
        module = FifoModule(
            f"{self.name}__{instance}", bits, stage.depth, style, generate=self.generate
        )
        return self._through(m, instance, module, source.data, source, stage.stream)

    def _delay(self, m: Module, stage: Delay, source: LiveStream) -> LiveStream:
        instance = f"delay_{stage.reads[0]}"
        name, bits = f"{self.name}__{instance}", max(1, stage.stream.bits)
        module = DelayModule(name, bits, stage.clocks, stage.loads, generate=self.generate)
        data = Signal(bits, name=f"{instance}_data")
        valid = Signal(name=f"{instance}_valid")
        wires: dict[str, Value] = {
            "in_data_i": source.data,
            "in_valid_i": source.valid,
            "out_data_o": data,
            "out_valid_o": valid,
        }
        self.attach(m, instance, module, wires)
        return LiveStream(stage.stream, data, valid, Signal(name=f"{instance}_ready"))

    def _fork(self, m: Module, stage: Fork, live: dict[str, LiveStream]) -> None:
        source, copies = live[stage.reads[0]], len(stage.writes)
        if not self.handshake:
            for link in stage.writes:
                live[link] = replace(source, ready=Signal(name=f"{link}_ready"))
            return
        module = ForkModule(f"{self.name}__fork_{copies}", copies, generate=self.generate)
        valid = Signal(copies, name=f"{stage.value}_fork_valid")
        taken = Signal(copies, name=f"{stage.value}_fork_ready")
        wires: dict[str, Value] = {
            "in_valid_i": source.valid,
            "in_ready_o": source.ready,
            "out_ready_i": taken,
            "out_valid_o": valid,
        }
        self.attach(m, f"fork_{stage.value}", module, wires)
        readies = [Signal(name=f"{link}_ready") for link in stage.writes]
        m.d.comb += taken.eq(Cat(*readies))
        for index, link in enumerate(stage.writes):
            live[link] = LiveStream(source.stream, source.data, valid[index], readies[index])

    def _through(
        self,
        m: Module,
        instance: str,
        module: HwModule,
        data: Value,
        source: LiveStream,
        stream: StreamType,
    ) -> LiveStream:
        out_data = Signal(len(module.outputs["out_data_o"]), name=f"{instance}_data")
        out_valid = Signal(name=f"{instance}_valid")
        onward = Signal(name=f"{instance}_ready")
        wires: dict[str, Value] = {
            "in_data_i": data,
            "in_valid_i": source.valid,
            "in_ready_o": source.ready,
            "out_data_o": out_data,
            "out_valid_o": out_valid,
            "out_ready_i": onward,
        }
        self.attach(m, instance, module, wires)
        return LiveStream(stream, out_data, out_valid, onward)


def converted(bits: Value, have: StreamType, want: StreamType) -> Value:
    """One beat with its lanes extended from the widths of `have` to those of `want`."""
    if have.widths == want.widths:
        return bits
    lanes = lanes_of(bits, have)
    parts = [extended(lane, width) for lane, width in zip(lanes, want.widths, strict=True)]
    return Cat(*parts) if parts else Const(0, 1)
