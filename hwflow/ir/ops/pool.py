"""Reductions without weights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from hwflow.ir.exact import IntArray, magnitude
from hwflow.ir.ops.base import Operation, align, refuse, workable
from hwflow.ir.ops.linear import conv_windows
from hwflow.ir.types import IntType, TensorType

__all__ = ["ArgMax", "MaxPool", "ReduceSum"]


@dataclass(frozen=True, slots=True)
class MaxPool(Operation):
    """The largest value of each channel in every window of x (*spatial, C); no padding."""

    name: ClassVar[str] = "maxpool"

    window: tuple[int, ...]
    stride: tuple[int, ...]

    def _pool(self, x: IntArray, reduce: np.ufunc) -> IntArray:
        rank = len(self.window)
        none = ((0, 0),) * rank
        windows = conv_windows(x, self.window, self.stride, none, (1,) * rank)
        return np.asarray(reduce.reduce(windows, axis=tuple(range(rank + 1, 2 * rank + 1))))

    def infer(self, args: tuple[TensorType, ...]) -> TensorType:
        (x,) = args
        rank = len(self.window)
        if rank not in (1, 2) or len(x.shape) != rank + 1 or len(self.stride) != rank:
            raise refuse("shape", f"maxpool with window {self.window} of a tensor {x.shape}")
        if min(*self.window, *self.stride) < 1 or any(
            n < w for n, w in zip(x.shape, self.window, strict=False)
        ):
            raise refuse("shape", f"maxpool window {self.window} does not fit {x.shape}")
        lo, hi, frac = (a[None] for a in x.elem.full(x.shape))
        coarse = self._pool(frac, np.minimum)
        if bool((coarse != self._pool(frac, np.maximum)).any()):
            raise refuse("type", "maxpool compares elements of one binary point per channel")
        low, high = self._pool(lo, np.maximum)[0], self._pool(hi, np.maximum)[0]
        return TensorType(low.shape, IntType(low, high, coarse[0]))

    def evaluate(
        self, args: tuple[IntArray, ...], types: tuple[TensorType, ...], out: TensorType
    ) -> IntArray:
        return self._pool(args[0], np.maximum)


def _axes(axes: tuple[int, ...], rank: int) -> tuple[int, ...]:
    if not axes or len(set(axes)) != len(axes) or min(axes) < 0 or max(axes) >= rank:
        raise refuse("shape", f"axes {axes} do not fit a tensor of rank {rank}")
    return axes


@dataclass(frozen=True, slots=True)
class ReduceSum(Operation):
    """The sum over `axes` (which disappear), aligned to the finest binary point summed."""

    name: ClassVar[str] = "reduce_sum"

    axes: tuple[int, ...]

    def infer(self, args: tuple[TensorType, ...]) -> TensorType:
        (x,) = args
        axes = _axes(self.axes, len(x.shape))
        frac = x.elem.full(x.shape)[2].max(axis=axes, keepdims=True)
        lo, hi = (np.broadcast_to(a, x.shape) for a in x.elem.aligned(frac))
        lo, hi = workable(x.size * max(magnitude(lo), magnitude(hi)), lo, hi)
        low, high = lo.sum(axis=axes), hi.sum(axis=axes)
        return TensorType(np.shape(low), IntType(low, high, frac.squeeze(axes)))

    def evaluate(
        self, args: tuple[IntArray, ...], types: tuple[TensorType, ...], out: TensorType
    ) -> IntArray:
        elem = types[0].elem
        frac = elem.full(types[0].shape)[2].max(axis=self.axes, keepdims=True)
        x = align(args[0], elem, frac)
        (x,) = workable(types[0].size * magnitude(x), x)
        return np.asarray(x.sum(axis=tuple(a + 1 for a in self.axes)))


@dataclass(frozen=True, slots=True)
class ArgMax(Operation):
    """The index of the largest real value along `axis`; of equals, the first."""

    name: ClassVar[str] = "argmax"

    axis: int

    def infer(self, args: tuple[TensorType, ...]) -> TensorType:
        (x,) = args
        (axis,) = _axes((self.axis,), len(x.shape))
        shape = x.shape[:axis] + x.shape[axis + 1 :]
        return TensorType(shape, IntType(0, x.shape[axis] - 1))

    def evaluate(
        self, args: tuple[IntArray, ...], types: tuple[TensorType, ...], out: TensorType
    ) -> IntArray:
        elem = types[0].elem
        x = align(args[0], elem, elem.frac.max())
        return np.asarray(x.argmax(axis=self.axis + 1)).astype(np.int64)
