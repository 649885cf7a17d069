"""A frozen BatchNormalization and its quantizer as one function of the accumulator."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hwflow.frontends.exact.ladder import Affine, Step
from hwflow.frontends.qkeras.quantizers import Quantizer

__all__ = ["Chain"]

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Chain:
    """Integer accumulator (..., C) of binary point `frac` (C,) -> float32 steps -> code."""

    frac: Ints
    steps: tuple[Step, ...]
    quantizer: Quantizer

    def real(self, accumulator: Ints) -> NDArray[np.float32]:
        """What the quantizer is given, float32."""
        x = np.ldexp(accumulator.astype(np.float64), -self.frac).astype(np.float32)
        for step in self.steps:
            x = step(x)
        return x

    def codes(self, accumulator: Ints) -> Ints:
        """The quantizer's code of each accumulator value."""
        return self.quantizer.codes(self.real(accumulator))

    @property
    def slope(self) -> NDArray[np.float64]:
        """Product of the scales of each channel, float64."""
        product = np.ones(self.frac.shape, np.float64)
        for step in self.steps:
            if isinstance(step, Affine):
                product = product * step.scale.astype(np.float64)
        return product
