"""The word builder: exact bounds, constant folding, sharing."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hwflow.ir import Rounding
from hwflow.plan.circuit_builder import CircuitBuilder
from hwflow.plan.shifters import leading_zeros, shift_left, shift_right
from hwflow.plan.words import In, Literal, width_of
from tests.ir.slow import round_quotient
from tests.plan.slow_words import evaluate_words

SMALL = st.integers(-9, 9)
PAIR = st.tuples(SMALL, SMALL).map(lambda p: (min(p), max(p)))

UNARY: dict[str, Callable[[CircuitBuilder, int, int, int], int]] = {
    "shl": lambda b, x, p, q: b.shl(x, abs(p)),
    "scaled": lambda b, x, p, q: b.scaled(x, p),
    "negative": lambda b, x, p, q: b.negative(x),
    "clip": lambda b, x, p, q: b.clip(x, min(p, q), max(p, q)),
    "leading_zeros": lambda b, x, p, q: leading_zeros(b, b.clip(x, 0, 9), 4 + abs(p)),
    "at_least": lambda b, x, p, q: b.at_least(x, p),
    "table": lambda b, x, p, q: b.table(x, -9, [(k * p + q) % 7 - 3 for k in range(19)]),
    **{
        mode.value: lambda b, x, p, q, mode=mode: b.round(x, p, mode)  # type: ignore[misc]
        for mode in Rounding
    },
}
BINARY: dict[str, Callable[[CircuitBuilder, int, int], int]] = {
    "sum": lambda b, x, y: b.sum(x, y, 2, 1),
    "difference": lambda b, x, y: b.sum(x, y, 2, 0, subtract=True),
    "product": lambda b, x, y: b.product(x, y),
    "shift_left": lambda b, x, y: shift_left(b, x, b.clip(y, 0, 9)),
    "shift_right": lambda b, x, y: shift_right(b, x, b.clip(y, 0, 9)),
    "max": lambda b, x, y: b.max(x, y),
    "greater": lambda b, x, y: b.relation(x, y),
    "equal": lambda b, x, y: b.relation(x, y, equal=True),
}


@pytest.mark.parametrize("name", sorted(UNARY))
@settings(max_examples=60, deadline=None)
@given(pair=PAIR, p=SMALL, q=SMALL)
def test_bounds_of_one_operand_are_exact(name: str, pair: tuple[int, int], p: int, q: int) -> None:
    b = CircuitBuilder([pair])
    word = UNARY[name](b, b.input(0), p, q)
    circuit = b.build([word])
    (output,) = circuit.outputs
    values = [evaluate_words(circuit, [v])[output] for v in range(pair[0], pair[1] + 1)]
    assert (circuit.words[output].lo, circuit.words[output].hi) == (min(values), max(values))
    if name in {mode.value for mode in Rounding}:
        ends = range(pair[0], pair[1] + 1)
        assert values == [round_quotient(Fraction(v) / Fraction(2) ** p, name) for v in ends]


@pytest.mark.parametrize("name", sorted(BINARY))
@settings(max_examples=60, deadline=None)
@given(first=PAIR, second=PAIR)
def test_bounds_of_two_operands_are_exact(
    name: str, first: tuple[int, int], second: tuple[int, int]
) -> None:
    b = CircuitBuilder([first, second])
    circuit = b.build([BINARY[name](b, b.input(0), b.input(1))])
    (output,) = circuit.outputs
    values = [
        evaluate_words(circuit, [v, w])[output]
        for v in range(first[0], first[1] + 1)
        for w in range(second[0], second[1] + 1)
    ]
    assert (circuit.words[output].lo, circuit.words[output].hi) == (min(values), max(values))


def test_widths() -> None:
    for lo, hi, width in ((0, 0, 0), (0, 1, 1), (-1, 0, 1), (-2, 1, 2), (-1, 4, 4), (0, 255, 8)):
        assert width_of(lo, hi) == width


def test_equal_words_are_shared_and_dead_ones_dropped() -> None:
    b = CircuitBuilder([(0, 7), (0, 7), (0, 7)])
    x, y = b.input(0), b.input(1)
    assert b.sum(x, y) == b.sum(y, x)
    assert b.max(x, y) == b.max(y, x)
    assert b.shl(b.shl(x, 1), 2) == b.shl(x, 3)
    assert b.sum(b.shl(x, 1), b.shl(y, 2)) == b.shl(b.sum(x, y, 0, 1), 1)
    circuit = b.build([b.sum(x, y)])
    assert [w.op for w in circuit.words[:2]] == [In(0), In(1)]
    assert len(circuit.words) == 3
    assert len(circuit.inputs) == 3


def test_identities_cost_nothing() -> None:
    b = CircuitBuilder([(-3, 5)])
    x, zero = b.input(0), b.literal(0)
    for word in (
        b.sum(x, zero), b.sum(zero, x), b.sum(x, zero, subtract=True), b.shl(x, 0),
        b.product(x, b.literal(1)), b.clip(x, -3, 5), b.wrap(x, -8, 7), b.max(x, x),
        b.max(x, b.literal(-3)), b.mux(b.literal(1), x, zero), b.mux(b.at_least(x, 0), x, x),
        b.round(x, 0, Rounding.FLOOR), b.total([x]),
    ):  # fmt: skip
        assert word == x
    for word, value in (
        (b.clip(x, 6, 9), 6), (b.at_least(x, -3), 1), (b.at_least(x, 6), 0),
        (b.product(x, zero), 0), (b.round(x, 9, Rounding.TOWARD_ZERO), 0), (b.total([]), 0),
        (b.relation(x, b.literal(5)), 0),
    ):  # fmt: skip
        assert b.words[word].op == Literal(value)
