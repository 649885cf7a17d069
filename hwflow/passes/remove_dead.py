"""Remove what no output needs."""

from __future__ import annotations

from hwflow.ir import Graph
from hwflow.ir.ops import Input
from hwflow.passes.rewrite import Rewrite, rebuild

__all__ = ["remove_dead"]


def remove_dead(graph: Graph) -> Rewrite:
    """Keep what reaches an output, and every input: the interface does not change."""
    alive = {value for _, value in graph.outputs}
    for node in reversed(graph.nodes):
        if node.name in alive:
            alive.update(node.args)
    kept = [n for n in graph.nodes if n.name in alive or isinstance(n.op, Input)]
    return rebuild(graph, kept, {})
