"""A multiplier, bias and shift that misses a few accumulator values, and what corrects them.

float32 rounds a product to 24 bits. With many levels and accumulators of 20 bits and more, that
moves some thresholds by one, and no straight line meets all of them; but few are missed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["MAX_NUDGES", "Line", "nearest_line", "signed_digits"]

Ints = NDArray[np.int64]

MAX_NUDGES = 16
_BIT_LIMIT = 61


@dataclass(frozen=True, slots=True)
class Line:
    """One channel: ``floor((multiplier * t + bias + [t == point] * nudge ...) / 2**shift)``."""

    multiplier: int
    bias: int
    shift: int
    nudges: tuple[tuple[int, int], ...] = ()


def signed_digits(value: int) -> int:
    """Non-zero digits of the canonical signed-digit form."""
    value = abs(value)
    return ((value ^ (3 * value)) >> 1).bit_count() if value else 0


def nearest_line(
    thresholds: Ints, levels: Ints, first: int, last: int, slope: float
) -> Line | None:
    """The line that misses the fewest values of ``[first, last]``, corrected on those.

    None where it would take more than MAX_NUDGES corrections.
    """
    span = (last - first).bit_length()
    widest = max(abs(first), abs(last), 1).bit_length()
    size = int(np.floor(np.log2(slope)))
    top = max(int(abs(levels).max()), 1).bit_length()
    best: tuple[float, Line] | None = None
    for shift in range(max(0, span - 3 - size), max(0, span + 5 - size)):
        if max(shift + top, shift + size + 2 + widest) >= _BIT_LIMIT:
            break
        for multiplier in {int(slope * 2.0**shift), int(slope * 2.0**shift) + 1} - {0}:
            bias = _popular(thresholds, levels, first, last, multiplier, shift)
            line = _corrected(thresholds, levels, first, last, Line(multiplier, bias, shift))
            if line is not None:
                cost = 2.0 * len(line.nudges) + signed_digits(multiplier)
                if best is None or cost < best[0]:
                    best = (cost, line)
    return best[1] if best else None


def _popular(
    thresholds: Ints, levels: Ints, first: int, last: int, multiplier: int, shift: int
) -> int:
    """The bias that meets the most thresholds."""
    inside = (thresholds > first) & (thresholds <= last)
    goal, at = levels[inside] << shift, thresholds[inside]
    low, high = np.sort(goal - multiplier * at), np.sort(goal - 1 - multiplier * (at - 1))
    met = np.arange(1, len(low) + 1) - np.searchsorted(high, low, side="left")
    return int(low[int(met.argmax())])


def _corrected(thresholds: Ints, levels: Ints, first: int, last: int, line: Line) -> Line | None:
    own = -(-((levels << line.shift) - line.bias) // line.multiplier)
    own = np.clip(own, first, last + 1)
    starts, stops = np.minimum(own, thresholds), np.maximum(own, thresholds)
    if int((stops - starts).sum()) > MAX_NUDGES:
        return None
    gaps = starts < stops
    ends = zip(starts[gaps].tolist(), stops[gaps].tolist(), strict=True)
    missed = sorted({t for a, b in ends for t in range(a, b)})
    nudges: list[tuple[int, int]] = []
    for t in missed:
        level = int(levels[0]) - 1 + int(np.count_nonzero(thresholds <= t))
        value = line.multiplier * t + line.bias
        below, above = level << line.shift, (level + 1 << line.shift) - 1
        nudges.append((t, min(max(value, below), above) - value))
    return Line(line.multiplier, line.bias, line.shift, tuple(nudges))
