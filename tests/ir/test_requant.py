"""Rounding and overflow: exhaustive on small ranges, and every mode told from every other."""

from __future__ import annotations

import itertools
from fractions import Fraction

import numpy as np
import pytest

from hwflow.ir import Graph, GraphBuilder, IntType, Overflow, Rounding, evaluate
from tests.ir.slow import overflow, round_quotient

WIDE = IntType.fixed(40)


def requant(source: IntType, target: IntType, rounding: Rounding, mode: Overflow) -> Graph:
    b = GraphBuilder("requant_only")
    return b.build({"y": b.requant(b.input("x", (), source), target, rounding, mode)})


def run(graph: Graph, values: list[int]) -> list[int]:
    return [int(v) for v in evaluate(graph, {"x": np.array(values, dtype=object)})["y"]]


@pytest.mark.parametrize("rounding", list(Rounding))
@pytest.mark.parametrize("drop", [0, 1, 2, 3, 61, 62, 63, 64, 65, 70])
def test_rounding_near_every_tie(rounding: Rounding, drop: int) -> None:
    half, unit = (1 << drop) // 2, 1 << drop
    values = [
        quotient * unit + offset + nudge
        for quotient in range(-4, 5)
        for offset in (0, half)
        for nudge in (-1, 0, 1)
    ]
    source = IntType(min(values), max(values), drop)
    got = run(requant(source, WIDE, rounding, Overflow.SATURATE), values)
    assert got == [round_quotient(Fraction(v, unit), rounding.value) for v in values]


def test_rounding_of_known_halves() -> None:
    """-2.5 -1.5 -0.5 0.5 1.5 2.5, by hand."""
    halves = [-5, -3, -1, 1, 3, 5]
    expected = {
        Rounding.FLOOR: [-3, -2, -1, 0, 1, 2],
        Rounding.HALF_UP: [-2, -1, 0, 1, 2, 3],
        Rounding.HALF_EVEN: [-2, -2, 0, 0, 2, 2],
        Rounding.HALF_AWAY: [-3, -2, -1, 1, 2, 3],
        Rounding.TOWARD_ZERO: [-2, -1, 0, 0, 1, 2],
    }
    assert set(expected) == set(Rounding)
    for rounding, wanted in expected.items():
        graph = requant(IntType.fixed(8, 1), WIDE, rounding, Overflow.SATURATE)
        assert run(graph, halves) == wanted


@pytest.mark.parametrize("pair", list(itertools.combinations(Rounding, 2)))
def test_rounding_modes_differ(pair: tuple[Rounding, Rounding]) -> None:
    values = list(range(-16, 16))
    a, b = (run(requant(IntType.fixed(5, 2), WIDE, r, Overflow.SATURATE), values) for r in pair)
    assert a != b


@pytest.mark.parametrize("pair", list(itertools.combinations(Overflow, 2)))
def test_overflow_modes_differ(pair: tuple[Overflow, Overflow]) -> None:
    values = list(range(-128, 128))
    target = IntType.fixed(4)
    a, b = (run(requant(IntType.fixed(8), target, Rounding.FLOOR, o), values) for o in pair)
    assert a != b


@pytest.mark.parametrize("mode", list(Overflow))
@pytest.mark.parametrize("bounds", [(-8, 7), (0, 15), (0, 0), (-3, 9), (5, 11), (-9, -2)])
def test_overflow_everywhere(mode: Overflow, bounds: tuple[int, int]) -> None:
    values = list(range(-40, 41))
    got = run(requant(IntType.fixed(8), IntType(*bounds), Rounding.FLOOR, mode), values)
    assert got == [overflow(v, *bounds, mode.value) for v in values]
    assert all(bounds[0] <= v <= bounds[1] for v in got)


def test_overflow_by_hand() -> None:
    got = {
        mode: run(
            requant(IntType.fixed(8), IntType.fixed(4), Rounding.FLOOR, mode), [-100, -8, 7, 8]
        )
        for mode in Overflow
    }
    assert got == {
        Overflow.WRAP: [-4, -8, 7, -8],
        Overflow.SATURATE: [-8, -8, 7, 7],
        Overflow.SATURATE_SYMMETRIC: [-7, -7, 7, 7],
    }


def test_rounding_comes_before_overflow() -> None:
    """7.5 rounds to 8, which wraps or saturates."""
    source, target = IntType.fixed(8, 1), IntType.fixed(4)
    assert run(requant(source, target, Rounding.HALF_UP, Overflow.WRAP), [15]) == [-8]
    assert run(requant(source, target, Rounding.HALF_UP, Overflow.SATURATE), [15]) == [7]


def test_a_requant_that_fits_costs_no_range() -> None:
    """The bounds are what the operand can reach, not the whole target."""
    graph = requant(IntType(3, 90), IntType.fixed(16), Rounding.FLOOR, Overflow.WRAP)
    assert graph.types["requant"].elem == IntType(3, 90)
    graph = requant(IntType(-90, 90), IntType(0, 60), Rounding.FLOOR, Overflow.SATURATE)
    assert graph.types["requant"].elem == IntType(0, 60)
