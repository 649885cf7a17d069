# amaranth: UnusedElaboratable=no
"""A dot product with weights loaded at run time: rows of partial products, one carry-save tree.

Weights are digits that choose multiples of an input, so that rows move only when inputs move:

- plain: one row for each bit of a weight, the sign's row inverted (Baugh and Wooley, 1973);
- radix4: Booth's digits -2..2 of two bits each (MacSorley, 1961);
- radix8: digits -4..4 of three bits; three times the input is made once for all outputs.

Rows are unsigned; what the inverted ones owe depends on weights alone and is one more row. The
tree takes rows three at a time, level by level, to a sum and a carry; the only carry that
propagates is that of the last addition.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from amaranth import C, Cat, Const, Module, Signal, Value, signed

from hwflow.backends.amaranth.logic import extended
from hwflow.backends.amaranth.module import HwModule
from hwflow.plan import words as w

__all__ = ["DotProduct", "attach_tree"]


@dataclass(frozen=True, slots=True)
class _Row:
    """Bits at places `shift` and above."""

    bits: Value
    shift: int

    @property
    def top(self) -> int:
        return self.shift + len(self.bits)


class _Tree(HwModule):
    """Rows added up to `sum_o` of `bits`, without registers."""

    def __init__(self, name: str, bits: int, *, generate: bool) -> None:
        super().__init__(name, generate=generate)
        self.bits = bits
        self.result = self.add_output("sum_o", bits)

    @property
    def clocked(self) -> bool:
        return False


class DotProduct(_Tree):
    """``sum_o = addend_i + sum_k x[k] * w[k]`` modulo ``2**bits``, without registers.

    `x_i` packs `count` unsigned inputs of `x_bits`, `w_i` as many signed weights of `w_bits`;
    with radix8 `triple_i` packs three times each input (`x_bits` + 2). But for plain, `owed_i` is
    what the inverted rows leave to be added (`_OwedSum`).
    """

    def __init__(
        self,
        name: str,
        count: int,
        x_bits: int,
        w_bits: int,
        bits: int,
        recoding: w.Recoding,
        *,
        generate: bool,
    ) -> None:
        super().__init__(name, bits, generate=generate)
        self.count, self.x_bits, self.w_bits, self.recoding = count, x_bits, w_bits, recoding
        self.x = self.add_input("x_i", count * x_bits)
        if recoding == "radix8":
            self.triple = self.add_input("triple_i", count * (x_bits + 2))
        self.w = self.add_input("w_i", count * w_bits)
        self.addend = self.add_input("addend_i", bits)
        if recoding != "plain":
            self.owed = self.add_input("owed_i", bits)

    def build(self, m: Module) -> None:
        rows = self._plain(m) if self.recoding == "plain" else self._booth(m)
        rows.append(_Row(self.addend, 0))
        m.d.comb += self.result.eq(_total(m, rows, self.bits))

    def _plain(self, m: Module) -> list[_Row]:
        rows, top = [], self.w_bits - 1
        for bit in range(self.w_bits):
            for k in range(self.count):
                row = Signal(self.x_bits, name=f"row_{bit}_{k}")
                chosen = self._input(k) & self._weight(k)[bit].replicate(self.x_bits)
                m.d.comb += row.eq(~chosen if bit == top else chosen)
                rows.append(_Row(row, bit))
        owed = -self.count * ((1 << self.x_bits) - 1) << top
        return [*rows, _Row(C(owed, signed(self.bits + 1))[: self.bits], 0)]

    def _booth(self, m: Module) -> list[_Row]:
        step = w.DIGIT[self.recoding]
        width = self.x_bits + step - 1
        rows = [_Row(self.owed, 0)]
        for place in range(0, self.w_bits, step):
            for k in range(self.count):
                digit = _digit(self._weight(k), place, step)
                row = Signal(width, name=f"row_{place}_{k}")
                chosen = self._multiple(m, k, place, digit, width)
                m.d.comb += row.eq(chosen ^ digit[-1].replicate(width))
                rows.append(_Row(row, place))
        return rows

    def _multiple(self, m: Module, k: int, place: int, digit: Value, width: int) -> Value:
        """The multiple of input k whose size the digit gives."""
        size = Signal(len(digit) - 1, name=f"size_{place}_{k}")
        low = digit[:-1]
        positive = low[0] + low[1:]
        negative = (1 << (len(digit) - 2)) - positive
        m.d.comb += size.eq(
            digit[-1].replicate(len(size)) & negative | (~digit[-1]).replicate(len(size)) & positive
        )
        x = self._input(k)
        parts = [(1, x), (2, Cat(Const(0, 1), x))]
        if self.recoding == "radix8":
            wide = self.x_bits + 2
            parts += [(3, self.triple[k * wide : (k + 1) * wide]), (4, Cat(Const(0, 2), x))]
        total: Value = Const(0, width)
        for value, bits in parts:
            total = total | extended(bits, width) & (size == value).replicate(width)
        return total

    def _input(self, k: int) -> Value:
        return self.x[k * self.x_bits : (k + 1) * self.x_bits]

    def _weight(self, k: int) -> Value:
        return self.w[k * self.w_bits : (k + 1) * self.w_bits]


def _digit(weight: Value, place: int, step: int) -> Value:
    """Bits of a weight's digit at `place`, the one below it first; the last says: inverted."""
    bits = extended(weight.as_signed(), place + step)
    return Cat(bits[place - 1] if place else Const(0, 1), bits[place : place + step])


class _OwedSum(_Tree):
    """``sum_o = -(2**width - 1) * sum of the places of inverted digits`` modulo ``2**bits``."""

    def __init__(self, name: str, op: w.Owed, bits: int, *, generate: bool) -> None:
        super().__init__(name, bits, generate=generate)
        self.op, self.w = op, self.add_input("w_i", len(op.weights) * op.bits)

    def build(self, m: Module) -> None:
        op, rows = self.op, list[_Row]()
        count, step = len(op.weights), w.DIGIT[op.recoding]
        for place in range(0, op.bits, step):
            for k in range(count):
                weight = self.w[k * op.bits : (k + 1) * op.bits]
                rows.append(_Row(_digit(weight, place, step)[-1], place))
        bits = (count << op.bits + step).bit_length()
        inverted = Signal(bits, name="inverted")
        m.d.comb += inverted.eq(_total(m, rows, bits))
        m.d.comb += self.result.eq(inverted - (inverted << op.width))


class _Sum(_Tree):
    """``sum_o = addend_i + sum_k x[k]`` modulo ``2**bits`` of `count` unsigned inputs."""

    def __init__(self, name: str, count: int, x_bits: int, bits: int, *, generate: bool) -> None:
        super().__init__(name, bits, generate=generate)
        self.count, self.x_bits = count, x_bits
        self.x = self.add_input("x_i", count * x_bits)
        self.addend = self.add_input("addend_i", bits)

    def build(self, m: Module) -> None:
        rows = [_Row(self.x.word_select(k, self.x_bits), 0) for k in range(self.count)]
        m.d.comb += self.result.eq(_total(m, [*rows, _Row(self.addend, 0)], self.bits))


def attach_tree(
    owner: HwModule,
    m: Module,
    instance: str,
    word: w.Word,
    circuit: w.Circuit,
    read: Callable[[int], Value],
    result: Signal,
) -> None:
    """Put a word of `circuit` inside `owner`: a dot product, a sum, or what inverted rows owe.

    `read` gives the words that it reads.
    """
    op, bits, stem = word.op, word.width, f"{owner.name.partition('__')[0]}__dot"

    def packed(words: Sequence[int], width: int) -> Value:
        return Cat(*(extended(read(i), width) for i in words))

    wires: dict[str, Value] = {"sum_o": result}
    module: _Tree
    if isinstance(op, w.Owed):
        name = f"{stem}_owed_{len(op.weights)}x{op.bits}_{op.width}_{op.recoding}"
        module = _OwedSum(name, op, bits, generate=owner.generate)
        wires["w_i"] = packed(op.weights, op.bits)
        owner.attach(m, instance, module, wires)
        return
    assert isinstance(op, w.Dot)
    count, x_bits = len(op.inputs), max(circuit.words[i].width for i in op.inputs)
    wires |= {"x_i": packed(op.inputs, x_bits), "addend_i": extended(read(op.addend), bits)}
    if op.weights:
        w_bits = max(w.weight_width(circuit.words[i]) for i in op.weights)
        name = f"{stem}_{count}x{x_bits}_{w_bits}_{bits}_{op.recoding}"
        form = count, x_bits, w_bits, bits, op.recoding
        module = DotProduct(name, *form, generate=owner.generate)
        wires["w_i"] = packed(op.weights, w_bits)
    else:
        name = f"{stem}_sum_{count}x{x_bits}_{bits}"
        module = _Sum(name, count, x_bits, bits, generate=owner.generate)
    if op.recoding == "radix8":
        wires["triple_i"] = packed(op.triples, x_bits + 2)
    if op.owed >= 0:
        wires["owed_i"] = extended(read(op.owed), bits)
    owner.attach(m, instance, module, wires)


def _total(m: Module, rows: Sequence[_Row], bits: int) -> Value:
    """The sum of `rows` modulo ``2**bits``: a tree and an addition."""
    first, second = _compressed(m, rows, bits)
    return _whole(first, bits) + _whole(second, bits)


def _whole(row: _Row, bits: int) -> Value:
    return extended(Cat(Const(0, row.shift), row.bits), bits)


def _compressed(m: Module, rows: Sequence[_Row], bits: int) -> tuple[_Row, _Row]:
    """Two rows of the same sum modulo ``2**bits``."""
    level, number = list(rows), 0
    while len(level) > 2:
        level, number = _next(m, level, bits, number)
    level += [_Row(Const(0, 1), 0)] * (2 - len(level))
    return level[0], level[1]


def _next(m: Module, rows: Sequence[_Row], bits: int, number: int) -> tuple[list[_Row], int]:
    """The next level of a tree, whose triples have numbers from `number` on, and what follows."""
    level = sorted(rows, key=lambda row: (row.shift, row.top))
    following = []
    for three in zip(level[::3], level[1::3], level[2::3], strict=False):
        following += _added(m, three, bits, str(number))
        number += 1
    return following + level[len(level) // 3 * 3 :], number


def _added(m: Module, three: tuple[_Row, ...], bits: int, name: str) -> list[_Row]:
    """Three rows as their sum and their carry, which begins where two of them meet."""
    low, middle, _ = sorted(row.shift for row in three)
    _, second, top = sorted(min(row.top, bits) for row in three)
    total = Signal(top - low, name=f"sum_{name}")
    a, b, c = (_placed(row, low, top) for row in three)
    m.d.comb += total.eq(a ^ b ^ c)
    second = min(second, bits - 1)
    if second <= middle:
        return [_Row(total, low)]
    a, b, c = (_placed(row, middle, second) for row in three)
    carry = Signal(second - middle, name=f"carry_{name}")
    m.d.comb += carry.eq(a & b | a & c | b & c)
    return [_Row(total, low), _Row(carry, middle + 1)]


def _placed(row: _Row, low: int, top: int) -> Value:
    """Bits of a row at places `low` to `top`."""
    whole = extended(Cat(Const(0, row.shift), row.bits), top)
    return whole[low:top]
