"""Sums of products: dense layers, convolutions, normalization."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from hwflow.frontends.hls4ml.context import Context, Weights, refusal
from hwflow.frontends.hls4ml.precision import Fixed, convert, converted, fits, fixed
from hwflow.ir import IntType, TensorType, Value, ops

__all__ = ["convolution", "dense", "depthwise", "normalization"]

_WIDE = "use 'auto' or a wider type for its accum_t (granularity='name' in the config functions)"
_STRATEGIES = ("latency", "resource", "resource_unrolled")


@dataclass(frozen=True, slots=True)
class _Sum:
    """One sum of products: an operation, and the slices of x that meet each part of the weights.

    `taps` gives pairs of a value (..., C) and the weights' index (C, N), or (C,) where `deep`.
    """

    op: ops.Operation
    taps: Callable[[], list[tuple[Value, Any]]]
    deep: bool = False


def dense(context: Context, node: Any) -> None:
    """Dense, on the last axis."""
    group = context.emit.group(node.name)
    x = context.signed_operand(node, group)
    total = _Sum(ops.MatMul(), lambda: [(x, ...)])
    _accumulate(context, node, group, x, total, context.weights(node, "weight"))


def convolution(context: Context, node: Any) -> None:
    """Conv1D and Conv2D, pointwise ones too."""
    _convolve(context, node, depthwise=False)


def depthwise(context: Context, node: Any) -> None:
    """DepthwiseConv1D and DepthwiseConv2D of multiplier 1."""
    _convolve(context, node, depthwise=True)


def _convolve(context: Context, node: Any, *, depthwise: bool) -> None:
    if node.get_attr("data_format", "channels_last") != "channels_last":
        raise refusal(node, "its channels come first", "convert to channels_last")
    group = context.emit.group(node.name)
    x = context.signed_operand(node, group)
    weights = context.weights(node, "weight")
    rank = len(context.emit.type(x).shape) - 1
    axes = ("height", "width")[2 - rank :]
    stride = tuple(int(node.get_attr(f"stride_{a}")) for a in axes)
    if any(
        int(node.get_attr(k, 1) or 1) != 1 for k in ("dilation", *(f"dilation_{a}" for a in axes))
    ):
        raise refusal(node, "its kernel is dilated", "write dilation_rate=1")
    sides = (("top", "bottom"), ("left", "right"))[2 - rank :]
    pads = tuple((int(node.get_attr(f"pad_{a}")), int(node.get_attr(f"pad_{b}"))) for a, b in sides)
    if context.kind(node).binary and any(map(any, pads)):
        raise refusal(node, "pads bits that stand for -1 and 1", "write padding='valid'")
    window = tuple(int(node.get_attr(f"filt_{a}")) for a in axes)
    channels = context.emit.type(x).shape[-1]
    outputs = int(node.get_attr("n_filt"))
    if depthwise and outputs != channels:
        raise refusal(node, f"{outputs} outputs of {channels} channels", "use depth_multiplier=1")
    shape = (*window, 1 if depthwise else channels, outputs)
    weights = Weights(weights.codes.reshape(shape), weights.frac)
    op = ops.Conv(stride, pads, (1,) * rank, channels if depthwise else 1)

    def taps() -> list[tuple[Value, Any]]:
        before, after = zip(*pads, (0, 0), strict=True)
        wide = context.emit.op(group, ops.Pad(before, after, 0), x) if any(map(any, pads)) else x
        sizes = context.emit.type(wide).shape[:-1]
        found: list[tuple[Value, Any]] = []
        for tap in np.ndindex(*window):
            start = (*tap, 0)
            steps = [(n - w) // s for n, w, s in zip(sizes, window, stride, strict=True)]
            stop = (*(t + k * s + 1 for t, k, s in zip(tap, steps, stride, strict=True)), channels)
            cut = ops.Slice(start, stop, (*stride, 1))
            found.append((context.emit.op(group, cut, wide), (*tap, 0) if depthwise else tap))
        return found

    _accumulate(context, node, group, x, _Sum(op, taps, depthwise), weights)


def _accumulate(
    context: Context, node: Any, group: str, x: Value, total: _Sum, weights: Weights
) -> None:
    strategy = str(node.get_attr("strategy", "latency")).lower()
    if strategy not in _STRATEGIES:
        raise refusal(
            node, f"strategy {strategy!r} has an emulation of its own",
            "use 'latency': constant weights become adder graphs here anyway",
        )  # fmt: skip
    accum = context.type_of(node, "accum")
    bias = context.weights(node, "bias")
    data = context.kind(node)
    precision = node.weights["weight"].type.precision
    kind = fixed(precision, node.name, "weight")
    ternary = "Integer" in type(precision).__name__ and (kind.width, kind.signed) == (2, True)
    if ternary and _lowest(weights) == -2:
        raise refusal(node, "hls4ml's two-bit products take a weight of -2 for 1",
                      "quantize to ternary, or give its weights 3 bits")  # fmt: skip
    if data.binary and kind.binary:
        # Equal bits are counted, and the count brought to a sum of -1 and 1 without rounding.
        if np.any(node.weights["bias"].data) or accum.hi < int(np.prod(weights.codes.shape[:-1])):
            raise refusal(node, "a bias, or an accum_t that cannot count its inputs", _WIDE)
        value = context.emit.op(group, total.op, x, context.const(group, weights))
        context.give(node, group, value)
        return
    start = Weights(converted(bias.codes, bias.frac, accum), accum.frac)
    frac = int(context.emit.type(x).elem.frac.max()) + weights.frac
    if frac > accum.frac:
        value = _rounded_products(context, node, group, total, weights, accum)
    else:
        value = context.emit.op(group, total.op, x, context.const(group, weights))
        if accum.overflow != "WRAP":
            _check_reach(context, node, x, total.op, weights, start, accum)
    value = context.emit.plus(group, value, start.codes, start.frac)
    value = convert(context.emit, group, value, accum)
    context.give(node, group, value)


def _lowest(weights: Weights) -> float:
    return float(np.ldexp(float(weights.codes.min()), -weights.frac))


def _rounded_products(
    context: Context, node: Any, group: str, total: _Sum, weights: Weights, accum: Fixed
) -> Value:
    """Each product brought to the accumulator's binary point by itself, then summed."""
    emit = context.emit
    context.unfolded.add(node.name)
    context.notes.append(
        f"layer {node.name!r}: accum_t rounds each product by itself, so that every product is a "
        "multiplier of its own and the layer is not folded; a wider accum_t would share them"
    )
    if accum.overflow != "WRAP":
        raise refusal(node, f"its accum_t {accum} rounds products and saturates", _WIDE)
    whole: Value | None = None
    for tap, index in total.taps():
        shape = emit.type(tap).shape
        axis = len(shape) - 1
        column = tap if total.deep else emit.reshape(group, tap, (*shape, 1))
        factors = emit.const(group, weights.codes[index], weights.frac)
        product = emit.op(group, ops.Mul(), column, factors)
        product = convert(emit, group, product, _unbounded(emit.type(product), accum))
        if not total.deep:
            product = emit.op(group, ops.ReduceSum((axis,)), product)
        whole = product if whole is None else emit.op(group, ops.Add(), whole, product)
    assert whole is not None
    return whole


def _unbounded(type: TensorType, to: Fixed) -> Fixed:
    """`to` with room for every value of `type`: sums that wrap wrap once, at the end."""
    integer = max(to.integer, type.elem.max_width() - int(type.elem.frac.min()) + 2)
    return Fixed(integer + to.frac, integer, rounding=to.rounding)


def _check_reach(
    context: Context, node: Any, x: Value, op: ops.Operation, weights: Weights, start: Weights,
    accum: Fixed,
) -> None:  # fmt: skip
    """Refuse an accumulator that could saturate on the way: the order of additions would count."""
    type = context.emit.type(x)
    down, up = np.minimum(type.elem.lo, 0), np.maximum(type.elem.hi, 0)
    spread = TensorType(type.shape, IntType(down, up, type.elem.frac))
    kernel = IntType(weights.codes, weights.codes, weights.frac)
    # With 0 among the inputs these bounds hold for every product and every partial sum.
    part = op.infer((spread, TensorType(weights.codes.shape, kernel)))
    bias = IntType(start.codes, start.codes, start.frac)
    whole = ops.Add().infer((part, TensorType(start.codes.shape, bias)))
    if not (fits(part, accum) and fits(whole, accum)):
        raise refusal(node, f"its accum_t {accum} can saturate between two additions", _WIDE)


def normalization(context: Context, node: Any) -> None:
    """BatchNormalization and ApplyAlpha: a scale and a bias for each channel or element."""
    group = context.joined(node)
    if context.kind(node).binary:
        raise refusal(node, "its input is binary", "quantize to 2 bits or more before it")
    x = context.operand(node)
    scale, bias = (_per_element(context, node, x, role) for role in ("scale", "bias"))
    x = context.emit.times(group, x, scale.codes, scale.frac)
    x = context.emit.plus(group, x, bias.codes, bias.frac)
    context.give(node, group, x)


def _per_element(context: Context, node: Any, x: Value, role: str) -> Weights:
    """Scale or bias: one for each channel, or for each element where n_filt is -1."""
    if type(node.weights[role].type.precision).__name__.endswith("XnorPrecisionType"):
        raise refusal(node, f"its {role} is binary", "use alpha=1")
    weights = context.weights(node, role)
    if int(node.get_attr("n_filt", -1)) != -1 or weights.codes.size == 1:
        return weights
    return Weights(weights.codes.reshape(context.emit.type(x).shape), weights.frac)
