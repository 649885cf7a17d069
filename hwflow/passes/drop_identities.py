"""Remove operations that change nothing."""

from __future__ import annotations

import numpy as np

from hwflow.ir import Graph, Node, Overflow, TensorType
from hwflow.ir.ops import Input, Pad, Param, Requant, Reshape, Shift, Transpose
from hwflow.passes.rewrite import Rewrite, rebuild

__all__ = ["drop_identities"]


def drop_identities(graph: Graph) -> Rewrite:
    """Remove requantizations, shifts, pads and moves that give their operand back."""
    outputs = {value for _, value in graph.outputs}
    made = {n.name: n for n in graph.nodes}
    moved: dict[str, str] = {}
    for node in graph.nodes:
        if not node.args or not _identity(node, graph.types[node.args[0]]):
            continue
        # An output stays the result of a layer.
        source = isinstance(made[_origin(node.args[0], moved)].op, (Input, Param))
        if not (source and node.name in outputs):
            moved[node.name] = node.args[0]
    return rebuild(graph, graph.nodes, moved)


def _origin(name: str, moved: dict[str, str]) -> str:
    while name in moved:
        name = moved[name]
    return name


def _identity(node: Node, x: TensorType) -> bool:
    op = node.op
    if isinstance(op, Shift):
        return not op.amount.any()
    if isinstance(op, Pad):
        return not any((*op.before, *op.after))
    if isinstance(op, Reshape):
        return op.shape == x.shape
    if isinstance(op, Transpose):
        return op.perm == tuple(range(len(op.perm)))
    if isinstance(op, Requant):
        lo = op.type.lo
        if op.overflow is Overflow.SATURATE_SYMMETRIC:
            lo = np.maximum(lo, -op.type.hi)
        return bool(
            (op.type.frac == x.elem.frac).all()
            and (lo <= x.elem.lo).all()
            and (op.type.hi >= x.elem.hi).all()
        )
    return False
