"""The cheapest integer form that equals a ladder on its whole interval."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwflow.frontends.exact.ladder import Ladder
from hwflow.frontends.exact.nudge import Line, nearest_line, signed_digits

__all__ = ["Scaled", "find_scaled"]

Ints = NDArray[np.int64]

MULTIPLIER_BITS = 24
# Once one form is found, so many more shifts are searched for one with fewer additions.
_LOOK_FURTHER = 4
_SPREAD = 6
# A longer multiplier is weighed against a shorter one with some values corrected.
_PLAIN_BITS = 16


@dataclass(frozen=True, slots=True, eq=False)
class Scaled:
    """``clip(floor((multiplier * a + bias + nudge) / 2**shift), base, top)``, per channel (C,).

    The nudge is ``sum_j [a == points[j]] * nudges[j]``; both have the shape (J, C), J mostly 0.
    """

    multiplier: Ints
    bias: Ints
    shift: Ints
    points: Ints
    nudges: Ints

    def codes(self, a: Ints, base: int, top: int) -> Ints:
        """The code of each accumulator integer (..., C)."""
        total = self.multiplier * a + self.bias
        for point, nudge in zip(self.points, self.nudges, strict=True):
            total = total + (a == point) * nudge
        codes: Ints = np.clip(total >> self.shift, base, top)
        return codes

    def record(self) -> dict[str, Any]:
        """The form as JSON."""
        arrays = ("multiplier", "bias", "shift", "points", "nudges")
        return {"kind": "scaled", **{name: getattr(self, name).tolist() for name in arrays}}

    def adders(self) -> float:
        """Mean number of additions a channel: multiplier digits, bias, two for each nudge."""
        digits = [max(signed_digits(int(m)) - 1, 0) for m in self.multiplier]
        extra = int(np.count_nonzero(self.bias)) + 2 * self.points.size
        return (sum(digits) + extra) / len(digits)


def find_scaled(ladder: Ladder, slope: NDArray[np.float64]) -> Scaled | None:
    """Multiplier, bias and shift for every channel, fewest additions first.

    Args:
        ladder: the function to meet.
        slope: codes per accumulator step of each channel, absolute value.

    None where some channel has no such form of at most MULTIPLIER_BITS bits and MAX_NUDGES
    corrected values.
    """
    lines: list[Line] = []
    for channel in range(len(slope)):
        line = _channel(ladder, channel, float(slope[channel]))
        if line is None:
            return None
        lines.append(line)
    rows = max(len(line.nudges) for line in lines)
    points = np.broadcast_to(ladder.first - 1, (rows, len(lines))).copy()  # never met
    nudges = np.zeros_like(points)
    for channel, line in enumerate(lines):
        for row, (point, nudge) in enumerate(line.nudges):
            points[row, channel], nudges[row, channel] = point, nudge
    columns = ([getattr(line, k) for line in lines] for k in ("multiplier", "bias", "shift"))
    multiplier, bias, shift = (np.array(column, np.int64) for column in columns)
    scaled = Scaled(multiplier * ladder.direction, bias, shift, points * ladder.direction, nudges)
    met = ladder.agrees(lambda a: scaled.codes(a, ladder.base, ladder.top))
    assert met, "a multiplier, bias and shift met every constraint but not the function"
    return scaled


@dataclass(frozen=True, slots=True, eq=False)
class _Steps:
    """The bounds that one channel puts on ``m * t + b``."""

    low_at: Ints
    low_level: Ints
    high_at: Ints
    high_level: Ints

    def biases(self, multipliers: list[int], shift: int) -> list[tuple[int, int]]:
        """The multipliers that meet every bound for `shift`, each with its roundest bias."""
        if not multipliers:
            return []
        m = np.array(multipliers, np.int64)[:, None]
        lows = ((self.low_level << shift) - m * self.low_at).max(axis=1).tolist()
        highs = ((self.high_level << shift) - 1 - m * self.high_at).min(axis=1).tolist()
        found = zip(multipliers, lows, highs, strict=True)
        return [(one, _roundest(low, high)) for one, low, high in found if low <= high]


def _channel(ladder: Ladder, channel: int, slope: float) -> Line | None:
    t = ladder.thresholds[:, channel]
    first, last = int(ladder.first[channel]), int(ladder.last[channel])
    levels = np.arange(ladder.base + 1, ladder.top + 1, dtype=np.int64)
    reached, left = t <= last, t > first
    if not (reached & left).any():
        return Line(0, int(ladder.base + np.count_nonzero(reached)), 0)
    if not 2.0**-64 < slope < 2.0**MULTIPLIER_BITS:
        return None
    steps = _Steps(t[reached], levels[reached], t[left] - 1, levels[left])
    widest = max(abs(first), abs(last), 1).bit_length()
    room = 61 - max(int(abs(levels).max()).bit_length(), 1)
    start = max(0, -int(np.floor(np.log2(slope))) - 1)
    best: Line | None = None
    end = min(start + MULTIPLIER_BITS, room)
    shift = start
    while shift <= end:
        near = [m for m in _near(slope * 2.0**shift) if (m << widest) < 1 << 61]
        for multiplier, bias in steps.biases(near, shift):
            if best is None or _cost(multiplier) < _cost(best.multiplier):
                best = Line(multiplier, bias, shift)
                end = min(end, shift + _LOOK_FURTHER)
        shift += 1
    if best is not None and best.multiplier.bit_length() <= _PLAIN_BITS:
        return best
    corrected = nearest_line(t, levels, first, last, slope)
    return min((line for line in (best, corrected) if line), key=_line_cost, default=None)


def _near(exact: float) -> range:
    """Multipliers around the exact slope; most of them meet no function."""
    middle = int(exact)
    return range(max(middle - _SPREAD, 1), middle + _SPREAD + 2)


def _line_cost(line: Line) -> int:
    """Additions: multiplier digits, two for each nudge."""
    return signed_digits(line.multiplier) + 2 * len(line.nudges)


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
