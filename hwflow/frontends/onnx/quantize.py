"""Tensors through quantizers: a rounding where the scales allow it, else a certified ladder."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from hwflow.frontends.exact.emission import (
    COMPARE_COST,
    Rungs,
    emit_scaled,
    emit_threshold,
    interval,
)
from hwflow.frontends.exact.forms import find_scaled
from hwflow.frontends.exact.ladder import Affine, climb
from hwflow.frontends.onnx.context import Context
from hwflow.frontends.onnx.file import Node
from hwflow.frontends.onnx.rules import ROUNDINGS, Chain, Count, Round, Rule, Sign
from hwflow.frontends.onnx.values import Floats, Ints, Raw, Tensor, split
from hwflow.ir import IntType, Rounding, Value
from hwflow.ir.types import compact

__all__ = ["counted", "network_input", "rounded", "signed"]


def rounded(
    context: Context, node: Node, x: Tensor | Raw, rule: Round, zero: int | None = None
) -> Tensor:
    """`x` through `rule`, whose arrays broadcast over the ONNX tensor; `zero` as in Tensor."""
    if isinstance(x, Raw):
        return network_input(context, node, x, rule, zero)
    group = context.group(node, x)
    if not x.steps and bool(np.all(rule.lo - rule.zero >= 0)):
        # Saturation does what the ReLU before it does.
        x = replace(x, value=context.rectified.get(x.value.name, x.value))
    rule, mine = _laid(context, node, x, rule), x
    unit, exponent = split(rule.scale)
    same = bool((context.spread(x, x.unit) == context.spread(x, unit)).all())
    plain = rule.mode in ROUNDINGS and not rule.moves_ties and not x.steps
    if plain and same and _exactly(context, x, rule, exponent):
        target = IntType(rule.lo - rule.zero, rule.hi - rule.zero, -exponent)
        value = context.emit.requant(group, x.value, target, ROUNDINGS[rule.mode])
    else:
        mine = _by_channel(context, group, x, (rule.scale, rule.lo, rule.hi, rule.zero))
        if mine is not x:
            rule = _flat(rule, x)
            unit, exponent = split(rule.scale)
        value = _tabulate(context, node, group, mine, rule, Rungs(0))
        value = context.emit.scale(group, value, exponent)
    return Tensor(value, mine.shape, mine.index, group, unit, zero=zero)


def signed(context: Context, node: Node, x: Tensor, scale: Any) -> Tensor:
    """+scale from zero upwards, -scale below."""
    group = context.group(node, x)
    unit, exponent = split(context.at(node, x, scale))
    mine = _by_channel(context, group, x, ())
    if mine is not x:
        unit, exponent = (_ravel(a, x) for a in (unit, exponent))
    value = _tabulate(context, node, group, mine, Sign(), Rungs(0, 2, -1))
    value = context.emit.scale(group, value, exponent)
    return Tensor(value, mine.shape, mine.index, group, unit)


def counted(context: Context, node: Node, x: Tensor, thresholds: Floats, start: Ints,
            frac: int) -> Tensor:  # fmt: skip
    """Thresholds reached (K, ONNX shape) plus ``start * 2**-frac``."""
    group = context.group(node, x)
    rows = [context.at(node, x, row) for row in thresholds]
    mine = _by_channel(context, group, x, tuple(rows))
    if mine is not x:
        rows = [_ravel(row, x) for row in rows]
    table = np.stack([np.atleast_1d(row) for row in np.broadcast_arrays(*rows)])
    value = _tabulate(context, node, group, mine, Count(table.astype(np.float32)), Rungs(0))
    value = context.emit.plus(group, value, start, frac)
    return Tensor(value, mine.shape, mine.index, group)


def network_input(context: Context, node: Node, raw: Raw, rule: Round, zero: int | None) -> Tensor:
    """The graph's input: the codes, less the zero point, of what the first quantizer gives."""
    parts = tuple(np.unique(a) for a in (rule.scale, rule.lo, rule.hi, rule.zero))
    if any(part.size != 1 for part in parts) or rule.mode not in ROUNDINGS or rule.moves_ties:
        raise node.refusal(
            "lower.input",
            f"input {raw.port!r} is quantized by something that is not one rounding",
            "quantize inputs by one scale for the whole tensor, rounding to nearest",
        )
    scale, lo, hi, offset = (part[0] for part in parts)
    key = (*(part[0] for part in parts), rule.mode)
    unit, exponent = split(scale)
    whole = bool(unit == 1)
    known = context.inputs.get(raw.port)
    if known is not None and known[1] != key:
        raise node.refusal(
            "lower.input",
            f"input {raw.port!r} is quantized a second time, otherwise",
            "quantize each input once and share the result",
        )
    if known is None:
        elem = IntType(lo - offset, hi - offset, -exponent if whole else 0)
        value = context.emit.input(raw.port, raw.index.shape, elem, ROUNDINGS[rule.mode])
        if not whole:
            record = {"input": value.name, "scale": float(scale), "zero_point": int(offset)}
            context.certificates.append(record)
            value = context.emit.scale(context.emit.group(node.name), value, exponent)
        known = (value, key)
        context.inputs[raw.port] = known
    return Tensor(known[0], raw.shape, raw.index, None, unit, zero=zero)


def _exactly(context: Context, x: Tensor, rule: Round, exponent: Ints) -> bool:
    """Whether float32 gives the quotient of two equal units exactly, or is near enough."""
    if x.origin == "kernel" or bool((x.unit == 1).all()):
        return True
    frac = context.emit.type(x.value).elem.frac
    return bool((frac == -exponent).all()) and ROUNDINGS[rule.mode] is Rounding.HALF_EVEN


def _laid(context: Context, node: Node, x: Tensor, rule: Round) -> Round:
    """The rule's arrays in the order of the value."""
    scale, zero, lo, hi = (
        context.at(node, x, a) for a in (rule.scale, rule.zero, rule.lo, rule.hi)
    )
    return replace(rule, scale=scale, zero=zero, lo=lo, hi=hi)


def _ravel(array: Any, x: Tensor) -> Any:
    return np.broadcast_to(array, x.index.shape).reshape(-1)


def _flat(rule: Round, x: Tensor) -> Round:
    scale, zero, lo, hi = (_ravel(a, x) for a in (rule.scale, rule.zero, rule.lo, rule.hi))
    return replace(rule, scale=scale, zero=zero, lo=lo, hi=hi)


def _by_channel(context: Context, group: str, x: Tensor, arrays: tuple[Any, ...]) -> Tensor:
    """`x`, as one list of elements where its function differs along more than the last axis."""
    mine = [x.unit, *arrays]
    for step in x.steps:
        mine += [step.scale, step.offset] if isinstance(step, Affine) else []
    if all(np.ndim(a) <= 1 for a in mine):
        return x
    index = x.index.reshape(-1)
    return context.arrange(group, x, index)


def _tabulate(
    context: Context, node: Node, group: str, x: Tensor, rule: Rule, rungs: Rungs
) -> Value:
    """The cheapest exact form of everything between the integers of `x` and the codes."""
    emit = context.emit
    lo, hi, frac = interval(emit, x.value)
    unit, steps = x.unit, x.steps
    if isinstance(rule, Round) and x.origin == "kernel" and not steps:
        unit, frac, rule = _fused(unit, frac, rule)
    parts = [unit, frac, *_arrays(rule)]
    for step in steps:
        parts += [step.scale, step.offset] if isinstance(step, Affine) else []
    if all(compact(np.asarray(a)).ndim == 0 for a in parts):  # one function for all channels
        lo, hi, frac = lo.min(keepdims=True), hi.max(keepdims=True), frac[:1]
        unit = compact(np.asarray(unit))
    chain = Chain(frac, np.broadcast_to(unit, frac.shape), steps, rule)
    ladder = climb(chain, lo, hi)
    if ladder is None:
        raise node.refusal(
            "lower.quantizer",
            "it has more levels than can be certified",
            "use at most 16 bits, or scales that are powers of two",
        )
    costs = {"threshold": COMPARE_COST * len(ladder.thresholds)}
    scaled = None
    if isinstance(rule, Round):
        slope = np.broadcast_to(np.abs(chain.slope), frac.shape)
        scaled = find_scaled(ladder, slope)
    if scaled is not None:
        costs["scaled"] = scaled.adders()
    form: dict[str, Any] = {"kind": min(sorted(costs), key=lambda kind: costs[kind])}
    if form["kind"] == "scaled" and scaled is not None:
        form, value = scaled.record(), emit_scaled(emit, group, x.value, ladder, scaled, rungs.frac)
    else:
        value = emit_threshold(emit, group, x.value, ladder, rungs)
    context.certificates.append(
        {
            "layer": group,
            "normalisations": list(x.made),
            "activation": node.name,
            "accumulator_frac": frac.tolist(),
            "form": form,
            **ladder.certificate(),
        }
    )
    return value


def _arrays(rule: Rule) -> list[Any]:
    if isinstance(rule, Round):
        return [rule.scale, rule.zero, rule.lo, rule.hi]
    return list(rule.thresholds) if isinstance(rule, Count) else []


def _fused(unit: Floats, frac: Ints, rule: Round) -> tuple[Floats, Ints, Round]:
    """One float32 multiplier, as integer kernels have it: (x_scale * w_scale) / y_scale."""
    mantissa, exponent = split(rule.scale)
    unit, frac = np.broadcast_arrays(unit / mantissa, frac + exponent)
    return unit, frac, replace(rule, scale=np.ones((), np.float32))
