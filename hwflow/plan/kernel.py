"""A layer seen from one output position: the block that hardware repeats or reuses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields

import numpy as np

from hwflow.ir import ops
from hwflow.ir.exact import IntArray
from hwflow.ir.graph import Graph, Layer, Node
from hwflow.ir.ops.linear import conv_windows
from hwflow.ir.types import IntType, TensorType

__all__ = ["Kernel", "Window", "kernel_of", "raster_steps"]

_ELEMENTWISE = (
    ops.Add, ops.Sub, ops.Mul, ops.Shift, ops.ShiftLeft, ops.ShiftRight, ops.Clz, ops.Requant,
    ops.Threshold, ops.Lut, ops.Select, ops.Compare,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Window:
    """How a window slides over a tensor (*spatial, C); `span` counts dilation in."""

    shape: tuple[int, ...]
    span: tuple[int, ...]
    stride: tuple[int, ...]
    padding: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True, eq=False)
class Kernel:
    """One output position of a layer as a graph of its own.

    `graph` has the layer's inputs (cut to one window) and outputs; `gathers` gives for each
    input the flat element feeding each kernel element at each position, (positions, elements),
    -1 for a padded zero. `window` is set where a line buffer can serve the (only) input.
    """

    graph: Graph
    positions: int
    gathers: tuple[IntArray, ...]
    window: Window | None

    @property
    def pointwise(self) -> bool:
        """Whether every position reads its own place in each input, and nothing else."""
        return self.positions > 1 and all(
            bool((g.ravel() == np.arange(g.size)).all()) for g in self.gathers
        )


def kernel_of(graph: Graph, layer: Layer, inputs: Mapping[str, TensorType]) -> Kernel:
    """The kernel of `layer` when its inputs have the (hardware) types `inputs`.

    A layer whose positions all compute the same function gives a kernel of one position;
    any other layer is one kernel of one position holding all of it.
    """
    uniform = _uniform(graph, layer, inputs)
    if uniform is not None:
        return uniform
    nodes = _standalone(graph, layer, inputs)
    whole = Graph(layer.name, nodes, tuple((v, v) for v in layer.outputs))
    gathers = tuple(np.arange(inputs[v].size)[None] for v in layer.inputs)
    return Kernel(whole, 1, gathers, None)


def _standalone(graph: Graph, layer: Layer, inputs: Mapping[str, TensorType]) -> tuple[Node, ...]:
    sources = [Node(v, ops.Input(inputs[v].shape, inputs[v].elem)) for v in layer.inputs]
    wanted = {a for n in layer.nodes for a in n.args}
    return (*sources, *_fixed(graph, wanted), *layer.nodes)


def _fixed(graph: Graph, wanted: set[str]) -> list[Node]:
    """The weights among the nodes `wanted`."""
    return [n for n in graph.nodes if isinstance(n.op, (ops.Const, ops.Param)) and n.name in wanted]


@dataclass(frozen=True, slots=True)
class _Spatial:
    """The layer's one operation that looks at a neighbourhood, and its geometry."""

    node: Node | None
    positions: tuple[int, ...]
    window: Window


def _uniform(graph: Graph, layer: Layer, inputs: Mapping[str, TensorType]) -> Kernel | None:
    nodes = list(layer.nodes)
    if len(layer.outputs) == 1 and isinstance(nodes[-1].op, ops.Reshape) and len(nodes) > 1:
        nodes.pop()
        output = layer.nodes[-1].args[0]
        if layer.outputs[0] != layer.nodes[-1].name:
            return None
    elif len(layer.outputs) == 1:
        output = layer.outputs[0]
    else:
        return None
    spatial = _spatial(graph, layer, nodes, inputs)
    if spatial is None or graph.types[output].shape[:-1] != spatial.positions:
        return None
    rank = len(spatial.positions)
    if not all(
        node is spatial.node or _pointwise(graph, layer, node, rank, inputs) for node in nodes
    ):
        return None
    return _build(graph, layer, nodes, output, spatial, inputs)


def _spatial(
    graph: Graph, layer: Layer, nodes: list[Node], inputs: Mapping[str, TensorType]
) -> _Spatial | None:
    special = [n for n in nodes if not isinstance(n.op, (*_ELEMENTWISE, ops.Concat))]
    if len(special) > 1 or (special and special[0].args[0] not in layer.inputs):
        return None
    if not special:
        shape = inputs[layer.inputs[0]].shape
        if len(shape) < 2 or any(inputs[v].shape[:-1] != shape[:-1] for v in layer.inputs):
            return None
        return _Spatial(None, shape[:-1], _pointwise_window(shape))
    node, shape = special[0], inputs[special[0].args[0]].shape
    positions = graph.types[node.name].shape[:-1]
    match node.op:
        case ops.Conv(stride, padding, dilation, _):
            kernel = graph.types[node.args[1]].shape[:-2]
            span = tuple((k - 1) * d + 1 for k, d in zip(kernel, dilation, strict=True))
            return _Spatial(node, positions, Window(shape, span, stride, padding))
        case ops.MaxPool(window, stride):
            none = ((0, 0),) * len(window)
            return _Spatial(node, positions, Window(shape, window, stride, none))
        case ops.MatMul() if len(shape) >= 2:
            return _Spatial(node, positions, _pointwise_window(shape))
        case _:
            return None


def _pointwise_window(shape: tuple[int, ...]) -> Window:
    ones = (1,) * (len(shape) - 1)
    return Window(shape, ones, ones, ((0, 0),) * len(ones))


def _pointwise(
    graph: Graph, layer: Layer, node: Node, rank: int, inputs: Mapping[str, TensorType]
) -> bool:
    """Whether `node` treats every position alike."""
    joins = isinstance(node.op, ops.Concat) and node.op.axis == rank
    if not isinstance(node.op, _ELEMENTWISE) and not joins:
        return False
    shape = graph.types[node.name].shape
    for arg in node.args:
        kind = inputs[arg] if arg in layer.inputs else graph.types[arg]
        if kind.shape[:-1] != shape[:-1] and any(n != 1 for n in kind.shape[:-1]):
            return False
        if isinstance(graph.node(arg).op, (ops.Const, ops.Param)) and any(
            n != 1 for n in kind.shape[:-1]
        ):
            return False
    if len(shape) != rank + 1:
        return False
    arrays = []
    for field in fields(node.op):  # type: ignore[arg-type]
        value = getattr(node.op, field.name)
        if isinstance(value, IntType):
            arrays += [value.lo, value.hi, value.frac]
        elif isinstance(node.op, ops.Threshold) and isinstance(value, np.ndarray):
            arrays.append(value[(0, ...)])
        elif isinstance(node.op, ops.Shift):
            arrays.append(value)
    return all(n == 1 for a in arrays for n in a.shape[:-1])


def _build(
    graph: Graph,
    layer: Layer,
    nodes: list[Node],
    output: str,
    spatial: _Spatial,
    inputs: Mapping[str, TensorType],
) -> Kernel | None:
    rank, window = len(spatial.positions), spatial.window
    focus = spatial.node.args[0] if spatial.node else None
    if any(n > 1 for n in window.span) and any(
        focus in node.args for node in nodes if node is not spatial.node
    ):
        return None  # the neighbourhood and the pixel itself: a residual inside one layer
    sources, gathers = [], []
    for value in layer.inputs:
        kind = inputs[value]
        mine = window if value == focus else _pointwise_window(kind.shape)
        if value != focus and kind.shape[:-1] != spatial.positions:
            return None
        try:
            elem = kind.elem.hull(kind.shape, tuple(range(rank)))
        except ValueError:
            return None
        if any(max(p) for p in mine.padding):
            elem = IntType(np.minimum(elem.lo, 0), np.maximum(elem.hi, 0), elem.frac)
        sources.append(Node(value, ops.Input((*mine.span, kind.shape[-1]), elem)))
        gathers.append(_gather(mine, kind))
    if spatial.node is not None and spatial.node in nodes:
        nodes = [_local(n) if n is spatial.node else n for n in nodes]
    wanted = {a for n in nodes for a in n.args}
    constants = _fixed(graph, wanted)
    kernel = Graph(layer.name, (*sources, *constants, *nodes), ((layer.outputs[0], output),))
    single = window if len(layer.inputs) == 1 and rank <= 2 else None
    return Kernel(kernel, int(np.prod(spatial.positions)), tuple(gathers), single)


def _local(node: Node) -> Node:
    """The spatial node on one window: no padding, one position."""
    op = node.op
    if isinstance(op, ops.Conv):
        rank = len(op.stride)
        op = ops.Conv((1,) * rank, ((0, 0),) * rank, op.dilation, op.groups)
    elif isinstance(op, ops.MaxPool):
        op = ops.MaxPool(op.window, (1,) * len(op.window))
    return Node(node.name, op, node.args, node.layer)


def _gather(window: Window, kind: TensorType) -> IntArray:
    index = (np.arange(kind.size) + 1).reshape(1, *kind.shape)
    ones = (1,) * len(window.span)
    windows = conv_windows(index, window.span, window.stride, window.padding, ones)[0]
    positions = int(np.prod(windows.shape[: len(window.span)]))
    return np.asarray(windows.reshape(positions, -1) - 1)


def raster_steps(window: Window) -> tuple[tuple[bool, bool], ...]:
    """For each step over the padded raster: (takes a pixel, completes an output window)."""
    rows, cols = (*window.shape[:-1], 1)[:2]
    spans, strides, pads = (*window.span, 1), (*window.stride, 1), (*window.padding, (0, 0))
    steps = []
    for r in range(rows + sum(pads[0])):
        for c in range(cols + sum(pads[1])):
            real = 0 <= r - pads[0][0] < rows and 0 <= c - pads[1][0] < cols
            done = all(
                at >= span - 1 and (at - span + 1) % stride == 0
                for at, span, stride in ((r, spans[0], strides[0]), (c, spans[1], strides[1]))
            )
            steps.append((real, done))
    return tuple(steps)
