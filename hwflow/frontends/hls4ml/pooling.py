"""Maximum and average pooling."""

from __future__ import annotations

from typing import Any

import numpy as np

from hwflow.frontends.hls4ml.context import Context, refusal
from hwflow.frontends.hls4ml.precision import Fixed, convert, finer, fits
from hwflow.ir import IntType, Overflow, Rounding, Value, ops
from hwflow.ir.exact import as_ints

__all__ = ["global_pool", "pool"]

# Roundings r with r(n + x) = n + r(x) for every whole n: summands may be rounded one by one.
_EVEN_STEPS = ("TRN", "RND", "RND_MIN_INF")


def pool(context: Context, node: Any) -> None:
    """MaxPooling and AveragePooling over one or two axes."""
    x = context.operand(node)
    rank = len(context.emit.type(x).shape) - 1
    axes = ("height", "width")[2 - rank :]
    window = tuple(int(node.get_attr(f"pool_{a}")) for a in axes)
    stride = tuple(int(node.get_attr(f"stride_{a}")) for a in axes)
    sides = (("top", "bottom"), ("left", "right"))[2 - rank :]
    pads = tuple((int(node.get_attr(f"pad_{a}")), int(node.get_attr(f"pad_{b}"))) for a, b in sides)
    _pool(context, node, x, window, stride, pads)


def global_pool(context: Context, node: Any) -> None:
    """GlobalMaxPooling and GlobalAveragePooling."""
    x = context.operand(node)
    window = context.emit.type(x).shape[:-1]
    _pool(context, node, x, window, window, ((0, 0),) * len(window))


def _pool(
    context: Context, node: Any, x: Value, window: tuple[int, ...], stride: tuple[int, ...],
    pads: tuple[tuple[int, int], ...],
) -> None:  # fmt: skip
    if node.get_attr("data_format", "channels_last") != "channels_last":
        raise refusal(node, "its channels come first", "convert to channels_last")
    emit = context.emit
    group = emit.group(node.name)
    kind, accum = context.kind(node), context.type_of(node, "accum")
    if any(map(any, pads)):
        if kind.binary:
            raise refusal(node, "pads bits that stand for -1 and 1", "write padding='valid'")
        # What hls4ml writes into the padding of a maximum: the sign bit, also of unsigned types.
        top = -(1 << (kind.width - 1)) if kind.signed else 1 << (kind.width - 1)
        value = 0 if node.get_attr("pool_op") == "Average" else top
        x = finer(emit, group, x, kind.frac)
        before, after = zip(*pads, (0, 0), strict=True)
        area = np.ones(emit.type(x).shape[:-1], np.int64)
        x = emit.op(group, ops.Pad(before, after, value), x)
        covered = np.pad(area, pads)
    else:
        covered = np.ones(emit.type(x).shape[:-1], np.int64)
    if node.get_attr("pool_op") == "Average":
        if node.get_attr("count_pad", False):
            covered[...] = 1
        x = _average(context, node, group, x, window, stride, _windows(covered, window, stride))
    else:
        x = emit.op(group, ops.MaxPool(window, stride), x)
    x = convert(emit, group, x, accum)
    context.give(node, group, x)


def _windows(covered: np.ndarray, window: tuple[int, ...], stride: tuple[int, ...]) -> np.ndarray:
    """How many elements of `covered` each window holds."""
    views = np.lib.stride_tricks.sliding_window_view(covered, window)
    picked = views[tuple(slice(None, None, s) for s in stride)]
    counts: np.ndarray = picked.sum(axis=tuple(range(len(window), 2 * len(window))))
    return counts


def _average(
    context: Context, node: Any, group: str, x: Value, window: tuple[int, ...],
    stride: tuple[int, ...], counts: np.ndarray,
) -> Value:  # fmt: skip
    """The sum in accum_t, divided by the number of elements, rounded toward zero."""
    emit, accum = context.emit, context.type_of(node, "accum")
    if not fits(emit.type(x), accum):
        if accum.overflow != "WRAP" or accum.rounding not in _EVEN_STEPS:
            raise refusal(node, f"its accum_t {accum} rounds or saturates between two additions",
                          "use 'auto' or a wider type for its accum_t")  # fmt: skip
        x = convert(emit, group, x, accum)
    channels, rank = emit.type(x).shape[-1], len(window)
    ones = emit.const(group, np.ones((*window, 1, channels), np.int64))
    op = ops.Conv(stride, ((0, 0),) * rank, (1,) * rank, channels)
    total = emit.op(group, op, x, ones)
    if accum.overflow != "WRAP" and not fits(emit.type(total), accum):
        raise refusal(node, f"its accum_t {accum} can saturate between two additions",
                      "use 'auto' or a wider type for its accum_t")  # fmt: skip
    total = convert(emit, group, total, accum)
    return _divide(context, group, total, counts, accum)


def _divide(context: Context, group: str, x: Value, counts: np.ndarray, accum: Fixed) -> Value:
    """``trunc(x / counts)`` in units of accum_t.

    x times ceil(2**s / n), its last s bits dropped, is the quotient for every integer up to r
    where r * (n * ceil(2**s / n) - 2**s) < 2**s.
    """
    emit = context.emit
    lo, hi = emit.type(x).elem.aligned(accum.frac)
    bound = max(abs(int(lo.min())), abs(int(hi.max())), 1)
    shift = max(int(n - 1).bit_length() for n in counts.ravel())
    if any(int(n) & int(n - 1) for n in counts.ravel()):
        shift += bound.bit_length()
    factors = np.array([-(-(1 << shift) // int(n)) for n in counts.ravel()], dtype=object)
    for n, factor in zip(counts.ravel().tolist(), factors.tolist(), strict=True):
        assert bound * (n * factor - (1 << shift)) < 1 << shift, "a quotient would be off by one"
    if bool((factors == factors[0]).all()):
        factors, shape = factors[:1], (1,)
    else:
        shape = (*counts.shape, 1)
    joined = int(np.gcd.reduce(factors))
    zeros = (joined & -joined).bit_length() - 1
    codes = (factors >> zeros).reshape(shape)
    x = emit.times(group, x, as_ints(codes), shift - zeros)
    low, high = -bound - 1, bound + 1
    target = IntType(low, high, accum.frac)
    return emit.op(group, ops.Requant(target, Rounding.TOWARD_ZERO, Overflow.SATURATE), x)
