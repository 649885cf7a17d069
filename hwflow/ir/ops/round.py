"""The one operation that may round or overflow."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from hwflow.ir.exact import IntArray, as_ints, shift_left
from hwflow.ir.ops.base import Operation
from hwflow.ir.types import IntType, Overflow, Rounding, TensorType

__all__ = ["Requant", "overflowed", "rounded"]


def rounded(values: IntArray, shift: IntArray, rounding: Rounding) -> IntArray:
    """``values / 2**shift`` rounded to integers; a negative shift multiplies exactly."""
    left = shift_left(values, np.maximum(-shift, 0))
    right = np.maximum(shift, 0)
    if not right.any():
        return left
    if left.dtype == object or int(right.max()) > 60:
        # Arrays with an axis stay arrays; a result without one becomes a Python integer, which
        # NumPy would take for uint64 or float64 again.
        left, right = (np.atleast_1d(a).astype(object) for a in (left, right))
    one = right * 0 + 1
    unit = one << right
    half = unit >> 1
    if rounding is Rounding.FLOOR:
        offset = unit * 0
    elif rounding is Rounding.HALF_UP:
        offset = half
    elif rounding is Rounding.HALF_EVEN:
        odd = (left >> right) & 1
        offset = np.where(half > 0, half - 1 + odd, 0)
    elif rounding is Rounding.HALF_AWAY:
        offset = np.where((left < 0) & (half > 0), half - 1, half)
    else:
        offset = np.where(left < 0, unit - 1, 0)
    return as_ints(np.asarray((left + offset) >> right))


def overflowed(values: IntArray, target: IntType, overflow: Overflow) -> IntArray:
    """`values` brought into the bounds of `target`."""
    lo, hi = np.atleast_1d(target.lo), np.atleast_1d(target.hi)
    if overflow is Overflow.WRAP:
        return np.asarray(lo + (values - lo) % (hi - lo + 1))
    if overflow is Overflow.SATURATE_SYMMETRIC:
        lo = np.maximum(lo, -hi)
    return np.asarray(np.minimum(np.maximum(values, lo), hi))


@dataclass(frozen=True, slots=True)
class Requant(Operation):
    """Bring a value to `type`: round to its binary point, then overflow into its bounds.

    The shift is the difference of binary points. The result's bounds are the part of `type`
    that the operand can reach, so a ReLU (lower bound 0) of a non-negative value costs nothing.
    """

    name: ClassVar[str] = "requant"

    type: IntType
    rounding: Rounding
    overflow: Overflow

    def infer(self, args: tuple[TensorType, ...]) -> TensorType:
        (x,) = args
        self.type.full(x.shape)
        shift = x.elem.frac - self.type.frac
        ends = (np.atleast_1d(x.elem.lo), np.atleast_1d(x.elem.hi))
        lo, hi = (rounded(a, shift, self.rounding) for a in ends)
        if self.overflow is Overflow.WRAP:
            fits = (lo >= self.type.lo) & (hi <= self.type.hi)
            lo, hi = np.where(fits, lo, self.type.lo), np.where(fits, hi, self.type.hi)
        else:
            lo, hi = (overflowed(a, self.type, self.overflow) for a in (lo, hi))
        return TensorType(x.shape, IntType(lo, hi, self.type.frac))

    def evaluate(
        self, args: tuple[IntArray, ...], types: tuple[TensorType, ...], out: TensorType
    ) -> IntArray:
        shift = types[0].elem.frac - self.type.frac
        return overflowed(rounded(args[0], shift, self.rounding), self.type, self.overflow)
