"""The reduction that a folded layer spreads over clock cycles: products, sums or maxima."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from hwflow.errors import InputError
from hwflow.ir import ops
from hwflow.ir.exact import IntArray
from hwflow.ir.graph import Graph, Node
from hwflow.plan.kernel import Kernel, Window

__all__ = ["Reduction", "reduction_of", "refuse_fold"]

Kind = Literal["matrix", "depthwise", "max", "sum"]


@dataclass(frozen=True, slots=True, eq=False)
class Reduction:
    """One output position of a layer, seen as reduction and what follows it.

    `taps` and `dilation` give the window over two spatial axes (rows, columns). A matrix
    reduction multiplies all inputs of the window by `weights` (taps x channels, outputs); the
    others work channel by channel, with `weights` (taps, channels) or None. `lo` and `hi` bound
    the accumulators, one for each output. `rest` are the operations that follow, element by
    element; `result` is the value that leaves. `places` is each accumulator's binary point; while
    they are but added to they keep the outputs' own, else all have `frac`.
    """

    kind: Kind
    taps: tuple[int, int]
    dilation: tuple[int, int]
    channels: int
    outputs: int
    weights: IntArray | None
    lo: IntArray
    hi: IntArray
    frac: int
    places: IntArray
    source: str
    rest: tuple[Node, ...]
    result: str


def refuse_fold(layer: str, why: str, hint: str = "") -> InputError:
    """The error for a layer that cannot be folded as asked."""
    return InputError(
        "plan.fold",
        f"layer {layer} cannot be folded: {why}",
        hint=hint or f"remove {layer} from hardware.fold.pe and simd",
    )


def reduction_of(kernel: Kernel) -> Reduction:
    """The reduction in `kernel`, a layer with one input and one output.

    Raises:
        InputError: "plan.fold": the layer is none (what it lacks is named).
    """
    graph = kernel.graph
    name = graph.name
    if len(graph.inputs) != 1 or len(graph.outputs) != 1:
        raise refuse_fold(name, "it has several inputs or outputs")
    nodes = [n for n in graph.nodes if not isinstance(n.op, (ops.Const, ops.Input))]
    (_, result), source = graph.outputs[0], graph.inputs[0].name
    if len(nodes) > 1 and isinstance(nodes[0].op, ops.Reshape):
        source = nodes.pop(0).name
    if len(nodes) > 1 and isinstance(nodes[-1].op, ops.Reshape):
        result = nodes.pop().args[0]
    head, rest = nodes[0], tuple(nodes[1:])
    if head.args[0] != source:
        raise refuse_fold(name, "it does not begin with its one input")
    _check_rest(graph, head, rest)
    found = _reduction(graph, head, rest, source, result)
    if kernel.window is not None:
        _check_first(name, kernel.window, found)
    return found


def _check_first(layer: str, window: Window, found: Reduction) -> None:
    """Refuse a first window that reads nothing: its result would leave before any input came."""
    axes = zip(window.shape[:-1], window.padding, found.taps, found.dilation, strict=False)
    for size, (before, _), taps, spread in axes:
        if not any(0 <= tap * spread - before < size for tap in range(taps)):
            raise refuse_fold(
                layer, "its first window lies in the padding, before any input has come"
            )


def _check_rest(graph: Graph, head: Node, rest: Sequence[Node]) -> None:
    plain = (
        ops.Add, ops.Sub, ops.Mul, ops.Shift, ops.Requant, ops.Threshold, ops.Lut, ops.Select,
        ops.Compare,
    )  # fmt: skip
    size = graph.types[head.name].size
    inside = {head.name}
    for node in rest:
        live = [a for a in node.args if not isinstance(graph.node(a).op, ops.Const)]
        if not isinstance(node.op, plain) or not set(live) <= inside:
            raise refuse_fold(
                graph.name, f"{node.op.name} ({node.name}) does not work element by element"
            )
        if graph.types[node.name].size != size:
            raise refuse_fold(graph.name, f"{node.name} changes the number of elements")
        inside.add(node.name)


def _reduction(
    graph: Graph, head: Node, rest: tuple[Node, ...], source: str, result: str
) -> Reduction:
    shape, out = graph.types[source].shape, graph.types[head.name]
    taps, dilation = (1, 1), (1, 1)
    kind: Kind = "matrix"
    weights: IntArray | None = None
    x_frac = graph.types[source].elem.full(shape)[2]
    match head.op:
        case ops.MatMul() if len(shape) == 1 or int(np.prod(shape[:-1])) == 1:
            weights = _matrix(graph, head, x_frac.reshape(-1))
        case ops.Conv(_, padding, spread, groups):
            if any(max(p) for p in padding):
                raise refuse_fold(graph.name, "its positions do not all compute the same")
            kernel = graph.types[head.args[1]].shape[:-2]
            taps, dilation = _two(kernel), _two(spread)
            if groups == shape[-1] == out.shape[-1] and groups > 1:
                kind, weights = "depthwise", _depthwise(graph, head, x_frac)
            elif groups == 1:
                weights = _matrix(graph, head, np.broadcast_to(x_frac, shape)[_first(shape)])
            else:
                raise refuse_fold(graph.name, f"a convolution of {groups} groups")
        case ops.MaxPool(window, _):
            kind, taps = "max", _two(window)
        case ops.ReduceSum(axes) if axes == tuple(range(len(shape) - 1)) and len(shape) in (2, 3):
            kind, taps = "sum", _two(shape[:-1])
        case _:
            raise refuse_fold(graph.name, f"it begins with {head.op.name} over {shape}")
    lo, hi, frac = (np.asarray(a).reshape(-1) for a in out.elem.full(out.shape))
    if kind in ("max", "sum") and bool((x_frac != x_frac.ravel()[0]).any()):
        raise refuse_fold(graph.name, "its channels differ in their binary point")
    places = np.full_like(frac, frac.max())
    if weights is not None and all(isinstance(node.op, (ops.Add, ops.Sub)) for node in rest):
        places = _own_places(graph, result, places)
    shift = (places - frac).astype(object)
    if weights is not None:
        weights = _fitting(weights * (1 << shift))
    low, high = (_fitting(a * (1 << shift)) for a in (lo, hi))
    return Reduction(
        kind, taps, dilation, shape[-1], out.size, weights, low, high, int(places.max()), places,
        head.name,
        rest, result,
    )  # fmt: skip


def _own_places(graph: Graph, result: str, common: IntArray) -> IntArray:
    """The outputs' own binary points if these differ, else what is common to all."""
    kind = graph.types[result]
    own = np.asarray(kind.elem.full(kind.shape)[2]).reshape(-1)
    return own if bool((own != own[0]).any()) else common


def _first(shape: tuple[int, ...]) -> tuple[int, ...]:
    return (0,) * (len(shape) - 1)


def _two(sizes: tuple[int, ...]) -> tuple[int, int]:
    """Sizes over rows and columns; one axis counts as rows."""
    return (sizes[0], sizes[1]) if len(sizes) == 2 else (sizes[0], 1)


def _matrix(graph: Graph, head: Node, x_frac: IntArray) -> IntArray:
    """Weights (inputs of the window, outputs), aligned to each output's binary point."""
    op, kind = graph.node(head.args[1]).op, graph.types[head.args[1]]
    if not isinstance(op, ops.Const):
        raise refuse_fold(graph.name, "its weights are no constants")
    outputs = kind.shape[-1]
    taps = int(np.prod(kind.shape[:-2])) if len(kind.shape) > 2 else 1
    values = op.values.reshape(-1, outputs)
    frac = np.broadcast_to(kind.elem.frac, kind.shape).reshape(-1, outputs)
    total = np.tile(x_frac, taps)[:, None] + frac
    shift = (total.max(axis=0) - total).astype(object)
    return np.asarray(values * (1 << shift)) if shift.any() else values


def _depthwise(graph: Graph, head: Node, x_frac: IntArray) -> IntArray:
    op, kind = graph.node(head.args[1]).op, graph.types[head.args[1]]
    if not isinstance(op, ops.Const):
        raise refuse_fold(graph.name, "its weights are no constants")
    frac = np.broadcast_to(kind.elem.frac, kind.shape).reshape(-1, kind.shape[-1])
    if bool((frac != frac[:1]).any()) or bool((x_frac != x_frac.ravel()[0]).any()):
        raise refuse_fold(graph.name, "the binary point differs inside its window")
    return op.values.reshape(-1, kind.shape[-1])


def _fitting(values: IntArray) -> IntArray:
    """As int64 where the values allow it."""
    if values.dtype != object:
        return values
    flat = values.ravel()
    big = max((abs(int(v)) for v in flat), default=0)
    return values.astype(np.int64) if big < 1 << 62 else values
