"""Kernels: one output position of a layer computes what the layer computes there."""

from __future__ import annotations

import random
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hwflow.ir import Graph, GraphBuilder, IntType, Overflow, Rounding, Value, evaluate
from hwflow.plan.kernel import Kernel, kernel_of, raster_steps
from hwflow.plan.layer import chain_length
from tests.ir.examples import random_ints

NARROW = IntType.fixed(5, 2)


def kernel(graph: Graph) -> Kernel:
    """The kernel of a graph's only layer."""
    (layer,) = graph.layers()
    return kernel_of(graph, layer, {v: graph.types[v] for v in layer.inputs})


def requant(b: GraphBuilder, x: Value) -> Value:
    return b.requant(x, NARROW, Rounding.HALF_EVEN, Overflow.SATURATE)


def weights(b: GraphBuilder, rng: random.Random, shape: tuple[int, ...], frac: int = 2) -> Value:
    return b.const(random_ints(rng, shape, IntType.fixed(4), 3)[2], frac)


def geometry(rng: random.Random, rank: int) -> dict[str, tuple[int, ...]]:
    kernel_size = tuple(rng.randint(1, 3) for _ in range(rank))
    dilation = tuple(rng.randint(1, 2) for _ in range(rank))
    padding = tuple((rng.randint(0, 2), rng.randint(0, 2)) for _ in range(rank))
    spatial = tuple(
        max(1, (k - 1) * d + 1 - sum(p)) + rng.randint(0, 4)
        for k, d, p in zip(kernel_size, dilation, padding, strict=True)
    )
    stride = tuple(rng.randint(1, 3) for _ in range(rank))
    return {
        "kernel": kernel_size, "dilation": dilation, "padding": padding,  # type: ignore[dict-item]
        "spatial": spatial, "stride": stride,
    }  # fmt: skip


def conv_layer(rng: random.Random, rank: int) -> Graph:
    g = geometry(rng, rank)
    groups, cin, cout = rng.randint(1, 2), rng.randint(1, 2), rng.randint(1, 2)
    b = GraphBuilder("conv_net")
    elem = IntType.fixed(5, np.array([rng.randint(0, 3) for _ in range(groups * cin)]))
    x = b.input("x", (*g["spatial"], groups * cin), elem)
    with b.layer("conv"):
        w = weights(b, rng, (*g["kernel"], cin, groups * cout))
        y = b.conv(x, w, g["stride"], g["padding"], g["dilation"], groups)  # type: ignore[arg-type]
        y = requant(b, b.add(y, weights(b, rng, (groups * cout,))))
        if rng.random() < 0.5:
            y = b.reshape(y, (flat(b, y),))
    return b.build({"y": y})


def flat(b: GraphBuilder, y: Value) -> int:
    """Elements of a value of an unfinished graph."""
    return b.build({"y": y}).types[y.name].size


def pool_layer(rng: random.Random, rank: int) -> Graph:
    g = geometry(rng, rank)
    spatial = tuple(max(n, k) for n, k in zip(g["spatial"], g["kernel"], strict=True))
    b = GraphBuilder("pool_net")
    x = b.input("x", (*spatial, 2), IntType.fixed(5, np.array([0, 3])))
    with b.layer("pool"):
        y = b.threshold(b.maxpool(x, g["kernel"], g["stride"]), [[-3, 0], [2, 5]])
    return b.build({"y": y})


def pointwise_layer(rng: random.Random, rank: int) -> Graph:
    shape = (*(rng.randint(1, 4) for _ in range(rank)), 3)
    b = GraphBuilder("point_net")
    p, q = (b.input(n, shape, NARROW) for n in ("p", "q"))
    with b.layer("point"):
        y = b.select(b.compare("gt", p, q), p, b.mul(q, weights(b, rng, (3,), 0)))
        y = requant(b, y)
    return b.build({"y": y})


def tokens_layer(rng: random.Random, rank: int) -> Graph:
    b = GraphBuilder("token_net")
    x = b.input("x", (*(rng.randint(1, 4) for _ in range(rank)), 3), NARROW)
    with b.layer("dense"):
        y = requant(b, b.matmul(x, weights(b, rng, (3, 2))))
    return b.build({"y": y})


MAKERS: dict[str, Callable[[random.Random, int], Graph]] = {
    "conv": conv_layer, "pool": pool_layer, "pointwise": pointwise_layer, "tokens": tokens_layer,
}  # fmt: skip


def check(graph: Graph, rng: random.Random) -> Kernel:
    """The kernel on every gathered window is the layer there."""
    found = kernel(graph)
    (output,) = (v for _, v in graph.outputs)
    values = {
        n.name: random_ints(rng, graph.types[n.name].shape, graph.types[n.name].elem, 4)
        for n in graph.inputs
    }
    wanted = evaluate(graph, values)["y"].reshape(4, found.positions, -1)
    (layer,) = graph.layers()
    for position in range(found.positions):
        windows = {}
        for name, gather in zip(layer.inputs, found.gathers, strict=True):
            rows = np.concatenate([values[name].reshape(4, -1), np.zeros((4, 1), object)], axis=1)
            windows[name] = rows[:, gather[position]].reshape(4, *found.graph.types[name].shape)
        got = evaluate(found.graph, windows)[output].reshape(4, -1)
        assert (got == wanted[:, position]).all()
    return found


@pytest.mark.parametrize("kind", sorted(MAKERS))
@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32), rank=st.integers(1, 2))
def test_the_kernel_is_the_layer_at_each_position(kind: str, seed: int, rank: int) -> None:
    rng = random.Random(seed)
    graph = MAKERS[kind](rng, rank)
    found = check(graph, rng)
    positions = graph.types[graph.layers()[0].nodes[0].name].shape[:-1]
    assert found.positions == int(np.prod(positions))
    assert (found.window is not None) == (kind != "pointwise")


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32), rank=st.integers(1, 2))
def test_the_line_buffer_offers_the_gathered_windows(seed: int, rank: int) -> None:
    """Sliding pixels through a chain of chain_length gives the windows of `gathers`, in order."""
    graph = conv_layer(random.Random(seed), rank)
    found = kernel(graph)
    window, (gather,) = found.window, found.gathers
    assert window is not None
    channels = window.shape[-1]
    rows, cols = (*window.span, 1)[:2]
    width = window.shape[1] + sum(window.padding[1]) if rank == 2 else 1
    chain, pixel, seen = [-1] * chain_length(window), 0, []
    for takes, completes in raster_steps(window):
        chain = [pixel if takes else -1, *chain[:-1]]
        pixel += takes
        if completes:
            taps = [chain[(rows - 1 - r) * width + cols - 1 - c]
                    for r in range(rows) for c in range(cols)]  # fmt: skip
            seen.append([p * channels + k if p >= 0 else -1 for p in taps for k in range(channels)])
    assert pixel == int(np.prod(window.shape[:-1]))
    assert seen == gather.tolist()


def whole(
    build: Callable[[GraphBuilder, Value], Value], shape: tuple[int, ...] = (4, 4, 2)
) -> None:
    """The layer is one kernel, and right."""
    b = GraphBuilder("net")
    x = b.input("x", shape, IntType.fixed(4, 1))
    with b.layer("layer"):
        y = build(b, x)
    found = check(b.build({"y": y}), random.Random(0))
    assert found.positions == 1
    assert found.window is None


def test_layers_that_differ_by_position_are_one_kernel() -> None:
    per_row = IntType(np.array([[[-1]], [[-2]], [[-3]], [[-4]]]), 3, 1)
    bias = np.arange(32).reshape(4, 4, 2)
    rng = random.Random(0)
    whole(lambda b, x: b.add(x, b.const(bias)))
    whole(lambda b, x: b.requant(x, per_row, Rounding.FLOOR, Overflow.SATURATE))
    whole(lambda b, x: b.threshold(x, bias[None]))
    whole(lambda b, x: b.reduce_sum(x, (0, 1)))
    whole(lambda b, x: b.transpose(x, (1, 0, 2)))
    whole(lambda b, x: b.maxpool(b.maxpool(x, (2, 2), (1, 1)), (2, 2)))
    whole(lambda b, x: b.shift(x, bias))
    whole(lambda b, x: b.matmul(x, weights(b, rng, (4, 2))), (4,))
    whole(lambda b, x: b.add(b.reduce_sum(x, (2,)), b.const(1)))


def test_a_residual_inside_a_convolution_layer_is_one_kernel() -> None:
    rng = random.Random(0)
    same = ((1, 1), (1, 1))
    whole(lambda b, x: b.add(b.conv(x, weights(b, rng, (3, 3, 2, 2)), padding=same), x))
    whole(lambda b, x: b.sub(x, b.conv(x, weights(b, rng, (2, 1, 2, 2)), padding=((0, 1), (0, 0)))))


def test_a_residual_around_a_one_by_one_convolution_is_uniform() -> None:
    b = GraphBuilder("net")
    x = b.input("x", (3, 2, 2), IntType.fixed(4, 1))
    with b.layer("layer"):
        y = b.add(b.conv(x, weights(b, random.Random(0), (1, 1, 2, 2))), x)
    found = check(b.build({"y": y}), random.Random(0))
    assert found.positions == 6
    assert found.window is not None


def test_binary_points_that_differ_by_position_are_one_kernel() -> None:
    b = GraphBuilder("net")
    x = b.input("x", (3, 2), IntType(-4, 3, np.array([[0, 0], [1, 1], [2, 2]])))
    with b.layer("layer"):
        y = b.mul(x, b.const(3))
    assert check(b.build({"y": y}), random.Random(0)).positions == 1


def test_three_position_axes_are_uniform_without_a_window() -> None:
    b = GraphBuilder("net")
    x = b.input("x", (2, 3, 2, 2), IntType.fixed(4))
    with b.layer("layer"):
        y = b.matmul(x, weights(b, random.Random(0), (2, 2)))
    found = check(b.build({"y": y}), random.Random(0))
    assert found.positions == 12
    assert found.window is None


def test_wide_thresholds_are_uniform() -> None:
    b = GraphBuilder("net")
    x = b.input("x", (3, 2), IntType.fixed(80))
    with b.layer("layer"):
        y = b.threshold(x, [-(1 << 70), 1 << 71])
    assert check(b.build({"y": y}), random.Random(0)).positions == 3


def test_two_outputs_are_one_kernel() -> None:
    b = GraphBuilder("net")
    x = b.input("x", (3, 2), IntType.fixed(4))
    with b.layer("layer"):
        y, z = b.mul(x, b.const(3)), b.mul(x, b.const(5))
    found = kernel(b.build({"y": y, "z": z}))
    assert found.positions == 1
    assert found.window is None
