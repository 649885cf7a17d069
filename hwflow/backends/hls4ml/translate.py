"""Integer graph to hls4ml's layer list, each operation by a layer that computes the same."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from hwflow.backends.hls4ml.context import EXACT_BITS, Context, refusal, shape_of
from hwflow.backends.hls4ml.layout import (
    concatenate,
    crop,
    max_pool,
    pad,
    reshape,
    transpose,
)
from hwflow.backends.hls4ml.pointwise import combine, requantize, scale, table
from hwflow.backends.hls4ml.products import convolution, live_product, matrix_product, sum_over
from hwflow.backends.hls4ml.project import HlsProject
from hwflow.backends.hls4ml.rewrite import rewrite
from hwflow.backends.hls4ml.types import tensor_type
from hwflow.ir import Graph, Node
from hwflow.ir import ops as o

__all__ = ["REFUSED", "translate"]

_Handler = Callable[[Context, Node], None]

_HANDLERS: Final[Mapping[type[o.Operation], _Handler]] = {
    o.MatMul: matrix_product,
    o.Conv: convolution,
    o.Dot: live_product,
    o.Add: combine,
    o.Sub: combine,
    o.Mul: combine,
    o.Shift: scale,
    o.Requant: requantize,
    o.Lut: table,
    o.Threshold: table,
    o.MaxPool: max_pool,
    o.ReduceSum: sum_over,
    o.Reshape: reshape,
    o.Transpose: transpose,
    o.Slice: crop,
    o.Concat: concatenate,
    o.Pad: pad,
}

_AMARANTH: Final = "leave it out, or use backend: amaranth"
REFUSED: Final[Mapping[type[o.Operation], tuple[str, str]]] = {
    o.Param: ("hls4ml's weights are constants", "write hardware.weights: constant"),
    o.ArgMax: ("hls4ml has no argmax", "end the network with its logits"),
    o.ShiftLeft: ("hls4ml has no shift by a live amount", _AMARANTH),
    o.ShiftRight: ("hls4ml has no shift by a live amount", _AMARANTH),
    o.Clz: ("hls4ml does not count leading zeros", _AMARANTH),
}
"""What has no layer in hls4ml: why, and what to do instead."""


def translate(graph: Graph, *, stream: bool = False) -> HlsProject:
    """The layers of an hls4ml project that computes `graph`.

    `stream` stands for io_stream.

    Raises:
        InputError: "hls4ml.layer": an operation that hls4ml cannot express.
    """
    graph = rewrite(rewrite(graph))  # what is rewritten has wider bounds, which may ask for more
    context = Context(graph, stream)
    inputs = []
    for node in graph.nodes:
        if isinstance(node.op, o.Input):
            _check_width(context, node)
            made = tensor_type(context.tensor(node.name))
            shape = shape_of(context.tensor(node.name))
            inputs.append(
                context.add(node.name, "Input", (), {"input_shape": shape}, None, None, made)
            )
        elif isinstance(node.op, o.Const) or node.name in context.taken:
            continue
        else:
            _layer(context, node)
    outputs, results = _outputs(context, inputs)
    if stream:
        _check_copies(context, outputs)
    return HlsProject(graph.name, tuple(context.layers), tuple(inputs), outputs, results)


def _layer(context: Context, node: Node) -> None:
    kind = type(node.op)
    if kind in REFUSED:
        raise refusal(node, *REFUSED[kind])
    if all(context.constant(a) is not None for a in node.args):
        raise refusal(node, "it has only constants", "fold it before (hwflow.passes does)")
    for value in node.args:
        if context.constant(value) is not None and kind not in _TAKES_CONSTANTS:
            raise refusal(node, "hls4ml takes constants as weights only", _AMARANTH)
    _HANDLERS[kind](context, node)


_TAKES_CONSTANTS = (o.MatMul, o.Conv, o.Add, o.Sub, o.Mul)


def _check_copies(context: Context, outputs: tuple[str, ...]) -> None:
    """A stream that several layers read is copied, at most seven times."""
    for layer in context.layers:
        readers = [other for other in context.layers if layer.name in other.inputs]
        if len(readers) + (layer.name in outputs) > _COPIES:
            raise refusal(
                context.node(layer.value),
                f"hls4ml copies a stream at most {_COPIES} times, found {len(readers)} readers",
                "write io: parallel",
            )


_COPIES: Final = 7


def _outputs(
    context: Context, inputs: list[str]
) -> tuple[tuple[str, ...], tuple[tuple[str, int], ...]]:
    """The layers that hls4ml gives out, and which of them holds each output of the graph."""
    names: list[str] = []
    results = []
    for output, value in context.graph.outputs:
        node = context.node(value)
        _check_width(context, node)
        while isinstance(node.op, o.Reshape):  # the same elements, which hls4ml gives out flat
            node = context.node(node.args[0])
        name = context.names.get(node.name, "")
        if not name or name in inputs:
            raise refusal(node, f"output {output} is not computed", "leave the output out")
        if name not in names:
            names.append(name)
        results.append((output, names.index(name)))
    return tuple(names), tuple(results)


def _check_width(context: Context, node: Node) -> None:
    width = tensor_type(context.tensor(node.name)).width
    if width > EXACT_BITS:
        raise refusal(
            node,
            f"it needs {width} bits; hls4ml's emulation takes and gives doubles",
            f"use at most {EXACT_BITS} bits at inputs and outputs",
        )
