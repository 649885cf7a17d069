"""Activations and normalisations: followers that join the layer of what they follow."""

from __future__ import annotations

import numpy as np

from hwflow.errors import InputError
from hwflow.frontends.exact.emitter import reach
from hwflow.frontends.exact.ladder import Affine, Relu
from hwflow.frontends.qkeras.context import (
    Context,
    Exact,
    Frozen,
    Raw,
    Symbol,
    unquantized_input,
    with_step,
)  # fmt: skip
from hwflow.frontends.qkeras.network import Layer
from hwflow.frontends.qkeras.norm import EXACT_FLOAT32
from hwflow.frontends.qkeras.quantizers import Quantizer, activation_quantizer
from hwflow.frontends.qkeras.tables import round_exact, tabulate
from hwflow.ir import Rounding, Value

__all__ = ["activation", "batch_norm", "finish", "keras_relu", "quantized_activation"]


def quantized_activation(context: Context, layer: Layer) -> Symbol:
    """QActivation: the input's rule on a network input, else a requantization."""
    if "activation" not in layer.quantizers:
        raise InputError(
            "lower.quantizer",
            f"layer {layer.name!r}: QActivation without a quantizer object",
            hint="write QActivation(quantized_relu(6, 2)), not a text such as 'relu'",
        )
    symbol = context.symbol(layer)
    quantizer = activation_quantizer(layer)
    if isinstance(symbol, Raw):
        return _network_input(context, layer, symbol, quantizer)
    return quantize(context, layer, symbol, quantizer)


def _network_input(context: Context, layer: Layer, symbol: Raw, quantizer: Quantizer) -> Symbol:
    if quantizer.kind != "round" or quantizer.slope:
        raise InputError(
            "lower.input",
            f"layer {layer.name!r}: input {symbol.layer!r} is quantized by something that is not "
            "one rounding",
            hint="quantize inputs by quantized_bits or quantized_relu without negative_slope",
        )
    known = context.inputs.get(symbol.layer)
    if known is not None and known[1] != quantizer:
        raise InputError(
            "lower.input",
            f"layer {layer.name!r}: input {symbol.layer!r} is quantized a second time, otherwise",
            hint="quantize each input once and share the result",
        )
    if known is None:
        shape = context.shapes[symbol.layer]
        value = context.emit.input(symbol.layer, shape, quantizer.type, Rounding.HALF_EVEN)
        context.inputs[symbol.layer] = (value, quantizer)
    else:
        value = known[0]
    if quantizer.scale:
        group = context.emit.group(layer.name)
        value = context.emit.scale(group, value, quantizer.scale)
        return Exact(value, group, symbol.views)
    if not symbol.views:
        context.probe(value, layer.name)
    return Exact(value, None, symbol.views)


def activation(context: Context, layer: Layer) -> Symbol:
    """A plain Keras Activation layer."""
    return named_activation(context, layer, context.symbol(layer))


def keras_relu(context: Context, layer: Layer) -> Symbol:
    """A Keras ReLU layer without a bound, slope or threshold."""
    odd = [k for k in ("max_value", "negative_slope", "threshold") if layer.config.get(k)]
    if odd:
        raise InputError(
            "lower.activation",
            f"layer {layer.name!r}: ReLU with {', '.join(odd)}",
            hint="write QActivation(quantized_relu(6, 2)): its integer bits bound the result",
        )
    return _relu(context, layer, context.symbol(layer))


def finish(context: Context, layer: Layer, symbol: Symbol) -> Symbol:
    """The activation built into a compute or pooling layer, if any."""
    if "activation" in layer.quantizers:
        return quantize(context, layer, symbol, activation_quantizer(layer))
    return named_activation(context, layer, symbol)


def named_activation(context: Context, layer: Layer, symbol: Symbol) -> Symbol:
    """An activation given by its Keras name."""
    name = layer.text("activation", "linear")
    if name == "linear":
        return symbol
    if name == "relu":
        return _relu(context, layer, symbol)
    hint = "use QActivation(quantized_relu(6, 2)) or activation='relu'"
    if name == "softmax":
        hint = "leave it out and train on logits (from_logits=True): the largest stays the largest"
    raise InputError(
        "lower.activation",
        f"layer {layer.name!r}: activation {name!r} has no exact integer form",
        hint=hint,
    )


def _relu(context: Context, layer: Layer, symbol: Symbol) -> Symbol:
    if isinstance(symbol, Raw):
        raise unquantized_input(symbol, layer)
    group = context.owner(layer, symbol)
    if isinstance(symbol, Frozen):
        return with_step(symbol.value, group, symbol, Relu(), layer.name)
    value = context.settle(symbol, layer, group)
    context.carry_wide(layer, value)
    value = context.relu(group, value)
    context.probe(value, layer.name)
    return Exact(value, group)


def batch_norm(context: Context, layer: Layer) -> Symbol:
    """BatchNormalization over the last axis: kept in float32 until a quantizer follows."""
    symbol = context.symbol(layer)
    rank = len(layer.shape)
    axis = layer.config.get("axis", -1)
    axes = axis if isinstance(axis, list) else [axis]
    if axes not in ([rank], [-1]):
        raise InputError(
            "lower.norm",
            f"layer {layer.name!r}: BatchNormalization over axis {axis}",
            hint="normalise the last axis (axis=-1), the channels",
        )
    if isinstance(symbol, Raw):
        raise unquantized_input(symbol, layer)
    group = context.owner(layer, symbol)
    channels = (layer.shape[-1],)
    step = Affine(*(np.broadcast_to(layer.weights[k], channels) for k in ("scale", "offset")))
    value = symbol.value if isinstance(symbol, Frozen) else context.settle(symbol, layer, group)
    return with_step(value, group, symbol, step, layer.name)


def quantize(context: Context, layer: Layer, symbol: Symbol, quantizer: Quantizer) -> Symbol:
    """`symbol` through `quantizer`, in the IR layer it belongs to."""
    if isinstance(symbol, Raw):
        raise unquantized_input(symbol, layer)
    group = context.owner(layer, symbol)
    if isinstance(symbol, Frozen):
        value = tabulate(context, layer, symbol, quantizer)
    else:
        value = context.settle(symbol, layer, group)
        _check_float32(context, layer, value, quantizer)
        if quantizer.kind == "round":
            value = round_exact(context, group, value, quantizer)
        else:
            value = tabulate(context, layer, Frozen(value, group, (), (layer.name,)), quantizer)
    context.probe(value, layer.name)
    return Exact(value, group)


def _check_float32(context: Context, layer: Layer, value: Value, quantizer: Quantizer) -> None:
    """QKeras' x + (q - x) is exact while |x| is below 2^24 steps of both grids."""
    type = context.emit.type(value)
    coarsest = int(type.elem.frac.min())
    if reach(type) << max(quantizer.frac - coarsest, 0) >= EXACT_FLOAT32:
        context.mark_wide(layer)
