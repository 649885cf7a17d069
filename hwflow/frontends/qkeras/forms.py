"""The cheapest integer form that equals a ladder on its whole interval."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hwflow.frontends.qkeras.ladder import Ladder

__all__ = ["Scaled", "find_scaled", "signed_digits"]

Ints = NDArray[np.int64]

MULTIPLIER_BITS = 24
# Once one form is found, so many more shifts are searched for one with fewer additions.
_LOOK_FURTHER = 4
_SPREAD = 6


@dataclass(frozen=True, slots=True, eq=False)
class Scaled:
    """``clip(floor((multiplier * a + bias) / 2**shift), base, top)``, one triple a channel."""

    multiplier: Ints
    bias: Ints
    shift: Ints

    def codes(self, a: Ints, base: int, top: int) -> Ints:
        """The code of each accumulator integer (..., C)."""
        codes: Ints = np.clip((self.multiplier * a + self.bias) >> self.shift, base, top)
        return codes

    def adders(self) -> float:
        """Mean number of additions a channel: multiplier digits, and the bias."""
        digits = [max(signed_digits(int(m)) - 1, 0) for m in self.multiplier]
        return (sum(digits) + int(np.count_nonzero(self.bias))) / len(digits)


def signed_digits(value: int) -> int:
    """Non-zero digits of the canonical signed-digit form."""
    value = abs(value)
    return ((value ^ (3 * value)) >> 1).bit_count() if value else 0


def find_scaled(ladder: Ladder, slope: NDArray[np.float64]) -> Scaled | None:
    """Multiplier, bias and shift for every channel, fewest additions first.

    Args:
        ladder: the function to meet.
        slope: codes per accumulator step of each channel, absolute value.

    None where some channel has no such form of at most MULTIPLIER_BITS bits.
    """
    found: list[tuple[int, int, int]] = []
    for channel in range(len(slope)):
        triple = _channel(ladder, channel, float(slope[channel]))
        if triple is None:
            return None
        found.append(triple)
    multiplier, bias, shift = (np.array(column, np.int64) for column in zip(*found, strict=True))
    scaled = Scaled(multiplier * ladder.direction, bias, shift)
    met = ladder.agrees(lambda a: scaled.codes(a, ladder.base, ladder.top))
    assert met, "a multiplier, bias and shift met every constraint but not the function"
    return scaled


@dataclass(frozen=True, slots=True, eq=False)
class _Steps:
    """The bounds that one channel puts on ``m * t + b`` for a given shift."""

    low_at: Ints
    low_level: Ints
    high_at: Ints
    high_level: Ints

    def bias(self, multiplier: int, shift: int) -> int | None:
        """The roundest bias that meets every bound."""
        low = int(((self.low_level << shift) - multiplier * self.low_at).max())
        high = int(((self.high_level << shift) - 1 - multiplier * self.high_at).min())
        return _roundest(low, high) if low <= high else None


def _channel(ladder: Ladder, channel: int, slope: float) -> tuple[int, int, int] | None:
    t = ladder.thresholds[:, channel]
    first, last = int(ladder.first[channel]), int(ladder.last[channel])
    levels = np.arange(ladder.base + 1, ladder.top + 1, dtype=np.int64)
    reached, left = t <= last, t > first
    if not (reached & left).any():
        return 0, int(ladder.base + np.count_nonzero(reached)), 0
    if not 2.0**-64 < slope < 2.0**MULTIPLIER_BITS:
        return None
    steps = _Steps(t[reached], levels[reached], t[left] - 1, levels[left])
    widest = max(abs(first), abs(last), 1).bit_length()
    room = 61 - max(int(abs(levels).max()).bit_length(), 1)
    start = max(0, -int(np.floor(np.log2(slope))) - 1)
    best: tuple[int, int, int] | None = None
    end = min(start + MULTIPLIER_BITS, room)
    shift = start
    while shift <= end:
        for multiplier in _near(slope * 2.0**shift):
            bias = steps.bias(multiplier, shift) if (multiplier << widest) < 1 << 61 else None
            if bias is not None and (best is None or _cost(multiplier) < _cost(best[0])):
                best = (multiplier, bias, shift)
                end = min(end, shift + _LOOK_FURTHER)
        shift += 1
    return best


def _near(exact: float) -> range:
    """Multipliers around the exact slope; most of them meet no function."""
    middle = int(exact)
    return range(max(middle - _SPREAD, 1), middle + _SPREAD + 2)


def _cost(multiplier: int) -> tuple[int, int]:
    return signed_digits(multiplier), multiplier.bit_length()


def _roundest(low: int, high: int) -> int:
    """The integer in [low, high] with the most trailing zeros."""
    if low <= 0 <= high:
        return 0
    for zeros in range(max(abs(low), abs(high)).bit_length(), -1, -1):
        candidate = -(-low >> zeros) << zeros
        if candidate <= high:
            return candidate
    return low
