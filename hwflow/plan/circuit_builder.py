"""Building word-level circuits: constants folded, identities applied, equal words shared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from hwflow.ir.types import Rounding
from hwflow.plan.words import (
    AtLeast,
    Circuit,
    Clip,
    Digit,
    Dot,
    In,
    Join,
    Literal,
    Max,
    Mux,
    Product,
    Relation,
    Round,
    Shl,
    Sum,
    Table,
    Weight,
    Word,
    WordOp,
    Wrap,
    operands,
    renumbered,
)

__all__ = ["CircuitBuilder"]

_MANY = 6
"""Words from which a sum is worth a carry-save tree."""


class CircuitBuilder:
    """Adds words with constant folding, algebraic identities and sharing of equal words."""

    def __init__(
        self, inputs: Sequence[tuple[int, int]], weights: Sequence[tuple[int, int]] = ()
    ) -> None:
        self.inputs, self.weights = tuple(inputs), tuple(weights)
        self.words: list[Word] = []
        self._known: dict[WordOp, int] = {}

    def build(self, outputs: Sequence[int]) -> Circuit:
        """The circuit of the words that the outputs need."""
        needed = set(outputs)
        for index in range(len(self.words) - 1, -1, -1):
            if index in needed:
                needed.update(operands(self.words[index].op))
        order = sorted(needed)
        rank = {old: new for new, old in enumerate(order)}
        words = tuple(renumbered(self.words[i], rank) for i in order)
        return Circuit(self.inputs, words, tuple(rank[o] for o in outputs), self.weights)

    def bounds(self, word: int) -> tuple[int, int]:
        """Bounds of a word."""
        return self.words[word].lo, self.words[word].hi

    def add(self, op: WordOp, lo: int, hi: int) -> int:
        """A word of those bounds; equal ones are shared, and one value is a literal."""
        if lo == hi and not isinstance(op, Literal):
            return self.literal(lo)
        if op not in self._known:
            self._known[op] = len(self.words)
            self.words.append(Word(op, lo, hi))
        return self._known[op]

    def input(self, index: int) -> int:
        """Element `index` of the inputs."""
        return self.add(In(index), *self.inputs[index])

    def weight(self, index: int) -> int:
        """Element `index` of the weights."""
        return self.add(Weight(index), *self.weights[index])

    def literal(self, value: int) -> int:
        """A constant."""
        return self.add(Literal(value), value, value)

    def shl(self, a: int, amount: int) -> int:
        """``a << amount``."""
        inner = self.words[a].op
        if isinstance(inner, Shl):
            a, amount = inner.a, amount + inner.amount
        if amount == 0:
            return a
        lo, hi = self.bounds(a)
        return self.add(Shl(a, amount), lo << amount, hi << amount)

    def sum(
        self,
        a: int,
        b: int,
        a_shift: int = 0,
        b_shift: int = 0,
        *,
        subtract: bool = False,
        within: tuple[int, int] | None = None,
    ) -> int:
        """``(a << a_shift) + (b << b_shift)`` or the difference.

        `within` gives tighter bounds where the operands are known to depend on each other.
        """
        joined = None if subtract else self._joined(a, b, a_shift, b_shift)
        if joined is not None:
            return joined
        a, a_shift = self._unshifted(a, a_shift)
        b, b_shift = self._unshifted(b, b_shift)
        if self.bounds(b) == (0, 0):
            return self.shl(a, a_shift)
        if self.bounds(a) == (0, 0) and not subtract:
            return self.shl(b, b_shift)
        if not subtract and (b, b_shift) < (a, a_shift):
            a, a_shift, b, b_shift = b, b_shift, a, a_shift
        common = min(a_shift, b_shift)
        a_shift, b_shift = a_shift - common, b_shift - common
        (alo, ahi), (blo, bhi) = self.bounds(a), self.bounds(b)
        if not subtract and within is None:
            for low, high, shift in ((a, b, b_shift), (b, a, a_shift)):
                if self.bounds(low)[0] >= 0 and self.bounds(low)[1] >> shift == 0:
                    bounds = (
                        (alo << a_shift) + (blo << b_shift),
                        (ahi << a_shift) + (bhi << b_shift),
                    )
                    return self.shl(self.join(low, high, shift, bounds), common)
        if subtract:
            blo, bhi = -bhi, -blo
        op = Sum(a, a_shift, b, b_shift, subtract)
        lo, hi = (alo << a_shift) + (blo << b_shift), (ahi << a_shift) + (bhi << b_shift)
        if within is not None:
            lo, hi = max(lo, -(-within[0] >> common)), min(hi, within[1] >> common)
        return self.shl(self.add(op, lo, hi), common)

    def dot(self, inputs: Sequence[int], weights: Sequence[int]) -> int:
        """``sum_k inputs[k] * weights[k]`` with weights loaded at run time.

        What inputs fall below zero is added to all of them and its product taken off again.
        """
        terms, owed = [], self.literal(0)
        for x, w in zip(inputs, weights, strict=True):
            low, high = self.bounds(x)
            if low < 0:
                owed = self.sum(owed, self.scaled(w, low))
            if high > min(low, 0):
                terms.append((self.sum(x, self.literal(max(0, -low))), w))
        if not terms:
            return owed
        xs, ws = (tuple(each) for each in zip(*terms, strict=True))
        corners = [[x * w for x in self.bounds(a) for w in self.bounds(b)] for a, b in terms]
        triples = tuple(self.scaled(x, 3) for x in xs)
        op = Dot(xs, triples, ws, self.literal(0), "radix8")
        return self.sum(self.add(op, sum(map(min, corners)), sum(map(max, corners))), owed)

    def many(self, words: Sequence[int]) -> int:
        """The sum of many words: a carry-save tree if `fitted` keeps it, wires if no bits meet."""
        parts = sorted((self._unshifted(word, 0)[1], word) for word in words)
        ends = [self.bounds(word)[1].bit_length() for _, word in parts]
        if any(self.bounds(word)[0] < 0 for word in words) or len(words) < _MANY:
            return self.total(words)
        if all(end <= place for end, (place, _) in zip(ends, parts[1:], strict=False)):
            return self.total([word for _, word in parts])
        lo, hi = (sum(self.bounds(word)[side] for word in words) for side in (0, 1))
        return self.add(Dot(tuple(words), (), (), self.literal(0), "plain"), lo, hi)

    def _joined(self, a: int, b: int, a_shift: int, b_shift: int) -> int | None:
        """A sum with a dot product that has no addend yet: the tree takes one row more."""
        for one, shift, other, other_shift in ((a, a_shift, b, b_shift), (b, b_shift, a, a_shift)):
            op = self.words[one].op
            if shift == 0 and isinstance(op, Dot) and self.bounds(op.addend) == (0, 0):
                if self.bounds(other) == (0, 0):
                    return one
                added = self.shl(other, other_shift)
                bounds = (p + q for p, q in zip(self.bounds(one), self.bounds(added), strict=True))
                return self.add(replace(op, addend=added), *bounds)
        return None

    def _unshifted(self, word: int, shift: int) -> tuple[int, int]:
        op = self.words[word].op
        return (op.a, shift + op.amount) if isinstance(op, Shl) else (word, shift)

    def negative(self, a: int) -> int:
        """``-a``."""
        return self.sum(self.literal(0), a, subtract=True)

    def product(self, a: int, b: int) -> int:
        """``a * b``; a constant factor becomes shifts and adds (canonical signed digits)."""
        for x, y in ((a, b), (b, a)):
            lo, hi = self.bounds(y)
            if lo == hi:
                return self.scaled(x, lo)
        (alo, ahi), (blo, bhi) = self.bounds(a), self.bounds(b)
        corners = (alo * blo, alo * bhi, ahi * blo, ahi * bhi)
        return self.add(Product(min(a, b), max(a, b)), min(corners), max(corners))

    def scaled(self, a: int, factor: int) -> int:
        """``a * factor`` by canonical signed digits."""
        lo, hi = self.bounds(a)
        total, value, position, rest = self.literal(0), 0, 0, abs(factor)
        while rest:
            if rest & 1:
                digit = 2 - (rest & 3)
                rest -= digit
                value += digit << position if factor > 0 else -digit << position
                within = (min(lo * value, hi * value), max(lo * value, hi * value))
                subtract = (digit < 0) == (factor > 0)
                total = self.sum(total, a, b_shift=position, subtract=subtract, within=within)
            rest >>= 1
            position += 1
        return total

    def join(self, low: int, high: int, shift: int, within: tuple[int, int]) -> int:
        """``(high << shift) + low % 2**shift``, known to lie `within`."""
        return self.add(Join(low, high, shift), *within)

    def round(
        self, a: int, shift: int, rounding: Rounding, within: tuple[int, int] | None = None
    ) -> int:
        """``a / 2**shift`` rounded; a negative shift multiplies. `within` as for `sum`."""
        if shift <= 0:
            return self.shl(a, -shift)
        lo, hi = (_rounded(v, shift, rounding) for v in self.bounds(a))
        return self.add(Round(a, shift, rounding), *(within or (lo, hi)))

    def clip(self, a: int, lo: int, hi: int) -> int:
        """`a` saturated; only the sides it can leave cost anything."""
        alo, ahi = self.bounds(a)
        low, high = max(lo, min(alo, hi)), min(hi, max(ahi, lo))
        if alo >= lo and ahi <= hi:
            return a
        return self.add(Clip(a, *_cheap_limits(low, high, alo, ahi)), low, high)

    def wrap(self, a: int, lo: int, hi: int, within: tuple[int, int] | None = None) -> int:
        """`a` wrapped into [lo, hi]; `within` as for `sum`."""
        alo, ahi = self.bounds(a)
        if alo >= lo and ahi <= hi:
            return a
        if alo == ahi:
            return self.literal(lo + (alo - lo) % (hi - lo + 1))
        return self.add(Wrap(a, lo, hi), *(within or (lo, hi)))

    def digit(self, a: int, index: int, count: int) -> int:
        """Digit `index` of the `count` binary digits of `a`, the highest being 0."""
        return a if self.bounds(a) == (0, 0) else self.add(Digit(a, index, count), 0, 1)

    def at_least(self, a: int, level: int) -> int:
        """``a >= level``."""
        lo, hi = self.bounds(a)
        return self.add(AtLeast(a, level), int(lo >= level), int(hi >= level))

    def relation(self, a: int, b: int, *, equal: bool = False) -> int:
        """``a > b`` or ``a == b``."""
        (alo, ahi), (blo, bhi) = self.bounds(a), self.bounds(b)
        if equal:
            sure, possible = alo == ahi == blo == bhi, alo <= bhi and blo <= ahi
        else:
            sure, possible = alo > bhi, ahi > blo
        return self.add(Relation(a, b, equal), int(sure), int(possible))

    def max(self, a: int, b: int) -> int:
        """The larger."""
        (alo, ahi), (blo, bhi) = self.bounds(a), self.bounds(b)
        if alo >= bhi or a == b:
            return a
        if blo >= ahi:
            return b
        return self.add(Max(min(a, b), max(a, b)), max(alo, blo), max(ahi, bhi))

    def mux(self, condition: int, a: int, b: int, within: tuple[int, int] | None = None) -> int:
        """`a` where condition is 1, else `b`; `within` as for `sum`."""
        if self.bounds(condition) in ((0, 0), (1, 1)):
            return a if self.bounds(condition)[0] else b
        if a == b:
            return a
        (alo, ahi), (blo, bhi) = self.bounds(a), self.bounds(b)
        return self.add(Mux(condition, a, b), *(within or (min(alo, blo), max(ahi, bhi))))

    def table(self, a: int, start: int, values: Sequence[int]) -> int:
        """``values[a - start]``, cut to what `a` reaches."""
        lo, hi = self.bounds(a)
        reached = tuple(values[lo - start : hi - start + 1])
        return self.add(Table(a, lo, reached), min(reached), max(reached))

    def inverted(self, bit: int) -> int:
        """``1 - bit`` for a 0-or-1 word."""
        return self.sum(self.literal(1), bit, subtract=True)

    def total(self, words: Sequence[int]) -> int:
        """The sum of many words as a balanced tree."""
        level = list(words) or [self.literal(0)]
        while len(level) > 1:
            pairs = [self.sum(a, b) for a, b in zip(level[::2], level[1::2], strict=False)]
            level = pairs + level[len(pairs) * 2 :]
        return level[0]


def _cheap_limits(low: int, high: int, alo: int, ahi: int) -> tuple[int, int]:
    """Limits that clip a word of [alo, ahi] like [low, high], with a power of two where possible.

    A limit that the word cannot pass may lie anywhere beyond; ranges of whole bits need no
    comparator.
    """
    if alo >= low and high & (high + 1) == 0 and high >= 0:
        return (0 if alo >= 0 else min(low, -high - 1)), high
    if ahi <= high and low == 0:
        return 0, (1 << high.bit_length()) - 1
    if ahi <= high and low < 0 and low & (-low - 1) == 0 and ahi < -low:
        return low, -low - 1
    return low, high


def _rounded(value: int, shift: int, rounding: Rounding) -> int:
    half = 1 << (shift - 1)
    if rounding is Rounding.FLOOR:
        offset = 0
    elif rounding is Rounding.HALF_UP:
        offset = half
    elif rounding is Rounding.HALF_EVEN:
        offset = half - 1 + ((value >> shift) & 1)
    elif rounding is Rounding.HALF_AWAY:
        offset = half - (value < 0)
    else:
        offset = (1 << shift) - 1 if value < 0 else 0
    return (value + offset) >> shift
