"""Activations."""

from __future__ import annotations

from typing import Any

import numpy as np

from hwflow.frontends.hls4ml.context import Context, Weights, refusal
from hwflow.frontends.hls4ml.precision import Fixed, codes_of, convert, relu
from hwflow.frontends.hls4ml.tables import NEGATIVE, SYMMETRIC, look_up, table_size
from hwflow.ir import IntType, Overflow, Rounding, Value, ops

__all__ = ["activation", "hard", "merged_threshold", "parametrized", "prelu"]

_TOPS = {"relu": None, "relu1": 1, "relu6": 6}
_LAMBDA = Weights(codes_of(np.array(1.0507009873554805), Fixed(16, 1, signed=False)), 15)


def activation(context: Context, node: Any) -> None:
    """Activations without parameters."""
    kind = str(node.get_attr("activation")).lower()
    group, x = context.joined(node), context.operand(node)
    if kind in _TOPS:
        to = context.result(node)
        context.hand_on(node, group, relu(context.emit, group, x, to, _TOPS[kind]))
    elif kind == "linear":
        context.give(node, group, x)
    elif kind in SYMMETRIC:
        function, span = SYMMETRIC[kind]
        half = table_size(node) // 2
        value = look_up(context, node, group, x, function, span, -half, half)
        context.give(node, group, value)
    elif kind in NEGATIVE:
        _negative(context, node, group, x, kind, None)
    elif kind == "binary_tanh":
        _binary(context, node, group, x)
    elif kind == "ternary_tanh":
        _ternary(context, node, group, x)
    else:
        raise refusal(node, f"{kind!r} has no exact form", "use relu, or a table such as tanh")


def _zero(context: Context, group: str) -> Value:
    return context.emit.const(group, np.int64(0))


def _negative(
    context: Context, node: Any, group: str, x: Value, kind: str, alpha: Weights | None
) -> None:
    """elu and selu: a table for negative operands."""
    emit, size = context.emit, table_size(node)
    value = look_up(context, node, group, x, NEGATIVE[kind], 8, 1 - size, 1)
    if alpha is not None:
        value = emit.times(group, value, alpha.codes, alpha.frac)
    above = emit.op(group, ops.Compare("ge"), x, _zero(context, group))
    if kind == "selu":
        x = emit.times(group, x, _LAMBDA.codes, _LAMBDA.frac)
    context.give(node, group, emit.op(group, ops.Select(), above, x, value))


def _binary(context: Context, node: Any, group: str, x: Value) -> None:
    above = context.emit.op(group, ops.Compare("ge"), x, _zero(context, group))
    if context.result(node).binary:
        context.hand_on(node, group, above)
        return
    doubled = context.emit.scale(group, above, 1)
    one = context.emit.const(group, np.int64(1))
    context.give(node, group, context.emit.op(group, ops.Sub(), doubled, one))


def _ternary(context: Context, node: Any, group: str, x: Value) -> None:
    emit = context.emit
    twice = convert(emit, group, emit.scale(group, x, 1), context.kind(node))
    above = emit.op(group, ops.Compare("gt"), twice, emit.const(group, np.int64(1)))
    below = emit.op(group, ops.Compare("le"), twice, emit.const(group, np.int64(-1)))
    context.give(node, group, emit.op(group, ops.Sub(), above, below))


def merged_threshold(context: Context, node: Any) -> None:
    """Batch normalization and a binary or ternary activation, merged into comparisons."""
    group, x = context.joined(node), context.operand(node)
    if context.kind(node).binary:
        raise refusal(node, "its input is binary", "quantize to 2 bits or more before it")
    shape = context.emit.type(x).shape

    def against(role: str, kind: str) -> Value:
        weights = context.weights(node, role)
        if int(node.get_attr("n_filt", 0)) == -1:
            weights = Weights(weights.codes.reshape(shape), weights.frac)
        level = context.const(group, weights)
        return context.emit.op(group, ops.Compare(kind), x, level)

    if int(node.get_attr("quantize")) == 2:
        value = against("threshold", "ge")
    else:
        value = context.emit.op(
            group, ops.Sub(), against("threshold_hi", "gt"), against("threshold_lo", "le")
        )
    context.hand_on(node, group, value)


def parametrized(context: Context, node: Any) -> None:
    """LeakyReLU, ThresholdedReLU and ELU."""
    emit = context.emit
    group, x = context.joined(node), context.operand(node)
    kind = str(node._get_act_function_name())
    type = context.type_of(node, "param")
    code = codes_of(np.array(float(node.get_attr("activ_param", 1.0))), type)
    param = Weights(code, type.frac)
    if kind == "elu":
        _negative(context, node, group, x, kind, param)
        return
    if kind == "leaky_relu":
        _leaky(context, node, group, x, param)
        return
    if kind != "thresholded_relu":
        raise refusal(node, f"{kind!r} has no exact form", "use relu or LeakyReLU")
    above = emit.op(group, ops.Compare("gt"), x, context.const(group, param))
    context.give(node, group, emit.op(group, ops.Select(), above, x, _zero(context, group)))


def prelu(context: Context, node: Any) -> None:
    """PReLU: a slope for each element."""
    group, x = context.joined(node), context.operand(node)
    slope = context.weights(node, "param")
    shape = context.emit.type(x).shape
    _leaky(context, node, group, x, Weights(slope.codes.reshape(shape), slope.frac))


def _leaky(context: Context, node: Any, group: str, x: Value, slope: Weights) -> None:
    emit = context.emit
    scaled = emit.times(group, x, slope.codes, slope.frac)
    above = emit.op(group, ops.Compare("gt"), x, _zero(context, group))
    context.give(node, group, emit.op(group, ops.Select(), above, x, scaled))


def hard(context: Context, node: Any) -> None:
    """Hard sigmoid ``clip(slope * x + shift, 0, 1)``, and hard tanh, twice that less one."""
    emit = context.emit
    group, x = context.joined(node), context.operand(node)
    kind = context.kind(node)
    if kind.integer < 1 + kind.signed:
        raise refusal(node, f"its input {kind} has no bit above the binary point",
                      "give its input at least 2 integer bits")  # fmt: skip
    slope, shift = (
        Weights(codes_of(np.array(float(node.get_attr(role))), type), type.frac)
        for role, type in ((r, context.type_of(node, r)) for r in ("slope", "shift"))
    )
    x = emit.times(group, x, slope.codes, slope.frac)
    x = emit.plus(group, x, shift.codes, shift.frac)
    frac = int(emit.type(x).elem.frac.max())
    unit = IntType(0, 1 << frac, frac)
    x = emit.op(group, ops.Requant(unit, Rounding.FLOOR, Overflow.SATURATE), x)
    if str(node.get_attr("activation")).lower() == "hard_tanh":
        one = emit.const(group, np.int64(1))
        x = emit.op(group, ops.Sub(), emit.scale(group, x, 1), one)
    context.give(node, group, x)
