"""Random graphs of one operation each, for the property tests."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from hwflow.ir import Graph, GraphBuilder, IntType, Overflow, Rounding, Value

__all__ = ["GRAPHS", "inputs", "random_graph", "random_ints", "random_type"]

Objects = npt.NDArray[Any]
WIDTHS = (0, 0, 1, 2, 5, 8, 11, 20, 31, 33, 60, 61, 62, 63, 64, 65, 90)
SMALL = (0, 1, 2, 5, 8, 11)


def random_bounds(rng: random.Random, widths: tuple[int, ...]) -> tuple[int, int]:
    """Bounds that need at most one of `widths` bits; sometimes one value, sometimes all."""
    width = rng.choice(widths)
    if width == 0:
        return 0, 0
    low, high = rng.choice([(0, (1 << width) - 1), (-(1 << width - 1), (1 << width - 1) - 1)])
    if rng.random() < 0.6:
        return low, high
    a, b = rng.randint(low, high), rng.randint(low, high)
    return min(a, b), max(a, b)


def random_type(
    rng: random.Random,
    shape: tuple[int, ...],
    widths: tuple[int, ...] = WIDTHS,
    frac: str = "any",
    hold_zero: bool = False,
) -> IntType:
    """A type for `shape`; `frac` is "one", "channel" (last axis) or "any" (every element)."""
    where = rng.choice([(), shape[len(shape) - 1 :], shape])
    pairs = [random_bounds(rng, widths) for _ in range(int(np.prod(where)))]
    if hold_zero:
        pairs = [(min(lo, 0), max(hi, 0)) for lo, hi in pairs]
    lo, hi = (np.array([p[i] for p in pairs], dtype=object).reshape(where) for i in (0, 1))
    choices: list[tuple[int, ...]] = [(), shape[-1:], shape]
    points = rng.choice(choices[: {"one": 1, "channel": 2, "any": 3}[frac]])
    fracs = [rng.randint(-5, 12) for _ in range(int(np.prod(points)))]
    return IntType(lo, hi, np.array(fracs, dtype=object).reshape(points))


def random_ints(rng: random.Random, shape: tuple[int, ...], elem: IntType, n: int) -> Objects:
    """`n` tensors within the bounds; the first two are all-lowest and all-highest."""
    lo, hi = (a.astype(object) for a in elem.full(shape)[:2])
    result = np.empty((n, *shape), dtype=object)
    for i in range(n):
        for at in np.ndindex(*shape):
            low, high = int(lo[at]), int(hi[at])
            ends = (low, high, rng.choice((low, high)), rng.randint(low, high))
            result[(i, *at)] = ends[min(i, 2 + (rng.random() < 0.5))]
    return result


def random_shape(rng: random.Random, rank: int, top: int = 3) -> tuple[int, ...]:
    return tuple(rng.randint(1, top) for _ in range(rank))


class Maker:
    """A builder with random sources."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.b = GraphBuilder("random_graph")
        self.count = 0

    def source(
        self, shape: tuple[int, ...], widths: tuple[int, ...] = WIDTHS, frac: str = "any"
    ) -> Value:
        """An input; sometimes a param or a constant."""
        self.count += 1
        name, elem = f"v{self.count}", random_type(self.rng, shape, widths, frac)
        kind = self.rng.choice(["input", "input", "param", "const"]) if self.count > 1 else "input"
        if kind == "input":
            return self.b.input(name, shape, elem)
        if kind == "param":
            return self.b.param(name, shape, elem)
        return self.b.const(random_ints(self.rng, shape, elem, 3)[2], elem.frac, name=name)

    def weights(self, shape: tuple[int, ...], widths: tuple[int, ...]) -> Value:
        elem = random_type(self.rng, shape, widths)
        if self.rng.random() < 0.3:
            return self.b.param("w", shape, elem)
        return self.b.const(random_ints(self.rng, shape, elem, 3)[2], elem.frac, name="w")


def _two(m: Maker) -> tuple[Value, Value]:
    """Operands that broadcast."""
    shape = random_shape(m.rng, m.rng.randint(0, 3))
    other = tuple(m.rng.choice((1, n)) for n in shape[m.rng.randint(0, len(shape)) :])
    pair = (m.source(shape), m.source(other))
    return pair if m.rng.random() < 0.5 else pair[::-1]


def _requant(m: Maker) -> Value:
    shape = random_shape(m.rng, m.rng.randint(0, 2))
    x = m.source(shape)
    if m.rng.random() < 0.3:
        x = m.b.shift(x, m.rng.randint(-70, 70))
    return m.b.requant(
        x, random_type(m.rng, shape), m.rng.choice(list(Rounding)), m.rng.choice(list(Overflow))
    )


def _threshold(m: Maker) -> Value:
    shape = random_shape(m.rng, m.rng.randint(0, 3))
    x = m.source(shape)
    tail = m.rng.choice([(), shape[len(shape) - 1 :], shape])
    levels = random_ints(m.rng, tail, random_type(m.rng, tail), m.rng.randint(1, 4))
    return m.b.threshold(x, levels, m.rng.randint(-3, 3))


def _lut(m: Maker) -> Value:
    x = m.source(random_shape(m.rng, m.rng.randint(0, 3)), SMALL[:-2])
    values = random_ints(m.rng, (256 + 128,), random_type(m.rng, (256 + 128,)), 3)[2]
    return m.b.lut(x, -128, values, m.rng.randint(-3, 3))


def _select(m: Maker) -> Value:
    a, b = _two(m)
    m.count += 1
    condition = m.b.input("c", m.rng.choice([(), (1,)]), IntType(0, 1))
    return m.b.select(condition, a, b)


def _matmul(m: Maker) -> Value:
    *lead, k, n = random_shape(m.rng, m.rng.randint(2, 4))
    widths = m.rng.choice((SMALL, WIDTHS))
    return m.b.matmul(m.source((*lead, k), widths, "channel"), m.weights((k, n), widths))


def _dot(m: Maker) -> Value:
    *lead, i, k, j = random_shape(m.rng, m.rng.randint(3, 4))
    return m.b.dot(m.source((*lead, i, k), frac="one"), m.source((*lead, k, j), frac="one"))


def _conv(m: Maker) -> Value:
    rng, rank = m.rng, m.rng.randint(1, 2)
    groups, cin, cout = rng.randint(1, 2), rng.randint(1, 2), rng.randint(1, 2)
    kernel, dilation = random_shape(rng, rank, 2), random_shape(rng, rank, 2)
    padding = tuple((rng.randint(0, 2), rng.randint(0, 2)) for _ in range(rank))
    spatial = tuple(
        max(1, (k - 1) * d + 1 - sum(p)) + rng.randint(0, 2)
        for k, d, p in zip(kernel, dilation, padding, strict=True)
    )
    widths = rng.choice((SMALL, WIDTHS))
    return m.b.conv(
        m.source((*spatial, groups * cin), widths, "channel"),
        m.weights((*kernel, cin, groups * cout), widths),
        random_shape(rng, rank, 2), padding, dilation, groups,
    )  # fmt: skip


def _maxpool(m: Maker) -> Value:
    rank = m.rng.randint(1, 2)
    window = random_shape(m.rng, rank, 2)
    spatial = tuple(w + m.rng.randint(0, 3) for w in window)
    x = m.source((*spatial, m.rng.randint(1, 2)), frac="channel")
    return m.b.maxpool(x, window, m.rng.choice([None, random_shape(m.rng, rank)]))


def _reduce_sum(m: Maker) -> Value:
    shape = random_shape(m.rng, m.rng.randint(1, 3))
    axes = m.rng.sample(range(len(shape)), m.rng.randint(1, len(shape)))
    return m.b.reduce_sum(m.source(shape), axes)


def _argmax(m: Maker) -> Value:
    shape = random_shape(m.rng, m.rng.randint(1, 3))
    widths = m.rng.choice((SMALL[:3], WIDTHS))  # few bits: equal values
    return m.b.argmax(m.source(shape, widths), m.rng.randrange(len(shape)))


def _reshape(m: Maker) -> Value:
    shape = random_shape(m.rng, 3)
    target = list(shape)
    m.rng.shuffle(target)
    whole = int(np.prod(shape))
    return m.b.reshape(m.source(shape), m.rng.choice([tuple(target), (whole,), (1, whole)]))


def _transpose(m: Maker) -> Value:
    shape = random_shape(m.rng, m.rng.randint(1, 4))
    return m.b.transpose(m.source(shape), m.rng.sample(range(len(shape)), len(shape)))


def _slice(m: Maker) -> Value:
    shape = random_shape(m.rng, m.rng.randint(0, 3), 5)
    start = [m.rng.randrange(n) for n in shape]
    stop = [m.rng.randint(a + 1, n) for a, n in zip(start, shape, strict=True)]
    step = m.rng.choice([None, random_shape(m.rng, len(shape))])
    return m.b.slice(m.source(shape), start, stop, step)


def _concat(m: Maker) -> Value:
    shape = random_shape(m.rng, m.rng.randint(1, 3))
    axis = m.rng.randrange(len(shape))
    shapes = [
        (*shape[:axis], m.rng.randint(1, 3), *shape[axis + 1 :]) for _ in range(m.rng.randint(1, 3))
    ]
    return m.b.concat([m.source(s) for s in shapes], axis)


def _pad(m: Maker) -> Value:
    shape = random_shape(m.rng, m.rng.randint(0, 3))
    before, after = ([m.rng.randint(0, 2) for _ in shape] for _ in range(2))
    return m.b.pad(m.source(shape), before, after, m.rng.choice([0, 0, -3, 7, 1 << 70]))


def _shift(m: Maker) -> Value:
    shape = random_shape(m.rng, m.rng.randint(0, 3))
    where = m.rng.choice([(), shape[len(shape) - 1 :], shape])
    amount = np.array([m.rng.randint(-9, 9) for _ in range(int(np.prod(where)))], dtype=np.int64)
    return m.b.shift(m.source(shape), amount.reshape(where))


def _live_shift(m: Maker, shift: Callable[[GraphBuilder, Value, Value], Value]) -> Value:
    """An amount of a few bits, broadcast with what it shifts."""
    shape = random_shape(m.rng, m.rng.randint(0, 3))
    other = tuple(m.rng.choice((1, n)) for n in shape[m.rng.randint(0, len(shape)) :])
    pair = (shape, other) if m.rng.random() < 0.5 else (other, shape)
    least = m.rng.randint(0, 4)
    m.count += 1
    amount = m.b.input("n", pair[1], IntType(least, least + m.rng.choice((0, 1, 3, 7, 28))))
    return shift(m.b, m.source(pair[0]), amount)


def _clz(m: Maker) -> Value:
    shape = random_shape(m.rng, m.rng.randint(0, 3))
    top = m.rng.choice((1, 2, 7, 8, 22, 31, 32, 63, 64, 70))
    hi = [m.rng.randrange(1 << m.rng.randint(0, top)) for _ in range(int(np.prod(shape)))]
    m.count += 1
    bounds = np.array(hi, dtype=object).reshape(shape)
    x = m.b.input("x", shape, IntType(bounds // m.rng.randint(1, 99), bounds))
    return m.b.clz(x, max(hi).bit_length() + m.rng.choice((0, 0, 1, 9)))


GRAPHS: dict[str, Callable[[Maker], Value]] = {
    "add": lambda m: m.b.add(*_two(m)),
    "sub": lambda m: m.b.sub(*_two(m)),
    "mul": lambda m: m.b.mul(*_two(m)),
    "compare": lambda m: m.b.compare(
        m.rng.choice(["ge", "gt", "le", "lt", "eq", "ne"]), *_two(m)
    ),
    "shift_left": lambda m: _live_shift(m, GraphBuilder.shift_left),
    "shift_right": lambda m: _live_shift(m, GraphBuilder.shift_right),
    "clz": _clz, "select": _select, "shift": _shift, "requant": _requant, "threshold": _threshold,
    "lut": _lut, "matmul": _matmul, "dot": _dot, "conv": _conv, "maxpool": _maxpool,
    "reduce_sum": _reduce_sum, "argmax": _argmax, "reshape": _reshape,
    "transpose": _transpose, "slice": _slice, "concat": _concat, "pad": _pad,
}  # fmt: skip


def random_graph(kind: str, rng: random.Random) -> Graph:
    """A graph around one operation called `kind`."""
    maker = Maker(rng)
    y = GRAPHS[kind](maker)
    return maker.b.build({"y": y})


def inputs(graph: Graph, rng: random.Random, n: int) -> dict[str, Objects]:
    """`n` vectors for every input and one value of every param."""
    values = {
        node.name: random_ints(rng, graph.types[node.name].shape, graph.types[node.name].elem, n)
        for node in graph.inputs
    }
    for node in graph.params:
        kind = graph.types[node.name]
        values[node.name] = random_ints(rng, kind.shape, kind.elem, 3)[rng.randrange(3)]
    return values
