"""Quant, BipolarQuant, MultiThreshold, Trunc, QuantizeLinear, DequantizeLinear."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from hwflow.frontends.onnx.context import Context, loose
from hwflow.frontends.onnx.elementwise import bounds
from hwflow.frontends.onnx.file import Node
from hwflow.frontends.onnx.quantize import counted, rounded, signed
from hwflow.frontends.onnx.rules import Round, rounding_function
from hwflow.frontends.onnx.values import Constant, Ints, Symbol, Tensor, dyadic, split

__all__ = [
    "bipolar",
    "dequantize_linear",
    "dequantized",
    "multi_threshold",
    "quant",
    "quantize_linear",
    "scale_of",
    "trunc",
    "zero_of",
]  # fmt: skip

MAX_BITS = 32
_DTYPES = {0: "uint8", 2: "uint8", 3: "int8", 4: "uint16", 5: "int16"}
"""What `output_dtype` of QuantizeLinear stands for, left out or not."""


def scale_of(node: Node, constant: Constant) -> Any:
    """A positive float32 scale.

    Raises:
        InputError: "lower.quantizer" for a scale of zero or below, or an absurd one.
    """
    scale = np.asarray(constant.array)
    low, high = 2.0**-60, 2.0**30
    if scale.dtype.kind != "f" or not bool(((scale > low) & (scale < high)).all()):
        raise node.refusal(
            "lower.quantizer", "a scale is not above zero, or absurd", "give 2**-60 to 2**30"
        )
    return scale.astype(np.float32)


def zero_of(node: Node, constant: Constant | None, whole: bool = False) -> Ints:
    """A whole zero point; with `whole`, one for the whole tensor."""
    if constant is None:
        return np.zeros((), np.int64)
    values = np.asarray(constant.array, np.float64)
    if bool((values != np.rint(values)).any()) or bool((np.abs(values) > 1 << 31).any()):
        raise node.refusal("lower.quantizer", "a zero point is no whole number", "round it")
    zero = values.astype(np.int64)
    if whole and zero.size > 1:
        if len(np.unique(zero)) > 1:
            raise node.refusal(
                "lower.quantizer", "zero points that differ within a tensor", "use one"
            )
        zero = zero.reshape(-1)[:1]
    return zero.reshape(()) if zero.size == 1 else zero


def _bits(node: Node, constant: Constant) -> int:
    value = float(constant.array.reshape(-1)[0]) if constant.array.size == 1 else 0.0
    if value != int(value) or not 1 <= value <= MAX_BITS:
        raise node.refusal(
            "lower.quantizer", f"{value:g} bits", f"give one whole number from 1 to {MAX_BITS}"
        )
    return int(value)


def _range(bits: int, signed_: bool, narrow: bool) -> tuple[int, int]:
    if signed_:
        top = (1 << (bits - 1)) - 1
        return -top - (not narrow), top
    return 0, (1 << bits) - 1 - narrow


def _mode(node: Node, default: str) -> str:
    mode = node.text("rounding_mode", default).upper()
    if rounding_function(mode) is None:
        raise node.refusal(
            "lower.quantizer", f"the rounding mode {mode[:40]!r}", "use ROUND, FLOOR or CEIL"
        )
    return mode


def _apply(
    context: Context, node: Node, symbol: Symbol, rule: Round, zero: int | None = None
) -> Symbol:
    if not isinstance(symbol, Constant):
        if isinstance(symbol, Tensor) and symbol.zero is not None:
            symbol = context.tensor(node)
        return rounded(context, node, symbol, rule, zero)
    array = symbol.array.astype(np.float32)
    try:
        codes = rule.codes(array)
        scale = np.broadcast_to(rule.scale, array.shape)
    except ValueError:
        raise node.refusal(
            "lower.shape", f"scales of shape {rule.scale.shape} for {array.shape}", "correct them"
        ) from None
    if zero is not None:
        return Constant(codes + rule.zero)
    return Constant((codes * scale).astype(np.float32), codes, scale)


def quant(context: Context, node: Node) -> Symbol:
    """QONNX's Quant: scale, zero point, bits; signed, narrow, and a rounding mode."""
    symbol = context.symbol(node, 0)
    scale = scale_of(node, context.constant(node, 1))
    zero = zero_of(node, context.optional(node, 2))
    fixed = isinstance(symbol, Constant)
    bits = _bits(node, context.constant(node, 3))
    is_signed = bool(node.integer("signed", 1))
    if bits == 1 and is_signed:
        if bool(zero.any()):
            raise node.refusal("lower.quantizer", "one bit and a zero point", "use zero point 0")
        return _bipolar(context, node, symbol, scale)
    lo, hi = _range(bits, is_signed, bool(node.integer("narrow", 0)))
    mode = _mode(node, "ROUND")
    if scale.size == zero.size == 1 and not fixed:
        step, start = float(scale.reshape(())), int(zero)
        lo, hi = _narrowed(context, node, lo, hi, lambda end: end / step + start)
    return _apply(context, node, symbol, Round(scale, zero, lo, hi, mode, zero_first=True))


def bipolar(context: Context, node: Node) -> Symbol:
    """QONNX's BipolarQuant: +scale or -scale."""
    scale = scale_of(node, context.constant(node, 1))
    return _bipolar(context, node, context.symbol(node, 0), scale)


def _bipolar(context: Context, node: Node, symbol: Symbol, scale: Any) -> Symbol:
    if isinstance(symbol, Constant):
        codes = np.where(symbol.array >= 0, 1, -1).astype(np.int64)
        full = np.broadcast_to(scale, codes.shape)
        return Constant((codes * full).astype(np.float32), codes, full)
    return signed(context, node, context.tensor(node), scale)


def trunc(context: Context, node: Node) -> Symbol:
    """QONNX's Trunc: the low bits of codes on a known grid dropped."""
    x = context.settled(node)
    scale = scale_of(node, context.constant(node, 1))
    wide = _bits(node, context.constant(node, 3))
    if bool(zero_of(node, context.optional(node, 2)).any()):
        raise node.refusal("lower.quantizer", "a zero point", "truncate without zero point")
    unit, exponent = split(context.at(node, x, scale))
    frac = context.emit.type(x.value).elem.frac
    if not bool((context.spread(x, x.unit) == context.spread(x, unit)).all()) or bool(
        (frac > -exponent).any()
    ):
        raise node.refusal(
            "lower.quantizer", "its operand is finer than its scale", "quantize it first"
        )
    mode = _mode(node, "FLOOR")
    if context.given(node, 5):
        goal = scale_of(node, context.constant(node, 4))
        lo, hi = _range(
            _bits(node, context.constant(node, 5)),
            bool(node.integer("signed", 1)), bool(node.integer("narrow", 0)),
        )  # fmt: skip
        return rounded(context, node, x, Round(goal, 0, lo, hi, mode))
    drop = wide - _bits(node, context.constant(node, 4))
    if drop < 0:
        raise node.refusal("lower.quantizer", "it adds bits", "give fewer bits out than in")
    end = 1 << 40
    step = scale * np.float32(2.0**drop)
    x = rounded(context, node, x, Round(step, 0, -end, end, mode))
    value = context.emit.scale(context.group(node, x), x.value, -drop)
    return replace(x, value=value)


def multi_threshold(context: Context, node: Node) -> Symbol:
    """FINN's MultiThreshold: the thresholds reached, times a scale, plus a bias."""
    x = context.tensor(node)
    table = np.asarray(context.constant(node, 1).array, np.float32)
    scale, bias = np.float32(node.number("out_scale", 1.0)), node.number("out_bias", 0.0)
    layout = node.text("data_layout", "") or {2: "NC", 3: "NWC", 4: "NCHW"}.get(
        len(x.shape) + 1, "NC"
    )
    axis = layout.find("C")
    if table.ndim != 2 or not 0 < scale < 1 << 30 or not 1 <= axis <= len(x.shape):
        raise node.refusal(
            "lower.quantizer", "thresholds or scale of another form", "give (C, K), scale above 0"
        )
    if table.size > 1 << 22:
        raise node.refusal("lower.quantizer", "too many thresholds", "use at most 16 bits")
    start, frac = dyadic(np.float64(bias) / np.float64(scale))
    if int(abs(start)) >> 30:
        raise node.refusal(
            "lower.scale", "out_bias is no short multiple of out_scale", "use a whole multiple"
        )
    tail = (-1, *(1,) * (len(x.shape) - axis))
    rows = np.stack([row.reshape(tail) for row in table.T]) if table.shape[1] else table.T
    result = counted(context, node, x, rows, start, int(frac))
    return context.rescaled(result.group or "", result, scale)


def quantize_linear(context: Context, node: Node) -> Symbol:
    """ONNX's QuantizeLinear; a Clip that alone reads it narrows its range."""
    symbol = context.symbol(node, 0)
    given = context.optional(node, 2)
    asked = _DTYPES.get(node.integer("output_dtype", 0), "float32")
    dtype: np.dtype[Any] = np.dtype(asked) if given is None else given.array.dtype
    if dtype.kind not in "iu" or dtype.itemsize > 2 or node.integer("block_size", 0):
        raise node.refusal("lower.quantizer", f"to {dtype} or in blocks", "use int8 or uint8")
    live = not isinstance(symbol, Constant)
    zero = zero_of(node, given, whole=live)
    scale = _along(context, node, symbol, scale_of(node, context.constant(node, 1)))
    if not live:
        zero = _along(context, node, symbol, zero)
    lo, hi = _narrowed(context, node, np.iinfo(dtype).min, np.iinfo(dtype).max)
    rule = Round(scale, zero, lo, hi)
    return _apply(context, node, symbol, rule, int(zero) if live else 0)


def _narrowed(
    context: Context, node: Node, lo: int, hi: int, code: Callable[[float], float] = lambda x: x
) -> tuple[int, int]:
    """The range that a Clip leaves which alone reads the result; `code` counts its bounds."""
    readers = context.readers.get(node.outputs[0], [])
    if len(readers) != 1 or readers[0].kind != "Clip" or node.outputs[0] in context.model.outputs:
        return lo, hi
    if not all(isinstance(context.symbols.get(i), Constant) for i in readers[0].inputs[1:] if i):
        return lo, hi
    low, high = (min(max(code(end), lo), hi) for end in bounds(context, readers[0]))
    return (int(low), int(high)) if low == int(low) and high == int(high) else (lo, hi)


def _along(context: Context, node: Node, symbol: Symbol, array: Any) -> Any:
    """Per-axis numbers, shaped to broadcast over the operand."""
    if array.size == 1:
        return array.reshape(())
    shape = (
        symbol.array.shape if isinstance(symbol, Constant) else (context.model.batch, *symbol.shape)
    )
    axis = node.integer("axis", 1)
    axis = axis + len(shape) if axis < 0 else axis
    if array.ndim != 1 or not 0 <= axis < len(shape) or shape[axis] != array.size:
        raise node.refusal(
            "lower.shape", f"{array.shape} scales for {tuple(shape)}", "one for each channel"
        )
    return array.reshape(-1, *(1,) * (len(shape) - axis - 1))


def dequantize_linear(context: Context, node: Node) -> Symbol:
    """ONNX's DequantizeLinear: the scale is remembered beside the integers."""
    symbol = context.symbol(node, 0)
    if node.integer("block_size", 0):
        raise node.refusal("lower.quantizer", "it works in blocks", "use one scale a channel")
    scale = _along(context, node, symbol, scale_of(node, context.constant(node, 1)))
    zero = zero_of(node, context.optional(node, 2), whole=not isinstance(symbol, Constant))
    if isinstance(symbol, Constant):
        zero = _along(context, node, symbol, zero)
        codes = symbol.array.astype(np.int64) - zero
        full = np.broadcast_to(scale, codes.shape)
        return Constant((codes * full).astype(np.float32), codes, full)
    return dequantized(context, node, context.stored(node), scale, int(zero))


def dequantized(context: Context, node: Node, x: Tensor, scale: Any, zero: int) -> Tensor:
    """A tensor of integers as real numbers ``(integer - zero) * scale``."""
    if x.steps:
        raise loose(node, x)
    unit, exponent = split(context.at(node, x, scale))
    frac = context.emit.type(x.value).elem.frac
    same = bool((context.spread(x, x.unit) == context.spread(x, unit)).all())
    if x.zero == zero and same and bool((frac == -exponent).all()):
        return replace(x, zero=None, origin="dequantized")
    x = context.integers(node, replace(x, zero=x.zero or 0), zero)
    group = context.group(node, x)
    value = context.emit.scale(group, x.value, exponent)
    return replace(x, value=value, unit=unit, group=x.group or group, origin="dequantized")
