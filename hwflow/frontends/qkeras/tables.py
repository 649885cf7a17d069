"""A float32 chain and its quantizer replaced by the cheapest integer form that equals it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwflow.errors import InputError
from hwflow.frontends.exact.emission import (
    COMPARE_COST,
    Rungs,
    emit_scaled,
    emit_threshold,
    interval,
)
from hwflow.frontends.exact.forms import find_scaled
from hwflow.frontends.exact.ladder import Ladder, climb
from hwflow.frontends.qkeras.chain import Chain
from hwflow.frontends.qkeras.context import Context, Frozen
from hwflow.frontends.qkeras.network import Layer
from hwflow.frontends.qkeras.norm import EXACT_FLOAT32, ExactStep, exact_steps
from hwflow.frontends.qkeras.quantizers import Quantizer
from hwflow.ir import Value, ops

__all__ = ["round_exact", "tabulate"]

Ints = NDArray[np.int64]
Form = tuple[dict[str, Any], Value]

_HALF_EVEN_COST = 1.5  # adders: the rounding increment and its tie logic


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
    lo, hi, frac = interval(context.emit, symbol.value)
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


def _cheapest(context: Context, symbol: Frozen, chain: Chain, ladder: Ladder) -> Form:
    quantizer = chain.quantizer
    costs = {"threshold": COMPARE_COST * len(ladder.thresholds)}
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
    emit, group = context.emit, symbol.group
    if best == "scaled" and scaled is not None:
        value = emit_scaled(emit, group, symbol.value, ladder, scaled, quantizer.grid)
        return scaled.record(), emit.scale(group, value, quantizer.scale)
    rungs = Rungs(quantizer.grid, quantizer.gain, quantizer.base)
    value = emit_threshold(emit, group, symbol.value, ladder, rungs)
    return {"kind": best}, emit.scale(group, value, quantizer.scale)


def _plain(context: Context, symbol: Frozen) -> tuple[ExactStep | None, ...] | None:
    """The steps in integers where float32 is exact and every scale is a power of two."""
    plans = exact_steps(context.emit.type(symbol.value), symbol.steps)
    if plans is None or any(bool((abs(p.codes) != 1).any()) for p in plans if p is not None):
        return None
    return plans
