"""The type of a value: integer bounds and a binary point for every element."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any

import numpy as np

from hwflow.ir.exact import IntArray, as_ints, bit_length, frozen, magnitude, shift_left

__all__ = [
    "MAX_BITS", "MAX_ELEMENTS", "MAX_FRAC", "IntType", "Overflow", "Rounding", "TensorType",
    "compact",
]  # fmt: skip

MAX_BITS = 256
"""No bound of a type has more bits: a longer chain of products is a mistake or an attack."""
MAX_FRAC = 4096
"""No binary point lies further away than this."""
MAX_ELEMENTS = 1 << 28
"""No tensor of a graph has more elements than this."""


class Rounding(Enum):
    """How a requantization maps an exact quotient to an integer."""

    FLOOR = "floor"
    HALF_UP = "half_up"
    HALF_EVEN = "half_even"
    HALF_AWAY = "half_away"
    TOWARD_ZERO = "toward_zero"


class Overflow(Enum):
    """What a requantization does with a result outside its target's bounds."""

    WRAP = "wrap"
    SATURATE = "saturate"
    SATURATE_SYMMETRIC = "saturate_symmetric"


def compact(array: IntArray) -> IntArray:
    """Shrink every axis along which `array` is constant; drop leading axes of length one."""
    for axis in range(array.ndim):
        if array.shape[axis] > 1:
            first = array.take([0], axis=axis)
            if bool((array == first).all()):
                array = first
    while array.ndim and array.shape[0] == 1:
        array = array[0] if array.ndim > 1 or array.dtype != object else as_ints(array[0])
    return np.asarray(array)


@dataclass(frozen=True, slots=True, eq=False)
class IntType:
    """Inclusive integer bounds `lo`, `hi` and binary point `frac`; the real is ``int * 2**-frac``.

    Each is a scalar or an array that broadcasts (trailing axes) over the tensor's shape.

    Raises:
        ValueError: some ``lo > hi``, a bound over MAX_BITS or a binary point over MAX_FRAC.
        TypeError: a bound or binary point is not an integer.
    """

    lo: IntArray
    hi: IntArray
    frac: IntArray

    def __init__(self, lo: Any, hi: Any, frac: Any = 0) -> None:
        low, high, point = as_ints(lo), as_ints(hi), as_ints(frac)
        if bool(np.any(low > high)):
            raise ValueError("lower bound above upper bound")
        if max(magnitude(low), magnitude(high)).bit_length() > MAX_BITS:
            raise ValueError(f"a bound has more than {MAX_BITS} bits")
        if magnitude(point) > MAX_FRAC:
            raise ValueError(f"a binary point lies further away than {MAX_FRAC}")
        object.__setattr__(self, "lo", frozen(compact(low)))
        object.__setattr__(self, "hi", frozen(compact(high)))
        object.__setattr__(self, "frac", frozen(compact(point)))

    @classmethod
    def fixed(cls, width: int, frac: Any = 0, *, signed: bool = True) -> IntType:
        """The whole range of a `width`-bit two's complement (or unsigned) number."""
        if width < 0 or (signed and width < 1):
            raise ValueError(f"no {'signed' if signed else 'unsigned'} number has {width} bits")
        if signed:
            return cls(-(1 << (width - 1)), (1 << (width - 1)) - 1, frac)
        return cls(0, (1 << width) - 1, frac)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, IntType):
            return NotImplemented
        return all(
            a.shape == b.shape and bool((a == b).all())
            for a, b in ((self.lo, other.lo), (self.hi, other.hi), (self.frac, other.frac))
        )

    def __hash__(self) -> int:
        return hash(tuple(tuple(a.ravel().tolist()) for a in (self.lo, self.hi, self.frac)))

    def signed(self) -> IntArray:
        """Where a sign bit is needed (broadcastable over the tensor)."""
        return np.asarray(self.lo < 0)

    def width(self) -> IntArray:
        """Bits of each element, sign included; 0 for an element that is always zero."""
        shape = np.broadcast_shapes(self.lo.shape, self.hi.shape)
        # At least one axis: NumPy would take a lone wide Python integer for an int64.
        lo, hi = (np.atleast_1d(np.broadcast_to(a, shape)) for a in (self.lo, self.hi))
        negative = lo < 0
        below = np.where(negative, -1 - lo, 0)
        above = np.where(hi > 0, hi, 0)
        bits = np.maximum(bit_length(below), bit_length(above)) + negative
        return bits.reshape(shape)

    def max_width(self) -> int:
        """The widest element's bits."""
        return int(self.width().max(initial=0))

    def full(self, shape: tuple[int, ...]) -> tuple[IntArray, IntArray, IntArray]:
        """`lo`, `hi`, `frac` broadcast to `shape`."""
        return (
            np.broadcast_to(self.lo, shape),
            np.broadcast_to(self.hi, shape),
            np.broadcast_to(self.frac, shape),
        )

    def aligned(self, frac: Any) -> tuple[IntArray, IntArray]:
        """The bounds counted in units of ``2**-frac`` (`frac` at least this type's own)."""
        shift = np.asarray(frac) - self.frac
        return shift_left(self.lo, shift), shift_left(self.hi, shift)

    def hull(self, shape: tuple[int, ...], axes: tuple[int, ...]) -> IntType:
        """One type for all elements along `axes` of a tensor of `shape`.

        Raises:
            ValueError: the binary point differs along `axes`.
        """
        lo, hi, frac = self.full(shape)
        if bool((frac != frac.max(axis=axes, keepdims=True)).any()):
            raise ValueError("the binary point differs along the axes to be joined")
        return IntType(
            lo.min(axis=axes, keepdims=True),
            hi.max(axis=axes, keepdims=True),
            frac.max(axis=axes, keepdims=True),
        )

    def contains(self, other: IntType) -> bool:
        """Whether every value of `other` is a value of this type at the same binary point."""
        return bool(
            (self.frac == other.frac).all()
            and (self.lo <= other.lo).all()
            and (self.hi >= other.hi).all()
        )

    def __str__(self) -> str:
        width = self.width()
        span = f"{width.min()}..{width.max()}" if width.min() != width.max() else f"{width.max()}"
        points = f"{self.frac.min()}..{self.frac.max()}" if self.frac.ndim else f"{self.frac}"
        sign = "s" if bool(self.signed().any()) else "u"
        return f"{sign}{span} frac {points} [{self.lo.min()}, {self.hi.max()}]"


@dataclass(frozen=True, slots=True)
class TensorType:
    """Shape (no batch axis) and element type of a value."""

    shape: tuple[int, ...]
    elem: IntType

    @property
    def size(self) -> int:
        """Number of elements."""
        total = 1
        for n in self.shape:
            total *= n
        return total

    def __str__(self) -> str:
        return f"{'x'.join(map(str, self.shape)) or 'scalar'} {self.elem}"
