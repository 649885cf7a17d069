"""Random layer chains with foldings, and their run in Amaranth's simulator."""

from __future__ import annotations

import random
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

from hwflow.backends.amaranth.simulate import simulate
from hwflow.ir import Graph, GraphBuilder, IntType, Overflow, Rounding, Value, evaluate
from hwflow.plan.folding import Folding
from hwflow.plan.plan import Options, Plan, make_plan
from hwflow.plan.streams import InterfaceKind
from hwflow.plan.targets import target
from tests.ir.examples import random_ints

__all__ = ["ONE", "check", "dense_net", "make", "options", "packed", "random_chain", "residual"]

ONE = Folding(pos=1)
Arrays = Mapping[str, npt.NDArray[Any]]


def options(
    kind: InterfaceKind, fold: Mapping[str, Folding] | None = None, mhz: int = 40
) -> Options:
    return Options(target("ecp5-85k"), Fraction(mhz * 1_000_000), kind, fold or {})


def make(
    graph: Graph, kind: InterfaceKind, fold: Mapping[str, Folding] | None = None, mhz: int = 40
) -> Plan:
    return make_plan(graph, options(kind, fold, mhz))


def packed(plan: Plan, values: Arrays) -> dict[str, npt.NDArray[np.uint8]]:
    """Input tensors (n, *shape) as beats."""
    return {
        g.tensor: g.pack(values[g.tensor].reshape(len(values[g.tensor]), -1).astype(np.int64))
        for g in plan.interface.inputs
    }


def random_inputs(graph: Graph, rng: random.Random, n: int) -> dict[str, npt.NDArray[Any]]:
    """The first tensors all lowest and all highest."""
    return {
        node.name: random_ints(rng, graph.types[node.name].shape, graph.types[node.name].elem, n)
        for node in graph.inputs
    }


def check(plan: Plan, rng: random.Random, n: int = 4) -> None:
    """Outputs, every layer, latency and interval are what graph and plan say."""
    graph = plan.graph
    values = random_inputs(graph, rng, n)
    beats, latency, interval, layers = simulate(plan, packed(plan, values), keep_layers=True)
    wanted = evaluate(graph, values)
    for group in plan.interface.outputs:
        got = group.unpack(beats[group.tensor]).reshape(n, *group.shape)
        assert (got == wanted[group.tensor]).all(), group.tensor
    inside = evaluate(graph, values, keep="layers")
    assert set(layers) == set(inside)
    for value, array in inside.items():
        assert layers[value].shape == array.shape, value
        assert (layers[value] == array).all(), value
    assert latency == plan.interface.latency
    if n > 3:
        assert interval == plan.interface.initiation_interval


def _weights(b: GraphBuilder, rng: random.Random, shape: tuple[int, ...]) -> Value:
    return b.const(random_ints(rng, shape, IntType.fixed(3), 3)[2], 1)


def _requant(b: GraphBuilder, x: Value) -> Value:
    return b.requant(x, IntType.fixed(4, 1), Rounding.HALF_EVEN, Overflow.SATURATE)


def _shape(b: GraphBuilder, x: Value) -> tuple[int, ...]:
    return b.build({"y": x}).types[x.name].shape


class _Chain:
    """Appends layers, each with a folding of its own."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.b = GraphBuilder("chain")
        self.fold: dict[str, Folding] = {}

    def _folded(self, name: str) -> None:
        if self.rng.random() < 0.7:
            self.fold[name] = ONE

    def conv(self, x: Value) -> Value:
        b, rng = self.b, self.rng
        *spatial, channels = _shape(b, x)
        kernel = tuple(rng.randint(1, min(3, n)) for n in spatial)
        # A window that begins wholly in the padding is refused with pos: 1.
        padding = tuple((rng.randint(0, min(1, k - 1)), rng.randint(0, 1)) for k in kernel)
        stride = tuple(rng.randint(1, 2) for _ in spatial)
        self._folded("conv")
        with b.layer("conv"):
            w = _weights(b, rng, (*kernel, channels, 2))
            return _requant(b, b.conv(x, w, stride, padding))

    def pool(self, x: Value) -> Value:
        *spatial, _ = _shape(self.b, x)
        window = tuple(self.rng.randint(1, min(2, n)) for n in spatial)
        self._folded("pool")
        with self.b.layer("pool"):
            return self.b.maxpool(x, window, tuple(self.rng.randint(1, 2) for _ in spatial))

    def point(self, x: Value) -> Value:
        self._folded("point")
        with self.b.layer("point"):
            return _requant(self.b, self.b.mul(x, self.b.const([3, -1], 1)))

    def dense(self, x: Value) -> Value:
        b, size = self.b, int(np.prod(_shape(self.b, x)))
        with b.layer("dense"):
            flat = b.reshape(x, (size,))
            return _requant(b, b.matmul(flat, _weights(b, self.rng, (size, 3))))

    def spread(self, x: Value) -> Value:
        """A parallel layer whose result is a sequence again."""
        with self.b.layer("spread"):
            y = self.b.matmul(x, _weights(self.b, self.rng, (3, 8)))
            return self.b.reshape(_requant(self.b, y), (4, 2))


def random_chain(rng: random.Random) -> tuple[Graph, dict[str, Folding]]:
    """Convolution, pooling, per-pixel and dense layers: windows and regions in any order."""
    c = _Chain(rng)
    spatial = (rng.randint(2, 7),) if rng.random() < 0.4 else (rng.randint(2, 4), rng.randint(2, 4))
    x = c.b.input("x", (*spatial, rng.randint(1, 2)), IntType.fixed(4, 1))
    y = c.conv(x)
    for step in (c.pool, c.point):
        if rng.random() < 0.6:
            y = step(y)
    if rng.random() < 0.7:
        y = c.dense(y)
        if rng.random() < 0.4:  # out of a region into a window: a serializer
            y = c.spread(y)
            c.fold["last"] = ONE
            with c.b.layer("last"):
                y = _requant(c.b, c.b.conv(y, _weights(c.b, rng, (2, 2, 1))))
    return c.b.build({"y": y}), c.fold


def dense_net(rng: random.Random, layers: int = 2) -> Graph:
    """Dense layers one after another."""
    b = GraphBuilder("mlp")
    y = b.input("x", (5,), IntType.fixed(4, 1))
    for index, size in enumerate([4] * layers):
        with b.layer(f"dense_{index}"):
            y = _requant(b, b.matmul(y, _weights(b, rng, (_shape(b, y)[0], size))))
    return b.build({"y": y})


def residual(rng: random.Random) -> Graph:
    """Two inputs, two outputs, and joins of values that arrive in different cycles."""
    b = GraphBuilder("residual")
    p, q = b.input("p", (4,), IntType.fixed(4, 1)), b.input("q", (3,), IntType.fixed(5))
    with b.layer("left"):
        left = _requant(b, b.matmul(p, _weights(b, rng, (4, 4))))
    with b.layer("deep"):
        deep = _requant(b, b.matmul(_requant(b, b.mul(left, left)), _weights(b, rng, (4, 4))))
    with b.layer("join"):
        joined = b.add(b.add(deep, p), b.slice(b.concat([q, q], 0), (0,), (4,)))
    with b.layer("early"):
        early = b.argmax(q)
    return b.build({"late": joined, "early": early, "middle": left})
