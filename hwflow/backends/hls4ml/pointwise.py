"""Operations on single elements as hls4ml's Merge, BatchNormalization and activation layers."""

from __future__ import annotations

import numpy as np

from hwflow.backends.hls4ml.context import EXACT_BITS, Context, refusal
from hwflow.backends.hls4ml.project import Reals
from hwflow.backends.hls4ml.rewrite import TABLE_BITS
from hwflow.backends.hls4ml.types import element_types, holding, uniform_type
from hwflow.ir import Node
from hwflow.ir.ops import Add, Const, Lut, Mul, Requant, Shift, Sub, Threshold

__all__ = ["combine", "requantize", "scale", "table"]

_MERGE = {Add: "add", Sub: "subtract", Mul: "multiply"}


def combine(context: Context, node: Node) -> None:
    """add, sub, mul: of two live tensors a Merge, with a constant a BatchNormalization."""
    a, b = node.args
    left, right = context.constant(a), context.constant(b)
    if left is None and right is None:
        _merge(context, node)
    elif isinstance(node.op, Mul):
        x, factor = (a, right) if right is not None else (b, left)
        assert factor is not None
        _affine(context, node, x, factor, None)
    elif right is not None:
        sign = -1 if isinstance(node.op, Sub) else 1
        _affine(context, node, a, None, Const(right.values * sign, right.frac))
    else:
        minus = Const(np.array(-1), np.array(0)) if isinstance(node.op, Sub) else None
        _affine(context, node, b, minus, left)


def scale(context: Context, node: Node) -> None:
    """A shift by a constant: the real value times a power of two."""
    op = node.op
    assert isinstance(op, Shift)
    factor = Const(np.ones_like(op.amount), -op.amount)
    _affine(context, node, node.args[0], factor, None)


def requantize(context: Context, node: Node) -> None:
    """A cast: one type for all elements, or a type for each."""
    op, (x,) = node.op, node.args
    assert isinstance(op, Requant)
    tensor = context.tensor(x)
    kind = uniform_type(op, tensor)
    if kind is not None and kind == context.types[x]:
        context.alias(node, x)
        return
    if kind is not None:
        attributes: dict[str, object] = {"activation": "linear", "n_in": tensor.size}
        context.emit(node, "Activation", (x,), attributes, result=kind, casts=False)
        return
    kinds = element_types(op, tensor)
    if kinds is None:
        raise refusal(
            node,
            f"ap_fixed has no {op.overflow.value} into [{op.type.lo.min()}, {op.type.hi.max()}]",
            "bounds that whole bits have, such as [-8, 7], [-7, 7] or [0, 15], are possible",
        )
    if context.stream:
        raise refusal(
            node,
            "with io: stream hls4ml has one type for all elements of a tensor",
            "use io: parallel, or one type for the whole tensor",
        )
    shape = (1, *(tensor.shape or (1,)))
    masks = np.array([[k.signed, k.width, k.integer] for k in kinds], dtype=np.int64).T
    modes = str(kinds[0]).rstrip(">").split(",")
    context.emit(
        node,
        "FixedPointQuantizer",
        (x,),
        {"RND": modes[2], "SAT": modes[3], "overrides": {}, "fusible": False},
        {"mask_kbi": masks.reshape(3, *shape)},
        casts=False,
    )


def table(context: Context, node: Node) -> None:
    """lut and threshold: a table over every bit pattern of the operand's type."""
    op, (x,) = node.op, node.args
    tensor, made = context.tensor(x), context.types[x]
    if tensor.elem.frac.ndim:
        raise refusal(node, "its operand's elements have different binary points",
                      "requantize the operand to one type")  # fmt: skip
    if made.width > TABLE_BITS or made.frac != int(tensor.elem.frac):
        raise refusal(
            node,
            f"a table over {made.width} bits, at most {TABLE_BITS} are sensible in hls4ml",
            "requantize the operand to fewer bits",
        )
    codes = np.arange(1 << made.width)
    if made.signed:
        codes = np.where(codes >= 1 << made.width - 1, codes - (1 << made.width), codes)
    if isinstance(op, Lut):
        inside = (codes >= op.start) & (codes < op.start + len(op.values))
        values = np.where(inside, op.values[np.where(inside, codes - op.start, 0)], 0)
        frac = op.frac
    else:
        assert isinstance(op, Threshold)
        if op.thresholds[0].size != 1:
            raise refusal(node, "hls4ml's tables are the same for all elements",
                          "use one ladder of thresholds for the tensor")  # fmt: skip
        values = (codes[None, :] >= op.thresholds.reshape(-1, 1)).sum(axis=0)
        frac = op.frac
    kind = holding(int(values.min()), int(values.max()), int(frac))
    if kind.width > EXACT_BITS:
        raise refusal(node, f"its table holds {kind.width} bits, hls4ml reads doubles",
                      f"use values of at most {EXACT_BITS} bits")  # fmt: skip
    reals = np.ldexp(values.astype(np.float64), -int(frac))
    attributes: dict[str, object] = {"activation": "unary_lut", "n_in": tensor.size}
    context.emit(node, "UnaryLUT", (x,), attributes, {"table_data": reals}, {"table": kind})


def _merge(context: Context, node: Node) -> None:
    shapes = [context.tensor(a).shape for a in node.args]
    if shapes[0] != shapes[1]:
        raise refusal(
            node,
            f"hls4ml merges tensors of one shape, found {shapes[0]} and {shapes[1]}",
            "bring both to one shape before",
        )
    operation = _MERGE[type(node.op)]
    context.emit(node, "Merge", node.args, {"op": operation})


def _affine(
    context: Context, node: Node, x: str, factor: Const | None, offset: Const | None
) -> None:
    """``x * factor + offset``, per channel or per element."""
    tensor, target = context.tensor(x), context.tensor(node.name)
    if tensor.shape != target.shape:
        raise refusal(
            node,
            f"hls4ml does not repeat a tensor, found {tensor.shape} grown to {target.shape}",
            "give the tensor its full shape before",
        )
    ones = Const(np.array(1), np.array(0))
    zeros = Const(np.array(0), np.array(0))
    factors, factor_type = context.reals(node, factor or ones)
    offsets, offset_type = context.reals(node, offset or zeros)
    if (factors == 1).all() and (offsets == 0).all():
        context.alias(node, x)
        return
    shape = tensor.shape or (1,)
    per_channel = all(max((1, *a.shape[:-1])) == 1 for a in (factors, offsets))
    count = shape[-1] if per_channel else tensor.size
    if context.stream and not per_channel:
        raise refusal(
            node,
            "with io: stream hls4ml scales by channel only",
            "use io: parallel, or one constant per channel",
        )
    arrays = {
        "scale_data": _spread(factors, shape, count, factor),
        "bias_data": _spread(offsets, shape, count, offset),
    }
    attributes: dict[str, object] = {
        "n_in": tensor.size,
        "n_filt": count if per_channel else -1,
        "use_gamma": True,
        "use_beta": True,
    }
    types = {"scale": factor_type, "bias": offset_type}
    context.emit(node, "BatchNormalization", (x,), attributes, arrays, types)


def _spread(values: Reals, shape: tuple[int, ...], count: int, given: object) -> Reals:
    """One number per channel, or per element in C order."""
    if count == shape[-1]:
        return np.broadcast_to(values.reshape(-1), (count,)).copy()
    return np.broadcast_to(values, shape).reshape(-1).copy()
