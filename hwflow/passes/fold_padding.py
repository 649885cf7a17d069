"""Give a convolution the zero padding that stands in front of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from hwflow.ir import Graph, Node
from hwflow.ir.ops import Conv, Pad
from hwflow.passes.remove_dead import remove_dead
from hwflow.passes.rewrite import Rewrite

__all__ = ["fold_padding"]


def fold_padding(graph: Graph) -> Rewrite:
    """Fold spatial zero pads into the convolutions that read them."""
    made = {n.name: n for n in graph.nodes}
    nodes = tuple(_folded(n, made) if isinstance(n.op, Conv) else n for n in graph.nodes)
    if nodes == graph.nodes:
        return Rewrite(graph)
    return remove_dead(Graph(graph.name, nodes, graph.outputs))


def _folded(node: Node, made: Mapping[str, Node]) -> Node:
    op, x, weights = node.op, node.args[0], node.args[1]
    while isinstance(op, Conv) and isinstance(pad := made[x].op, Pad) and _spatial_zeros(pad):
        widths = zip(op.padding, pad.before, pad.after, strict=False)
        op = replace(op, padding=tuple((p + a, q + b) for (p, q), a, b in widths))
        x = made[x].args[0]
    return Node(node.name, op, (x, weights), node.layer)


def _spatial_zeros(pad: Pad) -> bool:
    return pad.value == 0 and not pad.before[-1] and not pad.after[-1]
