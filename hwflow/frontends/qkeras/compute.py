"""Sums of products: QDense, QConv1D, QConv2D, QDepthwiseConv2D."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from hwflow.frontends.exact.emitter import reach
from hwflow.frontends.qkeras.activate import finish
from hwflow.frontends.qkeras.context import Context, Exact, Symbol
from hwflow.frontends.qkeras.geometry import channels_last, misfit, padding
from hwflow.frontends.qkeras.network import Layer
from hwflow.frontends.qkeras.norm import EXACT_FLOAT32
from hwflow.frontends.qkeras.weights import Weights, bias_weights, kernel_weights
from hwflow.ir import IntType, TensorType, Value, ops

__all__ = ["convolution", "dense", "depthwise"]


def dense(context: Context, layer: Layer) -> Symbol:
    """QDense on the last axis."""
    kernel = kernel_weights(layer, "kernel")
    group = context.emit.group(layer.name)
    x = context.operand(layer, group)
    return _sum_of_products(context, layer, group, x, kernel, ops.MatMul())


def convolution(context: Context, layer: Layer) -> Symbol:
    """QConv1D and QConv2D, groups and dilation included."""
    kernel = kernel_weights(layer, "kernel")
    group = context.emit.group(layer.name)
    x = context.operand(layer, group)
    groups = layer.integers("groups", 1)[0] if "groups" in layer.config else 1
    return _sum_of_products(
        context, layer, group, x, kernel, _conv(context, layer, x, kernel, groups)
    )


def depthwise(context: Context, layer: Layer) -> Symbol:
    """QDepthwiseConv2D: a convolution with as many groups as channels."""
    kernel = kernel_weights(layer, "depthwise")
    *window, channels, multiplier = kernel.codes.shape
    shape = (*window, 1, channels * multiplier)
    kernel = replace(kernel, codes=kernel.codes.reshape(shape), frac=kernel.frac.reshape(shape))
    group = context.emit.group(layer.name)
    x = context.operand(layer, group)
    return _sum_of_products(
        context, layer, group, x, kernel, _conv(context, layer, x, kernel, channels)
    )


def _conv(context: Context, layer: Layer, x: Value, kernel: Weights, groups: int) -> ops.Conv:
    channels_last(layer)
    rank = kernel.codes.ndim - 2
    shape = context.emit.type(x).shape
    if len(shape) != rank + 1:
        raise misfit(layer, f"its input has the shape {shape}", f"give it {rank} axes and channels")
    stride = layer.integers("strides", rank)
    dilation = layer.integers("dilation_rate", rank)
    pads = padding(layer, shape[:rank], kernel.codes.shape[:rank], stride, dilation)
    return ops.Conv(stride, pads, dilation, groups)


def _sum_of_products(
    context: Context, layer: Layer, group: str, x: Value, kernel: Weights, op: ops.Operation
) -> Symbol:
    emit = context.emit
    bias = bias_weights(layer, context.programmable)
    value = emit.op(group, op, x, context.weights(group, "kernel", kernel))
    if bias is not None:
        value = emit.op(group, ops.Add(), value, context.weights(group, "bias", bias))
    if emit.type(value).shape != layer.shape:
        raise misfit(
            layer, f"gives {emit.type(value).shape}, described as {layer.shape}",
            "export the network again",
        )  # fmt: skip
    if _float_reach(emit.type(x), kernel, bias, op) >= EXACT_FLOAT32:
        context.mark_wide(layer)
    symbol = finish(context, layer, Exact(value, group))
    if isinstance(symbol, Exact) and symbol.value == value:
        context.probe(value, layer.name)
    return symbol


def _float_reach(x: TensorType, kernel: Weights, bias: Weights | None, op: ops.Operation) -> int:
    """A bound in LSBs on every partial sum, in whatever order float32 adds."""
    top = np.maximum(abs(x.elem.lo), abs(x.elem.hi))
    spread = TensorType(x.shape, IntType(-top, top, x.elem.frac))
    codes = abs(kernel.codes)
    total = op.infer((spread, TensorType(codes.shape, IntType(codes, codes, kernel.frac))))
    if bias is not None:
        codes = abs(bias.codes)
        addend = TensorType(codes.shape, IntType(codes, codes, bias.frac))
        total = ops.Add().infer((total, addend))
    return reach(total)
