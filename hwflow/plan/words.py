"""Word-level circuits: a layer's arithmetic as scalar operations on integers.

A circuit is what the hardware will compute, one word per wire: every word has integer bounds
(so a width and a sign) and no binary point. It is built by `elaborate` with `circuit_builder`,
timed by `schedule` and emitted by the backends.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final, TypeAlias
from typing import Literal as OneOf

from hwflow.ir.types import Rounding

__all__ = [
    "DIGIT",
    "AtLeast", "Circuit", "Clip", "Digit", "Dot", "In", "Join", "Literal", "Max", "Mux", "Owed",
    "Product", "Recoding", "Relation", "Round", "Shl", "Sum", "Table", "Weight", "Word", "WordOp",
    "Wrap", "operands", "renumbered", "weight_width", "width_of",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class In:
    """Element `index` of the circuit's inputs."""

    index: int


@dataclass(frozen=True, slots=True)
class Weight:
    """Element `index` of the weights loaded at run time; it stands still while data flow."""

    index: int


@dataclass(frozen=True, slots=True)
class Literal:
    """A fixed integer."""

    value: int


@dataclass(frozen=True, slots=True)
class Shl:
    """``a << amount``: wires only."""

    a: int
    amount: int


@dataclass(frozen=True, slots=True)
class Sum:
    """``(a << a_shift) + (b << b_shift)``, or the difference; one of the shifts is 0."""

    a: int
    a_shift: int
    b: int
    b_shift: int
    subtract: bool = False


@dataclass(frozen=True, slots=True)
class Product:
    """``a * b`` of two live words."""

    a: int
    b: int


Recoding: TypeAlias = OneOf["plain", "radix4", "radix8"]


@dataclass(frozen=True, slots=True)
class Dot:
    """``addend + sum_k inputs[k] * weights[k]`` as one carry-save tree; no input is negative.

    Without weights it is the sum of the inputs. `recoding` says by what digits of the weights
    inputs are multiplied; radix8 alone reads `triples`, three times each input. `owed` is the word
    (`Owed`) that rows which are inverted for a negative digit leave to be added; -1 without any.
    """

    inputs: tuple[int, ...]
    triples: tuple[int, ...]
    weights: tuple[int, ...]
    addend: int
    recoding: Recoding
    owed: int = -1


@dataclass(frozen=True, slots=True)
class Owed:
    """``-(2**width - 1) * sum_k sum_d (digit d of weights[k] is inverted) * 2**place(d)``.

    It stands still as the weights do; `width` are the bits of the rows, `bits` those of a weight.
    """

    weights: tuple[int, ...]
    recoding: Recoding
    width: int
    bits: int


@dataclass(frozen=True, slots=True)
class Join:
    """``(b << shift) + a % 2**shift``: wires only."""

    a: int
    b: int
    shift: int


@dataclass(frozen=True, slots=True)
class Digit:
    """Binary digit `b` of the `count` (two's complement) digits of `a`, the highest being 0."""

    a: int
    b: int
    count: int


@dataclass(frozen=True, slots=True)
class Round:
    """``a / 2**shift`` rounded to an integer."""

    a: int
    shift: int
    rounding: Rounding


@dataclass(frozen=True, slots=True)
class Clip:
    """`a` saturated into [lo, hi]."""

    a: int
    lo: int
    hi: int


@dataclass(frozen=True, slots=True)
class Wrap:
    """`a` modulo ``hi - lo + 1`` (a power of two) into [lo, hi]."""

    a: int
    lo: int
    hi: int


@dataclass(frozen=True, slots=True)
class AtLeast:
    """1 if ``a >= level``, else 0."""

    a: int
    level: int


@dataclass(frozen=True, slots=True)
class Relation:
    """1 if ``a > b`` (or ``a == b`` when `equal`), else 0."""

    a: int
    b: int
    equal: bool


@dataclass(frozen=True, slots=True)
class Max:
    """The larger of two words."""

    a: int
    b: int


@dataclass(frozen=True, slots=True)
class Mux:
    """`a` where the 0-or-1 word `condition` is 1, else `b`."""

    condition: int
    a: int
    b: int


@dataclass(frozen=True, slots=True)
class Table:
    """``values[a - start]``."""

    a: int
    start: int
    values: tuple[int, ...]


WordOp: TypeAlias = (
    In
    | Weight
    | Dot
    | Owed
    | Literal
    | Shl
    | Sum
    | Product
    | Join
    | Digit
    | Round
    | Clip
    | Wrap
    | AtLeast
    | Relation
    | Max
    | Mux
    | Table
)


def operands(op: WordOp) -> tuple[int, ...]:
    """The words that `op` reads."""
    match op:
        case In() | Weight() | Literal():
            return ()
        case Dot(inputs, triples, weights, addend, recoding, owed):
            more = (*(triples if recoding == "radix8" else ()), *((owed,) if owed >= 0 else ()))
            return (*inputs, *more, *weights, addend)
        case Owed(weights, _, _, _):
            return weights
        case Sum(a, _, b, _, _) | Product(a, b) | Relation(a, b, _) | Max(a, b):
            return (a, b)
        case Join(a, b, _) | Digit(a, b, _):
            return (a, b)
        case Mux(condition, a, b):
            return (condition, a, b)
        case _:
            return (op.a,)


DIGIT: Final = {"plain": 1, "radix4": 2, "radix8": 3}
"""Bits of a weight in a digit of each recoding."""


def width_of(lo: int, hi: int) -> int:
    """Bits of a word with bounds [lo, hi], sign included; 0 for the constant zero."""
    if lo >= 0:
        return hi.bit_length()
    return max(hi.bit_length() if hi > 0 else 0, (-1 - lo).bit_length()) + 1


@dataclass(frozen=True, slots=True)
class Word:
    """One wire: the operation that drives it and its bounds."""

    op: WordOp
    lo: int
    hi: int

    @property
    def width(self) -> int:
        """Bits, sign included."""
        return width_of(self.lo, self.hi)

    @property
    def signed(self) -> bool:
        """Whether the word can be negative."""
        return self.lo < 0


@dataclass(frozen=True, slots=True)
class Circuit:
    """Words in topological order and, by index, the words that are the outputs.

    Inputs are the words with operation `In`; `inputs` are the bounds of all elements offered,
    whether read or not; likewise `Weight` and `weights`.
    """

    inputs: tuple[tuple[int, int], ...]
    words: tuple[Word, ...]
    outputs: tuple[int, ...]
    weights: tuple[tuple[int, int], ...] = ()

    @property
    def still(self) -> tuple[bool, ...]:
        """For each word whether it never moves while data flow: weights and what they make."""
        found: list[bool] = []
        for word in self.words:
            data = isinstance(word.op, In) or not all(found[i] for i in operands(word.op))
            found.append(not data)
        return tuple(found)

    def widths_of(self, word: Word) -> tuple[int, ...]:
        """Widths of the words that `word` reads."""
        return tuple(self.words[i].width for i in operands(word.op))


def weight_width(word: Word) -> int:
    """Bits of a weight with a sign, which it has in a dot product."""
    return word.width + (not word.signed)


def renumbered(word: Word, rank: dict[int, int]) -> Word:
    """`word` reading words by the new numbers of `rank`."""
    op: Any = word.op
    moved: dict[str, Any] = {
        name: rank[getattr(op, name)] for name in ("a", "b", "condition") if hasattr(op, name)
    }
    if isinstance(op, Dot):
        read = op.triples if op.recoding == "radix8" else ()
        lists = {"inputs": op.inputs, "triples": read, "weights": op.weights}
        moved = {name: tuple(rank[i] for i in each) for name, each in lists.items()}
        moved["addend"] = rank[op.addend]
        moved["owed"] = rank.get(op.owed, -1)
    if isinstance(op, Owed):
        moved = {"weights": tuple(rank[i] for i in op.weights)}
    return Word(replace(op, **moved), word.lo, word.hi) if moved else word
