"""Data movements: layouts change in the record, nodes are emitted where a layout is needed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from hwflow.frontends.onnx.context import Context, loose
from hwflow.frontends.onnx.file import Node
from hwflow.frontends.onnx.values import Constant, Raw, Symbol, Tensor, order_of, positions, trimmed
from hwflow.ir import ops

__all__ = [
    "argmax", "concat", "flatten", "identity", "pad", "reshape", "squeeze", "transpose",
    "unsqueeze",
]  # fmt: skip


def identity(context: Context, node: Node) -> Symbol:
    """Identity, Dropout, and a Cast of numbers: nothing at inference."""
    symbol = context.symbol(node, 0)
    if node.kind != "Cast":
        return symbol
    if node.integer("to", 1) != 1:
        raise node.refusal("lower.layer", "a cast to another type than float", "use a quantizer")
    return context.tensor(node) if isinstance(symbol, Tensor) else symbol


def _shape(context: Context, symbol: Symbol) -> tuple[int, ...]:
    """ONNX's shape, the batch of a live tensor included."""
    if isinstance(symbol, Constant):
        return tuple(symbol.array.shape)
    return (context.model.batch, *symbol.shape)


def _seen(context: Context, node: Node, symbol: Symbol, shape: Sequence[int]) -> Symbol:
    """The same elements in ONNX's order under another shape."""
    shape = tuple(int(n) for n in shape)
    if math.prod(shape) != math.prod(_shape(context, symbol)) or min(shape, default=1) < 0:
        raise node.refusal(
            "lower.shape", f"{_shape(context, symbol)} cannot become {shape}", "correct the shape"
        )
    if isinstance(symbol, Constant):
        return symbol.moved(lambda a: a.reshape(shape))
    _keeps_batch(context, node, shape)
    return replace(symbol, shape=shape[1:])


def _keeps_batch(context: Context, node: Node, shape: Sequence[int]) -> None:
    if len(shape) < 2 or shape[0] != context.model.batch:
        raise node.refusal(
            "lower.shape", "it moves the batch axis", "keep the batch apart, as the first axis"
        )


def reshape(context: Context, node: Node) -> Symbol:
    """Reshape to a constant shape; 0 keeps an axis, -1 stands for the rest."""
    symbol = context.symbol(node, 0)
    old = _shape(context, symbol)
    goal = [int(n) for n in context.constant(node, 1).array.reshape(-1)[:8]]
    if not node.integer("allowzero", 0):
        goal = [old[i] if n == 0 and i < len(old) else n for i, n in enumerate(goal)]
    rest = math.prod(n for n in goal if n != -1)
    if goal.count(-1) == 1 and rest > 0:
        goal[goal.index(-1)] = math.prod(old) // rest
    return _seen(context, node, symbol, goal)


def flatten(context: Context, node: Node) -> Symbol:
    """Flatten from an axis on."""
    symbol = context.symbol(node, 0)
    old = _shape(context, symbol)
    axis = _signed(node, "axis", 1)
    axis = axis + len(old) if axis < 0 else axis
    return _seen(context, node, symbol, (math.prod(old[:axis]), math.prod(old[axis:])))


def _signed(node: Node, key: str, default: int) -> int:
    value = node.integer(key, default)
    if not -8 <= value <= 8:
        raise node.refusal("lower.shape", f"{key} is {value}", "name an axis that exists")
    return value


def _axes(context: Context, node: Node, rank: int) -> tuple[int, ...] | None:
    given = context.optional(node, 1)
    raw = node.attributes.get("axes") if given is None else given.array.reshape(-1).tolist()
    if raw is None:
        return None
    axes = tuple(int(a) + rank if a < 0 else int(a) for a in raw)
    if len(set(axes)) != len(axes) or any(not 0 <= a < rank for a in axes):
        raise node.refusal("lower.shape", f"axes {str(raw)[:60]}", "name axes that exist")
    return axes


def squeeze(context: Context, node: Node) -> Symbol:
    """Axes of length one removed; the batch stays."""
    symbol = context.symbol(node, 0)
    old = _shape(context, symbol)
    axes = _axes(context, node, len(old))
    first = 0 if isinstance(symbol, Constant) else 1
    if axes is None:
        axes = tuple(i for i, n in enumerate(old) if n == 1 and i >= first)
    return _seen(context, node, symbol, [n for i, n in enumerate(old) if i not in axes])


def unsqueeze(context: Context, node: Node) -> Symbol:
    """Axes of length one added."""
    symbol = context.symbol(node, 0)
    old = list(_shape(context, symbol))
    given = context.optional(node, 1)
    count = len(node.attributes.get("axes", ())) if given is None else given.array.size
    axes = _axes(context, node, len(old) + count) or ()
    for axis in sorted(axes):
        old.insert(axis, 1)
    return _seen(context, node, symbol, old)


def transpose(context: Context, node: Node) -> Symbol:
    """Axes reordered, the batch staying first."""
    symbol = context.symbol(node, 0)
    old = _shape(context, symbol)
    perm = node.integers("perm", tuple(reversed(range(len(old)))))
    if sorted(perm) != list(range(len(old))):
        raise node.refusal("lower.shape", f"perm {perm} of {old}", "name every axis once")
    if isinstance(symbol, Constant):
        return symbol.moved(lambda a: a.transpose(perm))
    if perm[0] != 0:
        raise node.refusal("lower.shape", "it moves the batch axis", "keep the batch first")
    inner = tuple(p - 1 for p in perm[1:])
    moved = positions(symbol.shape).transpose(inner)
    place = np.empty(moved.size, np.int64)
    place[moved.reshape(-1)] = np.arange(moved.size)
    index = place[symbol.index]
    if order_of(index) is None:  # axes that were joined before are taken apart
        if isinstance(symbol, Raw):
            raise node.refusal(
                "lower.input", "an input is taken apart before it is quantized", "quantize it first"
            )
        symbol = context.plain(context.group(node, symbol), symbol)
        index = place[symbol.index]
    return replace(symbol, shape=tuple(moved.shape), index=index)


def _axes_of(x: Tensor) -> tuple[int, ...]:
    """ONNX's axes in the order that `x` has or can be brought to: images channels last."""
    rank = len(x.shape)
    return (*range(1, rank), 0) if rank in (2, 3) and x.channels_last else tuple(range(rank))


def pad(context: Context, node: Node) -> Symbol:
    """Zeros around a tensor."""
    x = context.settled(node)
    rank = len(x.shape) + 1
    given = context.optional(node, 1)
    raw = node.attributes.get("pads", ()) if given is None else given.array.reshape(-1).tolist()
    fill = context.optional(node, 2)
    zero = not (node.number("value", 0.0) if fill is None else fill.array.any())
    amounts = [int(n) for n in raw]
    wrong = len(amounts) != 2 * rank or any(not 0 <= n <= 65535 for n in amounts)
    if wrong or not zero or node.text("mode", "constant") != "constant" or context.given(node, 3):
        raise node.refusal("lower.shape", "it pads by something else than zeros", "pad by zeros")
    before, after = amounts[1:rank], amounts[rank + 1 :]
    if amounts[0] or amounts[rank]:
        raise node.refusal("lower.shape", "it pads the batch", "leave the batch alone")
    goal = tuple(int(n) + a + b for n, a, b in zip(x.shape, before, after, strict=True))
    context.check_size(node, goal)
    group = context.emit.group(node.name)
    axes = _axes_of(x)
    x = context.arrange(group, x, positions(x.shape).transpose(axes))
    low, high = (tuple(side[a] for a in axes) for side in (before, after))
    value = context.emit.op(group, ops.Pad(low, high), x.value)
    context.uniform(node, x.unit)
    index = positions(goal).transpose(axes)
    return replace(x, value=value, shape=goal, index=index, group=group)


def concat(context: Context, node: Node) -> Symbol:
    """Tensors joined along an axis other than the batch."""
    symbols = [context.symbol(node, place) for place in range(len(node.inputs))]
    if all(isinstance(s, Constant) for s in symbols):
        arrays = [s.array for s in symbols if isinstance(s, Constant)]
        return Constant(np.concatenate(arrays, axis=_signed(node, "axis", 1)))
    group = context.emit.group(node.name)
    parts = [context.stored(node, place) for place in range(len(symbols))]
    if len({part.zero for part in parts}) > 1:
        parts = [context.tensor(node, place) for place in range(len(parts))]
    for part in parts:
        if part.steps:
            raise loose(node, part)
    rank = len(parts[0].shape)
    axis = _signed(node, "axis", 1)
    axis = axis - 1 if axis > 0 else axis + rank
    sizes = [tuple(n for i, n in enumerate(p.shape) if i != axis) for p in parts]
    if not 0 <= axis < rank or len(set(sizes)) > 1:
        raise node.refusal("lower.shape", f"shapes {[p.shape for p in parts]}", "correct them")
    order = _axes_of(parts[0])
    parts = [context.arrange(group, p, positions(p.shape).transpose(order)) for p in parts]
    own = order.index(axis)
    unit = np.concatenate([context.spread(p, p.unit) for p in parts], axis=own)
    values = [part.value for part in parts]
    if own != rank - 1:  # binary points may differ along the last axis only
        finest = max(int(context.emit.type(v).elem.frac.max()) for v in values)
        values = [context.emit.aligned(group, v, finest) for v in values]
    value = context.emit.op(group, ops.Concat(own), *values)
    goal = list(parts[0].shape)
    goal[axis] = sum(p.shape[axis] for p in parts)
    index = positions(tuple(goal)).transpose(order)
    return Tensor(
        value, tuple(goal), index, group, trimmed(unit),
        parts[0].origin if len({p.origin for p in parts}) == 1 else "", zero=parts[0].zero,
    )  # fmt: skip


def argmax(context: Context, node: Node) -> Symbol:
    """The index of the largest element along an axis, of equals the first."""
    x = context.settled(node)
    rank = len(x.shape)
    axis = _signed(node, "axis", 0)
    axis = axis - 1 if axis > 0 else axis + rank
    if not 0 <= axis < rank or node.integer("select_last_index", 0):
        raise node.refusal("lower.shape", f"axis {axis} or select_last_index", "use axis=1")
    context.uniform(node, x.unit)
    group = context.emit.group(node.name)
    x = context.plain(group, x)
    value = context.emit.op(group, ops.ArgMax(axis), x.value)
    shape = tuple(n for i, n in enumerate(x.shape) if i != axis)
    kept = tuple(1 if i == axis else n for i, n in enumerate(x.shape))
    goal = kept if node.integer("keepdims", 1) else shape
    return Tensor(value, goal, positions(shape), group)
