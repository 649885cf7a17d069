"""Test vectors: corners, random integers and quantized data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hwflow.errors import InputError
from hwflow.ir.exact import IntArray, as_ints
from hwflow.ir.graph import Graph, Node
from hwflow.ir.ops import Input
from hwflow.ir.types import Overflow, Rounding, TensorType
from hwflow.verify.directed import directed_vectors

__all__ = ["VectorClass", "Vectors", "make_vectors", "quantize"]

_MOST_ONE_HOT = 512


@dataclass(frozen=True, slots=True)
class VectorClass:
    """Vectors ``start`` to ``stop - 1`` and where they come from."""

    name: str
    start: int
    stop: int


@dataclass(frozen=True, slots=True, eq=False)
class Vectors:
    """Integer input vectors by input name, shape (n, *shape), and their classes in order."""

    inputs: Mapping[str, IntArray]
    classes: tuple[VectorClass, ...]

    def __len__(self) -> int:
        return self.classes[-1].stop if self.classes else 0

    def class_of(self, vector: int) -> str:
        """The class that a vector belongs to."""
        return next(c.name for c in self.classes if c.start <= vector < c.stop)


def quantize(node: Node, real: npt.NDArray[np.float64], scale: float | None = None) -> IntArray:
    """Real values (n, *shape) of an input as its integers, by the input's own rule.

    Exact: scaling is by powers of two, and float64 holds every value near a rounding border. With
    `scale`, the real size of one integer where it is no power of two, they are divided in float32,
    as the formats that have such scales define it.

    Raises:
        InputError: "run.input": a value is not finite, or the shape is wrong.
    """
    assert isinstance(node.op, Input)
    op = node.op
    if real.shape[1:] != op.shape:
        raise InputError(
            "run.input",
            f"input {node.name!r}: expected shape (n, {', '.join(map(str, op.shape))}), "
            f"found {real.shape}",
            hint="vectors lie along the first axis; reshape the array",
        )
    if not bool(np.isfinite(real).all()):
        raise InputError(
            "run.input",
            f"input {node.name!r}: NaN or infinity among the values",
            hint="remove or replace them; every value must be a finite number",
        )
    with np.errstate(over="ignore"):  # infinity is clipped like any other large value
        if scale is None:
            scaled = np.ldexp(real.astype(np.float64), op.type.frac)
        else:
            scaled = (real.astype(np.float32) / np.float32(scale)).astype(np.float64)
    scaled = np.clip(scaled, -(2.0**61), 2.0**61)
    whole = np.floor(scaled)
    rest = scaled - whole
    up = {
        Rounding.FLOOR: rest < 0,
        Rounding.HALF_UP: rest >= 0.5,
        Rounding.HALF_EVEN: (rest > 0.5) | ((rest == 0.5) & (whole % 2 == 1)),
        Rounding.HALF_AWAY: (rest > 0.5) | ((rest == 0.5) & (scaled > 0)),
        Rounding.TOWARD_ZERO: (rest > 0) & (scaled < 0),
    }[op.rounding]
    integers = whole.astype(np.int64) + up.astype(np.int64)
    lo, hi = op.type.lo, op.type.hi
    if op.overflow is Overflow.WRAP:
        return np.asarray(lo + (integers - lo) % (hi - lo + 1))
    if op.overflow is Overflow.SATURATE_SYMMETRIC:
        lo = np.maximum(lo, -hi)
    return np.asarray(np.minimum(np.maximum(integers, lo), hi))


def make_vectors(
    graph: Graph,
    random: int,
    seed: int,
    dataset: Mapping[str, IntArray] | None = None,
    params: Mapping[str, IntArray] | None = None,
) -> Vectors:
    """Corner and directed vectors, `random` ones, then the integer `dataset` vectors if any.

    `params` are the weights with which directed vectors are found.

    Half of the random ones are uniform; in the others every element sits at one of its ends, in
    a proportion that varies from vector to vector, so that sums leave the middle of their range.
    """
    rng = np.random.default_rng(seed)
    parts: dict[str, list[IntArray]] = {n.name: [] for n in graph.inputs}
    counts: dict[str, int] = {}
    kinds = {n.name: graph.types[n.name] for n in graph.inputs}
    corners = {name: _corners(kind) for name, kind in kinds.items()}
    most = max(len(c) for c in corners.values())
    directed = directed_vectors(graph, params or {})
    extreme = random // 2
    for name, kind in kinds.items():
        rows = corners[name]
        parts[name].append(rows[np.arange(most) % len(rows)])
        if directed is not None:
            parts[name].append(directed)
        lo, hi, _ = (a.astype(np.int64) for a in kind.elem.full((random, *kind.shape)))
        parts[name].append(rng.integers(lo[extreme:], hi[extreme:] + 1))
        share = rng.random((extreme, *(1,) * len(kind.shape)))
        at_top = rng.random((extreme, *kind.shape)) < share
        parts[name].append(np.where(at_top, hi[:extreme], lo[:extreme]))
    counts["corner"] = most
    counts["directed"] = 0 if directed is None else len(directed)
    counts["random"], counts["extreme"] = random - extreme, extreme
    if dataset is not None:
        counts["dataset"] = min(len(d) for d in dataset.values())
        for name, rows in dataset.items():
            parts[name].append(rows[: counts["dataset"]])
    inputs = {name: as_ints(np.concatenate(rows)) for name, rows in parts.items()}
    return Vectors(inputs, _classes(counts))


def _corners(kind: TensorType) -> IntArray:
    """All-min, all-max, nearest to zero, alternating, and one-hot (min and max) vectors."""
    lo, hi, _ = (a.astype(np.int64) for a in kind.elem.full(kind.shape))
    rest = np.clip(0, lo, hi)
    checker = np.indices(kind.shape).sum(axis=0) % 2 == 0 if kind.shape else np.array(True)
    rows = [lo, hi, rest, np.where(checker, lo, hi), np.where(checker, hi, lo)]
    flat_lo, flat_hi = lo.ravel(), hi.ravel()
    step = max(1, -(-kind.size // _MOST_ONE_HOT))
    for position in range(0, kind.size, step):
        for edge in (flat_hi, flat_lo):
            if edge[position] != rest.ravel()[position]:
                row = rest.ravel().copy()
                row[position] = edge[position]
                rows.append(row.reshape(kind.shape))
    return np.stack(rows)


def _classes(counts: Mapping[str, int]) -> tuple[VectorClass, ...]:
    classes, at = [], 0
    for name, count in counts.items():
        if count:
            classes.append(VectorClass(name, at, at + count))
            at += count
    return tuple(classes)
