"""ONNX's integer kernels, as onnxruntime computes them: integers, one float32 factor, rounding."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from hwflow.frontends.onnx.context import Context
from hwflow.frontends.onnx.file import Node
from hwflow.frontends.onnx.products import convolved, multiplied, transposed
from hwflow.frontends.onnx.quantize import rounded
from hwflow.frontends.onnx.quantizers import dequantized, scale_of, zero_of
from hwflow.frontends.onnx.rules import Round
from hwflow.frontends.onnx.values import Constant, Tensor

__all__ = ["conv_integer", "matmul_integer", "qgemm", "qlinear_conv", "qlinear_matmul"]


def matmul_integer(context: Context, node: Node) -> Tensor:
    """MatMulInteger: zero points taken off, then the exact product."""
    x = _numbers(context, node, 2)
    weights = _plain(context, node, 1, 3, axis=1)
    return multiplied(context, node, x, weights)


def conv_integer(context: Context, node: Node) -> Tensor:
    """ConvInteger: zero points taken off, then the exact convolution."""
    x = _numbers(context, node, 2)
    return convolved(context, node, x, _plain(context, node, 1, 3, axis=0))


def qlinear_matmul(context: Context, node: Node) -> Tensor:
    """QLinearMatMul."""
    x = _input(context, node)
    weights = _weights(context, node, 3, axis=1)
    return _output(context, node, multiplied(context, node, x, weights), 6)


def qlinear_conv(context: Context, node: Node) -> Tensor:
    """QLinearConv; the bias counts in steps of x_scale * w_scale."""
    x = _input(context, node)
    result = convolved(context, node, x, _weights(context, node, 3, axis=0))
    return _output(context, node, _biased(context, node, result, 8), 6)


def qgemm(context: Context, node: Node) -> Tensor:
    """onnxruntime's QGemm with an output scale."""
    if node.number("alpha", 1.0) != 1.0 or node.integer("transA", 0):
        raise node.refusal("lower.layer", "it has alpha or transA", "write alpha=1, transA=0")
    if not context.given(node, 7):
        raise node.refusal("lower.layer", "it gives real numbers", "give it an output scale")
    x = _input(context, node)
    turned = bool(node.integer("transB", 0))
    weights = _weights(context, node, 3, axis=0 if turned else 1)
    result = multiplied(context, node, x, transposed(weights) if turned else weights)
    return _output(context, node, _biased(context, node, result, 6), 7)


def _numbers(context: Context, node: Node, zero: int) -> Tensor:
    offset = int(zero_of(node, context.optional(node, zero), whole=True))
    x = context.stored(node)
    return context.integers(node, replace(x, zero=x.zero or 0), offset)


def _input(context: Context, node: Node) -> Tensor:
    scale = scale_of(node, context.constant(node, 1))
    zero = int(zero_of(node, context.optional(node, 2), whole=True))
    return dequantized(context, node, context.stored(node), scale, zero)


def _shaped(array: Any, rank: int, axis: int) -> Any:
    if array.size == 1:
        return array.reshape(())
    return array.reshape(-1, *(1,) * (rank - axis - 1))


def _plain(context: Context, node: Node, place: int, zero: int, axis: int) -> Constant:
    array = context.constant(node, place).array
    if array.dtype.kind not in "iu":
        raise node.refusal("lower.weights", f"weights of {array.dtype}", "give integers")
    offset = zero_of(node, context.optional(node, zero))
    return Constant(array.astype(np.int64) - _shaped(offset, array.ndim, axis))


def _weights(context: Context, node: Node, place: int, axis: int) -> Constant:
    scale = scale_of(node, context.constant(node, place + 1))
    codes = _plain(context, node, place, place + 2, axis).array
    return Constant(codes, codes, np.broadcast_to(_shaped(scale, codes.ndim, axis), codes.shape))


def _biased(context: Context, node: Node, x: Tensor, place: int) -> Tensor:
    """A bias in the accumulator's own integers."""
    bias = context.optional(node, place)
    if bias is None:
        return x
    if bias.array.dtype.kind not in "iu":
        raise node.refusal("lower.weights", f"a bias of {bias.array.dtype}", "give integers")
    codes = bias.array.reshape(-1).astype(np.int64)
    frac = context.emit.type(x.value).elem.frac
    group = context.group(node, x)
    return replace(x, value=context.emit.plus(group, x.value, codes, frac))


def _output(context: Context, node: Node, x: Tensor, place: int) -> Tensor:
    scale = scale_of(node, context.constant(node, place))
    given = context.optional(node, place + 1)
    zero = zero_of(node, given, whole=True)
    dtype = np.dtype(np.uint8) if given is None else given.array.dtype
    info = np.iinfo(dtype)
    rule = Round(scale.reshape(()) if scale.size == 1 else scale, zero, int(info.min),
                 int(info.max))  # fmt: skip
    return rounded(context, node, x, rule, int(zero))
