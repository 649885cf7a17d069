"""A second, slow reading of SEMANTICS.md: one element at a time, over Python integers.

Shares no arithmetic with hwflow.ir: NumPy is only the container, every element carries its own
integer and binary point, and quotients are Fractions.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

from hwflow.ir import Graph, IntType, Node

__all__ = ["Tensor", "overflow", "round_quotient", "slow_evaluate"]

Objects = npt.NDArray[Any]
Index = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Tensor:
    """Integers and binary points, both object arrays of the tensor's full shape."""

    ints: Objects
    fracs: Objects

    @property
    def shape(self) -> Index:
        return self.ints.shape

    def real(self, at: Index) -> Fraction:
        return Fraction(self.ints[at]) / Fraction(2) ** int(self.fracs[at])

    def scaled(self, at: Index, frac: int) -> int:
        value = self.real(at) * Fraction(2) ** frac
        assert value.denominator == 1
        return int(value)


def made(shape: Index, element: Callable[[Index], tuple[int, int]]) -> Tensor:
    """The tensor whose element at each index is (integer, frac)."""
    ints, fracs = np.empty(shape, dtype=object), np.empty(shape, dtype=object)
    for at in np.ndindex(*shape):
        ints[at], fracs[at] = element(at)
    return Tensor(ints, fracs)


def spread(array: Any, shape: Index) -> Objects:
    """`array` as Python integers, broadcast over `shape`."""
    return np.broadcast_to(np.asarray(array).astype(object), shape)


def round_quotient(q: Fraction, mode: str) -> int:
    """`q` to an integer."""
    half = Fraction(1, 2)
    if mode == "floor":
        return math.floor(q)
    if mode == "half_up":
        return math.floor(q + half)
    if mode == "half_even":
        below = math.floor(q)
        rest = q - below
        return below + (rest > half or (rest == half and below % 2 == 1))
    if mode == "half_away":
        return math.floor(q + half) if q >= 0 else -math.floor(-q + half)
    assert mode == "toward_zero"
    return math.trunc(q)


def overflow(value: int, lo: int, hi: int, mode: str) -> int:
    """`value` into [lo, hi]."""
    if mode == "wrap":
        while not lo <= value <= hi:
            span = hi - lo + 1
            value -= (value - lo) // span * span
        return value
    if mode == "saturate_symmetric":
        lo = max(lo, -hi)
    return hi if value > hi else min(max(value, lo), hi)


def _pick(x: Tensor, shape: Index, at: Index) -> Index:
    """The index in `x` of the element that broadcasts to `at`."""
    tail = at[len(at) - len(x.shape) :]
    return tuple(0 if n == 1 else i for n, i in zip(x.shape, tail, strict=True))


def _elementwise(
    args: list[Tensor], element: Callable[[list[tuple[Tensor, Index]]], tuple[int, int]]
) -> Tensor:
    shape = np.broadcast_shapes(*(a.shape for a in args))
    return made(shape, lambda at: element([(a, _pick(a, shape, at)) for a in args]))


def _aligned_pair(a: tuple[Tensor, Index], b: tuple[Tensor, Index]) -> tuple[int, int, int]:
    frac = max(a[0].fracs[a[1]], b[0].fracs[b[1]])
    return a[0].scaled(a[1], frac), b[0].scaled(b[1], frac), frac


def _add(op: Any, args: list[Tensor]) -> Tensor:
    def element(items: list[tuple[Tensor, Index]]) -> tuple[int, int]:
        a, b, frac = _aligned_pair(*items)
        return (a + b if op.name == "add" else a - b), frac

    return _elementwise(args, element)


def _mul(op: Any, args: list[Tensor]) -> Tensor:
    return _elementwise(
        args,
        lambda i: (
            i[0][0].ints[i[0][1]] * i[1][0].ints[i[1][1]],
            i[0][0].fracs[i[0][1]] + i[1][0].fracs[i[1][1]],
        ),
    )


def _compare(op: Any, args: list[Tensor]) -> Tensor:
    def element(items: list[tuple[Tensor, Index]]) -> tuple[int, int]:
        a, b = (t.real(i) for t, i in items)
        order = (a > b) - (a < b)
        hits = {"ge": order >= 0, "gt": order > 0, "le": order <= 0, "lt": order < 0,
                "eq": order == 0, "ne": order != 0}  # fmt: skip
        return int(hits[op.kind]), 0

    return _elementwise(args, element)


def _select(op: Any, args: list[Tensor]) -> Tensor:
    def element(items: list[tuple[Tensor, Index]]) -> tuple[int, int]:
        a, b, frac = _aligned_pair(items[1], items[2])
        return (a if items[0][0].ints[items[0][1]] == 1 else b), frac

    return _elementwise(args, element)


def _shift(op: Any, args: list[Tensor]) -> Tensor:
    (x,) = args
    amount = spread(op.amount, x.shape)
    return made(x.shape, lambda at: (x.ints[at], x.fracs[at] - amount[at]))


def _live_shift(op: Any, args: list[Tensor]) -> Tensor:
    def element(items: list[tuple[Tensor, Index]]) -> tuple[int, int]:
        (x, at), (n, amount) = items
        factor = Fraction(2) ** int(n.real(amount))
        value = x.ints[at] * factor if op.name == "shift_left" else x.ints[at] / factor
        return math.floor(value), x.fracs[at]

    return _elementwise(args, element)


def _clz(op: Any, args: list[Tensor]) -> Tensor:
    (x,) = args

    def element(at: Index) -> tuple[int, int]:
        return next(n for n in range(op.width + 1) if x.ints[at] * 2**n >= 2 ** (op.width - 1)
                    or n == op.width), 0  # fmt: skip

    return made(x.shape, element)


def _requant(op: Any, args: list[Tensor]) -> Tensor:
    (x,) = args
    lo, hi, frac = (spread(a, x.shape) for a in (op.type.lo, op.type.hi, op.type.frac))

    def element(at: Index) -> tuple[int, int]:
        quotient = x.real(at) * Fraction(2) ** frac[at]
        whole = round_quotient(quotient, op.rounding.value)
        return overflow(whole, lo[at], hi[at], op.overflow.value), frac[at]

    return made(x.shape, element)


def _threshold(op: Any, args: list[Tensor]) -> Tensor:
    (x,) = args
    levels = [spread(level, x.shape) for level in op.thresholds]
    return made(x.shape, lambda at: (sum(x.ints[at] >= t[at] for t in levels), op.frac))


def _lut(op: Any, args: list[Tensor]) -> Tensor:
    (x,) = args
    table = [int(v) for v in op.values]
    return made(x.shape, lambda at: (table[x.ints[at] - op.start], op.frac))


def _sum(terms: list[tuple[int, int]], frac: int) -> tuple[int, int]:
    """The exact sum of (integer, frac) terms in units of 2**-frac."""
    return sum(value << (frac - own) for value, own in terms), frac


def _matmul(op: Any, args: list[Tensor]) -> Tensor:
    x, w = args
    inner = range(w.shape[0])

    def element(at: Index) -> tuple[int, int]:
        *row, n = at
        terms = [
            (x.ints[(*row, k)] * w.ints[k, n], x.fracs[(*row, k)] + w.fracs[k, n]) for k in inner
        ]
        return _sum(terms, max(f for _, f in terms))

    return made((*x.shape[:-1], w.shape[1]), element)


def _dot(op: Any, args: list[Tensor]) -> Tensor:
    a, b = args

    def element(at: Index) -> tuple[int, int]:
        *lead, m, n = at
        terms = [(a.ints[(*lead, m, k)] * b.ints[(*lead, k, n)], 0) for k in range(a.shape[-1])]
        return sum(t for t, _ in terms), a.fracs.flat[0] + b.fracs.flat[0]

    return made((*a.shape[:-1], b.shape[-1]), element)


def _conv(op: Any, args: list[Tensor]) -> Tensor:
    x, w = args
    *kernel, cin, cout = w.shape
    sizes = [
        (n + before + after - (k - 1) * d - 1) // s + 1
        for n, k, s, d, (before, after) in zip(
            x.shape, kernel, op.stride, op.dilation, op.padding, strict=False
        )
    ]

    def element(at: Index) -> tuple[int, int]:
        *place, filter_ = at
        group = filter_ // (cout // op.groups)
        terms = []
        for *tap, c in itertools.product(*map(range, kernel), range(cin)):
            channel = group * cin + c
            source = [
                p * s + t * d - pad[0]
                for p, s, t, d, pad in zip(
                    place, op.stride, tap, op.dilation, op.padding, strict=True
                )
            ]
            inside = all(0 <= i < n for i, n in zip(source, x.shape, strict=False))
            value = x.ints[(*source, channel)] if inside else 0
            frac = x.fracs[(*(0 for _ in source), channel)] + w.fracs[(*tap, c, filter_)]
            terms.append((value * w.ints[(*tap, c, filter_)], frac))
        return _sum(terms, max(f for _, f in terms))

    return made((*sizes, cout), element)


def _maxpool(op: Any, args: list[Tensor]) -> Tensor:
    (x,) = args
    sizes = [(n - w) // s + 1 for n, w, s in zip(x.shape, op.window, op.stride, strict=False)]

    def element(at: Index) -> tuple[int, int]:
        *place, c = at
        corner = [p * s for p, s in zip(place, op.stride, strict=True)]
        window = [
            (*(a + o for a, o in zip(corner, offset, strict=True)), c)
            for offset in itertools.product(*map(range, op.window))
        ]
        return max(x.ints[i] for i in window), x.fracs[window[0]]

    return made((*sizes, x.shape[-1]), element)


def _reduce_sum(op: Any, args: list[Tensor]) -> Tensor:
    (x,) = args
    kept = [i for i in range(len(x.shape)) if i not in op.axes]

    def element(at: Index) -> tuple[int, int]:
        fixed = dict(zip(kept, at, strict=True))
        ranges = [(fixed[i],) if i in fixed else range(n) for i, n in enumerate(x.shape)]
        terms = [(x.ints[i], x.fracs[i]) for i in itertools.product(*ranges)]
        return _sum(terms, max(f for _, f in terms))

    return made(tuple(x.shape[i] for i in kept), element)


def _argmax(op: Any, args: list[Tensor]) -> Tensor:
    (x,) = args

    def element(at: Index) -> tuple[int, int]:
        line = [x.real((*at[: op.axis], i, *at[op.axis :])) for i in range(x.shape[op.axis])]
        return line.index(max(line)), 0

    return made(x.shape[: op.axis] + x.shape[op.axis + 1 :], element)


def _reshape(op: Any, args: list[Tensor]) -> Tensor:
    (x,) = args
    order = list(np.ndindex(*x.shape))
    places = dict(zip(np.ndindex(*op.shape), order, strict=True))

    def element(at: Index) -> tuple[int, int]:
        source = places[at]
        return int(x.ints[source]), int(x.fracs[source])

    return made(op.shape, element)


def _transpose(op: Any, args: list[Tensor]) -> Tensor:
    (x,) = args

    def element(at: Index) -> tuple[int, int]:
        source = [0] * len(at)
        for axis, from_axis in enumerate(op.perm):
            source[from_axis] = at[axis]
        return x.ints[tuple(source)], x.fracs[tuple(source)]

    return made(tuple(x.shape[p] for p in op.perm), element)


def _slice(op: Any, args: list[Tensor]) -> Tensor:
    (x,) = args
    shape = tuple(len(range(a, b, s)) for a, b, s in zip(op.start, op.stop, op.step, strict=True))

    def element(at: Index) -> tuple[int, int]:
        source = tuple(a + i * s for a, i, s in zip(op.start, at, op.step, strict=True))
        return x.ints[source], x.fracs[source]

    return made(shape, element)


def _concat(op: Any, args: list[Tensor]) -> Tensor:
    shape = list(args[0].shape)
    shape[op.axis] = sum(a.shape[op.axis] for a in args)

    def element(at: Index) -> tuple[int, int]:
        offset = at[op.axis]
        for x in args:
            if offset < x.shape[op.axis]:
                source = (*at[: op.axis], offset, *at[op.axis + 1 :])
                return x.ints[source], x.fracs[source]
            offset -= x.shape[op.axis]
        raise AssertionError

    return made(tuple(shape), element)


def _pad(op: Any, args: list[Tensor]) -> Tensor:
    (x,) = args
    shape = tuple(n + b + a for n, b, a in zip(x.shape, op.before, op.after, strict=True))

    def element(at: Index) -> tuple[int, int]:
        source = [i - b for i, b in zip(at, op.before, strict=True)]
        nearest = tuple(min(max(i, 0), n - 1) for i, n in zip(source, x.shape, strict=True))
        return (x.ints[nearest] if list(nearest) == source else op.value), x.fracs[nearest]

    return made(shape, element)


RULES: dict[str, Callable[[Any, list[Tensor]], Tensor]] = {
    "add": _add, "sub": _add, "mul": _mul, "compare": _compare, "select": _select,
    "shift": _shift, "shift_left": _live_shift, "shift_right": _live_shift, "clz": _clz,
    "requant": _requant, "threshold": _threshold, "lut": _lut,
    "matmul": _matmul, "dot": _dot, "conv": _conv, "maxpool": _maxpool,
    "reduce_sum": _reduce_sum, "argmax": _argmax, "reshape": _reshape,
    "transpose": _transpose, "slice": _slice, "concat": _concat, "pad": _pad,
}  # fmt: skip


def _source(node: Node, values: Mapping[str, Objects]) -> Tensor:
    op: Any = node.op
    if op.name == "const":
        return Tensor(spread(op.values, op.values.shape), spread(op.frac, op.values.shape))
    elem: IntType = op.type
    return Tensor(spread(values[node.name], op.shape), spread(elem.frac, op.shape))


def slow_evaluate(graph: Graph, values: Mapping[str, Objects]) -> dict[str, Tensor]:
    """Every value of `graph` for one vector (arrays without a batch axis)."""
    results: dict[str, Tensor] = {}
    for node in graph.nodes:
        if node.op.name in ("input", "param", "const"):
            results[node.name] = _source(node, values)
        else:
            results[node.name] = RULES[node.op.name](node.op, [results[a] for a in node.args])
    return results
