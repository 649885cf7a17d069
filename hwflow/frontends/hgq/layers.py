"""The layers of HGQ2, and those of Keras that only move or compare values."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np

from hwflow.errors import InputError
from hwflow.frontends.hgq.context import Context, Symbol
from hwflow.frontends.hgq.quantizers import FixedPoint
from hwflow.frontends.keras.options import (
    ACTIVATIONS,
    CLASSES,
    Check,
    OptionError,
    plain_options,
)
from hwflow.frontends.keras.skeleton import RawLayer, input_shape
from hwflow.frontends.qkeras.geometry import channels_last, misfit, padding
from hwflow.frontends.qkeras.pooling import window
from hwflow.ir import Value, ops

__all__ = ["HANDLERS"]

Handler = Callable[[Context, RawLayer], Symbol]

# What HGQ2 needs for training alone, and its quantizers, which are read apart.
_TRAINING: Mapping[str, Check] = {
    key: lambda _: True
    for key in ("beta0", "ebops_factor", "enable_ebops", "iq_conf", "iq_confs", "kq_conf",
                "bq_conf", "oq_conf", "parallelization_factor", "enable_iq", "enable_oq")
}  # fmt: skip
_NONE: Mapping[str, Check] = {
    key: lambda value: value is None for key in ("lora_alpha", "lora_rank", "quantization_config")
}
_ACTIVATION: Mapping[str, Check] = {"activation": lambda v: v is None or v in ACTIVATIONS}


def _options(layer: RawLayer, kind: str) -> dict[str, Any]:
    """The plain options of a layer, checked by the table of Keras class `kind`."""
    table = {**CLASSES[kind], **_TRAINING, **_NONE, **_ACTIVATION}
    return plain_options(layer.kind, layer.config, table)


def _input_quantizer(context: Context, layer: RawLayer, options: Mapping[str, Any]) -> Any:
    if not options.get("enable_iq", False):
        return None
    return context.quantizer(layer, "iq", described=options.get("iq_conf"))


def _finish(
    context: Context, layer: RawLayer, group: str, value: Value, options: Mapping[str, Any]
) -> Symbol:
    """The layer's activation and output quantizer."""
    context.check_width(layer, value)
    value = _activated(context, layer, group, value, options.get("activation"))
    if options.get("enable_oq"):
        quantizer = context.quantizer(layer, "oq", described=options.get("oq_conf"))
        value = context.requant(layer, group, value, quantizer)
    return Symbol(context.emit.type(value).shape, value)


def _activated(context: Context, layer: RawLayer, group: str, value: Value, name: Any) -> Value:
    if name in (None, "linear"):
        return value
    if name == "relu":
        return context.relu(group, value)
    raise InputError(
        "lower.activation",
        f"layer {layer.name!r}: activation {name!r} has no exact integer form",
        hint="use activation='relu'; leave a last softmax out and train on logits",
    )


def _network_input(context: Context, layer: RawLayer) -> Symbol:
    return context.input(layer, tuple(input_shape(layer)))


def _quantizer(context: Context, layer: RawLayer) -> Symbol:
    """A Quantizer as a layer of its own."""
    quantizer = context.quantizer(layer, "", described=layer.config.get("config"))
    group = context.emit.group(layer.name)
    value = context.operand(layer, group, quantizer=quantizer)
    return Symbol(context.emit.type(value).shape, value)


def _dense(context: Context, layer: RawLayer) -> Symbol:
    options = _options(layer, "Dense")
    group = context.emit.group(layer.name)
    x = context.operand(layer, group, quantizer=_input_quantizer(context, layer, options))
    rank = len(context.emit.type(x).shape)
    x = context.aligned(group, x, tuple(range(rank - 1)))
    return _sum(context, layer, group, x, ops.MatMul(), options)


def _convolution(context: Context, layer: RawLayer) -> Symbol:
    options = _options(layer, layer.kind[1:])
    described = context.described(layer, options)
    channels_last(described)
    group = context.emit.group(layer.name)
    x = context.operand(layer, group, quantizer=_input_quantizer(context, layer, options))
    shape = context.emit.type(x).shape
    rank = 1 if layer.kind == "QConv1D" else 2
    if len(shape) != rank + 1:
        raise misfit(described, f"its input has the shape {shape}", f"give it {rank} axes")
    x = context.aligned(group, x, tuple(range(rank)))
    size = described.integers("kernel_size", rank)
    stride = described.integers("strides", rank)
    dilation = described.integers("dilation_rate", rank)
    pads = padding(described, shape[:rank], size, stride, dilation)
    op = ops.Conv(stride, pads, dilation, described.integers("groups", 1)[0])
    return _sum(context, layer, group, x, op, options)


def _sum(
    context: Context, layer: RawLayer, group: str, x: Value, op: ops.Operation, options: Any
) -> Symbol:
    def quantized(role: str, index: int) -> Value:
        described = options.get(f"{role}_conf")
        quantizer = context.quantizer(layer, role, described=described, batch=False)
        return context.weights(group, quantizer.weights(context.array(layer, index)))

    value = context.emit.op(group, op, x, quantized("kq", 0))
    if options.get("use_bias", True):
        value = context.emit.op(group, ops.Add(), value, quantized("bq", 1))
    return _finish(context, layer, group, value, options)


def _merge(context: Context, layer: RawLayer) -> Symbol:
    """Add, and QAdd and QSubtract with a quantizer for each operand."""
    options = _options(layer, "Add")
    group = context.emit.group(layer.name)
    count = len(layer.inputs)
    quantizers: list[FixedPoint | None] = [None] * count
    if options.get("enable_iq"):
        described = options.get("iq_confs")
        listed = described if isinstance(described, list) else [described] * count
        if len(listed) != count:
            raise OptionError(f"it has {len(listed)} quantizers for {count} operands")
        quantizers = [
            context.quantizer(layer, "iq", "quantizers", _numbered(i), described=conf)
            for i, conf in enumerate(listed)
        ]
    op = ops.Sub() if layer.kind == "QSubtract" else ops.Add()
    value, *others = (
        context.operand(layer, group, index, quantizer)
        for index, quantizer in enumerate(quantizers)
    )
    for other in others:
        value = context.emit.op(group, op, value, other)
    return _finish(context, layer, group, value, options)


def _numbered(index: int) -> str:
    return f"quantizer_{index}" if index else "quantizer"


def _concatenate(context: Context, layer: RawLayer) -> Symbol:
    axis = _options(layer, "Concatenate").get("axis", -1)
    group = context.emit.group(layer.name)
    values = [context.operand(layer, group, index) for index in range(len(layer.inputs))]
    rank = len(context.emit.type(values[0]).shape)
    if axis not in (-1, rank):
        raise misfit(context.described(layer, {}), f"concatenates along axis {axis}", "use axis=-1")
    value = context.emit.op(group, ops.Concat(rank - 1), *values)
    return Symbol(context.emit.type(value).shape, value)


def _reshape(context: Context, layer: RawLayer) -> Symbol:
    options = _options(layer, layer.kind)
    channels_last(context.described(layer, options))
    symbol = context.symbols[layer.inputs[0]]
    size = math.prod(symbol.shape)
    target = [size] if layer.kind == "Flatten" else list(options["target_shape"])
    if target.count(-1) == 1:
        known = -math.prod(target)
        target[target.index(-1)] = size // known if known > 0 and size % known == 0 else 0
    if math.prod(target) != size or min(target) < 1:
        raise misfit(context.described(layer, {}), f"makes {target} of {symbol.shape}", "divide it")
    return symbol.moved(ops.Reshape(tuple(target)), tuple(target))


def _same(context: Context, layer: RawLayer) -> Symbol:
    """Dropout: nothing at inference."""
    return context.symbols[layer.inputs[0]]


def _activation(context: Context, layer: RawLayer) -> Symbol:
    options = _options(layer, layer.kind)
    group = context.emit.group(layer.name)
    if layer.kind == "ReLU":
        if any(options.get(key) for key in ("max_value", "negative_slope", "threshold")):
            raise OptionError("a ReLU with a bound, slope or threshold")
        options["activation"] = "relu"
    return _finish(context, layer, group, context.operand(layer, group), options)


def _pool(context: Context, layer: RawLayer) -> Symbol:
    """Maximum and average pooling of windows or of everything, with or without a quantizer."""
    kind = layer.kind.removeprefix("Q")
    options = _options(layer, kind)
    described = context.described(layer, options)
    channels_last(described)
    group = context.emit.group(layer.name)
    x = context.operand(layer, group, quantizer=_input_quantizer(context, layer, options))
    spatial = context.emit.type(x).shape[:-1]
    x = context.aligned(group, x, tuple(range(len(spatial))))
    whole = kind.startswith("Global")
    size, stride = (spatial, spatial) if whole else window(described, len(spatial))
    pads = padding(described, spatial, size, stride, (1,) * len(size)) if not whole else ()
    if any(map(any, pads)):
        raise misfit(described, "padding adds to its windows", "write padding='valid'")
    value = _pooled(context, layer, group, x, "Max" in kind, size, stride)
    if whole and not options.get("keepdims"):
        value = context.emit.reshape(group, value, context.emit.type(value).shape[-1:])
    return _finish(context, layer, group, value, options)


def _pooled(
    context: Context, layer: RawLayer, group: str, x: Value, largest: bool,
    size: tuple[int, ...], stride: tuple[int, ...],
) -> Value:  # fmt: skip
    if largest:
        return context.emit.op(group, ops.MaxPool(size, stride), x)
    area = math.prod(size)
    if area & (area - 1):
        raise InputError(
            "lower.pool",
            f"layer {layer.name!r}: the average of {area} elements is not exact in binary",
            hint="use a window of 2, 4, 8 ... elements, or max pooling",
        )
    channels = context.emit.type(x).shape[-1]
    ones = context.emit.const(group, np.ones((*size, 1, channels), np.int64))
    rank = len(size)
    op = ops.Conv(stride, ((0, 0),) * rank, (1,) * rank, channels)
    return context.emit.scale(group, context.emit.op(group, op, x, ones), 1 - area.bit_length())


_POOLS = [
    f"{q}{whole}{kind}Pooling{rank}D"
    for q in ("", "Q") for whole in ("", "Global") for kind in ("Average", "Max") for rank in (1, 2)
]  # fmt: skip
HANDLERS: Mapping[str, Handler] = MappingProxyType(
    {
        "Activation": _activation,
        "Add": _merge,
        "Concatenate": _concatenate,
        "Dropout": _same,
        "Flatten": _reshape,
        "InputLayer": _network_input,
        "QAdd": _merge,
        "QConv1D": _convolution,
        "QConv2D": _convolution,
        "QDense": _dense,
        "QSubtract": _merge,
        "Quantizer": _quantizer,
        "ReLU": _activation,
        "Reshape": _reshape,
        "SpatialDropout1D": _same,
        "SpatialDropout2D": _same,
        **dict.fromkeys(_POOLS, _pool),
    }
)
"""Every class that can be lowered."""
