"""Compute what depends on constants alone."""

from __future__ import annotations

from hwflow.ir import Graph, Node
from hwflow.ir.ops import Const
from hwflow.passes.rewrite import Rewrite, rebuild

__all__ = ["fold_constants"]


def fold_constants(graph: Graph) -> Rewrite:
    """Replace operations on constants by constants of the same name.

    An operation that makes an output stays: an output is always made by a layer.
    """
    outputs = {value for _, value in graph.outputs}
    constants = {n.name: n.op for n in graph.nodes if isinstance(n.op, Const)}
    nodes: list[Node] = []
    for node in graph.nodes:
        operands = [constants.get(a) for a in node.args]
        values = tuple(o.values[None] for o in operands if o is not None)
        if operands and len(values) == len(operands) and node.name not in outputs:
            out = graph.types[node.name]
            types = tuple(graph.types[a] for a in node.args)
            folded = Const(node.op.evaluate(values, types, out)[0], out.elem.frac)
            constants[node.name] = folded
            nodes.append(Node(node.name, folded, (), node.layer))
        else:
            nodes.append(node)
    return rebuild(graph, nodes, {})
