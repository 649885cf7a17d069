"""Frozen float32 functions of an accumulator as exact integer thresholds, with a certificate.

The function ``code = quantizer(float32(float32(a * scale) + offset))`` is monotone in the
accumulator's integer, because every IEEE rounding is. So its value on a whole interval follows
from the places where it steps; each step is found by bisection, and the float function is
evaluated on both sides of every one of them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

__all__ = ["MAX_STEPS", "Affine", "Clamp", "Function", "Ladder", "Relu", "Step", "climb"]

Ints = NDArray[np.int64]

MAX_STEPS = 1 << 22
"""At most this many (level, channel) pairs."""


@dataclass(frozen=True, slots=True, eq=False)
class Affine:
    """A frozen BatchNormalization: float32(float32(x * scale) + offset), one pair a channel."""

    scale: NDArray[np.float32]
    offset: NDArray[np.float32]

    def __call__(self, x: NDArray[np.float32]) -> NDArray[np.float32]:
        """The two IEEE operations, rounded one after the other."""
        scaled: NDArray[np.float32] = x * self.scale
        result: NDArray[np.float32] = scaled + self.offset
        return result


@dataclass(frozen=True, slots=True)
class Relu:
    """max(x, 0)."""

    def __call__(self, x: NDArray[np.float32]) -> NDArray[np.float32]:
        """Exact in any format."""
        result: NDArray[np.float32] = np.maximum(x, np.float32(0))
        return result


@dataclass(frozen=True, slots=True)
class Clamp:
    """min(max(x, lo), hi)."""

    lo: np.float32
    hi: np.float32

    def __call__(self, x: NDArray[np.float32]) -> NDArray[np.float32]:
        """Exact in any format."""
        result: NDArray[np.float32] = np.clip(x, self.lo, self.hi)
        return result


Step = Affine | Relu | Clamp


class Function(Protocol):
    """A function from an integer accumulator (..., C) to a code, monotone in each channel."""

    def codes(self, accumulator: Ints) -> Ints:
        """The code of each accumulator value."""

    @property
    def slope(self) -> NDArray[np.float64]:
        """Shape (C,): below zero where the function falls."""


@dataclass(frozen=True, slots=True, eq=False)
class Ladder:
    """Where a Function steps on ``[lo, hi]`` per channel; the certificate of what replaces it.

    With ``t = direction * a``: code >= base + 1 + i exactly where ``t >= thresholds[i]``.
    A threshold of `first` is always reached, one of ``last + 1`` never. `below` and `at` are the
    float function's codes at ``T - 1`` and ``T`` (clipped into the interval).
    """

    direction: Ints
    first: Ints
    last: Ints
    base: int
    thresholds: Ints
    below: Ints
    at: Ints

    @property
    def top(self) -> int:
        """The highest code any channel reaches."""
        return self.base + len(self.thresholds)

    def agrees(self, function: Callable[[Ints], Ints]) -> bool:
        """Whether monotone `function` of the accumulator (K, C) equals the float function.

        Checked at T - 1 and T for every step and channel, and at the interval's ends.
        """
        before, reached = self._sides()
        ends = np.stack([self.first, self.last])
        return (
            bool((function(self.direction * before) == self.below).all())
            and bool((function(self.direction * reached) == self.at).all())
            and bool((function(self.direction * ends) == self.count(ends)).all())
        )

    def count(self, t: Ints) -> Ints:
        """The code at ``t`` (M, C), by counting the thresholds reached."""
        return self.base + np.stack([(row[None] >= self.thresholds).sum(axis=0) for row in t])

    def _sides(self) -> tuple[Ints, Ints]:
        return (
            np.maximum(self.thresholds - 1, self.first),
            np.minimum(self.thresholds, self.last),
        )

    def certificate(self) -> dict[str, Any]:
        """The evidence as JSON: for each level and channel, T and the codes at T - 1 and T."""
        return {
            "base": self.base,
            "direction": self.direction.tolist(),
            "first": self.first.tolist(),
            "last": self.last.tolist(),
            "thresholds": self.thresholds.tolist(),
            "code_below": self.below.tolist(),
            "code_at": self.at.tolist(),
        }


def climb(chain: Function, lo: Ints, hi: Ints) -> Ladder | None:
    """Find every step of monotone `chain` on the accumulator interval ``[lo, hi]`` (C,).

    None where there are more than MAX_STEPS of them.
    """
    direction = np.where(chain.slope < 0, -1, 1).astype(np.int64)
    first, last = np.where(direction < 0, -hi, lo), np.where(direction < 0, -lo, hi)

    def code(t: Ints) -> Ints:
        return chain.codes(direction * t)

    base, top = int(code(first).min()), int(code(last).max())
    if (top - base) * len(first) > MAX_STEPS:
        return None
    levels = np.arange(base + 1, top + 1, dtype=np.int64)[:, None]
    shape = (top - base, len(first))
    left, right = np.broadcast_to(first, shape), np.broadcast_to(last + 1, shape)
    while bool((left < right).any()):
        middle = (left + right) >> 1
        reached = code(middle) >= levels
        open_ = left < right
        left, right = (
            np.where(open_ & ~reached, middle + 1, left),
            np.where(open_ & reached, middle, right),
        )
    below, at = code(np.maximum(left - 1, first)), code(np.minimum(left, last))
    inside = (left > first) & (left <= last)
    assert bool(((below < levels) & (at >= levels))[inside].all()), "the float function fell"
    return Ladder(direction, first, last, base, left, below, at)
