"""The integer forms of a ladder as nodes of the graph."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hwflow.errors import InputError
from hwflow.frontends.exact.emitter import Emitter
from hwflow.frontends.exact.forms import Scaled
from hwflow.frontends.exact.ladder import Ladder
from hwflow.ir import IntType, Rounding, Value, ops
from hwflow.ir.exact import as_ints

__all__ = ["COMPARE_COST", "Rungs", "emit_scaled", "emit_threshold", "interval"]

Ints = NDArray[np.int64]

COMPARE_COST = 2.0
"""Adders for each threshold: the comparison and its share of the count."""


@dataclass(frozen=True, slots=True)
class Rungs:
    """What a code stands for: ``(gain * code + base) * 2**-frac``."""

    frac: int
    gain: int = 1
    base: int = 0


def interval(emit: Emitter, value: Value) -> tuple[Ints, Ints, Ints]:
    """Bounds and binary point (C,) of the channels (last axis) of `value`.

    Raises:
        InputError: "graph.type" for a binary point that differs within a channel, "lower.norm"
            for more than 53 bits.
    """
    type = emit.type(value)
    lo, hi, frac = (a.reshape(-1, type.shape[-1]) for a in type.elem.full(type.shape))
    if bool((frac != frac[:1]).any()):
        raise InputError(
            "graph.type",
            f"{value.name}: its binary point differs within a channel",
            hint="put a quantizer before the normalisation",
        )
    low, high = as_ints(lo.min(axis=0)), as_ints(hi.max(axis=0))
    for joined in (low, high):
        if joined.dtype == object or int(abs(joined).max()) >= 1 << 53:
            raise InputError(
                "lower.norm",
                f"{value.name}: an accumulator of more than 53 bits",
                hint="use fewer weight or activation bits before the normalisation",
            )
    return low, high, frac[0]


def emit_scaled(
    emit: Emitter, group: str, x: Value, ladder: Ladder, scaled: Scaled, grid: int
) -> Value:
    """``requant(x * multiplier + bias + nudges)``, rounding down, of binary point `grid`."""
    point = interval(emit, x)[2]
    frac = scaled.shift + grid
    value = emit.times(group, x, scaled.multiplier, frac - point)
    value = emit.plus(group, value, scaled.bias, frac)
    for place, nudge in zip(scaled.points, scaled.nudges, strict=True):
        met = emit.op(group, ops.Compare("eq"), x, emit.const(group, place, point))
        amount = emit.op(group, ops.Mul(), met, emit.const(group, nudge, frac))
        value = emit.op(group, ops.Add(), value, amount)
    return emit.requant(group, value, IntType(ladder.base, ladder.top, grid), Rounding.FLOOR)


def emit_threshold(emit: Emitter, group: str, x: Value, ladder: Ladder, rungs: Rungs) -> Value:
    """Count thresholds; where the function falls, count from the other side."""
    falling = ladder.direction < 0
    if not len(ladder.thresholds):
        levels = (np.where(falling, -ladder.first, ladder.last) + 1)[None]  # never reached
    else:
        levels = np.where(falling, (1 - ladder.thresholds)[::-1], ladder.thresholds)
    value = emit.op(group, ops.Threshold(as_ints(levels), rungs.frac), x)
    gain = np.where(falling, -rungs.gain, rungs.gain)
    start = ladder.base + np.where(falling, len(ladder.thresholds), 0)
    value = emit.times(group, value, gain)
    return emit.plus(group, value, rungs.gain * start + rungs.base, rungs.frac)
