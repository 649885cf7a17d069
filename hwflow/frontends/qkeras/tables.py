"""A float32 chain and its quantizer replaced by the cheapest integer form that equals it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwflow.errors import InputError
from hwflow.frontends.qkeras.context import Context, Frozen
from hwflow.frontends.qkeras.forms import Scaled, find_scaled
from hwflow.frontends.qkeras.ladder import Chain, Ladder, climb
from hwflow.frontends.qkeras.network import Layer
from hwflow.frontends.qkeras.norm import EXACT_FLOAT32, ExactStep, exact_steps
from hwflow.frontends.qkeras.quantizers import Quantizer
from hwflow.ir import IntType, Rounding, Value, ops
from hwflow.ir.exact import as_ints

__all__ = ["round_exact", "tabulate"]

Ints = NDArray[np.int64]
Form = tuple[dict[str, Any], Value]

_HALF_EVEN_COST = 1.5  # adders: the rounding increment and its tie logic
_COMPARE_COST = 2.0  # adders for each threshold: the comparison and its share of the count


def round_exact(context: Context, group: str, value: Value, quantizer: Quantizer) -> Value:
    """An exact integer value through a "round" quantizer."""
    emit = context.emit
    if quantizer.slope:
        zero = emit.const(group, np.zeros((), np.int64))
        positive = emit.op(group, ops.Compare("ge"), value, zero)
        scaled = emit.scale(group, value, -quantizer.slope)
        value = emit.op(group, ops.Select(), positive, value, scaled)
    return emit.scale(group, emit.requant(group, value, quantizer.type), quantizer.scale)


def tabulate(context: Context, layer: Layer, symbol: Frozen, quantizer: Quantizer) -> Value:
    """`symbol` through `quantizer` (of Keras layer `layer`), with a certificate.

    Raises:
        InputError: "lower.norm" when the quantizer has too many levels to certify.
    """
    lo, hi, frac = (_per_channel(context, symbol.value, pick) for pick in ("lo", "hi", "frac"))
    chain = Chain(frac, symbol.steps, quantizer)
    ladder = climb(chain, lo, hi)
    if ladder is None:
        raise InputError(
            "lower.norm",
            f"layer {layer.name!r}: its quantizer has more levels than can be certified",
            hint="use at most 16 bits after a BatchNormalization",
        )
    widest = float(np.abs(chain.real(np.stack([lo, hi]))).max())
    if widest * 2.0**quantizer.frac >= EXACT_FLOAT32:
        context.mark_wide(layer)
    form, value = _cheapest(context, symbol, chain, ladder)
    context.certificates.append(
        {
            "layer": symbol.group,
            "normalisations": list(symbol.layers) if symbol.steps else [],
            "activation": layer.name,
            "accumulator_frac": frac.tolist(),
            "form": form,
            **ladder.certificate(),
        }
    )
    return value


def _per_channel(context: Context, value: Value, pick: str) -> Ints:
    type = context.emit.type(value)
    array = np.broadcast_to(getattr(type.elem, pick), type.shape).reshape(-1, type.shape[-1])
    if pick == "frac" and bool((array != array[:1]).any()):
        raise InputError(
            "graph.type",
            f"{value.name}: its binary point differs within a channel",
            hint="put a QActivation before the BatchNormalization",
        )
    joined = as_ints(array.max(axis=0) if pick == "hi" else array.min(axis=0))
    if joined.dtype == object or int(abs(joined).max()) >= 1 << 53:
        raise InputError(
            "lower.norm",
            f"{value.name}: an accumulator of more than 53 bits",
            hint="use fewer weight or activation bits before the BatchNormalization",
        )
    return joined


def _cheapest(context: Context, symbol: Frozen, chain: Chain, ladder: Ladder) -> Form:
    quantizer = chain.quantizer
    costs = {"threshold": _COMPARE_COST * len(ladder.thresholds)}
    scaled = plain = None
    if quantizer.kind == "round":
        slope = np.abs(chain.slope) * np.exp2((quantizer.grid - chain.frac).astype(np.float64))
        scaled = find_scaled(ladder, slope)
        plain = _plain(context, symbol)
    if scaled is not None:
        costs["scaled"] = scaled.adders()
    if plain is not None:
        offsets = sum(1.0 for p in plain if p is not None and p.offset.any())
        costs["requant"] = _HALF_EVEN_COST + offsets
    best = min(sorted(costs), key=lambda kind: costs[kind])
    if best == "requant" and plain is not None:
        value = context.apply_exact(symbol.group, symbol.value, plain)
        return {"kind": best}, round_exact(context, symbol.group, value, quantizer)
    if best == "scaled" and scaled is not None:
        return _scaled(context, symbol, chain, ladder, scaled)
    return {"kind": best}, _threshold(context, symbol, quantizer, ladder)


def _plain(context: Context, symbol: Frozen) -> tuple[ExactStep | None, ...] | None:
    """The steps in integers where float32 is exact and every scale is a power of two."""
    plans = exact_steps(context.emit.type(symbol.value), symbol.steps)
    if plans is None or any(bool((abs(p.codes) != 1).any()) for p in plans if p is not None):
        return None
    return plans


def _scaled(context: Context, symbol: Frozen, chain: Chain, ladder: Ladder, scaled: Scaled) -> Form:
    """``requant(a * multiplier + bias + nudges)``, rounding down."""
    emit, group, grid = context.emit, symbol.group, chain.quantizer.grid
    frac = scaled.shift + grid
    value = emit.times(group, symbol.value, scaled.multiplier, frac - chain.frac)
    value = emit.plus(group, value, scaled.bias, frac)
    for point, nudge in zip(scaled.points, scaled.nudges, strict=True):
        met = emit.op(group, ops.Compare("eq"), symbol.value, emit.const(group, point, chain.frac))
        amount = emit.op(group, ops.Mul(), met, emit.const(group, nudge, frac))
        value = emit.op(group, ops.Add(), value, amount)
    bounds = IntType(ladder.base, ladder.top, grid)
    value = emit.requant(group, value, bounds, Rounding.FLOOR)
    form = {
        "kind": "scaled",
        "multiplier": scaled.multiplier.tolist(),
        "bias": scaled.bias.tolist(),
        "shift": scaled.shift.tolist(),
        "points": scaled.points.tolist(),
        "nudges": scaled.nudges.tolist(),
    }
    return form, emit.scale(group, value, chain.quantizer.scale)


def _threshold(context: Context, symbol: Frozen, quantizer: Quantizer, ladder: Ladder) -> Value:
    """Count thresholds; where the function falls, count from the other side."""
    emit, group = context.emit, symbol.group
    falling = ladder.direction < 0
    if not len(ladder.thresholds):
        levels = (np.where(falling, -ladder.first, ladder.last) + 1)[None]  # never reached
    else:
        levels = np.where(falling, (1 - ladder.thresholds)[::-1], ladder.thresholds)
    frac = quantizer.grid
    value = emit.op(group, ops.Threshold(as_ints(levels), frac), symbol.value)
    gain = np.where(falling, -quantizer.gain, quantizer.gain)
    start = ladder.base + np.where(falling, len(ladder.thresholds), 0)
    value = emit.times(group, value, gain)
    value = emit.plus(group, value, quantizer.gain * start + quantizer.base, frac)
    return emit.scale(group, value, quantizer.scale)
