"""Element by element: sums, constant factors, BatchNormalization, Relu, Clip."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from hwflow.frontends.exact.ladder import Affine, Clamp, Relu
from hwflow.frontends.onnx.context import WEIGHT_BITS, Context
from hwflow.frontends.onnx.file import Node
from hwflow.frontends.onnx.products import add_constant
from hwflow.frontends.onnx.values import Constant, Tensor, dyadic, split
from hwflow.ir import ops

__all__ = ["add", "batch_norm", "clip", "divide", "multiply", "relu", "subtract"]


def add(context: Context, node: Node) -> Tensor:
    """The sum of two tensors of one scale, or of a tensor and a constant."""
    left, right = (context.symbol(node, place) for place in (0, 1))
    if isinstance(right, Constant):
        return add_constant(context, node, context.tensor(node), right)
    if isinstance(left, Constant):
        return add_constant(context, node, context.tensor(node, 1), left)
    return _join(context, node, ops.Add())


def subtract(context: Context, node: Node) -> Tensor:
    """The difference of two tensors of one scale, or of a tensor and a constant."""
    left, right = (context.symbol(node, place) for place in (0, 1))
    if isinstance(right, Constant):
        return add_constant(context, node, context.tensor(node), _negated(right))
    if isinstance(left, Constant):
        x = _scaled(context, node, context.tensor(node, 1), np.float32(-1))
        return add_constant(context, node, x, left)
    return _join(context, node, ops.Sub())


def _negated(constant: Constant) -> Constant:
    codes = None if constant.codes is None else -constant.codes
    return replace(constant, array=-constant.array, codes=codes)


def _join(context: Context, node: Node, op: ops.Operation) -> Tensor:
    group = context.emit.group(node.name)
    a, b = context.settled(node), context.settled(node, 1)
    if a.shape != b.shape:
        raise node.refusal(
            "lower.shape", f"operands of shapes {a.shape} and {b.shape}", "give both one shape"
        )
    b = context.arrange(group, b, a.index)
    if not bool((context.spread(a, a.unit) == context.spread(b, b.unit)).all()):
        raise node.refusal(
            "lower.scale",
            "its two operands have scales whose ratio is no power of two",
            "quantize both by one shared scale (or by powers of two) before they meet",
        )
    value = context.emit.op(group, op, a.value, b.value)
    return replace(a, value=value, group=group, origin="")


def multiply(context: Context, node: Node) -> Tensor:
    """A tensor times a constant."""
    left, right = (context.symbol(node, place) for place in (0, 1))
    if isinstance(right, Constant):
        return _times(context, node, context.tensor(node), right)
    if isinstance(left, Constant):
        return _times(context, node, context.tensor(node, 1), left)
    raise node.refusal(
        "lower.layer", "both operands are live", "multiply by a constant, or by weights"
    )


def divide(context: Context, node: Node) -> Tensor:
    """A tensor divided by powers of two."""
    by = np.asarray(context.constant(node, 1).array, np.float32)
    if not bool((np.abs(np.frexp(by)[0]) == 0.5).all()):
        raise node.refusal(
            "lower.scale", "it divides by something else than powers of two", "write Mul"
        )
    return _scaled(context, node, context.tensor(node), 1 / by)


def _times(context: Context, node: Node, x: Tensor, factor: Constant) -> Tensor:
    """Exact by a factor that was quantized to powers of two."""
    codes, scale = factor.codes, factor.scale
    if x.steps or codes is None or scale is None or bool((split(scale)[0] != 1).any()):
        return _scaled(context, node, x, factor.array)
    group = context.group(node, x)
    frac = context.at(node, x, -split(scale)[1])
    value = context.emit.times(group, x.value, context.at(node, x, codes), frac)
    return replace(x, value=value, group=group)


def _scaled(context: Context, node: Node, x: Tensor, factor: Any) -> Tensor:
    """Exact where the factor is short; a unit where nothing else waits; else a float32 step."""
    factor = np.asarray(context.at(node, x, np.asarray(factor, np.float32)), np.float32)
    group = context.group(node, x)
    mantissa, exponent = np.frexp(factor)
    if not x.steps and bool((mantissa == 0.5).all()):
        return replace(x, value=context.emit.scale(group, x.value, exponent - 1), group=group)
    codes, frac = dyadic(factor)
    if not x.steps and not int(np.abs(codes).max(initial=0)) >> WEIGHT_BITS:
        return replace(x, value=context.emit.times(group, x.value, codes, frac), group=group)
    if x.exact and bool((factor > 0).all()):
        return context.rescaled(group, replace(x, origin="", group=group), factor)
    return context.stepped(node, x, Affine(factor, np.zeros((), np.float32)))


def batch_norm(context: Context, node: Node) -> Tensor:
    """BatchNormalization of the channels as float32(float32(x * scale) + offset)."""
    if node.integer("training_mode", 0):
        raise node.refusal("lower.norm", "it is in training mode", "export for inference")
    x = context.tensor(node)
    gamma, beta, mean, variance = (
        np.asarray(context.constant(node, place).array, np.float32).reshape(-1)
        for place in (1, 2, 3, 4)
    )
    epsilon = np.float32(node.number("epsilon", 1e-5))
    if bool((variance + epsilon <= 0).any()):
        raise node.refusal("lower.norm", "a variance below zero", "train again")
    with np.errstate(over="ignore", invalid="ignore"):
        scale = gamma / np.sqrt(variance + epsilon)
        start = beta - mean * scale
    if not bool(np.isfinite(scale + start).all()):
        raise node.refusal("lower.norm", "its scale or offset is no finite number", "train again")
    tail = (-1, *(1,) * (len(x.shape) - 1))
    parts = (scale.reshape(tail), start.reshape(tail))
    factor, offset = (np.asarray(context.at(node, x, a), np.float32) for a in parts)
    return context.stepped(node, x, Affine(factor, offset))


def relu(context: Context, node: Node) -> Tensor:
    """max(x, 0): exact whatever the scale."""
    x = context.tensor(node)
    if x.steps:
        return context.stepped(node, x, Relu())
    group = context.group(node, x)
    top = np.maximum(context.emit.type(x.value).elem.hi, 0)
    value = context.clamp(group, x.value, top * 0, top)
    context.rectified[value.name] = x.value
    return replace(x, value=value, group=group)


def clip(context: Context, node: Node) -> Constant | Tensor:
    """Clip between constants: of integers, or where the bounds lie on the grid; else a step."""
    lo, hi = bounds(context, node)
    symbol = context.symbol(node, 0)
    if isinstance(symbol, Constant):
        return Constant(np.clip(symbol.array, lo, hi).astype(symbol.array.dtype))
    x = context.stored(node)
    elem = context.emit.type(x.value).elem
    if x.zero is None:
        ends = [np.ldexp(end, elem.frac) for end in (lo, hi)]
    else:
        ends = [np.asarray(end - x.zero) for end in (lo, hi)]
    whole = all(bool((~np.isfinite(end) | (end == np.rint(end))).all()) for end in ends)
    if not whole or (x.zero is None and not x.exact):
        return context.stepped(node, x, Clamp(np.float32(lo), np.float32(hi)))
    group = context.group(node, x)
    low, high = (np.clip(e, elem.lo.min(), elem.hi.max()).astype(np.int64) for e in ends)
    return replace(x, value=context.clamp(group, x.value, low, high), group=group)


def bounds(context: Context, node: Node) -> tuple[float, float]:
    """The bounds of a Clip, infinite where left out."""
    ends = []
    for place, (key, default) in enumerate((("min", -np.inf), ("max", np.inf)), start=1):
        given = context.optional(node, place)
        if given is None:
            ends.append(node.number(key, default))
        elif given.array.size != 1:
            raise node.refusal("lower.shape", "a bound is no single number", "give one number")
        else:
            ends.append(float(given.array.reshape(())))
    if ends[0] > ends[1]:
        raise node.refusal("lower.activation", "its bounds are exchanged", "exchange them")
    return ends[0], ends[1]
