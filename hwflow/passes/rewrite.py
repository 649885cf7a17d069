"""What a pass returns, and the one way in which passes change a graph."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TypeAlias

from hwflow.ir import Graph, Node

__all__ = ["Pass", "Rewrite", "rebuild", "uses"]


@dataclass(frozen=True, slots=True)
class Rewrite:
    """A new graph; `moved` tells which value now stands for one that was removed.

    A value that is neither in the graph nor in `moved` is gone.
    """

    graph: Graph
    moved: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


Pass: TypeAlias = Callable[[Graph], Rewrite]


def uses(graph: Graph) -> dict[str, int]:
    """How often each value is used, by nodes and by outputs."""
    counts = dict.fromkeys((n.name for n in graph.nodes), 0)
    for name in (a for node in graph.nodes for a in node.args):
        counts[name] += 1
    for _, value in graph.outputs:
        counts[value] += 1
    return counts


def rebuild(graph: Graph, nodes: Iterable[Node], moved: Mapping[str, str]) -> Rewrite:
    """The graph made of `nodes`, in which every use of a moved value is redirected."""

    def target(name: str) -> str:
        while name in moved:
            name = moved[name]
        return name

    kept = tuple(
        Node(n.name, n.op, tuple(target(a) for a in n.args), n.layer)
        for n in nodes
        if n.name not in moved
    )
    outputs = tuple((output, target(value)) for output, value in graph.outputs)
    final = MappingProxyType({name: target(name) for name in moved})
    if kept == graph.nodes and outputs == graph.outputs:
        return Rewrite(graph, final)
    return Rewrite(Graph(graph.name, kept, outputs), final)
