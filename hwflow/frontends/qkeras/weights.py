"""Quantized weights as integers, taken from what the training graph multiplies by."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwflow.errors import HwflowError, InputError
from hwflow.frontends.qkeras.network import Layer
from hwflow.frontends.qkeras.quantizers import Grid, weight_grid
from hwflow.ir import IntType

__all__ = ["Weights", "bias_weights", "kernel_weights"]


@dataclass(frozen=True, slots=True, eq=False)
class Weights:
    """Real weights are ``codes * 2**-frac``; `frac` has the same shape.

    The quantizer's codes reach from `lo` to `hi`.
    """

    codes: NDArray[np.int64]
    frac: NDArray[np.int64]
    lo: int
    hi: int

    @property
    def type(self) -> IntType:
        """All values of the bits that hold the quantizer's codes."""
        width = IntType(self.lo, self.hi).max_width()
        return IntType.fixed(width, self.frac, signed=self.lo < 0)


def kernel_weights(layer: Layer, role: str) -> Weights:
    """The kernel of `layer`; `role` is "kernel" or "depthwise".

    Raises:
        InputError: "lower.weights" (not quantized, off the quantizer's grid) or
            "lower.quantizer".
    """
    if role not in layer.quantized or role not in layer.quantizers:
        raise InputError(
            "lower.weights",
            f"layer {layer.name!r}: its {role} is not quantized",
            hint=f"write {role}_quantizer=quantized_bits(6, 0, alpha=1)",
        )
    weights = _on_grid(layer, role, weight_grid(layer, role))
    return replace(weights, frac=_tidy(weights.codes, weights.frac))


def bias_weights(layer: Layer, keep_zero: bool) -> Weights | None:
    """The bias of `layer`, or None where it has none or (unless `keep_zero`) it is all zero.

    Raises:
        InputError: "lower.weights" or "lower.quantizer".
    """
    if "bias" not in layer.weights or not (keep_zero or layer.weights["bias"].any()):
        return None
    if "bias" not in layer.quantized or "bias" not in layer.quantizers:
        raise InputError(
            "lower.weights",
            f"layer {layer.name!r}: its bias is not quantized",
            hint="write bias_quantizer=quantized_bits(8, 2, alpha=1), or use_bias=False",
        )
    alpha = layer.quantizers["bias"].config.get("alpha")
    if isinstance(alpha, str):
        raise InputError(
            "lower.quantizer",
            f"layer {layer.name!r}: the bias quantizer has alpha={alpha!r}, a scale of its own "
            "for each element",
            hint="write bias_quantizer=quantized_bits(8, 2, alpha=1)",
        )
    return _on_grid(layer, "bias", weight_grid(layer, "bias"))


def _on_grid(layer: Layer, role: str, grid: Grid) -> Weights:
    values = layer.quantized[role].astype(np.float64)
    exponents = _scale_exponents(layer, role, values)
    frac = grid.frac - exponents
    codes = np.ldexp(values, frac)
    wrong = (codes != np.rint(codes)) | (codes < grid.lo) | (codes > grid.hi)
    if bool(wrong.any()):
        place = np.argwhere(wrong)[0].tolist()
        raise _off(
            layer, role,
            f"value {values[tuple(place)]!r} at {place} is no multiple of "
            f"2**{-int(frac[tuple(place)])} with an integer in [{grid.lo}, {grid.hi}]",
        )  # fmt: skip
    return Weights(codes.astype(np.int64), frac, grid.lo, grid.hi)


def _scale_exponents(layer: Layer, role: str, values: NDArray[Any]) -> NDArray[np.int64]:
    scale = layer.scales.get(role, np.ones(1, np.float32)).astype(np.float64)
    try:
        scale = np.broadcast_to(scale, values.shape)
    except ValueError:
        raise _off(
            layer, role, f"a scale of shape {scale.shape} for weights {values.shape}"
        ) from None
    mantissa, exponent = np.frexp(scale)
    odd = (mantissa != 0.5) & (values != 0)
    if bool(odd.any()):
        place = tuple(np.argwhere(odd)[0].tolist())
        raise _off(layer, role, f"scale {scale[place]!r} is not a positive power of two")
    return np.where(mantissa == 0.5, exponent - 1, 0).astype(np.int64)


def _off(layer: Layer, role: str, found: str) -> HwflowError:
    return InputError(
        "lower.weights",
        f"layer {layer.name!r}: {role}: {found}",
        hint=f"write {role}_quantizer=quantized_bits(bits, integer, alpha=1), "
        "or alpha='auto_po2' for a kernel",
    )


def _tidy(codes: NDArray[np.int64], frac: NDArray[np.int64]) -> NDArray[np.int64]:
    """Give all-zero output channels a binary point of their neighbours.

    auto_po2 gives them an epsilon for a scale, and that would widen what they feed.
    """
    axes = tuple(range(codes.ndim - 1))
    empty = ~codes.any(axis=axes)
    if not empty.any():
        return frac
    common = frac[..., ~empty].min() if not empty.all() else np.int64(0)
    return np.where(empty, common, frac)
