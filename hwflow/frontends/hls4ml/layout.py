"""Inputs, shapes, and layers that join two values."""

from __future__ import annotations

from typing import Any

from hwflow.errors import InputError
from hwflow.frontends.hls4ml.context import Context, refusal
from hwflow.frontends.hls4ml.precision import OVERFLOWS, ROUNDINGS, convert, finer
from hwflow.ir import Value, ops

__all__ = ["concatenate", "crop", "merge", "network_input", "reshape", "transpose", "zero_padding"]


def network_input(context: Context, node: Any) -> None:
    """An input of the network; real numbers become integers by its type's own modes."""
    kind = context.result(node)
    if kind.rounding not in ROUNDINGS or kind.overflow not in OVERFLOWS:
        raise InputError(
            "hls4ml.precision",
            f"input {node.name!r}: {kind} is no rule that an integer graph's input has",
            hint=f"use one of {', '.join(ROUNDINGS)} and one of {', '.join(OVERFLOWS)}",
        )
    shape = tuple(int(n) for n in node.get_output_variable().shape)
    rounding, overflow = ROUNDINGS[kind.rounding], OVERFLOWS[kind.overflow]
    value = context.emit.input(node.name, shape, kind.type, rounding, overflow)
    context.hand_on(node, None, value)


def reshape(context: Context, node: Any) -> None:
    """Flatten, Reshape, and other layers that leave the integers as they are."""
    context.hand_on(node, context.joined(node), context.operand(node))


def transpose(context: Context, node: Any) -> None:
    """Axes in another order."""
    group, x = context.emit.group(node.name), context.operand(node)
    perm = tuple(int(n) for n in node.get_attr("perm"))
    if len(perm) > 1 and perm != tuple(range(len(perm))):
        x = context.emit.op(group, ops.Transpose(perm), x)
    context.give(node, group, x)


def zero_padding(context: Context, node: Any) -> None:
    """ZeroPadding1D and ZeroPadding2D."""
    group, x = context.emit.group(node.name), context.operand(node)
    sides = _sides(context, node, "pad")
    before, after = zip(*sides, (0, 0), strict=True)
    context.give(node, group, context.emit.op(group, ops.Pad(before, after, 0), x))


def crop(context: Context, node: Any) -> None:
    """Cropping1D and Cropping2D."""
    group, x = context.emit.group(node.name), context.operand(node)
    shape = context.emit.type(x).shape
    start, behind = zip(*_sides(context, node, "crop"), (0, 0), strict=True)
    stop = tuple(n - b for n, b in zip(shape, behind, strict=True))
    cut = ops.Slice(start, stop, (1,) * len(shape))
    context.give(node, group, context.emit.op(group, cut, x))


def _sides(context: Context, node: Any, verb: str) -> list[tuple[int, int]]:
    if node.get_attr("data_format", "channels_last") != "channels_last":
        raise refusal(node, "its channels come first", "convert to channels_last")
    rank = len(context.emit.type(context.operand(node)).shape) - 1
    names = (("top", "bottom"), ("left", "right"))[2 - rank :]
    return [
        (int(node.get_attr(f"{verb}_{a}")), int(node.get_attr(f"{verb}_{b}"))) for a, b in names
    ]


def merge(context: Context, node: Any) -> None:
    """Add, Subtract, Multiply, Average, Maximum, Minimum of two values."""
    emit, op = context.emit, str(node.get_attr("op")).lower()
    group = emit.group(node.name)
    a, b = (context.operand(node, index) for index in (0, 1))
    shape = tuple(int(n) for n in node.get_output_variable().shape)
    a, b = (_spread(context, node, group, v, shape) for v in (a, b))
    if op in ("maximum", "minimum"):
        above = emit.op(group, ops.Compare("ge" if op == "maximum" else "le"), a, b)
        value = emit.op(group, ops.Select(), above, a, b)
    elif op in ("add", "average"):
        value = emit.op(group, ops.Add(), a, b)
        value = emit.scale(group, value, -1) if op == "average" else value
    elif op in ("subtract", "multiply"):
        value = emit.op(group, ops.Sub() if op == "subtract" else ops.Mul(), a, b)
    else:
        raise refusal(node, f"{op!r} has no exact form", "use add, multiply, maximum ...")
    context.give(node, group, value)


def _spread(context: Context, node: Any, group: str, x: Value, shape: tuple[int, ...]) -> Value:
    """x, which hls4ml repeats until it fills `shape`."""
    own = context.emit.type(x).shape
    if own == shape:
        return x
    inner = [n for n in own if n != 1]
    if tuple(inner) != shape[len(shape) - len(inner) :]:
        raise refusal(
            node, f"repeats a value of shape {own} to fill {shape}",
            "give both operands one shape, or let one have the last axes of the other",
        )  # fmt: skip
    return context.emit.reshape(group, x, inner or (1,))


def concatenate(context: Context, node: Any) -> None:
    """Two values along one axis."""
    emit = context.emit
    group = emit.group(node.name)
    rank = len(node.get_output_variable().shape)
    axis = int(node.get_attr("axis"))
    axis = axis - 1 if axis > 0 else axis + rank
    kind = context.result(node)
    values = [convert(emit, group, context.operand(node, index), kind) for index in (0, 1)]
    finest = max(int(emit.type(v).elem.frac.max()) for v in values)
    values = [finer(emit, group, v, finest) for v in values]
    context.hand_on(node, group, emit.op(group, ops.Concat(axis), *values))
