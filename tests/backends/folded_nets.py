"""Random small networks with a folding for each layer, built so that none is refused."""

from __future__ import annotations

import random
from typing import Literal

import numpy as np

from hwflow.ir import Graph, GraphBuilder, IntType, Overflow, Rounding, Value
from hwflow.plan.folding import Folding

__all__ = ["FoldedNet", "divisors", "random_folded_net", "residual_net"]

Shape = tuple[int, ...]
ROUNDINGS = tuple(Rounding)
OVERFLOWS = tuple(Overflow)


def divisors(number: int) -> list[int]:
    return [d for d in range(1, number + 1) if number % d == 0]


class FoldedNet:
    """Appends layers; `fold` collects what each is folded to, `kinds` what was built."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.b = GraphBuilder("net")
        self.fold: dict[str, Folding] = {}
        self.kinds: list[str] = []
        self.count = 0

    def name(self, kind: str) -> str:
        self.count += 1
        self.kinds.append(kind)
        return f"{kind}{self.count}"

    def ints(self, shape: Shape, low: int, high: int) -> np.ndarray:  # type: ignore[type-arg]
        flat = [self.rng.randint(low, high) for _ in range(int(np.prod(shape)))]
        return np.array(flat, dtype=np.int64).reshape(shape)

    def source(self, shape: Shape, name: str = "x", *, mixed: bool = False) -> Value:
        """An input; `mixed` gives its channels binary points of their own."""
        signed = self.rng.random() < 0.6
        kind = IntType.fixed(self.rng.randint(1, 5), self.rng.randint(-1, 3), signed=signed)
        if mixed:
            kind = IntType(kind.lo, kind.hi, self.ints((shape[-1],), 0, 3))
        return self.b.input(name, shape, kind)

    # What follows a reduction.

    def tail(self, a: Value, channels: int) -> Value:
        """Bias, batch normalisation, thresholds, tables: ends in few bits, one binary point."""
        b, rng = self.b, self.rng
        if rng.random() < 0.4:
            low = rng.choice((-9, 1))
            factors = self.ints((channels,), low, 9)
            a = b.mul(a, b.const(factors, self.ints((channels,), 0, 4)))
        if rng.random() < 0.7:
            points = self.ints((channels,), 0, 5) if rng.random() < 0.5 else 2
            a = b.add(a, b.const(self.ints((channels,), -40, 40), points))
        if rng.random() < 0.1:
            a = b.shift(a, rng.randint(-2, 2))
        how = rng.random()
        if how < 0.25:
            count = rng.randint(1, 4)
            columns = channels if rng.random() < 0.7 else 1
            levels = np.sort(self.ints((count, columns), -90, 90), axis=0)
            return b.threshold(a, levels, rng.randint(-1, 1))
        y = self.requant(a)
        if how < 0.4:
            kind = self.last
            low, high = int(kind.lo), int(kind.hi)
            y = b.lut(y, low, self.ints((high - low + 1,), -8, 7), 1)
        return y

    def requant(self, a: Value) -> Value:
        rng = self.rng
        kind = IntType.fixed(rng.randint(1, 5), rng.randint(-1, 3), signed=rng.random() < 0.5)
        self.last = kind
        return self.b.requant(a, kind, rng.choice(ROUNDINGS), rng.choice(OVERFLOWS))

    # Foldings.

    def choose(self, name: str, outputs: int, inputs: int, positions: int, window: bool) -> None:
        """Parallel, some positions a clock (`window` says that it can), or pe x simd."""
        rng = self.rng
        how = rng.random()
        if how < 0.6:
            pe: int | Literal["all"] = rng.choice(divisors(outputs))
            simd: int | Literal["all"] = rng.choice(divisors(inputs))
            pe = "all" if pe == outputs and rng.random() < 0.5 else pe
            simd = "all" if simd == inputs and pe != "all" and rng.random() < 0.5 else simd
            pos: int | Literal["all"] = rng.choice(("all", 1)) if positions == 1 else 1
            self.fold[name] = Folding(pe, simd, pos, rng.choice(("lut", "dsp")))
        elif how < 0.75 and window:
            self.fold[name] = Folding(pos=1)
        elif how < 0.85 and window:
            self.fold[name] = Folding(pos=rng.choice(divisors(positions)))

    # Layers.

    def dense(self, x: Value, shape: Shape) -> tuple[Value, Shape]:
        b, size = self.b, int(np.prod(shape))
        name, n = self.name("dense"), self.rng.choice((1, 2, 3, 4, 6))
        self.choose(name, n, size, 1, window=False)
        with b.layer(name):
            flat = b.reshape(x, (size,)) if len(shape) > 1 else x
            return self.tail(b.matmul(flat, self.weights((size, n))), n), (n,)

    def weights(self, shape: Shape) -> Value:
        """Weights, sometimes with a binary point for each output."""
        points = self.ints(shape[-1:], 0, 3) if self.rng.random() < 0.3 else 2
        return self.b.const(self.ints(shape, -7, 7), points)

    def conv(
        self, x: Value, shape: Shape, same: int = 0, depthwise: bool = False
    ) -> tuple[Value, Shape]:
        """A convolution; with `same` it keeps positions and has that many outputs."""
        b, rng, rank = self.b, self.rng, len(shape) - 1
        dilation = tuple(rng.choice((1, 1, 1, 2)) for _ in range(rank))
        taps = tuple(rng.randint(1, 3) for _ in range(rank))
        spans = tuple((t - 1) * d + 1 for t, d in zip(taps, dilation, strict=True))
        if same:
            before = tuple(s // 2 for s in spans)
            padding = tuple((p, s - 1 - p) for p, s in zip(before, spans, strict=True))
            stride = (1,) * rank
        else:
            padding = tuple(
                (rng.randint(0, s - 1), max(rng.randint(0, s), s - n))
                for s, n in zip(spans, shape, strict=False)
            )
            stride = tuple(rng.choice((1, 1, 2, 3)) for _ in range(rank))
        channels = shape[-1]
        # A first window that reads nothing but padding is refused in folded layers.
        reads = all(
            any(0 <= t * d - p[0] < size for t in range(tap))
            for size, p, tap, d in zip(shape, padding, taps, dilation, strict=False)
        )
        if not reads:
            return self.conv(x, shape, same, depthwise)
        n = channels if depthwise else same or rng.choice((1, 2, 3, 4))
        name = self.name("depthwise" if depthwise else "conv")
        out = tuple(
            (size + sum(p) - span) // step + 1
            for size, p, span, step in zip(shape, padding, spans, stride, strict=False)
        )
        positions = int(np.prod(out))
        self.choose(name, n, 1 if depthwise else channels, positions, window=True)
        with b.layer(name):
            w = self.weights((*taps, 1 if depthwise else channels, n))
            a = b.conv(x, w, stride, padding, dilation, channels if depthwise else 1)
            return self.tail(a, n), (*out, n)

    def pool(self, x: Value, shape: Shape) -> tuple[Value, Shape]:
        rng, rank = self.rng, len(shape) - 1
        window = tuple(rng.randint(1, min(3, n)) for n in shape[:-1])
        stride = tuple(rng.randint(1, 3) for _ in range(rank))
        out = tuple((s - w) // t + 1 for s, w, t in zip(shape, window, stride, strict=False))
        name = self.name("pool")
        self.choose(name, shape[-1], 1, int(np.prod(out)), window=True)
        with self.b.layer(name):
            return self.b.maxpool(x, window, stride), (*out, shape[-1])

    def average(self, x: Value, shape: Shape) -> tuple[Value, Shape]:
        name = self.name("average")
        self.choose(name, shape[-1], 1, 1, window=False)
        with self.b.layer(name):
            total = self.b.reduce_sum(x, tuple(range(len(shape) - 1)))
            return self.tail(total, shape[-1]), shape[-1:]

    def join(self, x: Value, y: Value, shape: Shape) -> tuple[Value, Shape]:
        """Residual sum or channels side by side, of two values of one shape."""
        b, rank = self.b, len(shape) - 1
        sums = self.rng.random() < 0.6
        name = self.name("join" if sums else "concat")
        if self.rng.random() < 0.6 and int(np.prod(shape[:-1])) > 1:
            self.fold[name] = Folding(pos=1)
        with b.layer(name):
            if sums:
                return self.requant(b.add(x, y)), shape
            both = b.concat([x, y], rank)
            return self.requant(both), (*shape[:-1], 2 * shape[-1])

    def branch(self, x: Value, shape: Shape) -> tuple[Value, Shape]:
        """One or two layers of the same shape beside their input, then a join."""
        y, n = x, shape[-1]
        for _ in range(self.rng.randint(1, 2)):
            y, _ = self.conv(y, shape, n, depthwise=n > 1 and self.rng.random() < 0.3)
        return self.join(y, x, shape)


def random_folded_net(rng: random.Random) -> tuple[Graph, dict[str, Folding], list[str]]:
    """Graph, foldings and the kinds of its layers (one to four, and what branches add)."""
    net = FoldedNet(rng)
    layers = rng.randint(1, 4)
    if rng.random() < 0.25:
        shape: Shape = (rng.choice((1, 2, 3, 4, 6)),)
        y, shape = net.dense(net.source(shape, mixed=rng.random() < 0.3), shape)
    else:
        spatial = (rng.randint(2, 6),) if rng.random() < 0.4 else tuple(rng.choices((2, 3, 5), k=2))
        shape = (*spatial, rng.choice((1, 2, 4)))
        mixed = rng.random() < 0.2
        x = net.source(shape, mixed=mixed)
        y, shape = net.conv(x, shape) if mixed else _spatial(net, x, shape)
    kept = y
    while len(net.kinds) < layers:
        kept = y
        if len(shape) == 1 or rng.random() < 0.2:
            y, shape = net.dense(y, shape)
        else:
            y, shape = _spatial(net, y, shape)
    outputs = {"y": y}
    if kept is not y and rng.random() < 0.2:
        outputs["early"] = kept
    return net.b.build(outputs), net.fold, net.kinds


def _spatial(net: FoldedNet, x: Value, shape: Shape) -> tuple[Value, Shape]:
    how = net.rng.choice(("conv", "conv", "depthwise", "pool", "average", "branch"))
    if how == "depthwise":
        return net.conv(x, shape, depthwise=shape[-1] > 1)
    if how == "branch" and int(np.prod(shape)) <= 36:
        return net.branch(x, shape)
    made = {"pool": net.pool, "average": net.average}.get(how, net.conv)
    return made(x, shape)


def residual_net(rng: random.Random, rows: int = 4, columns: int = 3, channels: int = 2) -> Graph:
    """conv a; conv b, conv c beside it; join (sum); dense d."""
    net = FoldedNet(rng)
    b = net.b
    shape = (rows, columns, channels)
    kind = IntType.fixed(4, 1)

    def conv(x: Value, name: str) -> Value:
        with b.layer(name):
            y = b.conv(x, net.weights((3, 3, channels, channels)), padding=((1, 1), (1, 1)))
            return b.requant(y, kind, Rounding.HALF_EVEN, Overflow.SATURATE)

    x = b.input("x", shape, kind)
    a = conv(x, "a")
    y = conv(conv(a, "b"), "c")
    with b.layer("join"):
        y = b.requant(b.add(y, a), kind, Rounding.FLOOR, Overflow.SATURATE)
    with b.layer("d"):
        size = rows * columns * channels
        y = b.matmul(b.reshape(y, (size,)), net.weights((size, 2)))
    return b.build({"y": y})
