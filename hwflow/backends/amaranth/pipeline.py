# amaranth: UnusedElaboratable=no
"""Scheduled circuits as pipelines, and the module of one output position."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from amaranth import Cat, Const, Module, Signal, Value

from hwflow.backends.amaranth.dot import attach_tree
from hwflow.backends.amaranth.logic import drive, extended, shape_of
from hwflow.backends.amaranth.module import HwModule
from hwflow.plan import words as w
from hwflow.plan.schedule import Schedule, register_bits
from hwflow.plan.streams import StreamType

__all__ = ["KernelModule", "Pipeline", "lanes_of", "weight_bits", "weights_of"]


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
            elif isinstance(word.op, w.Dot | w.Owed):
                assert self.owner is not None
                place = self.owner, self.m, self._name(index)
                attach_tree(*place, word, self.circuit, self._reader(stage), signal)
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
