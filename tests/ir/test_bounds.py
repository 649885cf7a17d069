"""Tightness: constant weights give bounds that some corner of the inputs reaches."""

from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hwflow.ir import Graph, GraphBuilder, IntType, evaluate
from tests.ir.examples import random_ints, random_type

NARROW = (0, 1, 2, 5, 11)


def reached(graph: Graph, shape: tuple[int, ...]) -> None:
    """Every element's lo and hi occur, found by trying every corner of the input's ranges."""
    elem = graph.types["x"].elem
    lo, hi, _ = (a.ravel() for a in elem.full(shape))
    size = lo.size
    picks = (np.arange(1 << size)[:, None] >> np.arange(size)) & 1
    corners = np.where(picks == 1, hi, lo).reshape(-1, *shape)
    y = evaluate(graph, {"x": corners})["y"]
    out = graph.types[dict(graph.outputs)["y"]]
    want_lo, want_hi, _ = out.elem.full(out.shape)
    assert np.array_equal(y.min(axis=0), want_lo)
    assert np.array_equal(y.max(axis=0), want_hi)


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_matmul_with_constant_weights(seed: int) -> None:
    rng = random.Random(seed)
    k, n = rng.randint(1, 8), rng.randint(1, 3)
    b = GraphBuilder("tight")
    x = b.input("x", (k,), random_type(rng, (k,), NARROW, "channel"))
    kind = random_type(rng, (k, n), NARROW)
    weights = b.const(random_ints(rng, (k, n), kind, 3)[2], kind.frac)
    bias = b.const([rng.randint(-9, 9) for _ in range(n)], frac=rng.randint(-3, 3))
    reached(b.build({"y": b.add(b.matmul(x, weights), bias)}), (k,))


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_conv_with_constant_weights(seed: int) -> None:
    rng = random.Random(seed)
    shape = (rng.randint(2, 4), 2)
    b = GraphBuilder("tight")
    x = b.input("x", shape, random_type(rng, shape, NARROW, "channel"))
    kind = random_type(rng, (2, 2, 2), NARROW)
    weights = b.const(random_ints(rng, (2, 2, 2), kind, 3)[2], kind.frac)
    reached(b.build({"y": b.conv(x, weights, padding=((1, 0),))}), shape)


@pytest.mark.parametrize("op", ["maxpool", "reduce_sum"])
@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_reductions(op: str, seed: int) -> None:
    rng = random.Random(seed)
    shape = (4, 2)
    b = GraphBuilder("tight")
    x = b.input("x", shape, random_type(rng, shape, NARROW, "channel"))
    y = b.maxpool(x, (2,), (1,)) if op == "maxpool" else b.reduce_sum(x, (0,))
    reached(b.build({"y": y}), shape)


def test_params_use_the_whole_type() -> None:
    b = GraphBuilder("tight")
    x = b.input("x", (3,), IntType.fixed(4))
    w = b.param("w", (3, 1), IntType.fixed(3))
    graph = b.build({"y": b.matmul(x, w)})
    assert graph.types["matmul"].elem == IntType(3 * 7 * -4, 3 * -8 * -4)


def test_a_value_that_is_always_zero_has_no_bits() -> None:
    assert IntType(0, 0).max_width() == 0
    assert IntType.fixed(0, signed=False).max_width() == 0


@pytest.mark.parametrize(
    ("lo", "hi", "width"),
    [(0, 1, 1), (-1, 0, 1), (-1, 1, 2), (-8, 7, 4), (-8, 8, 5), (0, 255, 8), (-129, 0, 9),
     (-(1 << 63), 0, 64), (0, 1 << 63, 64), (-(1 << 64), 1 << 64, 66)],
)  # fmt: skip
def test_widths(lo: int, hi: int, width: int) -> None:
    assert IntType(lo, hi).max_width() == width
    assert IntType([lo, 0], [hi, 0]).width().tolist() == [width, 0]


def test_the_graph_keeps_its_own_copy_of_the_weights() -> None:
    weights = np.ones((2, 2), dtype=np.int64)
    b = GraphBuilder("copy")
    graph = b.build({"y": b.matmul(b.input("x", (2,), IntType.fixed(4)), b.const(weights))})
    weights[:] = 5
    x = np.array([[1, 2]])
    assert evaluate(graph, {"x": x})["y"].tolist() == [[3, 3]]


@pytest.mark.parametrize("bits", [28, 29, 30, 31, 32, 33])
def test_a_long_sum_of_products_does_not_wrap(bits: int) -> None:
    """Each product is safe in 64 bits, their sum is not: bounds and values both go wide."""
    top, count = (1 << bits) - 1, 40
    b = GraphBuilder("long_sum")
    x = b.input("x", (count,), IntType(-top, top))
    w = b.const(np.full((count, 1), top))
    y = b.matmul(x, w)
    rows = b.reshape(x, (count, 1))
    z = b.conv(rows, b.const(np.full((count, 1, 1), top)))
    d = b.dot(b.reshape(x, (1, count)), rows)
    s = b.reduce_sum(b.mul(x, b.const(np.full(count, top))), (0,))
    graph = b.build({"y": y, "z": z, "d": d, "s": s})
    result = evaluate(graph, {"x": np.full((1, count), top)})
    for name, value in graph.outputs:
        assert [int(v) for v in result[name].ravel()] == [count * top * top]
        assert int(graph.types[value].elem.hi) == count * top * top
        assert int(graph.types[value].elem.lo) == -count * top * top
