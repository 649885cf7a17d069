"""Exact tables: thresholds and look-up tables."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from hwflow.ir.exact import IntArray, as_ints, frozen
from hwflow.ir.ops.base import Operation, refuse
from hwflow.ir.types import IntType, TensorType

__all__ = ["Lut", "Threshold"]


@dataclass(frozen=True, slots=True, eq=False)
class Threshold(Operation):
    """How many of the thresholds the operand's integer reaches: ``sum_k [x >= T_k]``.

    `thresholds` has shape ``(K, *broadcastable over the tensor)``; `frac` is the result's.
    """

    name: ClassVar[str] = "threshold"

    thresholds: IntArray
    frac: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "thresholds", frozen(as_ints(self.thresholds)))

    def infer(self, args: tuple[TensorType, ...]) -> TensorType:
        (x,) = args
        if self.thresholds.ndim < 1:
            raise refuse("shape", "threshold needs a list of thresholds, found a single number")
        try:
            ladder = np.broadcast_to(self._ladder(len(x.shape)), (len(self.thresholds), *x.shape))
        except ValueError:
            raise refuse(
                "shape", f"thresholds of shape {self.thresholds.shape} do not fit {x.shape}"
            ) from None
        lo, hi, _ = x.elem.full(x.shape)
        counts = [(a[None] >= ladder).sum(axis=0) for a in (lo, hi)]
        return TensorType(x.shape, IntType(counts[0], counts[1], self.frac))

    def _ladder(self, rank: int) -> IntArray:
        tail = self.thresholds.shape[1:]
        return self.thresholds.reshape(len(self.thresholds), *(1,) * (rank - len(tail)), *tail)

    def evaluate(
        self, args: tuple[IntArray, ...], types: tuple[TensorType, ...], out: TensorType
    ) -> IntArray:
        total = np.zeros(args[0].shape, dtype=np.int64)
        for level in self._ladder(len(out.shape)):
            total += (args[0] >= level).astype(np.int64)
        return total


@dataclass(frozen=True, slots=True, eq=False)
class Lut(Operation):
    """``values[x - start]``: one table for every element of the operand."""

    name: ClassVar[str] = "lut"

    start: int
    values: IntArray
    frac: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "values", frozen(as_ints(self.values)))

    def infer(self, args: tuple[TensorType, ...]) -> TensorType:
        (x,) = args
        if self.values.ndim != 1:
            raise refuse("shape", f"a table is one list, found the shape {self.values.shape}")
        lo, hi = int(x.elem.lo.min()), int(x.elem.hi.max())
        stop = self.start + len(self.values)
        if lo < self.start or hi >= stop:
            raise refuse(
                "type",
                f"the operand reaches [{lo}, {hi}], the table covers [{self.start}, {stop - 1}]",
                "extend the table or requantize the operand into it",
            )
        reached = self.values[lo - self.start : hi - self.start + 1]
        return TensorType(x.shape, IntType(reached.min(), reached.max(), self.frac))

    def evaluate(
        self, args: tuple[IntArray, ...], types: tuple[TensorType, ...], out: TensorType
    ) -> IntArray:
        return self.values[(args[0] - self.start).astype(np.int64)]
