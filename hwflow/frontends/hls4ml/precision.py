"""hls4ml's number formats: what a conversion to one does, to constants and to live values."""

from __future__ import annotations

from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwflow.errors import InputError
from hwflow.frontends.exact.emitter import Emitter
from hwflow.ir import IntType, Overflow, Rounding, TensorType, Value, ops

__all__ = ["Fixed", "codes_of", "convert", "converted", "finer", "fits", "fixed", "printed", "relu"]

Ints = NDArray[np.int64]
Reals = NDArray[np.float64]

ROUNDINGS = MappingProxyType(
    {
        "TRN": Rounding.FLOOR,
        "TRN_ZERO": Rounding.TOWARD_ZERO,
        "RND": Rounding.HALF_UP,
        "RND_CONV": Rounding.HALF_EVEN,
        "RND_INF": Rounding.HALF_AWAY,
    }
)
"""Rounding modes that the integer graph has; RND_ZERO and RND_MIN_INF are put together."""

OVERFLOWS = MappingProxyType(
    {
        "WRAP": Overflow.WRAP,
        "SAT": Overflow.SATURATE,
        "SAT_SYM": Overflow.SATURATE_SYMMETRIC,
    }
)
"""Overflow modes that the integer graph has; SAT_ZERO is put together."""


@dataclass(frozen=True, slots=True)
class Fixed:
    """``ap_fixed<width, integer, rounding, overflow>``; `binary` is a bit that stands for +-1."""

    width: int
    integer: int
    signed: bool = True
    rounding: str = "TRN"
    overflow: str = "WRAP"
    binary: bool = False

    @property
    def frac(self) -> int:
        """Bits behind the binary point."""
        return self.width - self.integer

    @property
    def type(self) -> IntType:
        """The whole range."""
        return IntType.fixed(self.width, self.frac, signed=self.signed)

    @property
    def lo(self) -> int:
        """The least integer that a conversion gives."""
        low = -(1 << (self.width - 1)) if self.signed else 0
        return low + 1 if self.overflow == "SAT_SYM" and low else low

    @property
    def hi(self) -> int:
        """The greatest integer."""
        return (1 << (self.width - self.signed)) - 1

    def __str__(self) -> str:
        kind = "fixed" if self.signed else "ufixed"
        return f"{kind}<{self.width},{self.integer},{self.rounding},{self.overflow}>"


def fixed(precision: Any, layer: str, role: str) -> Fixed:
    """What an hls4ml PrecisionType means.

    Raises:
        InputError: "hls4ml.precision": a floating-point, exponent or undecided type, or
            saturation bits.
    """
    kind = type(precision).__name__.removeprefix("AP")
    if kind == "XnorPrecisionType":
        return Fixed(1, 1, signed=False, binary=True)
    if kind == "IntegerPrecisionType":
        return Fixed(precision.width, precision.width, bool(precision.signed))
    if kind != "FixedPrecisionType":
        raise InputError(
            "hls4ml.precision",
            f"layer {layer!r}: {role} is {precision}, not a fixed-point or integer type",
            hint="give it a type such as 'fixed<16,6>' in hls_config",
        )
    if precision.saturation_bits:
        raise InputError(
            "hls4ml.precision",
            f"layer {layer!r}: {role} has {precision.saturation_bits} saturation bits",
            hint="leave them out; AP_WRAP and AP_SAT need none",
        )
    return Fixed(
        precision.width,
        precision.integer,
        bool(precision.signed),
        precision.rounding_mode.name,
        precision.saturation_mode.name,
    )


def printed(values: Any, to: Fixed) -> Reals:
    """Weights as hls4ml's writer prints them: decimals, as many as `to` has fraction bits."""
    digits = max(to.frac, 0)
    array = np.asarray(values, np.float64)
    flat = [float(f"{value:.{digits}f}") for value in array.ravel().tolist()]
    return np.array(flat, np.float64).reshape(array.shape)


def codes_of(values: Any, to: Fixed) -> Ints:
    """Real numbers as integers of `to`: rounded, then brought into range."""
    scaled = np.ldexp(np.asarray(values, np.float64), to.frac)
    whole = np.floor(scaled)
    rest = scaled - whole
    negative = scaled < 0
    up = {
        "TRN": rest < 0,
        "TRN_ZERO": (rest > 0) & negative,
        "RND": rest >= 0.5,
        "RND_ZERO": (rest > 0.5) | ((rest == 0.5) & negative),
        "RND_INF": (rest > 0.5) | ((rest == 0.5) & ~negative),
        "RND_MIN_INF": rest > 0.5,
        "RND_CONV": (rest > 0.5) | ((rest == 0.5) & (whole % 2 == 1)),
    }[to.rounding]
    codes = (whole + up).astype(np.int64)
    if to.overflow == "WRAP":
        return np.asarray((codes - to.lo) % (1 << to.width) + to.lo)
    if to.overflow == "SAT_ZERO":
        return np.where((codes < to.lo) | (codes > to.hi), 0, codes)
    return np.asarray(np.clip(codes, to.lo, to.hi))


def converted(codes: Ints, frac: int, to: Fixed) -> Ints:
    """Integers with `frac` fraction bits (all below 2**53) as integers of `to`."""
    assert not codes.size or int(abs(codes).max()) < 1 << 53, "a constant passes float64"
    return codes_of(np.ldexp(codes.astype(np.float64), -frac), to)


def fits(type: TensorType, to: Fixed) -> bool:
    """Whether every value of `type` is a value of `to`: a conversion changes nothing."""
    if int(type.elem.frac.max()) > to.frac:
        return False
    lo, hi = type.elem.aligned(to.frac)
    return bool((lo >= to.lo).all() and (hi <= to.hi).all())


def convert(emit: Emitter, group: str, x: Value, to: Fixed) -> Value:
    """The value `x` assigned to a variable of type `to`."""
    if fits(emit.type(x), to):
        return x
    if int(emit.type(x).elem.frac.max()) > to.frac and to.rounding not in ROUNDINGS:
        x = _half_down(emit, group, x, to)
        to = replace(to, rounding="TRN")
    rounding = ROUNDINGS.get(to.rounding, Rounding.FLOOR)
    if to.overflow != "SAT_ZERO":
        return emit.op(group, ops.Requant(to.type, rounding, OVERFLOWS[to.overflow]), x)
    return _or_zero(emit, group, x, to, rounding)


def finer(emit: Emitter, group: str, x: Value, frac: int) -> Value:
    """x under the binary point `frac`, which is not coarser than its own: nothing is lost."""
    elem = emit.type(x).elem
    if bool((elem.frac == frac).all()):
        return x
    lo, hi = elem.aligned(frac)
    wide = IntType(int(np.min(lo)), int(np.max(hi)), frac)
    return emit.op(group, ops.Requant(wide, Rounding.FLOOR, Overflow.SATURATE), x)


def _half_down(emit: Emitter, group: str, x: Value, to: Fixed) -> Value:
    """x and so much that rounding down gives the nearest, ties towards zero or downwards."""
    frac = int(emit.type(x).elem.frac.max())
    almost = emit.const(group, np.int64((1 << (frac - to.frac - 1)) - 1), frac)
    if to.rounding == "RND_ZERO":
        zero = emit.const(group, np.int64(0))
        negative = emit.op(group, ops.Compare("lt"), x, zero)
        x = emit.op(group, ops.Add(), x, emit.scale(group, negative, -frac))
    return emit.op(group, ops.Add(), x, almost)


def _or_zero(emit: Emitter, group: str, x: Value, to: Fixed, rounding: Rounding) -> Value:
    """x rounded, and zero where that leaves the range."""
    type = emit.type(x)
    wide = int(type.elem.max_width()) + abs(int(type.elem.frac.min()) - to.frac) + 2
    x = emit.op(group, ops.Requant(IntType.fixed(wide, to.frac), rounding, Overflow.SATURATE), x)
    clipped = emit.op(group, ops.Requant(to.type, Rounding.FLOOR, Overflow.SATURATE), x)
    same = emit.op(group, ops.Compare("eq"), x, clipped)
    return emit.op(group, ops.Mul(), clipped, same)


def relu(emit: Emitter, group: str, x: Value, to: Fixed, top: int | None = None) -> Value:
    """``min(max(x, 0), top)`` assigned to a variable of type `to`."""
    elem = emit.type(x).elem
    frac = int(elem.frac.max())
    high = max(int(elem.aligned(frac)[1].max()), 0)
    high = high if top is None else min(high, top << frac)
    positive = IntType(0, high, frac)
    if to.overflow.startswith("SAT") and to.overflow != "SAT_ZERO" and to.rounding in ROUNDINGS:
        room = to.hi if top is None else min(to.hi, top << max(to.frac, 0))
        if top is None or to.frac >= 0:
            wanted = ops.Requant(
                IntType(0, room, to.frac), ROUNDINGS[to.rounding], Overflow.SATURATE
            )
            return emit.op(group, wanted, x)
    x = emit.op(group, ops.Requant(positive, Rounding.FLOOR, Overflow.SATURATE), x)
    return convert(emit, group, x, to)
