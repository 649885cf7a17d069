"""Name every value after its layer and operation, in order."""

from __future__ import annotations

from types import MappingProxyType

from hwflow.ir import Graph, Node
from hwflow.ir.ops import Input, Param
from hwflow.passes.rewrite import Rewrite

__all__ = ["number_values"]


def number_values(graph: Graph) -> Rewrite:
    """Values called LAYER_OPERATION, LAYER_OPERATION_2, ...; inputs and params keep their names."""
    kept = {n.name for n in graph.nodes if isinstance(n.op, (Input, Param))}
    taken, moved = set(kept), {name: name for name in kept}
    for node in graph.nodes:
        if node.name in kept:
            continue
        stem = f"{node.layer or 'graph'}_{node.op.name}"[:56]
        name, count = stem, 1
        while name in taken:
            count += 1
            name = f"{stem}_{count}"
        taken.add(name)
        moved[node.name] = name
    nodes = tuple(
        Node(moved[n.name], n.op, tuple(moved[a] for a in n.args), n.layer) for n in graph.nodes
    )
    outputs = tuple((output, moved[value]) for output, value in graph.outputs)
    return Rewrite(Graph(graph.name, nodes, outputs), MappingProxyType(moved))
