"""The reference interpreter: what an integer graph means."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import numpy as np

from hwflow.errors import InputError, InternalError
from hwflow.ir.exact import IntArray, as_ints
from hwflow.ir.graph import Graph, Node
from hwflow.ir.ops import Input, Param

__all__ = ["evaluate"]

Keep = Literal["outputs", "layers", "all"]


def evaluate(
    graph: Graph, values: Mapping[str, IntArray], keep: Keep = "outputs"
) -> dict[str, IntArray]:
    """Evaluate `graph` on integer inputs, each ``(n, *shape)``, and params, each ``shape``.

    A param's array may also have a batch axis of length 1. Returns the outputs by name; with
    ``keep="layers"`` every value that leaves a layer, with "all" every value, by value name.

    Raises:
        InputError: "run.input": an input is missing, unknown, misshapen or out of its bounds.
    """
    given = _given(graph, values)
    batch = len(given[graph.inputs[0].name])
    results: dict[str, IntArray] = {}
    for node in graph.nodes:
        types = tuple(graph.types[a] for a in node.args)
        out = graph.types[node.name]
        if isinstance(node.op, (Input, Param)):
            results[node.name] = given[node.name]
            continue
        result = node.op.evaluate(tuple(results[a] for a in node.args), types, out)
        if bool((result < out.elem.lo).any()) or bool((result > out.elem.hi).any()):
            raise InternalError("internal.bounds", f"{node.name} left the bounds of {out}")
        results[node.name] = result
    if keep == "outputs":
        wanted = dict(graph.outputs)
    elif keep == "layers":
        wanted = {v: v for layer in graph.layers() for v in layer.outputs}
    else:
        wanted = {n.name: n.name for n in graph.nodes}
    return {
        name: np.broadcast_to(results[value], (batch, *graph.types[value].shape))
        for name, value in wanted.items()
    }


def _given(graph: Graph, values: Mapping[str, IntArray]) -> dict[str, IntArray]:
    """The checked arrays of the inputs and params, each with the batch as axis 0."""
    known = {n.name: n for n in (*graph.inputs, *graph.params)}
    for name in values:
        if name not in known:
            raise InputError(
                "run.input",
                f"the graph has no input {name!r}",
                hint=f"its inputs: {', '.join(sorted(known))}",
            )
    given = {name: _checked(graph, node, values) for name, node in known.items()}
    sizes = {n.name: len(given[n.name]) for n in graph.inputs}
    if len(set(sizes.values())) > 1:
        held = ", ".join(f"{name} {count}" for name, count in sizes.items())
        raise InputError("run.input", f"inputs hold different numbers of vectors: {held}")
    return given


def _checked(graph: Graph, node: Node, values: Mapping[str, IntArray]) -> IntArray:
    name, out = node.name, graph.types[node.name]
    if name not in values:
        raise InputError("run.input", f"no values for input {name!r}")
    try:
        array = as_ints(np.asarray(values[name]))
    except (TypeError, ValueError) as error:
        raise InputError("run.input", f"input {name!r}: {error}") from None
    param = isinstance(node.op, Param)
    if param and array.shape == out.shape:
        array = array[None]
    if (
        array.ndim != len(out.shape) + 1
        or array.shape[1:] != out.shape
        or (param and len(array) != 1)
    ):
        wanted = str(out.shape) if param else f"(n, {', '.join(map(str, out.shape))})"
        raise InputError(
            "run.input", f"input {name!r}: expected shape {wanted}, found {array.shape}"
        )
    outside = (array < out.elem.lo) | (array > out.elem.hi)
    if bool(outside.any()):
        place = np.argwhere(outside)[0].tolist()
        raise InputError(
            "run.input",
            f"input {name!r}: {array[tuple(place)]} at {place} is outside {out.elem}",
            hint="give integers in the input's range, or real numbers to be quantized",
        )
    return array
