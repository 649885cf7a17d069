"""Operations that only move elements."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from hwflow.ir.exact import IntArray, padded
from hwflow.ir.ops.base import Operation, moved, padded_shape, refuse
from hwflow.ir.types import IntType, TensorType

__all__ = ["Concat", "Pad", "Reshape", "Slice", "Transpose"]


@dataclass(frozen=True, slots=True)
class Reshape(Operation):
    """The same elements in C order under another shape."""

    name: ClassVar[str] = "reshape"

    shape: tuple[int, ...]

    def infer(self, args: tuple[TensorType, ...]) -> TensorType:
        (x,) = args
        if int(np.prod(self.shape, dtype=object)) != x.size or min(self.shape, default=1) < 1:
            raise refuse("shape", f"cannot reshape {x.shape} to {self.shape}")
        elem = moved(x.elem, x.shape, lambda a: a.reshape(self.shape))
        return TensorType(self.shape, elem)

    def evaluate(
        self, args: tuple[IntArray, ...], types: tuple[TensorType, ...], out: TensorType
    ) -> IntArray:
        return args[0].reshape(args[0].shape[0], *self.shape)


@dataclass(frozen=True, slots=True)
class Transpose(Operation):
    """Axes reordered: axis i of the result is axis ``perm[i]`` of the operand."""

    name: ClassVar[str] = "transpose"

    perm: tuple[int, ...]

    def infer(self, args: tuple[TensorType, ...]) -> TensorType:
        (x,) = args
        if sorted(self.perm) != list(range(len(x.shape))):
            raise refuse("shape", f"{self.perm} does not reorder the axes of {x.shape}")
        shape = tuple(x.shape[i] for i in self.perm)
        return TensorType(shape, moved(x.elem, x.shape, lambda a: a.transpose(self.perm)))

    def evaluate(
        self, args: tuple[IntArray, ...], types: tuple[TensorType, ...], out: TensorType
    ) -> IntArray:
        return args[0].transpose(0, *(p + 1 for p in self.perm))


@dataclass(frozen=True, slots=True)
class Slice(Operation):
    """``x[start:stop:step]`` on every axis (positive steps)."""

    name: ClassVar[str] = "slice"

    start: tuple[int, ...]
    stop: tuple[int, ...]
    step: tuple[int, ...]

    def _index(self) -> tuple[slice, ...]:
        return tuple(map(slice, self.start, self.stop, self.step))

    def infer(self, args: tuple[TensorType, ...]) -> TensorType:
        (x,) = args
        rank = len(x.shape)
        if not len(self.start) == len(self.stop) == len(self.step) == rank:
            raise refuse("shape", f"slice needs {rank} starts, stops and steps")
        for n, a, b, s in zip(x.shape, self.start, self.stop, self.step, strict=True):
            if not (0 <= a < b <= n and s >= 1):
                raise refuse("shape", f"slice {a}:{b}:{s} does not fit an axis of {n}")
        elem = moved(x.elem, x.shape, lambda a: a[self._index()])
        return TensorType(np.empty(x.shape, np.int8)[self._index()].shape, elem)

    def evaluate(
        self, args: tuple[IntArray, ...], types: tuple[TensorType, ...], out: TensorType
    ) -> IntArray:
        return args[0][(slice(None), *self._index())]


@dataclass(frozen=True, slots=True)
class Concat(Operation):
    """Operands joined along `axis`; each element keeps its own type."""

    name: ClassVar[str] = "concat"
    arity: ClassVar[int | None] = None

    axis: int

    def infer(self, args: tuple[TensorType, ...]) -> TensorType:
        if not args or not 0 <= self.axis < len(args[0].shape):
            raise refuse("shape", f"concat along axis {self.axis} of {len(args)} operands")
        rest = {a.shape[: self.axis] + a.shape[self.axis + 1 :] for a in args}
        if len({len(a.shape) for a in args}) != 1 or len(rest) != 1:
            shapes = ", ".join(str(a.shape) for a in args)
            raise refuse("shape", f"concat of {shapes} along axis {self.axis}")
        parts = [a.elem.full(a.shape) for a in args]
        lo, hi, frac = (np.concatenate(p, axis=self.axis) for p in zip(*parts, strict=True))
        return TensorType(lo.shape, IntType(lo, hi, frac))

    def evaluate(
        self, args: tuple[IntArray, ...], types: tuple[TensorType, ...], out: TensorType
    ) -> IntArray:
        n = max(a.shape[0] for a in args)
        full = [np.broadcast_to(a, (n, *t.shape)) for a, t in zip(args, types, strict=True)]
        return np.concatenate(full, axis=self.axis + 1)


@dataclass(frozen=True, slots=True)
class Pad(Operation):
    """The integer `value` added before and after on every axis."""

    name: ClassVar[str] = "pad"

    before: tuple[int, ...]
    after: tuple[int, ...]
    value: int = 0

    def infer(self, args: tuple[TensorType, ...]) -> TensorType:
        (x,) = args
        widths = tuple(zip(self.before, self.after, strict=False))
        if not len(self.before) == len(self.after) == len(x.shape):
            raise refuse("shape", f"pad needs {len(x.shape)} amounts before and after")
        if any(min(w) < 0 for w in widths):
            raise refuse("shape", "pad amounts start at 0")
        shape = padded_shape(x.shape, widths)
        lo, hi, frac = x.elem.full(x.shape)
        lo, hi = (padded(a, widths, self.value) for a in (lo, hi))
        points = np.pad(frac, widths, mode="edge") if widths else frac
        return TensorType(shape, IntType(lo, hi, points))

    def evaluate(
        self, args: tuple[IntArray, ...], types: tuple[TensorType, ...], out: TensorType
    ) -> IntArray:
        widths = ((0, 0), *zip(self.before, self.after, strict=True))
        return padded(args[0], widths, self.value)
