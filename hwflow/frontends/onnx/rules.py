"""Quantizers of ONNX and QONNX as exact functions from float32 to integer codes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np

from hwflow.frontends.exact.ladder import Affine, Step
from hwflow.frontends.onnx.values import Floats, Ints
from hwflow.ir import Rounding

__all__ = ["ROUNDINGS", "Chain", "Count", "Round", "Rule", "Sign", "rounding_function"]

ROUNDINGS: Mapping[str, Rounding] = MappingProxyType(
    {
        "ROUND": Rounding.HALF_EVEN,
        "HALF_EVEN": Rounding.HALF_EVEN,
        "FLOOR": Rounding.FLOOR,
        "DOWN": Rounding.TOWARD_ZERO,
        "ROUND_TO_ZERO": Rounding.TOWARD_ZERO,
        "HALF_UP": Rounding.HALF_AWAY,
    }
)
"""QONNX's rounding modes that a requantization has. The others become ladders."""

_FUNCTIONS: Mapping[str, Callable[[Any], Any]] = MappingProxyType(
    {
        "ROUND": np.rint,
        "HALF_EVEN": np.rint,
        "FLOOR": np.floor,
        "CEIL": np.ceil,
        "UP": lambda x: np.copysign(np.ceil(np.abs(x)), x),
        "DOWN": np.trunc,
        "ROUND_TO_ZERO": np.trunc,
        "HALF_UP": lambda x: np.copysign(np.floor(np.abs(x) + np.float32(0.5)), x),
        "HALF_DOWN": lambda x: np.copysign(np.ceil(np.abs(x) - np.float32(0.5)), x),
    }
)


def rounding_function(mode: str) -> Callable[[Any], Any] | None:
    """QONNX's rounding `mode` as a function of float32, None if there is none of that name."""
    return _FUNCTIONS.get(mode)


@dataclass(frozen=True, slots=True, eq=False)
class Round:
    """``clip(round(x / scale) + zero, lo, hi) - zero``; QONNX adds the zero point first.

    All broadcast over what they are given; `lo`, `hi` and `zero` are (arrays of) integers.
    """

    scale: Floats
    zero: Any
    lo: Any
    hi: Any
    mode: str = "ROUND"
    zero_first: bool = False

    def codes(self, x: Floats) -> Ints:
        """The code of each float32, less the zero point."""
        near = _FUNCTIONS[self.mode]
        y = x / self.scale
        lo, hi, zero = (np.asarray(a, np.float32) for a in (self.lo, self.hi, self.zero))
        first = self.zero_first
        y = near(np.clip(y + zero, lo, hi)) if first else np.clip(near(y) + zero, lo, hi)
        result: Ints = y.astype(np.int64) - self.zero
        return result

    @property
    def moves_ties(self) -> bool:
        """Whether rounding after the zero point differs from rounding before it."""
        if not self.zero_first or self.mode in ("FLOOR", "CEIL"):
            return False
        even = self.mode in ("ROUND", "HALF_EVEN")
        return bool(np.any(np.asarray(self.zero) % 2 if even else self.zero))


@dataclass(frozen=True, slots=True, eq=False)
class Sign:
    """1 from zero upwards, else 0."""

    def codes(self, x: Floats) -> Ints:
        """0 or 1 for each float32."""
        return (x >= 0).astype(np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class Count:
    """How many of the thresholds (K, C or 1) a value of channel C reaches."""

    thresholds: Floats

    def codes(self, x: Floats) -> Ints:
        """The count for each float32 (..., C)."""
        total = np.zeros(np.broadcast_shapes(x.shape, self.thresholds.shape[1:]), np.int64)
        for row in self.thresholds:
            total += x >= row
        return total


Rule = Round | Sign | Count


@dataclass(frozen=True, slots=True, eq=False)
class Chain:
    """Integer accumulator (..., C) -> float32, times `unit`, the steps, the rule's code."""

    frac: Ints
    unit: Floats
    steps: tuple[Step, ...]
    rule: Rule

    def codes(self, accumulator: Ints) -> Ints:
        """The code of each accumulator value, every operation rounded as IEEE float32."""
        with np.errstate(over="ignore"):  # infinity is clipped
            x = np.ldexp(accumulator.astype(np.float32), -self.frac) * self.unit
            for step in self.steps:
                x = step(x)
            return self.rule.codes(x)

    @property
    def slope(self) -> Any:
        """Codes (or, without a scale, units) per accumulator step, float64 (C,)."""
        product = np.exp2(-self.frac.astype(np.float64)) * self.unit
        for step in self.steps:
            if isinstance(step, Affine):
                product = product * step.scale.astype(np.float64)
        scale = self.rule.scale if isinstance(self.rule, Round) else np.float32(1)
        return product / scale.astype(np.float64)
