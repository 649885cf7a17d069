"""Graphs for the hls4ml backend: every mode, every layer, and random ones."""

from __future__ import annotations

import itertools
import random

import numpy as np

from hwflow.ir import Graph, GraphBuilder, IntType, Overflow, Rounding, Value

__all__ = ["corners", "every_layer", "every_mode"]


def _ints(rng: random.Random, shape: tuple[int, ...], bound: int) -> np.ndarray:
    flat = [rng.randint(-bound, bound) for _ in range(int(np.prod(shape)))]
    return np.array(flat, dtype=np.int64).reshape(shape)


def every_mode(seed: int) -> Graph:
    """All fifteen pairs of rounding and overflow, into types whole and per element."""
    rng = random.Random(seed)
    b = GraphBuilder("modes")
    x = b.input("x", (16,), IntType.fixed(rng.choice((9, 12, 15)), rng.randint(-1, 9)))
    outputs = {}
    for k, (rounding, overflow) in enumerate(itertools.product(Rounding, Overflow)):
        with b.layer(f"whole{k}"):
            signed = rng.random() < 0.6
            kind = IntType.fixed(rng.randint(1, 8), rng.randint(-3, 6), signed=signed)
            outputs[f"y{k}"] = b.requant(x, kind, rounding, overflow)
        with b.layer(f"each{k}"):
            frac = np.array([rng.randint(-2, 5) for _ in range(16)])
            wide = np.array([rng.randint(1, 8) for _ in range(16)])
            some = np.arange(16) % 5 > 0  # the others have no bits
            each = IntType(-(1 << wide - 1) * some, ((1 << wide - 1) - 1) * some, frac)
            outputs[f"z{k}"] = b.requant(x, each, rounding, overflow)
    return b.build(outputs)


def _cast(b: GraphBuilder, rng: random.Random, x: Value, width: int, frac: int) -> Value:
    """A requantization to `width` bits by any modes."""
    signed = rng.random() < 0.5
    return b.requant(
        x,
        IntType.fixed(width, frac, signed=signed),
        rng.choice(list(Rounding)),
        rng.choice(list(Overflow)),
    )


def every_layer(seed: int, *, stream: bool = False) -> Graph:
    """One of each layer that hls4ml can express."""
    rng = random.Random(seed)
    b = GraphBuilder("layers")
    image = b.input("image", (6, 5, 3), IntType.fixed(6, 4))
    line = b.input("line", (9, 2), IntType.fixed(5, 2, signed=False))
    outputs: dict[str, Value] = {}
    with b.layer("conv2"):
        w = b.const(_ints(rng, (3, 2, 3, 4), 7), frac=np.array([3, 4, 3, 5]))
        bias = b.const(_ints(rng, (4,), 20), frac=4)
        acc = b.conv(image, w, stride=(1, 1), padding=((1, 1), (0, 1)))
        conv2 = _cast(b, rng, b.add(acc, bias), 7, 3)
    with b.layer("depth2"):
        w = b.const(_ints(rng, (2, 2, 1, 4), 7), frac=3)
        depth2 = _cast(b, rng, b.conv(conv2, w, stride=(2, 1), groups=4), 6, 2)
    with b.layer("pool2"):
        outputs["pool2"] = b.maxpool(depth2, (2, 2), (1, 2))
    with b.layer("joined"):
        outputs["joined"] = b.concat(
            [conv2, b.requant(image, IntType.fixed(4, 1), Rounding.FLOOR, Overflow.WRAP)], axis=2
        )
    with b.layer("conv1"):
        w = b.const(_ints(rng, (3, 2, 4), 7), frac=3)
        conv1 = _cast(b, rng, b.conv(line, w, stride=(2,), padding=((1, 1),)), 6, 1)
    with b.layer("pool1"):
        outputs["pool1"] = b.maxpool(conv1, (2,), (2,))
    with b.layer("point"):
        w = b.const(_ints(rng, (4, 3), 7), frac=2)
        point = b.matmul(conv1, w)
    with b.layer("norm"):
        scale = b.const(_ints(rng, (3,), 9), frac=np.array([1, 2, 0]))
        shift = b.const(_ints(rng, (3,), 9), frac=3)
        normed = _cast(b, rng, b.add(b.mul(point, scale), shift), 7, 2)
        outputs["norm"] = normed
    with b.layer("sum"):
        outputs["sum"] = b.add(
            normed, b.requant(point, IntType.fixed(6, 1), Rounding.HALF_UP, Overflow.SATURATE)
        )
    with b.layer("difference"):
        outputs["difference"] = b.sub(normed, outputs["sum"])
    with b.layer("product"):
        outputs["product"] = b.mul(normed, outputs["sum"])
    with b.layer("turned"):
        turned = b.transpose(normed, (1, 0))
        outputs["turned"] = turned
    with b.layer("dense"):
        flat = b.reshape(normed, (15,))
        w = b.const(_ints(rng, (15, 5), 7), frac=2)
        outputs["dense"] = _cast(b, rng, b.matmul(flat, w), 8, 1)
    with b.layer("table"):
        few = b.requant(
            outputs["dense"], IntType.fixed(4, 1), Rounding.HALF_EVEN, Overflow.SATURATE
        )
        outputs["table"] = b.lut(few, -8, _ints(rng, (16,), 50), frac=3)
    with b.layer("steps"):
        outputs["steps"] = b.threshold(few, np.array([-3, 0, 2, 5]))
    with b.layer("total"):
        outputs["total"] = b.reduce_sum(outputs["dense"], (0,))
    with b.layer("sums"):
        outputs["sums"] = b.reduce_sum(conv2, (1,))
    with b.layer("padded"):
        outputs["padded"] = b.pad(conv2, (1, 0, 0), (0, 2, 0))
    with b.layer("cropped"):
        outputs["cropped"] = b.slice(conv2, (1, 0, 0), (5, 4, 4), (1, 1, 1))
    with b.layer("edge"):
        around = b.pad(image, (1, 0, 0), (0, 1, 0), -32)
        outputs["edge"] = b.maxpool(around, (2, 2), (2, 2))
    if not stream:
        with b.layer("pair"):
            outputs["pair"] = _cast(b, rng, b.dot(normed, turned), 8, 2)
    return b.build(outputs)


def corners(*, stream: bool = False) -> Graph:
    """Values that hls4ml would drop, share or merge: scalars, no-ops, outputs used again."""
    b = GraphBuilder("corners")
    half_up, floor, saturate = Rounding.HALF_UP, Rounding.FLOOR, Overflow.SATURATE
    x = b.input("x", (4, 3), IntType.fixed(6, 2))
    s = b.input("s", (), IntType.fixed(4, 0))
    with b.layer("a"):
        product = b.matmul(x, b.const(np.arange(6).reshape(3, 2) - 3))
        y = b.requant(product, IntType.fixed(6, 1), half_up, saturate)
    with b.layer("r"):
        flat = b.reshape(y, (8,))
    with b.layer("d"):
        d = b.matmul(flat, b.const(np.eye(8, dtype=int)[:, :3]))
    outputs = {"y": y, "again": y, "flat": flat, "d": d}
    with b.layer("same"):
        outputs["same"] = b.requant(y, IntType.fixed(6, 1), half_up, saturate)
    with b.layer("one"):
        once = b.mul(y, b.const(1))
        outputs["one"] = b.requant(once, IntType.fixed(4, 0), half_up, saturate)
    with b.layer("chosen"):
        outputs["leaky"] = b.select(b.compare("gt", y, b.const(0)), y, b.shift(y, -3))
    with b.layer("clipped"):
        odd = IntType(-5, 11, 1)
        outputs["clipped"] = b.requant(d, odd, Rounding.HALF_EVEN, saturate)
    if not stream:
        with b.layer("equal"):
            outputs["equal"] = b.compare("eq", y, b.const(3, frac=1))
    with b.layer("spikes"):
        levels = np.array([[-300, 7], [0, 900], [40, 41]])
        outputs["spikes"] = b.threshold(b.mul(product, b.const([1000, 1], frac=[0, 2])), levels)
    with b.layer("scalar"):
        outputs["scalar"] = b.add(b.mul(s, b.const(3)), b.const(1))
    with b.layer("none"):
        outputs["none"] = b.requant(d, IntType.fixed(3, -9), floor, saturate)
    with b.layer("sum"):
        outputs["sum"] = b.add(x, x)
    with b.layer("pair"):
        outputs["pair"] = b.concat([x, x], axis=1)
    with b.layer("minus"):
        outputs["minus"] = b.sub(b.const(5), x)
    with b.layer("far"):
        outputs["far"] = b.requant(x, IntType.fixed(4, -8), Rounding.HALF_AWAY, saturate)
    return b.build(outputs)
