"""A slow reading of word circuits: one word at a time, over Python integers and fractions.

Shares no arithmetic with hwflow.plan: quotients are Fractions, saturation is by cases.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from hwflow.plan import words as w
from tests.ir.slow import overflow, round_quotient

__all__ = ["evaluate_words", "violations"]


def _value(
    op: w.WordOp, inputs: Sequence[int], weights: Sequence[int], known: Sequence[int]
) -> int:
    match op:
        case w.In(index):
            return inputs[index]
        case w.Weight(index):
            return weights[index]
        case w.Owed(ws, recoding, width, bits):
            return -((1 << width) - 1) * sum(_inverted(known[k], recoding, bits) for k in ws)
        case w.Dot(xs, _, ws, addend, _, _):
            factors = [known[k] for k in ws] or [1] * len(xs)
            products = (known[x] * factor for x, factor in zip(xs, factors, strict=True))
            return sum(products, known[addend])
        case w.Literal(value):
            return value
        case w.Shl(a, amount):
            return known[a] * 2**amount
        case w.Sum(a, a_shift, b, b_shift, subtract):
            right = known[b] * 2**b_shift
            return known[a] * 2**a_shift + (-right if subtract else right)
        case w.Product(a, b):
            return known[a] * known[b]
        case w.Join(a, b, shift):
            return known[b] * 2**shift + known[a] % 2**shift
        case w.Digit(a, b, count):
            return known[a] // 2 ** (count - 1 - known[b]) % 2
        case w.Round(a, shift, rounding):
            return round_quotient(Fraction(known[a], 2**shift), rounding.value)
        case w.Clip(a, lo, hi):
            return overflow(known[a], lo, hi, "saturate")
        case w.Wrap(a, lo, hi):
            return overflow(known[a], lo, hi, "wrap")
        case w.AtLeast(a, level):
            return int(known[a] >= level)
        case w.Relation(a, b, equal):
            return int(known[a] == known[b] if equal else known[a] > known[b])
        case w.Max(a, b):
            return known[a] if known[a] > known[b] else known[b]
        case w.Mux(condition, a, b):
            return known[a] if known[condition] == 1 else known[b]
        case w.Table(a, start, values):
            assert known[a] >= start
            return values[known[a] - start]
    raise AssertionError(op)


def _inverted(weight: int, recoding: str, bits: int) -> int:
    """The places of those digits of a weight whose highest bit is set."""
    step = {"radix4": 2, "radix8": 3}[recoding]
    places = range(0, bits, step)
    return sum(1 << place for place in places if weight >> (place + step - 1) & 1)


def evaluate_words(
    circuit: w.Circuit, inputs: Sequence[int], weights: Sequence[int] = ()
) -> list[int]:
    """The value of every word of `circuit`."""
    assert len(inputs) == len(circuit.inputs)
    assert len(weights) == len(circuit.weights)
    known: list[int] = []
    for word in circuit.words:
        assert all(i < len(known) for i in w.operands(word.op)), "operands come first"
        known.append(_value(word.op, inputs, weights, known))
    return known


def violations(circuit: w.Circuit, known: Sequence[int]) -> list[str]:
    """The words whose value lies outside their bounds."""
    return [
        f"word {i}: {word} is {value}"
        for i, (word, value) in enumerate(zip(circuit.words, known, strict=True))
        if not word.lo <= value <= word.hi
    ]
