"""Fixed-point types that hold what the integer graph's values hold."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from hwflow.ir import Overflow, Rounding
from hwflow.ir.modes import AP_OVERFLOW, AP_ROUNDING
from hwflow.ir.ops import Requant
from hwflow.ir.ops.round import rounded
from hwflow.ir.types import IntType, TensorType

__all__ = ["ApType", "element_types", "ends", "holding", "tensor_type", "uniform_type"]


@dataclass(frozen=True, slots=True)
class ApType:
    """One ap_fixed type: `width` bits, `frac` of them behind the binary point (may lie outside)."""

    width: int
    frac: int
    signed: bool
    rounding: Rounding = Rounding.FLOOR
    overflow: Overflow = Overflow.WRAP

    @property
    def integer(self) -> int:
        """The bits before the binary point, as ap_fixed counts them."""
        return self.width - self.frac

    def __str__(self) -> str:
        """hls4ml's spelling."""
        modes = f"{AP_ROUNDING[self.rounding]},{AP_OVERFLOW[self.overflow]}"
        return f"{'' if self.signed else 'u'}fixed<{self.width},{self.integer},{modes}>"


def holding(lo: int, hi: int, frac: int) -> ApType:
    """The narrowest type for the integers from `lo` to `hi`; at least one bit."""
    width = int(IntType(lo, hi).width())
    return ApType(max(1, width), frac, lo < 0)


def tensor_type(tensor: TensorType) -> ApType:
    """One type that holds every element of `tensor` exactly."""
    return holding(*ends(tensor), int(tensor.elem.frac.max()))


def ends(tensor: TensorType) -> tuple[int, int]:
    """The least and greatest integer, counted at the finest binary point of the elements."""
    lo, hi = tensor.elem.aligned(tensor.elem.frac.max())
    return int(np.min(lo)), int(np.max(hi))


def uniform_type(op: Requant, operand: TensorType) -> ApType | None:
    """The type whose assignment does what `op` does to all of `operand`.

    None where the target differs from element to element, or no ap_fixed type clips or wraps at
    its bounds.
    """
    target = op.type
    if target.lo.ndim or target.hi.ndim or target.frac.ndim:
        return None
    lo, hi = _reach(op, operand)
    bounds = int(target.lo), int(target.hi)
    found = _choose(*bounds, int(lo.min()), int(hi.max()), op.overflow)
    if found is None:
        return None
    exact = int(target.frac) >= int(operand.elem.frac.max())
    rounding = Rounding.FLOOR if exact else op.rounding
    return replace(found, frac=int(target.frac), rounding=rounding)


def element_types(op: Requant, operand: TensorType) -> tuple[ApType, ...] | None:
    """A type for each element, in C order, all of one rounding and overflow mode.

    An element that is always zero has no bits; hls4ml's FixedPointQuantizer writes zero there.

    None where an element's bounds are beyond ap_fixed, or elements need different modes.
    """
    shape = operand.shape
    reach = (np.broadcast_to(a, shape) for a in _reach(op, operand))
    columns = [a.ravel().tolist() for a in (*op.type.full(shape), *reach)]
    found = []
    for lo, hi, frac, least, most in zip(*columns, strict=True):
        nothing = ApType(0, 0, signed=False) if lo == hi == 0 else None
        kind = nothing or _choose(lo, hi, least, most, op.overflow)
        if kind is None:
            return None
        found.append(replace(kind, frac=frac, rounding=op.rounding))
    clipping = {kind.overflow for kind in found} - {Overflow.WRAP}
    if len(clipping) > 1 or (clipping and op.overflow is Overflow.WRAP):
        return None
    mode = next(iter(clipping), Overflow.WRAP)
    return tuple(_under(kind, mode) for kind in found)


def _under(kind: ApType, mode: Overflow) -> ApType:
    """`kind` under another mode, which must not clip where `kind` holds all."""
    symmetric = mode is Overflow.SATURATE_SYMMETRIC and kind.overflow is Overflow.WRAP
    wider = kind.width + 1 if symmetric and kind.signed else kind.width
    return replace(kind, width=wider, overflow=mode)


def _reach(op: Requant, operand: TensorType) -> tuple[np.ndarray, np.ndarray]:
    """Bounds of the rounded integers, before overflow."""
    shift = operand.elem.frac - op.type.frac
    ends = (np.atleast_1d(operand.elem.lo), np.atleast_1d(operand.elem.hi))
    lo, hi = (rounded(a, shift, op.rounding) for a in ends)
    return lo, hi


@lru_cache(maxsize=4096)
def _choose(lo: int, hi: int, least: int, most: int, overflow: Overflow) -> ApType | None:
    """A type that brings every integer of [least, most] where `overflow` into [lo, hi] does."""
    if overflow is Overflow.SATURATE_SYMMETRIC:
        lo = max(lo, -hi)
    if lo > hi:
        return None
    if lo <= least and most <= hi:
        return holding(least, most, 0)
    if overflow is Overflow.WRAP:
        whole = holding(lo, hi, 0)
        return whole if _ends(whole) == (lo, hi) else None
    widths = sorted({holding(a, b, 0).width + more for a, b in ((lo, hi), (least, most))
                     for more in (0, 1)})  # fmt: skip
    for signed, mode in _CLIPS:
        for width in widths:
            kind = ApType(width, 0, signed, overflow=mode)
            low, high = _ends(kind)
            symmetric = mode is Overflow.SATURATE_SYMMETRIC
            if width > symmetric and _same(lo, low, least, max) and _same(hi, high, most, min):
                return kind
    return None


_CLIPS = ((False, Overflow.SATURATE), (True, Overflow.SATURATE),
          (True, Overflow.SATURATE_SYMMETRIC))  # fmt: skip


def _same(wanted: int, offered: int, end: int, clip: object) -> bool:
    """Whether clipping at `offered` is clipping at `wanted` up to the value `end`."""
    return wanted == offered or clip(end, wanted) == clip(end, offered) == end  # type: ignore[operator]


def _ends(kind: ApType) -> tuple[int, int]:
    """The least and greatest integer of a type."""
    if not kind.signed:
        return 0, (1 << kind.width) - 1
    high = (1 << kind.width - 1) - 1
    return (-high if kind.overflow is Overflow.SATURATE_SYMMETRIC else -high - 1), high
