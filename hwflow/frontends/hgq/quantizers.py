"""HGQ2's fixed-point quantizers: keep-sign, integer and fraction bits for each element."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwflow.frontends.keras.hdf5 import WeightFile
from hwflow.frontends.keras.options import OptionError
from hwflow.ir import IntType, Overflow, Rounding

__all__ = ["FixedPoint", "Weights", "read_quantizer"]

_ROUNDING = {
    "TRN": Rounding.FLOOR, "RND": Rounding.HALF_UP, "RND_CONV": Rounding.HALF_EVEN,
    "TRN_ZERO": Rounding.TOWARD_ZERO, "RND_INF": Rounding.HALF_AWAY,
}  # fmt: skip
_OVERFLOW = ("WRAP", "SAT", "SAT_SYM")
_IGNORED = frozenset(
    {
        "b0", "bc", "br", "f0", "fc", "fr", "heterogeneous_axis", "homogeneous_axis", "i0", "ic",
        "i_decay_speed", "ir", "k0", "place", "qnoise_factor",
    }
)  # fmt: skip
_MUST_BE_NONE = ("affine", "bw_mapper", "scaler")
_MAX_BITS = 24
_MAX_POINT = 64

Ints = NDArray[np.int64]
Path = tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Weights:
    """Real weights are ``codes * 2**-frac``; `frac` has the same shape."""

    codes: Ints
    frac: Ints


@dataclass(frozen=True, slots=True, eq=False)
class FixedPoint:
    """A quantizer at inference; the arrays broadcast over the tensor, without the batch axis.

    An element of no bits (`lo` and `hi` 0) is zero. Weights that wrap in training are only
    rounded (`wraps` is False).
    """

    lo: Ints
    hi: Ints
    frac: Ints
    rounding: Rounding
    wraps: bool
    bounded: bool

    @property
    def type(self) -> IntType:
        """The codes' type."""
        return IntType(self.lo, self.hi, self.frac)

    @property
    def overflow(self) -> Overflow:
        """What happens outside the type."""
        return Overflow.WRAP if self.wraps else Overflow.SATURATE

    def weights(self, values: NDArray[np.float32]) -> Weights:
        """Quantized weights, by the float32 operations that HGQ2 does."""
        lo, hi, frac = (np.broadcast_to(a, values.shape) for a in (self.lo, self.hi, self.frac))
        steps = np.ldexp(values, frac.astype(np.int32)).astype(np.float32)
        if self.bounded and not self.wraps:
            steps = np.clip(steps, lo.astype(np.float32), hi.astype(np.float32))
        codes = _rounded(steps, self.rounding).astype(np.int64)
        if self.bounded and self.wraps:
            codes = lo + (codes - lo) % (hi - lo + 1)
        return _tidy(codes, frac)


def _rounded(steps: NDArray[np.float32], rounding: Rounding) -> NDArray[np.float32]:
    half = np.float32(0.5)
    result: NDArray[np.float32]
    match rounding:
        case Rounding.FLOOR:
            result = np.floor(steps)
        case Rounding.HALF_UP:
            result = np.floor(steps + half)
        case Rounding.HALF_EVEN:
            result = np.rint(steps)
        case Rounding.TOWARD_ZERO:
            result = np.trunc(steps)
        case Rounding.HALF_AWAY:
            result = np.floor(np.abs(steps) + half) * np.sign(steps)
    return result


def _tidy(codes: Ints, frac: Ints) -> Weights:
    """Odd codes, each of the binary point that it needs; zeros take the coarsest one."""
    low = np.where(codes == 0, 1, codes & -codes)
    frac = frac - np.log2(low).astype(np.int64)
    used = codes != 0
    coarsest = int(frac[used].min()) if used.any() else 0
    return Weights(codes // low, np.where(used, frac, coarsest))


def read_quantizer(file: WeightFile, path: Path, described: Any, *, batch: bool) -> FixedPoint:
    """The quantizer that a layer keeps under `path`, its configuration being `described`.

    Args:
        file: the weights.
        path: the group of the `Quantizer`.
        described: the JSON of its `QuantizerConfig`.
        batch: whether its arrays have a batch axis, as those of values have and of weights not.

    Raises:
        OptionError: of another kind than fixed-point, or with options that are not understood.
        InputError: its arrays are absent or damaged.
    """
    config = described.get("config") if isinstance(described, dict) else None
    if not isinstance(config, dict):
        raise OptionError("a quantizer has no configuration")
    kind, rounding, overflow = (
        str(config.get(key)).lower() for key in ("q_type", "round_mode", "overflow_mode")
    )
    _check(config, kind, rounding.upper().removeprefix("S_"), overflow.upper())
    wrap = overflow == "wrap"
    arrays = _arrays(file, (*path, "quantizer", "vars"), kind, wrap)
    k, i, f = (_without_batch(a, batch) for a in arrays)
    mode = _ROUNDING[rounding.upper().removeprefix("S_")]
    used = k + i + f > 0
    i = np.maximum(i, -f)
    if int((k + i + f).max()) > _MAX_BITS or int(max(abs(i).max(), abs(f).max())) > _MAX_POINT:
        raise OptionError(f"a quantizer has more than {_MAX_BITS} bits")
    top = np.where(used, (np.int64(1) << (i + f)) - 1, 0)
    low = top if overflow == "sat_sym" else top + 1
    lo = np.where(used, -k * low, 0)
    point = int(f[used].min()) if used.any() else 0
    free = wrap and bool(config.get("is_weight")) and config.get("trainable", True) is True
    free = free and (kind == "kif" or mode is Rounding.HALF_UP)
    if free:  # rounded only: elements of no bits are not cut, either
        return FixedPoint(lo, top, f, mode, True, False)
    return FixedPoint(lo, top, np.where(used, f, point), mode, wrap, True)


def _check(config: Mapping[str, Any], kind: str, rounding: str, overflow: str) -> None:
    if kind not in ("kif", "kbi"):
        raise OptionError(f"a quantizer is of type {kind[:20]!r}, expected kif or kbi")
    if rounding not in _ROUNDING:
        raise OptionError(f"a quantizer rounds by {rounding[:20]}, expected {', '.join(_ROUNDING)}")
    if overflow not in _OVERFLOW:
        raise OptionError(f"a quantizer's overflow is {overflow[:20]}, expected WRAP, SAT, SAT_SYM")
    for key in _MUST_BE_NONE:
        if config.get(key) is not None:
            raise OptionError(f"a quantizer has {key}")
    known = {"q_type", "round_mode", "overflow_mode", "is_weight", "trainable", *_MUST_BE_NONE}
    unknown = sorted(set(config) - known - _IGNORED)
    if unknown:
        raise OptionError(f"a quantizer has the unknown option {unknown[0][:40]!r}")


def _arrays(file: WeightFile, group: Path, kind: str, wrap: bool) -> tuple[Ints, Ints, Ints]:
    """k, i and f; Keras keeps what is trained before what is not."""
    # Integer bits that wrap are traced, not trained.
    if kind == "kbi":
        order = ("b", "k", "i") if wrap else ("b", "i", "k")
    else:
        order = ("f", "k", "i") if wrap else ("i", "f", "k")
    found: dict[str, Ints] = {}
    for index, name in enumerate(order):
        array = file.array((*group, str(index)), "uint8" if name == "k" else "float32")
        limited = np.clip(array.astype(np.float64), -1e6, 1e6)
        found[name] = np.rint(limited).astype(np.int64)
    if kind == "kbi":
        found["f"] = found["b"] - found["i"]
    if int(found["k"].max()) > 1:
        raise OptionError("a quantizer's sign is neither 0 nor 1")
    return found["k"], found["i"], found["f"]


def _without_batch(array: Ints, batch: bool) -> Ints:
    if not batch:
        return array
    if not array.ndim or array.shape[0] != 1:
        raise OptionError("a quantizer differs along the batch")
    first: Ints = array[0]
    return first
