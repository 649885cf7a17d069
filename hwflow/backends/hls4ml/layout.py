"""Pooling, and operations that only move elements."""

from __future__ import annotations

from hwflow.backends.hls4ml.context import Context, refusal, shape_of
from hwflow.backends.hls4ml.types import ApType, tensor_type
from hwflow.ir import Node
from hwflow.ir.ops import Concat, MaxPool, Pad, Reshape, Slice, Transpose

__all__ = ["concatenate", "crop", "max_pool", "pad", "reshape", "transpose"]

_AXES = {1: (("width", "left", "right"),),
         2: (("height", "top", "bottom"), ("width", "left", "right"))}  # fmt: skip


def max_pool(context: Context, node: Node) -> None:
    """MaxPooling1D or 2D."""
    op, (source,) = node.op, node.args
    assert isinstance(op, MaxPool)
    shape, target = context.tensor(source).shape, context.tensor(node.name).shape
    attributes: dict[str, object] = {
        "data_format": "channels_last", "n_filt": shape[-1], "count_pad": False,
        "padding": "valid", "class_name": f"MaxPooling{len(op.window)}D",
    }  # fmt: skip
    for k, (axis, low, high) in enumerate(_AXES[len(op.window)]):
        attributes |= {f"pool_{axis}": op.window[k], f"stride_{axis}": op.stride[k],
                       f"pad_{low}": 0, f"pad_{high}": 0}  # fmt: skip
        if len(op.window) == 1:
            attributes |= {"n_in": shape[0], "n_out": target[0]}
        else:
            attributes |= {f"in_{axis}": shape[k], f"out_{axis}": target[k]}
    made = context.types[source]
    context.emit(node, f"MaxPooling{len(op.window)}D", (source,), attributes,
                 types={"accum": made}, result=made, casts=False)  # fmt: skip


def pad(context: Context, node: Node) -> None:
    """ZeroPadding."""
    op, (x,) = node.op, node.args
    assert isinstance(op, Pad)
    shape = context.tensor(x).shape
    around = list(zip(op.before, op.after, strict=True))
    if len(shape) not in (2, 3) or any(around[-1]):
        raise refusal(
            node,
            f"hls4ml pads along one or two leading axes, found {around} of a tensor {shape}",
            "pad rows and columns, not channels",
        )
    _sides(context, node, f"ZeroPadding{len(shape) - 1}D", "pad", around, x)


def crop(context: Context, node: Node) -> None:
    """A slice along the leading axes, every element of them."""
    op, (x,) = node.op, node.args
    assert isinstance(op, Slice)
    shape = context.tensor(x).shape
    around = [(a, n - b) for n, a, b in zip(shape, op.start, op.stop, strict=True)]
    if max(op.step) == 1 and len(shape) in (2, 3) and not any(around[-1]):
        _sides(context, node, f"Cropping{len(shape) - 1}D", "crop", around, x)
        return
    raise refusal(
        node,
        "hls4ml crops along one or two leading axes, by whole rows and columns",
        "keep the elements and multiply the rest by zero weights",
    )


def _sides(
    context: Context, node: Node, kind: str, what: str, around: list[tuple[int, int]], x: str
) -> None:
    shape, target = context.tensor(x).shape, context.tensor(node.name).shape
    attributes: dict[str, object] = {"data_format": "channels_last", "n_chan": shape[-1]}
    for k, (axis, low, high) in enumerate(_AXES[len(shape) - 1]):
        attributes |= {f"in_{axis}": shape[k], f"out_{axis}": target[k],
                       f"{what}_{low}": around[k][0], f"{what}_{high}": around[k][1]}  # fmt: skip
    _moved(context, node, kind, x, attributes)


def reshape(context: Context, node: Node) -> None:
    """Reshape; at the very end it is left to whoever reads the output."""
    assert isinstance(node.op, Reshape)
    if context.unused(node.name):
        context.alias(node, node.args[0])
        return
    target = shape_of(context.tensor(node.name))
    _moved(context, node, "Reshape", node.args[0], {"target_shape": target})


def transpose(context: Context, node: Node) -> None:
    """Transpose of up to three axes."""
    assert isinstance(node.op, Transpose)
    if len(node.op.perm) > 3 or (context.stream and len(node.op.perm) > 2):
        raise refusal(
            node,
            f"hls4ml transposes up to {2 if context.stream else 3} axes, found {len(node.op.perm)}",
            "reshape to fewer axes before",
        )
    _moved(context, node, "Transpose", node.args[0], {"perm": list(node.op.perm)})


def concatenate(context: Context, node: Node) -> None:
    """Concatenate, two at a time."""
    op = node.op
    assert isinstance(op, Concat)
    rank = len(context.tensor(node.name).shape)
    if rank > 3 or (context.stream and rank > 1 and op.axis != rank - 1):
        raise refusal(node, "hls4ml joins tensors of up to three axes, streams along the last",
                      "join along another axis")  # fmt: skip
    made = tensor_type(context.tensor(node.name))
    attributes: dict[str, object] = {"axis": op.axis + 1, "op": f"concatenate{rank}d"}
    whole, *rest = (context.names[a] for a in node.args)
    for k, part in enumerate(rest):
        value = node.name if k == len(rest) - 1 else f"{node.name}_{k}"
        whole = context.add(value, "Concatenate", (whole, part), attributes, None, None, made)
    if not rest:
        context.alias(node, node.args[0])


def _moved(context: Context, node: Node, kind: str, x: str, attributes: dict[str, object]) -> None:
    made: ApType = context.types[x]
    context.emit(node, kind, (x,), attributes, result=made, casts=False)
