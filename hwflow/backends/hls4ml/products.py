"""Matrix products and convolutions as hls4ml's Dense and Conv layers."""

from __future__ import annotations

import numpy as np

from hwflow.backends.hls4ml.context import Context, refusal
from hwflow.backends.hls4ml.project import Reals
from hwflow.backends.hls4ml.types import ApType, ends, holding, tensor_type
from hwflow.ir import Node
from hwflow.ir.ops import Add, Const, Conv, MatMul, ReduceSum, Sub

__all__ = ["convolution", "live_product", "matrix_product", "sum_over"]

_MOST_ONES = 1 << 16
_NO_BIAS = ApType(1, 0, signed=False)
_CONSTANT = "hls4ml's weights are constants"
_USE = "write hardware.weights: constant, or use backend: amaranth"


def matrix_product(context: Context, node: Node) -> None:
    """Dense; over further axes a convolution with a window of one."""
    x, w = node.args
    weights = context.constant(w)
    if weights is None:
        raise refusal(node, _CONSTANT, _USE)
    assert isinstance(node.op, MatMul)
    matrix, kind = context.reals(node, weights)
    inner, outer = matrix.shape
    last, bias, bias_type = _with_bias(context, node, outer)
    types = {"weight": kind, "bias": bias_type}
    shape = context.tensor(x).shape
    if len(shape) == 1:
        attributes: dict[str, object] = {"n_in": inner, "n_out": outer}
        arrays = {"weight_data": matrix, "bias_data": bias}
        _emit(context, last, "Dense", x, attributes, arrays, types)
        return
    if len(shape) > 3:
        raise refusal(
            node,
            f"hls4ml's tensors have up to three axes, found {len(shape)}",
            "reshape its operand to (tokens, features) before the product",
        )
    spatial = shape[:-1]
    kernel = matrix.reshape(*(1,) * len(spatial), inner, outer)
    attributes = _geometry(spatial, spatial, (1,) * len(spatial), (1,) * len(spatial))
    attributes |= {"n_chan": inner, "n_filt": outer}
    arrays = {"weight_data": kernel, "bias_data": bias}
    _emit(context, last, f"Conv{len(spatial)}D", x, attributes, arrays, types)


def convolution(context: Context, node: Node) -> None:
    """Conv1D or Conv2D, or their depthwise forms.

    hls4ml has no dilation and no groups other than depthwise: their kernels are filled with
    zeros, which is exact.
    """
    x, w = node.args
    weights = context.constant(w)
    if weights is None:
        raise refusal(node, _CONSTANT, _USE)
    op = node.op
    assert isinstance(op, Conv)
    kernel, kind = context.reals(node, weights)
    spatial, channels = context.tensor(x).shape[:-1], context.tensor(x).shape[-1]
    kernel = _dilated(kernel, op.dilation)
    filters = kernel.shape[-1]
    depthwise = op.groups == channels and op.groups > 1
    if not depthwise:
        kernel = _ungrouped(kernel, op.groups)
    last, bias, bias_type = _with_bias(context, node, filters)
    out = context.tensor(node.name).shape[:-1]
    size = kernel.shape[: len(spatial)]
    attributes = _geometry(spatial, out, size, op.stride, op.padding)
    attributes |= {"n_chan": channels, "n_filt": filters}
    types = {"weight": kind, "bias": bias_type}
    rank = len(spatial)
    if depthwise:
        attributes["depth_multiplier"] = filters // channels
        arrays = {"depthwise_data": kernel.reshape(*size, channels, filters // channels)}
        _emit(context, last, f"DepthwiseConv{rank}D", x, attributes,
              {**arrays, "bias_data": bias}, types)  # fmt: skip
        return
    arrays = {"weight_data": kernel, "bias_data": bias}
    _emit(context, last, f"Conv{rank}D", x, attributes, arrays, types)


def live_product(context: Context, node: Node) -> None:
    """The product of two live matrices, or stacks of them."""
    if context.stream:
        raise refusal(
            node,
            "hls4ml multiplies live matrices with io: parallel only",
            "write io: parallel, or use backend: amaranth",
        )
    shapes = [context.tensor(value).shape for value in (*node.args, node.name)]
    stack = "abcdefgh"[: len(shapes[0]) - 2]
    attributes: dict[str, object] = {"equation": f"{stack}xy,{stack}yz->{stack}xz"}
    for name, shape in zip(("inp0_shape", "inp1_shape", "out_shape"), shapes, strict=True):
        attributes[name] = list(shape)
    frac = sum(context.types[value].frac for value in node.args)
    own = int(context.tensor(node.name).elem.frac.max())
    lo, hi = ends(context.tensor(node.name))
    accum = holding(lo << frac - own, hi << frac - own, frac)
    context.emit(node, "Einsum", node.args, attributes, types={"accum": accum})


def sum_over(context: Context, node: Node) -> None:
    """A sum over axes: a product with ones, hls4ml has averages only."""
    op = node.op
    assert isinstance(op, ReduceSum)
    (x,) = node.args
    tensor = context.tensor(x)
    target = context.tensor(node.name)
    if tensor.size * target.size > _MOST_ONES:
        raise refusal(
            node,
            f"hls4ml has no sum over axes, and {tensor.size} elements are too many for a product "
            "with ones",
            "sum with a depthwise convolution of ones",
        )
    kept = [a for a in range(len(tensor.shape)) if a not in op.axes]
    index = np.arange(target.size).reshape(target.shape)
    where = np.broadcast_to(np.expand_dims(index, op.axes), tensor.shape).ravel()
    assert len(kept) == len(target.shape)
    ones = (where[:, None] == np.arange(target.size)[None, :]).astype(np.float64)
    flat = context.names[x]
    if len(tensor.shape) > 1:
        made = context.types[x]
        flat = context.add(
            f"{node.name}_flat", "Reshape", (flat,), {"target_shape": [tensor.size]}, None, None,
            made,
        )  # fmt: skip
    whole = tensor_type(target)
    context.add(
        node.name,
        "Dense",
        (flat,),
        {"n_in": tensor.size, "n_out": target.size},
        {"weight_data": ones, "bias_data": np.zeros(target.size)},
        {"weight": holding(0, 1, 0), "bias": _NO_BIAS, "accum": whole},
        whole,
    )
    if len(target.shape) > 1:
        context.add(
            node.name, "Reshape", (context.names[node.name],),
            {"target_shape": list(target.shape)}, None, None, whole,
        )  # fmt: skip


def _emit(
    context: Context,
    last: Node,
    kind: str,
    x: str,
    attributes: dict[str, object],
    arrays: dict[str, Reals],
    types: dict[str, ApType],
) -> None:
    # Sums wrap, and come out right where the last one fits.
    tensor = context.tensor(last.name)
    own = int(tensor.elem.frac.max())
    finest = max(context.types[x].frac + types["weight"].frac, types["bias"].frac, own)
    lo, hi = ends(tensor)
    accum = holding(lo << finest - own, hi << finest - own, finest)
    context.emit(last, kind, (x,), attributes, arrays, {**types, "accum": accum})


def _with_bias(context: Context, node: Node, width: int) -> tuple[Node, Reals, ApType]:
    """The addition of a constant per feature that follows, as the product's bias."""
    user = context.only_user(node.name)
    none = node, np.zeros(width), _NO_BIAS
    if user is None or not isinstance(user.op, Add | Sub):
        return none
    if context.tensor(user.name).shape != context.tensor(node.name).shape:
        return none
    other = next((a for a in user.args if a != node.name), None)
    value = context.constant(other) if other else None
    if value is None or (isinstance(user.op, Sub) and user.args[0] != node.name):
        return none
    if value.values.size not in (1, width) or (
        value.values.ndim and value.values.shape[-1] != value.values.size
    ):
        return none
    sign = -1 if isinstance(user.op, Sub) else 1
    bias, kind = context.reals(node, Const(value.values * sign, value.frac))
    context.taken.add(user.name)
    return user, np.broadcast_to(bias.ravel(), (width,)).copy(), kind


def _geometry(
    spatial: tuple[int, ...],
    out: tuple[int, ...],
    size: tuple[int, ...],
    stride: tuple[int, ...],
    padding: tuple[tuple[int, int], ...] | None = None,
) -> dict[str, object]:
    """hls4ml's attributes of a window that slides over one or two axes."""
    pads = padding or ((0, 0),) * len(spatial)
    found: dict[str, object] = {"data_format": "channels_last"}
    axes: tuple[tuple[str, str, str], ...] = (("width", "left", "right"),)
    if len(spatial) == 2:
        axes = (("height", "top", "bottom"), *axes)
    for k, (axis, before, after) in enumerate(axes):
        found |= {f"in_{axis}": spatial[k], f"out_{axis}": out[k], f"filt_{axis}": size[k],
                  f"stride_{axis}": stride[k], f"pad_{before}": pads[k][0],
                  f"pad_{after}": pads[k][1]}  # fmt: skip
    found["padding"] = "same" if any(map(any, pads)) else "valid"
    return found


def _dilated(kernel: Reals, dilation: tuple[int, ...]) -> Reals:
    rank = len(dilation)
    size = [(n - 1) * d + 1 for n, d in zip(kernel.shape, dilation, strict=False)]
    wide = np.zeros((*size, *kernel.shape[rank:]))
    wide[tuple(slice(None, None, d) for d in dilation)] = kernel
    return wide


def _ungrouped(kernel: Reals, groups: int) -> Reals:
    """A kernel over all channels, zero outside each group."""
    if groups == 1:
        return kernel
    each, filters = kernel.shape[-2], kernel.shape[-1] // groups
    whole = np.zeros((*kernel.shape[:-2], each * groups, kernel.shape[-1]))
    for g in range(groups):
        outs = slice(g * filters, (g + 1) * filters)
        whole[..., g * each : (g + 1) * each, outs] = kernel[..., outs]
    return whole
