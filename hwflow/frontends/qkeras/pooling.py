"""Maximum and average pooling."""

from __future__ import annotations

import numpy as np

from hwflow.errors import InputError
from hwflow.frontends.qkeras.activate import finish
from hwflow.frontends.qkeras.context import Context, Exact, Symbol
from hwflow.frontends.qkeras.geometry import channels_last, padding
from hwflow.frontends.qkeras.network import Layer
from hwflow.frontends.qkeras.quantizers import activation_quantizer
from hwflow.ir import Value, ops

__all__ = ["average_pool", "global_average_pool", "global_max_pool", "max_pool", "window"]


def max_pool(context: Context, layer: Layer) -> Symbol:
    """MaxPooling1D/2D; "same" pads by the smallest integer, which never wins."""
    group = context.emit.group(layer.name)
    x = context.operand(layer, group)
    type = context.emit.type(x)
    size, stride = window(layer, len(type.shape) - 1)
    pads = padding(layer, type.shape[:-1], size, stride, (1,) * len(size))
    if any(map(any, pads)):
        before, after = zip(*pads, (0, 0), strict=True)
        x = context.emit.op(group, ops.Pad(before, after, int(type.elem.lo.min())), x)
    return _give(context, layer, group, context.emit.op(group, ops.MaxPool(size, stride), x))


def global_max_pool(context: Context, layer: Layer) -> Symbol:
    """GlobalMaxPooling1D/2D."""
    channels_last(layer)
    group = context.emit.group(layer.name)
    x = context.operand(layer, group)
    whole = context.emit.type(x).shape[:-1]
    value = context.emit.op(group, ops.MaxPool(whole, whole), x)
    return _give(context, layer, group, context.emit.reshape(group, value, layer.shape))


def average_pool(context: Context, layer: Layer) -> Symbol:
    """AveragePooling1D/2D and QAveragePooling2D over 1, 2, 4, 8 ... elements."""
    group = context.emit.group(layer.name)
    x = context.operand(layer, group)
    sizes = context.emit.type(x).shape[:-1]
    size, stride = window(layer, len(sizes))
    if any(map(any, padding(layer, sizes, size, stride, (1,) * len(size)))):
        raise InputError(
            "lower.pool",
            f"layer {layer.name!r}: 'same' padding makes border windows average fewer elements",
            hint="write padding='valid', or sizes that the window divides",
        )
    value = _average(context, layer, group, x, size, stride)
    return _give(context, layer, group, value)


def global_average_pool(context: Context, layer: Layer) -> Symbol:
    """GlobalAveragePooling1D/2D and QGlobalAveragePooling2D of a power-of-two area."""
    channels_last(layer)
    group = context.emit.group(layer.name)
    x = context.operand(layer, group)
    whole = context.emit.type(x).shape[:-1]
    value = _average(context, layer, group, x, whole, whole)
    return _give(context, layer, group, context.emit.reshape(group, value, layer.shape))


def _average(
    context: Context,
    layer: Layer,
    group: str,
    x: Value,
    size: tuple[int, ...],
    stride: tuple[int, ...],
) -> Value:
    area = int(np.prod(size))
    if area & (area - 1):
        raise InputError(
            "lower.pool",
            f"layer {layer.name!r}: the average of {area} elements is not exact in binary",
            hint="use a window of 2, 4, 8 ... elements, or max pooling",
        )
    if "average" in layer.quantizers:
        _check_average(layer, area)
    channels = context.emit.type(x).shape[-1]
    ones = context.emit.const(group, np.ones((*size, 1, channels), np.int64))
    rank = len(size)
    op = ops.Conv(stride, ((0, 0),) * rank, (1,) * rank, channels)
    total = context.emit.op(group, op, x, ones)
    context.carry_wide(layer, total)
    return context.emit.scale(group, total, -(area.bit_length() - 1))


def _check_average(layer: Layer, area: int) -> None:
    quantizer = activation_quantizer(layer, "average")
    code = int(quantizer.codes(np.array([1.0 / area], np.float32))[0])
    given = (quantizer.gain * code + quantizer.base) * 2.0**-quantizer.frac
    if given != 1.0 / area:
        raise InputError(
            "lower.quantizer",
            f"layer {layer.name!r}: its average_quantizer turns 1/{area} into {given}",
            hint=f"write average_quantizer=quantized_bits({area.bit_length() + 1}, 0, alpha=1)",
        )


def window(layer: Layer, rank: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Size and stride of a layer's window."""
    channels_last(layer)
    size = layer.integers("pool_size", rank)
    strides = layer.config.get("strides")
    return size, size if strides is None else layer.integers("strides", rank)


def _give(context: Context, layer: Layer, group: str, value: Value) -> Symbol:
    context.carry_wide(layer, value)
    symbol = finish(context, layer, Exact(value, group))
    if isinstance(symbol, Exact) and symbol.value == value:
        context.probe(value, layer.name)
    return symbol
