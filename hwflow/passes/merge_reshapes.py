"""A reshape of a reshape is one reshape."""

from __future__ import annotations

from hwflow.ir import Graph, Node
from hwflow.ir.ops import Reshape
from hwflow.passes.drop_identities import drop_identities
from hwflow.passes.remove_dead import remove_dead
from hwflow.passes.rewrite import Rewrite

__all__ = ["merge_reshapes"]


def merge_reshapes(graph: Graph) -> Rewrite:
    """Let every reshape read what the first of its chain reads; drop those that became idle."""
    source: dict[str, str] = {}
    nodes: list[Node] = []
    for node in graph.nodes:
        if isinstance(node.op, Reshape):
            source[node.name] = source.get(node.args[0], node.args[0])
            nodes.append(Node(node.name, node.op, (source[node.name],), node.layer))
        else:
            nodes.append(node)
    merged = Graph(graph.name, tuple(nodes), graph.outputs)
    if merged == graph:
        return Rewrite(graph)
    dropped = drop_identities(merged)
    return Rewrite(remove_dead(dropped.graph).graph, dropped.moved)
