"""Layers that move or join values: Flatten, Reshape, zero padding, Add, Concatenate."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from hwflow.frontends.exact.ladder import Affine, Step
from hwflow.frontends.qkeras.context import Context, Exact, Frozen, Raw, Symbol, View
from hwflow.frontends.qkeras.geometry import channels_last, misfit
from hwflow.frontends.qkeras.network import Layer
from hwflow.ir import ops

__all__ = ["add", "concatenate", "identity", "network_input", "reshape", "zero_padding"]


def network_input(context: Context, layer: Layer) -> Symbol:
    """InputLayer: real numbers until a quantizer is met."""
    return Raw(layer.name)


def identity(context: Context, layer: Layer) -> Symbol:
    """Dropout and noise: nothing at inference."""
    return context.symbol(layer)


def reshape(context: Context, layer: Layer) -> Symbol:
    """Flatten and Reshape: emitted in the layer that uses them."""
    channels_last(layer)
    return _view(context, layer, ops.Reshape(layer.shape))


def zero_padding(context: Context, layer: Layer) -> Symbol:
    """ZeroPadding1D/2D: emitted in the layer that uses it."""
    channels_last(layer)
    pads = layer.config.get("padding")
    if isinstance(pads, int):
        pads = [pads, pads] if len(layer.shape) == 2 else [[pads, pads], [pads, pads]]
    elif isinstance(pads, list) and len(layer.shape) == 3:
        pads = [[p, p] if isinstance(p, int) else p for p in pads]
    rows = [pads] if len(layer.shape) == 2 else pads
    try:
        amounts = [(int(a), int(b)) for a, b in rows]  # type: ignore[union-attr, misc]
    except (TypeError, ValueError):
        raise misfit(layer, f"padding is {pads!r}", "write padding=((0, 1), (0, 1))") from None
    before, after = zip(*amounts, (0, 0), strict=True)
    return _view(context, layer, ops.Pad(before, after))


def _view(context: Context, layer: Layer, op: ops.Reshape | ops.Pad) -> Symbol:
    symbol = context.symbol(layer)
    view = View(layer.name, op)
    if isinstance(symbol, Frozen):
        return _frozen_view(context, layer, symbol, op)
    if isinstance(symbol, Exact):
        context.carry_wide(layer, symbol.value)
    return replace(symbol, views=(*symbol.views, view))


def _frozen_view(
    context: Context, layer: Layer, symbol: Frozen, op: ops.Reshape | ops.Pad
) -> Symbol:
    """A flattening between a BatchNormalization and its quantizer keeps the pair together."""
    if isinstance(op, ops.Pad) or len(op.shape) != 1:
        return Exact(
            context.settle(symbol, layer, symbol.group), symbol.group, (View(layer.name, op),)
        )
    shape = context.emit.type(symbol.value).shape

    def spread(step: Step) -> Step:
        if not isinstance(step, Affine):
            return step
        return Affine(*(np.broadcast_to(a, shape).reshape(-1) for a in (step.scale, step.offset)))

    value = context.emit.reshape(symbol.group, symbol.value, op.shape)
    return replace(symbol, value=value, steps=tuple(spread(s) for s in symbol.steps))


def add(context: Context, layer: Layer) -> Symbol:
    """The exact sum of all operands."""
    group = context.emit.group(layer.name)
    value = context.operand(layer, group)
    for index in range(1, len(layer.inputs)):
        other = context.operand(layer, group, index)
        value = context.emit.op(group, ops.Add(), value, other)
        context.carry_wide(layer, value)
    context.probe(value, layer.name)
    return Exact(value, group)


def concatenate(context: Context, layer: Layer) -> Symbol:
    """All operands along one axis; binary points may differ along the last axis only."""
    group = context.emit.group(layer.name)
    values = [context.operand(layer, group, index) for index in range(len(layer.inputs))]
    rank = len(layer.shape)
    axis = layer.config.get("axis", -1)
    axis = axis[0] if isinstance(axis, list) else axis
    if not isinstance(axis, int) or axis == 0 or not -rank <= axis <= rank:
        raise misfit(layer, f"concatenates along axis {axis}", "use axis=-1")
    axis = axis - 1 if axis > 0 else axis + rank
    if axis != rank - 1:
        finest = max(int(context.emit.type(v).elem.frac.max()) for v in values)
        values = [context.emit.aligned(group, v, finest) for v in values]
    value = context.emit.op(group, ops.Concat(axis), *values)
    context.probe(value, layer.name)
    return Exact(value, group)
