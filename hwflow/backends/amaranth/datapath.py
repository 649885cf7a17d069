# amaranth: UnusedElaboratable=no
"""Layers: scheduled circuits as pipelines, repeated over positions or behind a line buffer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import pairwise

from amaranth import Cat, Const, Module, Mux, Signal, Value

from hwflow.backends.amaranth.dot import attach_dot, attach_owed
from hwflow.backends.amaranth.logic import drive, extended, shape_of
from hwflow.backends.amaranth.module import HwModule
from hwflow.plan import words as w
from hwflow.plan.circuit_builder import split
from hwflow.plan.kernel import raster_steps
from hwflow.plan.layer import LayerPlan, chain_length
from hwflow.plan.schedule import Schedule, register_bits
from hwflow.plan.streams import StreamType

__all__ = [
    "GatherLayer",
    "KernelModule",
    "ParallelLayer",
    "Pipeline",
    "WindowLayer",
    "lanes_of",
    "layer_module",
    "weight_bits",
    "weights_of",
]


def lanes_of(data: Value, stream: StreamType) -> list[Value]:
    """The lanes of one beat as signed or unsigned values."""
    result = []
    for offset, width, is_signed in zip(stream.offsets, stream.widths, stream.signed, strict=True):
        bits = data[offset : offset + width]
        result.append(bits.as_signed() if is_signed else bits)
    return result


class Pipeline:
    """A circuit's words as named signals, registered where a later stage reads them.

    `enable` is one bit for all registers or one for each stage. Dot products become modules
    inside `owner`, which a circuit with weights needs.
    """

    def __init__(
        self,
        m: Module,
        circuit: w.Circuit,
        timing: Schedule,
        enable: Value,
        prefix: str = "",
        owner: HwModule | None = None,
    ) -> None:
        self.m, self.circuit, self.timing, self.enable = m, circuit, timing, enable
        self.prefix, self.owner = prefix, owner
        self.still = circuit.still
        self.stages: list[dict[int, Value]] = [{} for _ in circuit.words]

    def build(self, inputs: Sequence[Value], weights: Sequence[Value] = ()) -> list[Value]:
        """Drive all words; returns the outputs, taken at the last stage."""
        for index, word in enumerate(self.circuit.words):
            stage = self.timing.stages[index]
            if isinstance(word.op, w.Literal):
                continue
            signal = Signal(shape_of(word), name=self._name(index))
            self.stages[index][stage] = signal
            if isinstance(word.op, w.In):
                self.m.d.comb += signal.eq(extended(inputs[word.op.index], word.width))
            elif isinstance(word.op, w.Weight):
                self.m.d.comb += signal.eq(extended(weights[word.op.index], word.width))
            elif isinstance(word.op, w.Dot):
                assert self.owner is not None
                read = self._reader(stage)
                attach_dot(self.owner, self.m, self._name(index), word, self.circuit, read, signal)
            elif isinstance(word.op, w.Owed):
                assert self.owner is not None
                read = self._reader(stage)
                attach_owed(self.owner, self.m, self._name(index), word, self.circuit, read, signal)
            else:
                drive(self.m, signal, word, self._reader(stage))
        return [self.at(o, self.timing.latency) for o in self.circuit.outputs]

    def _reader(self, stage: int) -> Callable[[int], Value]:
        return lambda index: self.at(index, stage)

    def _name(self, index: int) -> str:
        op = self.circuit.words[index].op
        if isinstance(op, w.In):
            return f"{self.prefix}x_{op.index}"
        if isinstance(op, w.Weight):
            return f"{self.prefix}w_{op.index}"
        return f"{self.prefix}{type(op).__name__.lower()}_{index}"

    def at(self, index: int, stage: int) -> Value:
        """The value of a word in a later stage."""
        word = self.circuit.words[index]
        if isinstance(word.op, w.Literal):
            return Const(word.op.value, shape_of(word))
        known = self.stages[index]
        if self.still[index]:
            return known[0]
        if isinstance(word.op, w.Shl) and stage not in known:
            bits = Cat(Const(0, word.op.amount), self.at(word.op.a, stage))
            known[stage] = Signal(shape_of(word), name=f"{self._name(index)}_s{stage}")
            self.m.d.comb += known[stage].eq(extended(bits, word.width))
        if stage not in known:
            before = self.at(index, stage - 1)
            register = Signal(shape_of(word), name=f"{self._name(index)}_s{stage}", reset_less=True)
            enable = self.enable[stage - 1] if len(self.enable) > 1 else self.enable
            with self.m.If(enable):
                self.m.d.sync += register.eq(before)
            known[stage] = register
        return known[stage]


class KernelModule(HwModule):
    """One output position of a layer: `in_data_i` to `out_data_o` in `latency` enabled clocks.

    `enables` is the number of bits of `en_i`: none, one, or one for each stage. `weights_i` packs
    those weights that the circuit reads.
    """

    def __init__(
        self, name: str, circuit: w.Circuit, timing: Schedule, *, enables: int, generate: bool
    ) -> None:
        super().__init__(name, generate=generate)
        self.circuit, self.timing = circuit, timing
        self.registers = register_bits(circuit, timing) > 0
        self.used = tuple(word for word in circuit.words if isinstance(word.op, w.In))
        self.enable: Value = Const(1, 1)
        if enables and self.registers:
            self.enable = self.add_input("en_i", enables)
        self.data = self.add_input("in_data_i", max(1, sum(u.width for u in self.used)))
        self.loaded = tuple(word for word in circuit.words if isinstance(word.op, w.Weight))
        if self.loaded:
            self.add_input("weights_i", max(1, sum(u.width for u in self.loaded)))
        widths = [circuit.words[o].width for o in circuit.outputs]
        self.result = self.add_output("out_data_o", max(1, sum(widths)))

    @property
    def clocked(self) -> bool:
        return self.registers

    def build(self, m: Module) -> None:
        inputs = _unpacked(self.data, self.used, len(self.circuit.inputs))
        loaded = self.inputs.get("weights_i", Const(0, 1))
        weights = _unpacked(loaded, self.loaded, len(self.circuit.weights))
        pipeline = Pipeline(m, self.circuit, self.timing, self.enable, owner=self)
        m.d.comb += self.result.eq(Cat(*pipeline.build(inputs, weights)))

    def gathered(self, elements: Sequence[Value]) -> Value:
        """The `in_data_i` of the kernel inputs `elements` (all of them, in order)."""
        return _packed(elements, self.used)

    def wires(
        self,
        elements: Sequence[Value],
        result: Signal,
        enable: Value,
        weights: Sequence[Value] = (),
    ) -> dict[str, Value]:
        """Connections for `attach`."""
        connections = {"in_data_i": self.gathered(elements), "out_data_o": result}
        if "weights_i" in self.inputs:
            connections["weights_i"] = _packed(weights, self.loaded)
        if "en_i" in self.inputs:
            connections["en_i"] = enable
        return connections


def _unpacked(data: Value, words: Sequence[w.Word], count: int) -> list[Value]:
    """`count` elements, of which `words` read those packed in `data`."""
    elements: list[Value] = [Const(0, 1)] * count
    offset = 0
    for word in words:
        assert isinstance(word.op, (w.In, w.Weight))
        elements[word.op.index] = data[offset : offset + word.width]
        offset += word.width
    return elements


def _packed(elements: Sequence[Value], words: Sequence[w.Word]) -> Value:
    """Of `elements` those that `words` read, without gaps."""
    parts = []
    for word in words:
        assert isinstance(word.op, (w.In, w.Weight))
        parts.append(extended(elements[word.op.index], word.width))
    return Cat(*parts) if parts else Const(0, 1)


def weights_of(data: Value, circuit: w.Circuit) -> list[Value]:
    """The weights of a layer's circuit, all of which `data` packs by their bounds."""
    bounds = circuit.weights
    words = [w.Word(w.Weight(i), lo, hi) for i, (lo, hi) in enumerate(bounds)]
    return _unpacked(data, words, len(bounds))


def weight_bits(circuit: w.Circuit) -> int:
    """Bits of all weights of a circuit, read or not."""
    return sum(w.width_of(lo, hi) for lo, hi in circuit.weights)


def layer_module(design: str, plan: LayerPlan, *, enables: int, generate: bool) -> HwModule:
    """The module `<design>__<layer>` of a layer that is not folded."""
    if plan.gathers:
        return GatherLayer(design, plan, generate=generate)
    if plan.window is not None:
        return WindowLayer(design, plan, generate=generate)
    return ParallelLayer(design, plan, enables=enables, generate=generate)


class ParallelLayer(HwModule):
    """A fully parallel layer: all positions at once, one register enable.

    Ports: `in_data_i` (or `in0_data_i`, `in1_data_i`, ...), `out_data_o` (likewise), `en_i` of
    `enables` bits if it has registers and its region can stall, `weights_i` if it reads any.
    """

    def __init__(self, design: str, plan: LayerPlan, *, enables: int, generate: bool) -> None:
        super().__init__(f"{design}__{plan.name}", generate=generate)
        self.plan, self.enables = plan, enables
        self.split = split(plan.circuit) if plan.weights and plan.positions > 1 else None
        kernel = self.kernel = self._kernel()
        if "en_i" in kernel.inputs:
            self.add_input("en_i", enables)
        if plan.weights:
            self.add_input("weights_i", max(1, weight_bits(plan.circuit)))
        self.sources = [
            self.add_input(f"in{_number(plan.inputs, k)}_data_i", max(1, plan.stream(v).bits))
            for k, v in enumerate(plan.inputs)
        ]
        self.results = [
            self.add_output(f"out{_number(plan.outputs, k)}_data_o", max(1, plan.stream(v).bits))
            for k, v in enumerate(plan.outputs)
        ]

    def _kernel(self) -> KernelModule:
        circuit, timing = self.plan.circuit, self.plan.schedule
        if self.split is not None:
            circuit = self.split.moving
            stages = tuple(timing.stages[i] for i in self.split.kept)
            timing = replace(timing, stages=stages)
        return KernelModule(
            f"{self.name}__kernel",
            circuit,
            timing,
            enables=self.enables,
            generate=self.generate,
        )

    @property
    def clocked(self) -> bool:
        return self.kernel.clocked

    def build(self, m: Module) -> None:
        plan = self.plan
        enable = self.inputs.get("en_i", Const(1, 1))
        lanes = [
            lanes_of(data, plan.stream(v))
            for data, v in zip(self.sources, plan.inputs, strict=True)
        ]
        weights = weights_of(self.inputs.get("weights_i", Const(0, 1)), plan.circuit)
        if plan.positions == 1 or plan.folding.pos == 1:
            elements = self._gathered(lanes, 0)
            pipeline = Pipeline(m, plan.circuit, plan.schedule, enable, owner=self)
            self._deliver(m, pipeline.build(elements, weights))
            return
        if self.split is not None:  # what weights alone make is made once for all positions
            none = Schedule(tuple(0 for _ in self.split.still.words), 0, 0.0, 0.0)
            once = Pipeline(m, self.split.still, none, Const(1, 1), "still_", self)
            weights = once.build([], weights)
        results = []
        for position in range(plan.kernel.positions):
            elements = self._gathered(lanes, position)
            kernel = self._kernel()
            result = Signal(len(kernel.result), name=f"pos_{position}_data")
            wires = kernel.wires(elements, result, enable, weights)
            self.attach(m, f"pos_{position}", kernel, wires)
            results.append(result)
        m.d.comb += self.results[0].eq(Cat(*results))

    def _gathered(self, lanes: Sequence[list[Value]], position: int) -> list[Value]:
        """The kernel's inputs at `position`, zeros where its window is padded."""
        return [
            tensor[index] if index >= 0 else Const(0, 1)
            for tensor, gather in zip(lanes, self.plan.kernel.gathers, strict=True)
            for index in gather[position]
        ]

    def _deliver(self, m: Module, words: Sequence[Value]) -> None:
        offset = 0
        for port, value in zip(self.results, self.plan.outputs, strict=True):
            count = self.plan.stream(value).lanes
            m.d.comb += port.eq(Cat(*words[offset : offset + count]))
            offset += count


def _number(values: Sequence[str], index: int) -> str:
    return str(index) if len(values) > 1 else ""


class WindowLayer(HwModule):
    """A layer of one kernel behind a line buffer: one padded pixel a clock, raster order.

    Takes `in_data_i` when `in_valid_i` and `in_ready_o`; `out_valid_o` marks `out_data_o`; all
    registers hold while `en_i` is low.
    """

    uses_reset = True

    def __init__(self, design: str, plan: LayerPlan, *, generate: bool) -> None:
        super().__init__(f"{design}__{plan.name}", generate=generate)
        self.plan = plan
        self.source = plan.stream(plan.inputs[0])
        self.enable = self.add_input("en_i", 1)
        self.data = self.add_input("in_data_i", max(1, self.source.bits))
        self.valid = self.add_input("in_valid_i", 1)
        self.ready = self.add_output("in_ready_o", 1)
        self.result = self.add_output("out_data_o", max(1, plan.stream(plan.outputs[0]).bits))
        self.result_valid = self.add_output("out_valid_o", 1)

    def build(self, m: Module) -> None:
        window = self.plan.window
        assert window is not None
        steps = raster_steps(window)
        step = Signal(range(max(2, len(steps))), name="raster_step")
        takes, completes = Signal(name="takes_pixel"), Signal(name="completes_window")
        m.d.comb += [takes.eq(_one_of(step, steps, 0)), completes.eq(_one_of(step, steps, 1))]
        advance = Signal(name="advance")
        m.d.comb += [
            advance.eq(self.enable & (self.valid | ~takes)),
            self.ready.eq(self.enable & takes),
        ]
        chain = self._chain(m, advance, takes)
        valids = [Signal(name=f"window_valid_s{i}") for i in range(self.plan.latency + 1)]
        with m.If(self.enable):
            m.d.sync += valids[0].eq(advance & completes)
            m.d.sync += [after.eq(before) for before, after in pairwise(valids)]
        with m.If(advance):
            m.d.sync += step.eq(step + 1)
            with m.If(step == len(steps) - 1):
                m.d.sync += step.eq(0)
        kernel = KernelModule(
            f"{self.name}__kernel",
            self.plan.circuit,
            self.plan.schedule,
            enables=1,
            generate=self.generate,
        )
        elements = self._taps(chain)
        self.attach(m, "kernel", kernel, kernel.wires(elements, self.result, self.enable))
        m.d.comb += self.result_valid.eq(valids[-1])

    def _chain(self, m: Module, advance: Value, takes: Value) -> list[Signal]:
        """The line buffer: pixel registers, newest first."""
        window = self.plan.window
        assert window is not None
        pixel = Signal(len(self.data), name="pixel")
        m.d.comb += pixel.eq(self.data & takes.replicate(len(self.data)))
        chain = [
            Signal(len(self.data), name=f"line_{i}", reset_less=True)
            for i in range(chain_length(window))
        ]
        with m.If(advance):
            m.d.sync += [after.eq(before) for before, after in pairwise([pixel, *chain])]
        return chain

    def _taps(self, chain: list[Signal]) -> list[Value]:
        """Kernel inputs in order: window rows, columns, channels; the newest pixel is last."""
        window = self.plan.window
        assert window is not None
        rows, cols = (*window.span, 1)[:2]
        width = window.shape[1] + sum(window.padding[1]) if len(window.span) == 2 else 1
        elements: list[Value] = []
        for r in range(rows):
            for c in range(cols):
                age = (rows - 1 - r) * width + (cols - 1 - c)
                elements += lanes_of(chain[age], self.source)
        return elements


class GatherLayer(HwModule):
    """Some kernels side by side, their positions picked from a tensor step by step.

    Ports as of `WindowLayer`; a tensor is taken with its first step and kept for the others.
    """

    uses_reset = True

    def __init__(self, design: str, plan: LayerPlan, *, generate: bool) -> None:
        super().__init__(f"{design}__{plan.name}", generate=generate)
        self.plan = plan
        self.source = plan.stream(plan.inputs[0])
        self.enable = self.add_input("en_i", 1)
        self.data = self.add_input("in_data_i", max(1, self.source.bits))
        self.valid = self.add_input("in_valid_i", 1)
        self.ready = self.add_output("in_ready_o", 1)
        self.result = self.add_output("out_data_o", max(1, plan.stream(plan.outputs[0]).bits))
        self.result_valid = self.add_output("out_valid_o", 1)

    def build(self, m: Module) -> None:
        plan = self.plan
        step, advance = Signal(range(plan.steps), name="step"), Signal(name="advance")
        starts = Signal(name="step_starts")
        kept = Signal(len(self.data), name="tensor", reset_less=True)
        m.d.comb += [
            starts.eq(step == 0),
            advance.eq(self.enable & (self.valid | ~starts)),
            self.ready.eq(self.enable & starts),
        ]
        with m.If(advance):
            m.d.sync += step.eq(Mux(step == plan.steps - 1, 0, step + 1))
        with m.If(advance & starts):
            m.d.sync += kept.eq(self.data)
        valids = [Signal(name=f"picked_valid_s{i}") for i in range(plan.latency + 1)]
        with m.If(self.enable):
            m.d.sync += [after.eq(before) for before, after in pairwise([advance, *valids])]
        lanes = lanes_of(self.data, self.source), lanes_of(kept, self.source)
        results = []
        for copy in range(plan.copies):
            kernel = KernelModule(
                f"{self.name}__kernel",
                plan.circuit,
                plan.schedule,
                enables=1,
                generate=self.generate,
            )
            picked = self._picked(m, step, lanes, copy, kernel)
            result = Signal(len(kernel.result), name=f"pos_{copy}_data")
            self.attach(m, f"pos_{copy}", kernel, kernel.wires(picked, result, self.enable))
            results.append(result)
        m.d.comb += [self.result.eq(Cat(*results)), self.result_valid.eq(valids[-1])]

    def _picked(
        self,
        m: Module,
        step: Signal,
        lanes: tuple[list[Value], list[Value]],
        copy: int,
        kernel: KernelModule,
    ) -> list[Value]:
        """The kernel inputs of copy number `copy`, registered; zeros where padded.

        `lanes` are those of the tensor that arrives (first step) and of the one kept.
        """
        (gather,) = self.plan.kernel.gathers
        picked: list[Value] = [Const(0, 1)] * gather.shape[1]
        for word in kernel.used:
            assert isinstance(word.op, w.In)
            element = word.op.index
            rows = gather[copy :: self.plan.copies, element]
            choices = [
                extended(lanes[turn > 0][i], word.width) if i >= 0 else Const(0, word.width)
                for turn, i in enumerate(rows)
            ]
            chosen = Signal(word.width, name=f"pos_{copy}_pick_{element}")
            with m.Switch(step):
                for turn, choice in enumerate(choices[:-1]):
                    with m.Case(turn):
                        m.d.comb += chosen.eq(choice)
                with m.Default():
                    m.d.comb += chosen.eq(choices[-1])
            held = Signal(word.width, name=f"pos_{copy}_x_{element}", reset_less=True)
            with m.If(self.enable):
                m.d.sync += held.eq(chosen)
            picked[element] = held
        return picked


def _one_of(step: Signal, steps: tuple[tuple[bool, bool], ...], which: int) -> Value:
    """1 in the steps whose flag `which` is set."""
    table = sum(1 << i for i, flags in enumerate(steps) if flags[which])
    return Const(table, len(steps)).bit_select(step, 1)
