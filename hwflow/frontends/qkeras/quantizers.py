"""QKeras quantizers as exact functions from float32 to integer codes.

What QKeras computes in float32 (with its straight-through form ``x + (q - x)``) equals the code
times its step exactly while ``|x|`` stays below 2^24 steps; `lower` checks that.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from hwflow.errors import HwflowError, InputError
from hwflow.frontends.qkeras.network import Layer, QuantizerSpec
from hwflow.ir import IntType

__all__ = ["Grid", "Quantizer", "activation_quantizer", "power_of_two", "weight_grid"]

SUPPORTED = "quantized_bits, quantized_relu, ternary, binary"
MAX_BITS = 24


@dataclass(frozen=True, slots=True)
class Quantizer:
    """A monotone activation quantizer. Its value is ``(gain * code + base) * 2**-frac``.

    "round": code = x * 2**grid rounded half to even and clipped to [lo, hi] (x below zero times
    2**-slope first); "sign": code = [x >= 0]; "ternary": -1, 0, 1 with a dead band of `threshold`.
    """

    kind: Literal["round", "sign", "ternary"]
    lo: int
    hi: int
    grid: int = 0
    scale: int = 0
    slope: int = 0
    threshold: float = 0.0
    gain: int = 1
    base: int = 0

    @property
    def frac(self) -> int:
        """Binary point of the result, the power-of-two alpha included."""
        return self.grid - self.scale

    @property
    def type(self) -> IntType:
        """Type of the code before alpha."""
        return IntType(self.lo, self.hi, self.grid)

    def codes(self, x: NDArray[np.float32]) -> NDArray[np.int64]:
        """The code of each float32."""
        if self.kind == "sign":
            return (x >= 0).astype(np.int64)
        if self.kind == "ternary":
            edge = np.float32(self.threshold)
            up, down = (x >= edge) & (x > 0), (x <= -edge) & (x < 0)
            return up.astype(np.int64) - down.astype(np.int64)
        steps = np.ldexp(x.astype(np.float64), self.grid)
        if self.slope:
            steps = np.where(steps < 0, np.ldexp(steps, -self.slope), steps)
        return np.clip(np.rint(steps), self.lo, self.hi).astype(np.int64)


@dataclass(frozen=True, slots=True)
class Grid:
    """Where quantized weights lie: ``code * 2**-frac * scale`` with code in [lo, hi]."""

    lo: int
    hi: int
    frac: int


def power_of_two(value: float) -> int | None:
    """The exponent of a positive power of two, else None."""
    mantissa, exponent = math.frexp(value)
    return exponent - 1 if mantissa == 0.5 else None


def refuse(layer: Layer, role: str, found: str, hint: str) -> HwflowError:
    """The refusal of a quantizer of `layer`, ready to be raised."""
    return InputError("lower.quantizer", f"layer {layer.name!r}: {role} {found}", hint=hint)


def _common(spec: QuantizerSpec, layer: Layer, role: str) -> Mapping[str, Any]:
    if spec.kind not in SUPPORTED.split(", "):
        raise refuse(
            layer, role, f"quantizer {spec.kind} has no exact integer form", f"use {SUPPORTED}"
        )
    config = spec.config
    if config.get("use_stochastic_rounding"):
        raise refuse(
            layer, role, f"quantizer {spec.kind} rounds stochastically",
            "write use_stochastic_rounding=False",
        )  # fmt: skip
    if config.get("qnoise_factor", 1.0) != 1.0:
        raise refuse(
            layer, role, f"quantizer {spec.kind} is mixed with its input (qnoise_factor "
            f"{config['qnoise_factor']})", "finish training with qnoise_factor=1.0",
        )  # fmt: skip
    return config


def _bits(config: Mapping[str, Any], layer: Layer, role: str) -> tuple[int, int]:
    bits, integer = config.get("bits"), config.get("integer")
    whole = all(isinstance(v, int) and not isinstance(v, bool) for v in (bits, integer))
    if not whole or not 1 <= bits <= MAX_BITS or abs(integer) > 64:  # type: ignore[operator,arg-type]
        raise refuse(
            layer, role, f"quantizer has {bits!r} bits, {integer!r} of them integer",
            f"give whole numbers, 1 to {MAX_BITS} bits",
        )  # fmt: skip
    return int(bits), int(integer)  # type: ignore[arg-type]


def _alpha(config: Mapping[str, Any], layer: Layer, role: str) -> int:
    """The exponent of an activation's alpha."""
    alpha = config.get("alpha")
    if isinstance(alpha, str):
        raise refuse(
            layer, role, f"quantizer has alpha={alpha!r}: its scale would depend on the batch",
            "write alpha=1 and choose the integer bits",
        )  # fmt: skip
    exponent = 0 if alpha is None else _exponent(alpha)
    if exponent is None:
        raise refuse(
            layer, role, f"quantizer has alpha={alpha!r}, which is not one power of two",
            "write alpha=1 (or another power of two)",
        )  # fmt: skip
    return exponent


def _exponent(alpha: Any) -> int | None:
    while isinstance(alpha, list) and len(alpha) == 1:
        (alpha,) = alpha
    number = isinstance(alpha, int | float) and not isinstance(alpha, bool)
    return power_of_two(float(alpha)) if number else None


def activation_quantizer(layer: Layer, role: str = "activation") -> Quantizer:
    """The quantizer of a layer's activation.

    Raises:
        InputError: "lower.quantizer" when it has no exact integer form.
    """
    spec = layer.quantizers[role]
    config = _common(spec, layer, role)
    if spec.kind == "quantized_relu":
        return _relu(config, layer, role)
    scale = _alpha(config, layer, role)
    if spec.kind == "ternary":
        threshold = 0.33 if config.get("threshold") is None else config["threshold"]
        if not isinstance(threshold, int | float):
            raise refuse(layer, role, f"ternary has threshold={threshold!r}", "give it as a number")
        return Quantizer("ternary", -1, 1, scale=scale, threshold=float(np.float32(threshold)))
    if spec.kind == "binary":
        return _sign(not config.get("use_01"), scale)
    bits, integer = _bits(config, layer, role)
    negative = bool(config.get("keep_negative", True))
    if bits == int(negative):
        return _sign(negative, scale)
    levels = 1 << (bits - negative)
    low = -levels + bool(config.get("symmetric")) if negative else 0
    return Quantizer("round", low, levels - 1, grid=bits - negative - integer, scale=scale)


def _sign(negative: bool, scale: int) -> Quantizer:
    gain, base = (2, -1) if negative else (1, 0)
    return Quantizer("sign", 0, 1, scale=scale, gain=gain, base=base)


def _relu(config: Mapping[str, Any], layer: Layer, role: str) -> Quantizer:
    bits, integer = _bits(config, layer, role)
    if config.get("use_sigmoid"):
        raise refuse(
            layer, role, "quantized_relu with use_sigmoid has no exact integer form",
            "write use_sigmoid=0",
        )  # fmt: skip
    if config.get("relu_upper_bound") is not None or not config.get("is_quantized_clip", True):
        raise refuse(
            layer, role, "quantized_relu has relu_upper_bound or is_quantized_clip=False; "
            "QKeras does not clip there exactly",
            "leave both out: the integer bits already bound the result",
        )  # fmt: skip
    slope = config.get("negative_slope") or 0.0
    if not slope:
        return Quantizer("round", 0, (1 << bits) - 1, grid=bits - integer)
    exponent = power_of_two(float(slope))
    levels = 1 << (bits - 1)
    if exponent is None or exponent > 0 or levels >> -exponent < 1:
        raise refuse(
            layer, role, f"quantized_relu({bits}, {integer}) has negative_slope={slope}",
            "use a power of two of at most 1 and at least one step: 2**-k with k < bits",
        )  # fmt: skip
    return Quantizer(
        "round", -(levels >> -exponent), levels - 1, grid=bits - 1 - integer, slope=-exponent
    )


def weight_grid(layer: Layer, role: str) -> Grid:
    """Where the quantized weights of `role` lie, apart from their scale.

    Raises:
        InputError: "lower.quantizer" when the quantizer has no exact integer form.
    """
    spec = layer.quantizers[role]
    config = _common(spec, layer, role)
    if spec.kind == "ternary":
        return Grid(-1, 1, 0)
    if spec.kind == "binary":
        return Grid(0 if config.get("use_01") else -1, 1, 0)
    if spec.kind == "quantized_relu":
        relu = _relu(config, layer, role)
        return Grid(relu.lo, relu.hi, relu.grid)
    bits, integer = _bits(config, layer, role)
    negative = bool(config.get("keep_negative", True))
    unsigned = bits - negative
    if isinstance(config.get("alpha"), str):
        levels = (1 << (bits - 1)) - 1
        return Grid(-levels, levels, unsigned - integer)
    if unsigned == 0:
        return Grid(-1, 1, 0)
    levels = 1 << unsigned
    low = -levels + bool(config.get("symmetric")) if negative else 0
    return Grid(low, levels - 1, unsigned - integer)
