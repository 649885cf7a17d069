# amaranth: UnusedElaboratable=no
"""A layer of dot products with run-time weights, by hand: where registers cut it, what holds still.

What hwflow builds (`hwflow/backends/amaranth/serial.py`), and beside it forms that it does not
have: registers before the trees or in them, and other ways to hold what nobody reads.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from amaranth import Cat, Const, Module, Mux, Signal, Value

from hwflow.backends.amaranth.dot import DotProduct, _next, _Row, _total
from hwflow.backends.amaranth.module import HwModule
from hwflow.plan.words import Recoding

__all__ = ["COUNT", "SUM", "W_BITS", "X_BITS", "Form", "GlitchLayer"]

COUNT, X_BITS, W_BITS, SUM = 128, 12, 6, 22
"""The published encoder's dense layer: inputs, their bits, bits of a weight, and of the sums."""


@dataclass(frozen=True, slots=True)
class Form:
    """One form of the layer.

    `cut` is the level of the trees behind which rows are registered, 0 for a row of registers
    before the trees (of the parts and of three times each), -1 for none. `source` says where
    inputs come from: a register that loads when they are valid ("held"), such a register for all
    but the first part, which comes from the pins ("split"), the pins ("open"), or the pins through
    an AND gate a bit ("gated"). `idle` is what the trees read while nothing is taken:
    the first part ("first", as in hwflow), the last one that was taken ("last", which is the same
    but for a gate where wafers leave no clocks free), or zeros ("zero").
    """

    outputs: int
    parts: int
    recoding: Recoding
    cut: int = -1
    source: Literal["held", "split", "open", "gated"] = "held"
    idle: Literal["first", "last", "zero"] = "last"


class _CutDot(DotProduct):
    """A dot product whose rows are registered behind level `cut` while `en_i` is high.

    What stands still or belongs to the clock after joins behind the registers.
    """

    def __init__(self, name: str, form: Form) -> None:
        shape = COUNT, X_BITS // form.parts, W_BITS, SUM, form.recoding
        super().__init__(name, *shape, generate=True)
        self.cut, self.enable = form.cut, self.add_input("en_i", 1)
        self.registers = 0

    @property
    def clocked(self) -> bool:
        return True

    def build(self, m: Module) -> None:
        plain = self.recoding == "plain"
        rows = self._plain(m) if plain else self._booth(m)
        still = rows.pop(-1 if plain else 0)
        number = 0
        for _ in range(self.cut):
            rows, number = _next(m, rows, self.bits, number)
        registered = []
        for index, row in enumerate(rows):
            register = Signal(len(row.bits), name=f"cut_{index}", reset_less=True)
            with m.If(self.enable):
                m.d.sync += register.eq(row.bits)
            self.registers += len(row.bits)
            registered.append(_Row(register, row.shift))
        rows = [*registered, still, _Row(self.addend, 0)]
        while len(rows) > 2:
            rows, number = _next(m, rows, self.bits, number)
        m.d.comb += self.result.eq(_total(m, rows, self.bits))


class GlitchLayer(HwModule):
    """Sums of the inputs of `in_data_i` times the weights there, in the clocks after `valid`.

    `in_data_i` packs, from bit 0: whether inputs are valid, the inputs, and for each output its
    weights and what inverted rows owe. `out_data_o` packs the sums; `done_o` is `go_i`.
    """

    uses_reset = True

    def __init__(self, name: str, form: Form) -> None:
        super().__init__(name, generate=True)
        self.form = form
        self.go = self.add_input("go_i", 1)
        self.data = self.add_input("in_data_i", sum(self.lanes(form)[0]))
        self.done = self.add_output("done_o", 1)
        self.result = self.add_output("out_data_o", form.outputs * SUM)

    @staticmethod
    def lanes(form: Form) -> tuple[tuple[int, ...], tuple[bool, ...]]:
        """Widths of the lanes of `in_data_i`, and which are signed."""
        neuron = (*[W_BITS] * COUNT, SUM)
        widths = (1, *[X_BITS] * COUNT, *neuron * form.outputs)
        signs = (*[False] * (1 + COUNT), *(True,) * len(neuron) * form.outputs)
        return widths, signs

    @staticmethod
    def latency(form: Form) -> int:
        """Clocks from valid inputs to their sums."""
        return form.parts + (form.source == "held") + (form.cut >= 0)

    def build(self, m: Module) -> None:
        form, last = self.form, self.form.parts - 1
        valid, x, neurons = self._inputs(m)
        step = Signal(range(form.parts), name="step")
        advance = Signal(name="advance")
        m.d.comb += [self.done.eq(self.go), advance.eq(valid | (step != 0))]
        with m.If(advance):
            m.d.sync += step.eq(Mux(step == last, 0, step + 1))
        if form.source == "gated":
            x = x & advance.replicate(len(x))
        chosen: Value = Mux(advance, step, last) if form.idle == "last" else step
        first: Value = step == 0
        operands = [self._part(m, x, chosen, advance, 1)]
        if form.recoding == "radix8":
            operands.append(self._part(m, x, chosen, advance, 3))
        enable: Value = advance
        if form.cut == 0:
            operands = [self._registered(m, f"operand_{i}", v, advance)
                        for i, v in enumerate(operands)]  # fmt: skip
        if form.cut >= 0:
            delayed = Signal(2, name="delayed")
            m.d.sync += delayed.eq(Cat(advance, first))
            enable, first = delayed[0], delayed[1]
        sums = []
        for index, (weights, owed) in enumerate(neurons):
            register = Signal(SUM, name=f"acc_{index}", reset_less=True)
            total = Signal(SUM, name=f"total_{index}")
            kept = Mux(first, 0, register) << X_BITS // form.parts
            self._tree(m, f"dot_{index}", advance, operands, weights, owed, kept[:SUM], total)
            with m.If(enable):
                m.d.sync += register.eq(total)
            sums.append(register)
        m.d.comb += self.result.eq(Cat(*sums))

    def _inputs(self, m: Module) -> tuple[Value, Value, list[tuple[Value, Value]]]:
        """Whether they are valid, the inputs, weights and debts of each output."""
        valid: Value = self.data[0]
        x: Value = self.data[1 : 1 + COUNT * X_BITS]
        size = COUNT * W_BITS
        neurons = []
        for index in range(self.form.outputs):
            begin = 1 + COUNT * X_BITS + index * (size + SUM)
            weights = self.data[begin : begin + size]
            neurons.append((weights, self.data[begin + size : begin + size + SUM]))
        if self.form.source == "held":
            there = Signal(name="there")
            m.d.sync += there.eq(valid)
            x = self._registered(m, "x", x, valid)
            valid = there
        if self.form.source == "split":
            later = X_BITS - X_BITS // self.form.parts
            lanes = [x.word_select(k, X_BITS) for k in range(COUNT)]
            kept = self._registered(m, "x", Cat(*(lane[:later] for lane in lanes)), valid)
            x = Cat(*(Cat(kept.word_select(k, later), lane[later:])
                      for k, lane in enumerate(lanes)))  # fmt: skip
        return valid, x, neurons

    def _registered(self, m: Module, name: str, value: Value, enable: Value) -> Value:
        register = Signal(len(value), name=name, reset_less=True)
        with m.If(enable):
            m.d.sync += register.eq(value)
        return register

    def _part(self, m: Module, x: Value, step: Value, advance: Value, factor: int) -> Value:
        """`factor` times the bits of this step of every input, the highest in step 0."""
        digit = X_BITS // self.form.parts
        bits = digit if factor == 1 else digit + 2
        name, chosen = "part" if factor == 1 else "triple", list[Value]()
        for index in range(COUNT):
            each = list[Value]()
            for k in reversed(range(self.form.parts)):
                low = index * X_BITS + k * digit
                piece: Value = x[low : low + digit]
                piece = piece if factor == 1 else piece + (piece << 1)
                each.append(Cat(piece, Const(0, bits))[:bits])
            part = Signal(bits, name=f"{name}_{index}")
            m.d.comb += part.eq(Cat(*each).word_select(step, bits))
            if self.form.idle == "zero":
                chosen.append(part & advance.replicate(bits))
            else:
                chosen.append(part)
        return Cat(*chosen)

    def _tree(
        self,
        m: Module,
        name: str,
        advance: Value,
        operands: list[Value],
        weights: Value,
        owed: Value,
        addend: Value,
        total: Signal,
    ) -> None:
        form = self.form
        wires: dict[str, Value] = {
            "x_i": operands[0], "w_i": weights, "addend_i": addend, "sum_o": total,
        }  # fmt: skip
        if form.recoding == "radix8":
            wires["triple_i"] = operands[1]
        if form.recoding != "plain":
            wires["owed_i"] = owed
        tree: DotProduct
        if form.cut > 0:
            tree = _CutDot(f"{self.name}__dot", form)
            wires["en_i"] = advance
        else:
            shape = COUNT, X_BITS // form.parts, W_BITS, SUM, form.recoding
            tree = DotProduct(f"{self.name}__dot", *shape, generate=True)
        self.attach(m, name, tree, wires)
