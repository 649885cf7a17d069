"""One layer of a graph as a graph of its own."""

from __future__ import annotations

from hwflow.errors import InputError
from hwflow.ir import Graph, Node
from hwflow.ir.ops import Const, Input, Param

__all__ = ["layer_graph"]


def layer_graph(graph: Graph, layer: str) -> Graph:
    """The sub-graph of `layer`: inputs are the values that enter it, outputs those that leave.

    Inputs and outputs keep their value names, weights stay inside, and a graph input keeps its
    rounding rule, so the layer can be run alone on another rung's values.

    Raises:
        InputError: "graph.layer" when the graph has no such layer.
    """
    found = next((item for item in graph.layers() if item.name == layer), None)
    if found is None:
        names = ", ".join(item.name for item in graph.layers())
        raise InputError("graph.layer", f"no layer is called {layer!r}", hint=f"layers: {names}")
    made = {n.name: n for n in graph.nodes}
    inside = {n.name for n in found.nodes}
    weights = {a for n in found.nodes for a in n.args if isinstance(made[a].op, (Const, Param))}
    entering = tuple(_entry(graph, made[name]) for name in found.inputs)
    kept = tuple(n for n in graph.nodes if n.name in inside or n.name in weights)
    outputs = tuple((name, name) for name in found.outputs)
    return Graph(f"{graph.name}__{layer}"[:63], (*entering, *kept), outputs)


def _entry(graph: Graph, node: Node) -> Node:
    if isinstance(node.op, Input):
        return Node(node.name, node.op)
    type = graph.types[node.name]
    return Node(node.name, Input(type.shape, type.elem))
