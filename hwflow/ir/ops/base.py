"""What every operation offers: a type rule and an exact evaluation."""

from __future__ import annotations

import math
from typing import ClassVar

import numpy as np

from hwflow.errors import InputError
from hwflow.ir.exact import SAFE_BITS, IntArray, as_ints, magnitude, shift_left
from hwflow.ir.types import MAX_ELEMENTS, IntType, TensorType

__all__ = [
    "Operation", "align", "bounds_of_sum", "moved", "padded_shape", "refuse", "workable",
]  # fmt: skip


class Operation:
    """One kind of node. Subclasses are frozen dataclasses whose fields are the attributes.

    `infer` gives the result's shape and bounds from the operands' (interval analysis);
    `evaluate` gives its integers. Arrays have the batch as axis 0; operands that do not vary
    over the batch (constants) have length 1 there.
    """

    name: ClassVar[str]
    arity: ClassVar[int | None] = 1
    __slots__ = ()

    def infer(self, args: tuple[TensorType, ...]) -> TensorType:
        """Result type. Raises InputError("graph.shape" or "graph.type") on a misuse."""
        raise NotImplementedError

    def evaluate(
        self, args: tuple[IntArray, ...], types: tuple[TensorType, ...], out: TensorType
    ) -> IntArray:
        """Result integers, shape ``(n, *out.shape)`` (n broadcastable)."""
        raise NotImplementedError


def refuse(code: str, message: str, hint: str = "") -> InputError:
    """An InputError about a graph, ready to be raised."""
    return InputError(f"graph.{code}", message, hint=hint)


def padded_shape(shape: tuple[int, ...], padding: tuple[tuple[int, int], ...]) -> tuple[int, ...]:
    """`shape` grown by `padding`; refused before anything that large is allocated."""
    grown = tuple(n + before + after for n, (before, after) in zip(shape, padding, strict=True))
    if math.prod(grown) > MAX_ELEMENTS:
        raise refuse("shape", f"padding {shape} to {grown} exceeds {MAX_ELEMENTS} elements")
    return grown


def align(array: IntArray, elem: IntType, frac: IntArray) -> IntArray:
    """`array` of type `elem` counted in units of ``2**-frac``."""
    return shift_left(array, frac - elem.frac)


def workable(bound: int, *arrays: IntArray) -> tuple[IntArray, ...]:
    """The arrays as int64 if results up to `bound` are safe in it, else as Python integers."""
    if bound < 1 << SAFE_BITS and all(magnitude(a) < 1 << SAFE_BITS for a in arrays):
        return tuple(as_ints(a) for a in arrays)
    return tuple(a.astype(object) for a in arrays)


def bounds_of_sum(lo: IntArray, hi: IntArray) -> int:
    """A bound on every partial sum whose terms lie between `lo` and `hi`."""
    worst = np.maximum(abs(lo.astype(object)), abs(hi.astype(object)))
    return int(worst.sum()) if worst.size else 0


def moved(elem: IntType, shape: tuple[int, ...], move: object) -> IntType:
    """The element type after a pure data movement `move` (an array function)."""
    lo, hi, frac = elem.full(shape)
    return IntType(move(lo), move(hi), move(frac))  # type: ignore[operator]
