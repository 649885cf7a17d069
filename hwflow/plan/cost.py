"""Planning estimates of one word's delay and LUTs, before anything is synthesized."""

from __future__ import annotations

from hwflow.ir.types import Rounding
from hwflow.plan.targets import DelayModel
from hwflow.plan.words import (
    DIGIT,
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
    Owed,
    Product,
    Relation,
    Round,
    Shl,
    Sum,
    Table,
    Weight,
    Word,
    Wrap,
)

__all__ = ["adder_bits", "delay", "luts"]


def adder_bits(circuit: Circuit, word: Word) -> int:
    """Full-adder positions of a sum: bits that a shifted operand passes through are free."""
    op = word.op
    if not isinstance(op, Sum):
        return 0
    if op.subtract and op.a_shift:
        return word.width
    low = op.b_shift if op.b_shift else op.a_shift
    return max(1, min(word.width, word.width - low))


def delay(circuit: Circuit, word: Word, model: DelayModel) -> float:
    """Nanoseconds through one word's logic, routing included."""
    widths = circuit.widths_of(word)
    match word.op:
        case In() | Weight() | Owed() | Literal() | Shl() | Wrap() | Join():
            return 0.0
        case Dot():
            return model.lut * (2 + dot_levels(word.op)) + model.adder(word.width)
        case Sum():
            bits = adder_bits(circuit, word)
            return model.lut if bits <= 1 else model.adder(bits)
        case Product() if model.product is not None:
            return model.product
        case Product():
            return model.lut + model.adder(word.width) * max(1, min(widths) - 1).bit_length()
        case Round(_, _, rounding):
            if rounding is Rounding.FLOOR:
                return 0.0
            return model.adder(word.width) + (rounding is not Rounding.HALF_UP) * model.lut
        case Clip(_, lo, hi):
            easy = _is_mask(hi) and (lo >= 0 or lo == -hi - 1)
            return 2 * model.lut if easy else model.adder(widths[0]) + model.lut
        case AtLeast(a, level) if level > 0 and _is_mask(level - 1) and circuit.words[a].lo >= 0:
            bits = max(1, widths[0] - level.bit_length() + 1)  # one of the highest bits is set
            return model.lut * -(-bits.bit_length() // 2)
        case AtLeast() | Relation():
            return model.adder(max(widths))
        case Max():
            return model.adder(word.width) + model.lut
        case Mux():
            return model.lut
        case Digit(_, _, count):
            return model.lut * (count - 1).bit_length()
        case Table():
            return model.lut * max(1, widths[0] - 3)


def luts(circuit: Circuit, word: Word) -> int:
    """LUTs of one word: an estimate that synthesis corrects."""
    widths = circuit.widths_of(word)
    match word.op:
        case In() | Weight() | Literal() | Shl() | Wrap() | Join():
            return 0
        case Dot():
            return dot_bits(circuit, word.op) * 2 + word.width
        case Owed(weights, recoding, _, bits):
            return len(weights) * -(-bits // DIGIT[recoding]) + word.width
        case Sum():
            return adder_bits(circuit, word)
        case Product():
            return widths[0] * widths[1]
        case Round(_, shift, rounding):
            return 0 if rounding is Rounding.FLOOR else word.width + (shift + 2) // 3
        case Clip():
            return word.width + max(0, widths[0] - word.width + 2) // 3
        case AtLeast() | Relation():
            return max(1, (max(widths) + 1) // 2)
        case Max():
            return word.width + max(widths) + 1
        case Mux():
            return word.width
        case Digit(_, _, count):
            return count - 1
        case Table():
            return word.width << max(0, widths[0] - 5)


def dot_rows(op: Dot, width: int) -> int:
    """Rows of partial products of one weight of `width` bits; without weights one an input."""
    if not op.weights:
        return 1
    return -(-width // DIGIT[op.recoding])


def dot_bits(circuit: Circuit, op: Dot) -> int:
    """Full adders of a carry-save tree: one for each bit of its rows, about."""
    if not op.weights:
        return sum(circuit.words[x].width for x in op.inputs)
    extra = {"plain": 0, "radix4": 1, "radix8": 2}[op.recoding]
    return sum(
        (circuit.words[x].width + extra) * dot_rows(op, circuit.words[w].width)
        for x, w in zip(op.inputs, op.weights, strict=True)
    )


def dot_levels(op: Dot) -> int:
    """Levels of three-to-two adders, for weights of six bits."""
    rows, levels = len(op.inputs) * dot_rows(op, 6) + 2, 0
    while rows > 2:
        rows, levels = rows - rows // 3, levels + 1
    return levels


def _is_mask(value: int) -> bool:
    return value >= 0 and value & (value + 1) == 0
