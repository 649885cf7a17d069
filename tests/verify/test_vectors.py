"""Vectors: quantization against exact fractions, and what the classes hold."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hwflow.errors import InputError
from hwflow.ir import Graph, GraphBuilder, IntType, Overflow, Rounding
from hwflow.verify.vectors import Vectors, make_vectors, quantize
from tests.integration.designs import rich_graph


def graph_of(
    shape: tuple[int, ...],
    kind: IntType,
    rounding: Rounding = Rounding.HALF_EVEN,
    overflow: Overflow = Overflow.SATURATE,
) -> Graph:
    b = GraphBuilder("net")
    x = b.input("x", shape, kind, rounding, overflow)
    return b.build({"y": b.add(x, x)})


def rows_of(vectors: Vectors, name: str) -> np.ndarray:
    """The vectors of a class."""
    (found,) = [c for c in vectors.classes if c.name == name]
    return vectors.inputs["x"][found.start : found.stop]


def rounded(value: Fraction, rounding: Rounding) -> int:
    """The rounding modes, from their definitions."""
    below = math.floor(value)
    rest = value - below
    if rounding is Rounding.FLOOR:
        return below
    if rounding is Rounding.TOWARD_ZERO:
        return math.trunc(value)
    if rest != Fraction(1, 2):
        return below + (rest > Fraction(1, 2))
    if rounding is Rounding.HALF_UP:
        return below + 1
    if rounding is Rounding.HALF_EVEN:
        return below + below % 2
    return below + (value > 0)  # half away from zero


def limited(value: int, lo: int, hi: int, overflow: Overflow) -> int:
    if overflow is Overflow.WRAP:
        while value > hi:
            value -= hi - lo + 1
        while value < lo:
            value += hi - lo + 1
        return value
    if overflow is Overflow.SATURATE_SYMMETRIC:
        lo = max(lo, -hi)
    return min(max(value, lo), hi)


REAL = st.one_of(
    st.integers(-500, 500).map(lambda n: n / 16),  # many exact halves
    st.floats(-40, 40, allow_nan=False),
    st.integers(-500, 500).map(lambda n: math.nextafter(n / 16, math.inf)),
    st.integers(-500, 500).map(lambda n: math.nextafter(n / 16, -math.inf)),
)


@given(
    values=st.lists(REAL, min_size=1, max_size=20),
    rounding=st.sampled_from(Rounding),
    overflow=st.sampled_from(Overflow),
    width=st.integers(2, 9),
    frac=st.integers(-2, 6),
    signed=st.booleans(),
)
def test_quantize_is_exact(
    values: list[float],
    rounding: Rounding,
    overflow: Overflow,
    width: int,
    frac: int,
    signed: bool,
) -> None:
    kind = IntType.fixed(width, frac, signed=signed)
    (node,) = graph_of((), kind, rounding, overflow).inputs
    lo, hi = int(kind.lo), int(kind.hi)
    scale = Fraction(2) ** frac
    expected = [limited(rounded(Fraction(v) * scale, rounding), lo, hi, overflow) for v in values]
    assert quantize(node, np.array(values)).tolist() == expected


@pytest.mark.parametrize("rounding", Rounding)
def test_quantize_around_every_small_integer(rounding: Rounding) -> None:
    """All eighths from -6 to 6, which no random choice may miss."""
    (node,) = graph_of((), IntType.fixed(6, 1), rounding).inputs
    eighths = [Fraction(n, 8) for n in range(-48, 49)]
    found = quantize(node, np.array([float(v) for v in eighths]))
    assert found.tolist() == [rounded(v * 2, rounding) for v in eighths]


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=10))
def test_quantize_saturates_any_finite_value(values: list[float]) -> None:
    (node,) = graph_of((), IntType.fixed(5, 1)).inputs
    expected = [
        limited(rounded(Fraction(v) * 2, Rounding.HALF_EVEN), -16, 15, Overflow.SATURATE)
        for v in values
    ]
    assert quantize(node, np.array(values)).tolist() == expected


@given(st.floats(-1e30, 1e30), st.integers(0, 6))
def test_quantize_wraps_any_finite_value(value: float, frac: int) -> None:
    kind = IntType.fixed(6, frac)
    (node,) = graph_of((), kind, Rounding.FLOOR, Overflow.WRAP).inputs
    expected = (math.floor(Fraction(value) * 2**frac) + 32) % 64 - 32
    assert quantize(node, np.array([value])).tolist() == [expected]


def test_quantize_by_channel() -> None:
    """Each channel has its own binary point and bounds."""
    kind = IntType(np.array([-4, 0]), np.array([3, 15]), np.array([0, 2]))
    (node,) = graph_of((2,), kind).inputs
    assert quantize(node, np.array([[1.5, 1.375], [9.0, -1.0]])).tolist() == [[2, 6], [3, 0]]


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_quantize_refuses_what_is_no_number(bad: float) -> None:
    (node,) = graph_of((2,), IntType.fixed(4, 0)).inputs
    with pytest.raises(InputError) as caught:
        quantize(node, np.array([[0.0, bad]]))
    assert caught.value.code == "run.input"
    with pytest.raises(InputError) as caught:
        quantize(node, np.zeros((4, 3)))
    assert "expected shape (n, 2), found (4, 3)" in caught.value.message


def test_classes_follow_each_other() -> None:
    graph = graph_of((2, 2), IntType.fixed(4, 0))
    data = np.arange(12).reshape(3, 2, 2) % 8
    vectors = make_vectors(graph, 10, 1, {"x": data})
    names = [c.name for c in vectors.classes]
    assert names == ["corner", "directed", "random", "extreme", "dataset"]
    stops = [0, *(c.stop for c in vectors.classes)]
    assert [c.start for c in vectors.classes] == stops[:-1]
    assert len(vectors) == len(vectors.inputs["x"]) == stops[-1]
    assert len(rows_of(vectors, "random")) + len(rows_of(vectors, "extreme")) == 10
    assert np.array_equal(rows_of(vectors, "dataset"), data)
    for c in vectors.classes:
        assert vectors.class_of(c.start) == vectors.class_of(c.stop - 1) == c.name


def test_empty_classes_are_left_out() -> None:
    vectors = make_vectors(graph_of((3,), IntType.fixed(4, 0)), 0, 1)
    assert [c.name for c in vectors.classes] == ["corner", "directed"]
    # No directed search where there are several outputs.
    vectors = make_vectors(rich_graph(), 0, 1)
    assert [c.name for c in vectors.classes] == ["corner"]


def test_corners() -> None:
    """All-min, all-max, zero, both checkers, and every element alone at each extreme."""
    graph = graph_of((2, 2), IntType.fixed(4, 0))
    vectors = make_vectors(graph, 0, 1)
    rows = {tuple(row) for row in rows_of(vectors, "corner").reshape(-1, 4).tolist()}
    expected = {(-8,) * 4, (7,) * 4, (0,) * 4, (-8, 7, 7, -8), (7, -8, -8, 7)}
    expected |= {
        tuple(edge if i == k else 0 for i in range(4)) for k in range(4) for edge in (-8, 7)
    }
    assert rows == expected


def test_corners_of_bounds_per_element() -> None:
    """A constant element never moves, and zero means the nearest value that is allowed."""
    graph = graph_of((3,), IntType(np.array([2, -3, 0]), np.array([5, -1, 0]), 0))
    rows = make_vectors(graph, 50, 1).inputs["x"]
    assert [2, -1, 0] in rows.tolist()
    assert bool((rows >= [2, -3, 0]).all())
    assert bool((rows <= [5, -1, 0]).all())


def test_large_inputs_have_fewer_one_hot_corners() -> None:
    b = GraphBuilder("net")
    x = b.input("x", (2000,), IntType.fixed(4, 0))
    # One output: directed vectors, which are not looked at here, are sought for each.
    vectors = make_vectors(b.build({"y": b.reduce_sum(x, (0,))}), 0, 1)
    assert 500 < len(rows_of(vectors, "corner")) < 1100


def test_random_vectors_fill_the_range_and_follow_the_seed() -> None:
    graph = graph_of((2,), IntType(np.array([-3, 1]), np.array([4, 2]), 0))
    one, again, other = (make_vectors(graph, 800, seed) for seed in (1, 1, 2))
    random, extreme = rows_of(one, "random"), rows_of(one, "extreme")
    assert sorted(set(random[:, 0].tolist())) == list(range(-3, 5))
    assert sorted(set(random[:, 1].tolist())) == [1, 2]
    assert {tuple(row) for row in extreme.tolist()} == {(-3, 1), (-3, 2), (4, 1), (4, 2)}
    assert np.array_equal(one.inputs["x"], again.inputs["x"])
    assert not np.array_equal(one.inputs["x"], other.inputs["x"])


def test_directed_vectors_reach_further_than_random_ones() -> None:
    """For a weighted sum the ascent finds the very ends, which random vectors miss."""
    weights = np.random.default_rng(0).integers(-9, 10, (40, 2))
    b = GraphBuilder("net")
    x = b.input("x", (40,), IntType.fixed(5, 0))
    graph = b.build({"y": b.matmul(x, b.const(weights))})
    vectors = make_vectors(graph, 200, 0)
    sums = rows_of(vectors, "directed") @ weights
    highest = np.where(weights > 0, 15 * weights, -16 * weights).sum(axis=0)
    lowest = np.where(weights > 0, -16 * weights, 15 * weights).sum(axis=0)
    assert np.array_equal(sums.max(axis=0), highest)
    assert np.array_equal(sums.min(axis=0), lowest)
    assert bool(((rows_of(vectors, "random") @ weights).max(axis=0) < highest).all())


def test_inputs_of_different_sizes_go_together() -> None:
    b = GraphBuilder("net")
    x = b.input("x", (2,), IntType.fixed(3, 0))
    w = b.input("w", (5,), IntType.fixed(3, 0))
    graph = b.build({"y": b.concat([x, w], 0)})
    vectors = make_vectors(graph, 7, 0)
    assert len(vectors.inputs["x"]) == len(vectors.inputs["w"]) == len(vectors)
    assert vectors.inputs["x"].shape[1:] == (2,)
