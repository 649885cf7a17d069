"""Sums of products: Gemm, MatMul, Conv; and pooling."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from hwflow.frontends.exact.ladder import Affine
from hwflow.frontends.onnx.context import Context, loose
from hwflow.frontends.onnx.file import Node
from hwflow.frontends.onnx.values import Constant, Floats, Ints, Origin, Tensor, dyadic, positions
from hwflow.ir import Value, ops
from hwflow.ir.types import compact

__all__ = [
    "add_constant", "average_pool", "conv", "convolved", "gemm", "global_average_pool", "matmul",
    "max_pool", "multiplied",
]  # fmt: skip

Pads = tuple[tuple[int, int], ...]


def matmul(context: Context, node: Node) -> Tensor:
    """MatMul of a live tensor by constant weights (K, N)."""
    return multiplied(context, node, context.settled(node), context.constant(node, 1))


def gemm(context: Context, node: Node) -> Tensor:
    """Gemm without scaling factors of its own; the second operand may be transposed."""
    if node.number("alpha", 1.0) != 1.0 or node.integer("transA", 0):
        raise node.refusal("lower.layer", "it has alpha or transA", "write alpha=1, transA=0")
    x, weights = context.settled(node), context.constant(node, 1)
    if node.integer("transB", 0):
        weights = transposed(weights)
    result = multiplied(context, node, x, weights)
    bias = context.optional(node, 2)
    if bias is None:
        return result
    if node.number("beta", 1.0) != 1.0:
        raise node.refusal("lower.layer", "it has beta", "write beta=1")
    return add_constant(context, node, result, bias)


def transposed(constant: Constant) -> Constant:
    """A constant matrix and what is known of it, transposed."""
    return constant.moved(lambda a: a.T)


def multiplied(context: Context, node: Node, x: Tensor, weights: Constant) -> Tensor:
    """`x` (..., K) times constant weights (K, N)."""
    shape = weights.array.shape
    if len(shape) != 2 or not x.shape or x.shape[-1] != shape[0]:
        raise node.refusal(
            "lower.shape",
            f"{x.shape} times weights of shape {shape}",
            "multiply the last axis by a matrix",
        )
    context.check_size(node, (*x.shape[:-1], shape[1]))
    group = context.emit.group(node.name)
    codes, frac, unit = context.weights(node, weights)
    frac, unit = np.broadcast_to(frac, shape), np.broadcast_to(unit, shape)
    if len(x.shape) == 1:
        order = x.index.reshape(-1)
        x = context.arrange(group, x, order)
        codes, frac, unit = codes[order], frac[order], unit[order]
    else:
        x = context.plain(group, x)
    value = context.emit.op(
        group, ops.MatMul(), x.value, context.emit.const(group, codes, compact(frac))
    )
    index = positions((*x.shape[:-1], shape[1]))
    return _summed(context, node, group, value, x, _outgoing(node, unit), index.shape, index)


def _outgoing(node: Node, unit: Floats) -> Floats:
    """The unit of each output of weights (..., N), which may differ along N only."""
    rows = unit.reshape(-1, unit.shape[-1])
    if bool((rows != rows[:1]).any()):
        raise node.refusal(
            "lower.scale",
            "its weights have scales that differ along what is summed",
            "use one scale for each output channel, or powers of two",
        )
    return np.asarray(rows[0])


def _summed(
    context: Context, node: Node, group: str, value: Value, x: Tensor, unit: Floats,
    shape: tuple[int, ...], index: Ints,
) -> Tensor:  # fmt: skip
    one = context.uniform(node, x.unit)
    origin: Origin = "kernel" if x.origin == "dequantized" else ""
    result = Tensor(value, shape, index, group, origin=origin)
    return context.rescaled(group, result, compact(one * unit))


def conv(context: Context, node: Node) -> Tensor:
    """Conv over one or two spatial axes, weights constant."""
    result = convolved(context, node, context.settled(node), context.constant(node, 1))
    bias = context.optional(node, 2)
    return result if bias is None else add_constant(context, node, result, bias, channels=True)


def convolved(context: Context, node: Node, x: Tensor, weights: Constant) -> Tensor:
    """`x` (C, spatial...) through constant kernels (M, C/groups, window...)."""
    codes, frac, unit = context.weights(node, weights)
    shape = weights.array.shape
    rank = len(shape) - 2
    if rank not in (1, 2) or len(x.shape) != rank + 1:
        raise node.refusal(
            "lower.shape",
            f"{x.shape} through kernels of shape {shape}",
            "one or two spatial axes are understood",
        )
    group = context.emit.group(node.name)
    x = context.channels_last(node, group, x)
    perm = (*range(2, rank + 2), 1, 0)
    codes, frac = codes.transpose(perm), np.broadcast_to(frac, shape).transpose(perm)
    unit = np.broadcast_to(unit, shape).transpose(perm)
    ones = (1,) * rank
    stride, spread = node.integers("strides", ones), node.integers("dilations", ones)
    pads = _pads(node, x.shape[1:], shape[2:], stride, spread)
    op = ops.Conv(stride, pads, spread, node.integer("group", 1))
    sizes = _sizes(node, x.shape[1:], shape[2:], stride, pads, spread)
    context.check_size(node, (*sizes, x.shape[0]), int(np.prod(shape[2:])))
    context.check_size(node, (*sizes, shape[0]))
    kernel = context.emit.const(group, codes, compact(frac))
    value = context.emit.op(group, op, x.value, kernel)
    goal = (shape[0], *sizes)
    index = np.moveaxis(positions(goal), 0, -1)
    return _summed(context, node, group, value, x, _outgoing(node, unit), goal, index)


def _sizes(
    node: Node, sizes: tuple[int, ...], window: tuple[int, ...], stride: tuple[int, ...],
    pads: Pads, dilation: tuple[int, ...],
) -> tuple[int, ...]:  # fmt: skip
    result = []
    for size, taps, step, (before, after), spread in zip(
        sizes, window, stride, pads, dilation, strict=True
    ):
        room = size + before + after - (taps - 1) * spread - 1
        if min(taps, step, spread) < 1 or room < 0:
            raise node.refusal(
                "lower.shape", f"a window {window} does not fit {sizes}", "correct its sizes"
            )
        result.append(room // step + 1)
    return tuple(result)


def _pads(
    node: Node, sizes: tuple[int, ...], window: tuple[int, ...], stride: tuple[int, ...],
    dilation: tuple[int, ...],
) -> Pads:  # fmt: skip
    mode = node.text("auto_pad", "NOTSET")
    rank = len(sizes)
    if mode in ("NOTSET", ""):
        flat = node.integers("pads", (0,) * (2 * rank))
        return tuple(zip(flat[:rank], flat[rank:], strict=True))
    if mode not in ("SAME_UPPER", "SAME_LOWER", "VALID"):
        raise node.refusal("lower.shape", f"auto_pad is {mode[:40]!r}", "write pads")
    pads = []
    for size, taps, step, spread in zip(sizes, window, stride, dilation, strict=True):
        span = (taps - 1) * spread + 1
        total = 0
        if mode != "VALID":
            total = max((-(-size // max(step, 1)) - 1) * step + span - size, 0)
        small, large = total // 2, total - total // 2
        pads.append((large, small) if mode == "SAME_LOWER" else (small, large))
    return tuple(pads)


def add_constant(
    context: Context, node: Node, x: Tensor, constant: Constant, *, channels: bool = False
) -> Tensor:
    """`x` plus a constant: in integers where it lies on their grid, else a float32 step."""
    array, codes, scale = constant.array, constant.codes, constant.scale
    if channels:
        tail = (-1, *(1,) * (len(x.shape) - 1))
        array = array.reshape(tail)
        codes = codes if codes is None else codes.reshape(tail)
        scale = scale if scale is None or scale.ndim == 0 else scale.reshape(tail)
    group = context.group(node, x)
    grid = _on_grid(context, node, x, Constant(array, codes, scale))
    if grid is not None:
        return replace(x, value=context.emit.plus(group, x.value, *grid), group=group)
    offset = np.asarray(context.at(node, x, array), np.float32)
    return context.stepped(node, x, Affine(np.ones((), np.float32), offset))


def _on_grid(context: Context, node: Node, x: Tensor, constant: Constant) -> Any:
    if x.steps:
        return None
    if constant.codes is None and constant.array.dtype.kind == "f":
        if not x.exact:
            return (np.int64(0), np.int64(0)) if not constant.array.any() else None
        codes, frac = dyadic(constant.array)
        if int(np.abs(codes).max(initial=0)) >> 16:
            return None
        return context.at(node, x, codes), frac
    codes, frac, unit = context.weights(node, constant)
    codes, frac, unit = (context.at(node, x, a) for a in (codes, frac, unit))
    if not bool((context.spread(x, x.unit) == context.spread(x, unit)).all()):
        return None
    return codes, frac


def max_pool(context: Context, node: Node) -> Tensor:
    """MaxPool; pads are filled with the smallest integer, which never wins."""
    x = context.stored(node)
    if x.steps:
        raise loose(node, x)
    group = context.emit.group(node.name)
    x = context.channels_last(node, group, x)
    rank = len(x.shape) - 1
    window, stride, pads, sizes = _pool(node, x, rank)
    value = x.value
    if any(map(any, pads)):
        before, after = zip(*pads, (0, 0), strict=True)
        low = int(context.emit.type(value).elem.lo.min())
        value = context.emit.op(group, ops.Pad(before, after, low), value)
    value = context.emit.op(group, ops.MaxPool(window, stride), value)
    goal = (x.shape[0], *sizes)
    index = np.moveaxis(positions(goal), 0, -1)
    return replace(x, value=value, shape=goal, index=index, group=group, unit=_channels(node, x))


def _channels(node: Node, x: Tensor) -> Floats:
    if x.unit.ndim > 1:
        raise node.refusal(
            "lower.scale", "it compares values of different scales", "use one scale a channel"
        )
    return x.unit


def average_pool(context: Context, node: Node) -> Tensor:
    """AveragePool without border windows of fewer elements."""
    x = context.settled(node)
    window, stride, pads, sizes = _pool(node, x, len(x.shape) - 1)
    padded = any(map(any, pads))
    if padded and not node.integer("count_include_pad", 0):
        raise node.refusal(
            "lower.pool",
            "padding makes border windows average fewer elements",
            "write count_include_pad=1 or no pads",
        )
    return _average(context, node, x, window, stride, pads, (x.shape[0], *sizes))


def global_average_pool(context: Context, node: Node) -> Tensor:
    """GlobalAveragePool: the mean of each channel, its spatial axes kept at one."""
    x = context.settled(node)
    window = x.shape[1:]
    ones = (1,) * len(window)
    return _average(context, node, x, window, ones, ((0, 0),) * len(window), (x.shape[0], *ones))


def _average(
    context: Context, node: Node, x: Tensor, window: tuple[int, ...], stride: tuple[int, ...],
    pads: Pads, goal: tuple[int, ...],
) -> Tensor:  # fmt: skip
    group = context.emit.group(node.name)
    x = context.channels_last(node, group, x)
    context.check_size(node, goal, int(np.prod(window)))
    ones = context.emit.const(group, np.ones((*window, 1, x.shape[0]), np.int64))
    op = ops.Conv(stride, pads, (1,) * len(window), x.shape[0])
    value = context.emit.op(group, op, x.value, ones)
    area = int(np.prod(window))
    index = np.moveaxis(positions(goal), 0, -1)
    origin: Origin = "kernel" if x.origin == "dequantized" else x.origin
    unit = _channels(node, x)
    x = replace(
        x, value=value, shape=goal, index=index, group=group, unit=unit, origin=origin
    )  # fmt: skip
    return context.rescaled(group, x, x.unit / np.float32(area))


def _pool(
    node: Node, x: Tensor, rank: int
) -> tuple[tuple[int, ...], tuple[int, ...], Pads, tuple[int, ...]]:
    ones = (1,) * rank
    if rank not in (1, 2):
        raise node.refusal("lower.shape", f"it pools {x.shape}", "pool one or two spatial axes")
    dilations = node.integers("dilations", ones)
    if dilations != ones or node.integer("ceil_mode", 0) or node.integer("storage_order", 0):
        raise node.refusal("lower.pool", "dilations, ceil_mode or storage_order", "leave them out")
    window = node.integers("kernel_shape", ones)
    stride = node.integers("strides", ones)
    pads = _pads(node, x.shape[1:], window, stride, ones)
    if any(max(pair) >= size for pair, size in zip(pads, window, strict=True)):
        raise node.refusal("lower.pool", f"pads {pads} of a window {window}", "pad less")
    return window, stride, pads, _sizes(node, x.shape[1:], window, stride, pads, ones)
