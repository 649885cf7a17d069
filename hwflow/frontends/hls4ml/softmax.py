"""Softmax as hls4ml computes it: two tables and a product, or the largest score's place."""

from __future__ import annotations

from typing import Any

import numpy as np

from hwflow.frontends.hls4ml.context import Context, refusal
from hwflow.frontends.hls4ml.precision import Fixed, codes_of, convert, fits, fixed
from hwflow.frontends.hls4ml.tables import exp32
from hwflow.ir import Overflow, Rounding, Value, ops

__all__ = ["softmax"]

_INSTEAD = "leave softmax out ('skip': True, the logits then decide), or use implementation argmax"


def softmax(context: Context, node: Any) -> None:
    """Implementations stable, latency and argmax, over the last axis."""
    x = context.operand(node)
    shape = context.emit.type(x).shape
    kind = str(node.get_attr("implementation", "stable")).lower()
    if int(node.get_attr("n_inner", 1) or 1) != 1 or len(shape) != 1:
        raise refusal(node, f"softmax over one axis of {shape}", _INSTEAD)
    group = context.emit.group(node.name)
    if kind == "argmax":
        best = context.emit.op(group, ops.ArgMax(0), x)
        places = context.emit.const(group, np.arange(shape[0]))
        context.give(node, group, context.emit.op(group, ops.Compare("eq"), places, best))
    elif kind in ("stable", "latency"):
        _tables(context, node, group, x, stable=kind == "stable")
    else:
        raise refusal(node, f"implementation {kind!r} has no exact form here", _INSTEAD)


def _tables(context: Context, node: Any, group: str, x: Value, *, stable: bool) -> None:
    emit, count = context.emit, context.emit.type(x).shape[0]
    kind = context.kind(node)
    sizes = [int(node.get_attr(f"{k}_table_size") or node.get_attr("table_size"))
             for k in ("exp", "inv")]  # fmt: skip
    exp_t, inv_t, inv_inp_t, accum = (
        context.type_of(node, role) for role in ("exp_table", "inv_table", "inv_inp", "accum")
    )
    if node.get_attr("inv_inp_t").name == "model_default_t":
        inv_inp_t = exp_t
    scale = float(node.get_attr("exp_scale", 1.0) or 1.0)
    if stable:
        norm = node.get_attr("inp_norm_t")
        if norm is not None:
            kind_in = fixed(norm.precision, node.name, "inp_norm")
        else:
            kind_in = Fixed(kind.width - kind.signed, kind.integer - kind.signed, signed=False)
            if kind.signed:
                sizes[0] = min(sizes[1], 1 << kind_in.width)
        top = emit.op(group, ops.MaxPool((count,), (count,)), emit.reshape(group, x, (count, 1)))
        x = emit.op(group, ops.Sub(), emit.reshape(group, top, (1,)), x)
        x = convert(emit, group, x, kind_in)
        scale = -scale
    else:
        kind_in = kind
    x = _table(context, node, group, x, kind_in, sizes[0], exp_t, lambda r: exp32(r * scale))
    x = convert(emit, group, x, accum)
    total = emit.op(group, ops.ReduceSum((0,)), x)
    if not fits(emit.type(total), accum):
        raise refusal(node, f"its accum_t {accum} can overflow between two additions", _INSTEAD)
    total = convert(emit, group, emit.reshape(group, total, (1,)), inv_inp_t)
    # The largest score's own exponential, exp(0), is among those summed.
    least = float(np.ldexp(codes_of(np.ones(()), exp_t), -exp_t.frac)) if stable else 0.0
    inverse = _table(context, node, group, total, inv_inp_t, sizes[1], inv_t, _inverse, least)
    context.give(node, group, emit.op(group, ops.Mul(), x, inverse))


def _inverse(x: np.ndarray) -> np.ndarray:
    with np.errstate(divide="ignore"):
        single: np.ndarray = (np.float32(1) / x.astype(np.float32)).astype(np.float64)
    return single


def _table(
    context: Context, node: Any, group: str, x: Value, kind: Fixed, size: int, to: Fixed,
    function: Any, least: float = 0.0,
) -> Value:  # fmt: skip
    """A table of `size` entries indexed by the top bits of x, a value of type `kind`.

    Entries below `least` are never asked for.
    """
    emit = context.emit
    dropped = kind.width - (size - 1).bit_length()
    if dropped < 0 or size & (size - 1):
        raise refusal(node, f"a table of {size} entries indexed by {kind}", _INSTEAD)
    target = Fixed(kind.width - dropped, kind.integer, kind.signed)
    index = emit.op(group, ops.Requant(target.type, Rounding.FLOOR, Overflow.WRAP), x)
    elem = emit.type(index).elem
    low, high = int(elem.lo.min()), int(elem.hi.max())
    points = np.ldexp(np.arange(low, high + 1, dtype=np.float64), -target.frac)
    real = function(points)
    asked = points >= np.ldexp(np.floor(np.ldexp(least, target.frac)), -target.frac)
    if not np.isfinite(real[asked]).all():
        raise refusal(node, "its table divides by zero", _INSTEAD)
    real[~asked] = 0.0
    return emit.op(group, ops.Lut(low, codes_of(real, to), to.frac), index)
