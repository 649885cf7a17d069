"""Operations that hls4ml has no layer for, written with those that it has; values stay the same."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hwflow.backends.hls4ml.types import element_types, ends, tensor_type, uniform_type
from hwflow.ir import Graph, IntType, Node, Overflow, Rounding
from hwflow.ir import ops as o
from hwflow.ir.exact import IntArray, magnitude

__all__ = ["TABLE_BITS", "rewrite"]

TABLE_BITS = 14
"""An operand of more bits gets no table, which has an entry for each of its bit patterns."""

_MOST_STEPS = 16
_BIT = o.Requant(IntType(0, 1), Rounding.FLOOR, Overflow.SATURATE)


def rewrite(graph: Graph) -> Graph:
    """`graph` without compare, select, saturation at odd bounds, large or odd tables, odd padding.

    ``a >= b`` is the integer ``a - b + 1`` saturated to one bit; a choice is ``b + c * (a - b)``.
    """
    writer = _Writer(graph)
    for node in graph.nodes:
        writer.write(node)
    return Graph(graph.name, tuple(writer.nodes), graph.outputs)


class _Writer:
    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.nodes: list[Node] = []
        self._names = {node.name for node in graph.nodes}

    def write(self, node: Node) -> None:
        if isinstance(node.op, o.Compare):
            self._compare(node, node.op.kind)
        elif isinstance(node.op, o.Select):
            self._select(node)
        elif isinstance(node.op, o.Pad) and node.op.value:
            self._pad(node, node.op)
        elif isinstance(node.op, o.Requant) and self._wants_ends(node, node.op):
            self._clip(node, node.op)
        elif isinstance(node.op, o.Threshold) and self._wants_steps(node, node.op):
            self._steps(node, node.op)
        else:
            self.nodes.append(node)

    def _put(self, node: Node, op: o.Operation, args: Sequence[str], last: bool = False) -> str:
        """Add a node to the layer of `node`, under its name if it is the `last`."""
        name, count = node.name, 0
        while not last and name in self._names:
            count += 1
            name = f"{node.name[:50]}_x{count}"
        self._names.add(name)
        layer = "" if isinstance(op, o.Const) else node.layer
        self.nodes.append(Node(name, op, tuple(args), layer))
        return name

    def _const(self, node: Node, values: object, frac: object = 0) -> str:
        return self._put(node, o.Const(np.asarray(values), np.asarray(frac)), ())

    def _step(self, node: Node, a: str, b: str, or_equal: bool, last: bool = False) -> str:
        """1 where ``a > b`` (or equal), else 0."""
        op = o.Sub()
        point = op.infer((self.graph.types[a], self.graph.types[b])).elem.frac
        whole = self._put(node, o.Shift(point), (self._put(node, op, (a, b)),))
        if or_equal:
            whole = self._put(node, o.Add(), (whole, self._const(node, 1)))
        return self._put(node, _BIT, (whole,), last)

    def _compare(self, node: Node, kind: str) -> None:
        a, b = node.args
        if kind in ("ge", "gt"):
            self._step(node, a, b, kind == "ge", last=True)
        elif kind in ("le", "lt"):
            self._step(node, b, a, kind == "le", last=True)
        else:
            both = self._put(
                node, o.Add(), (self._step(node, a, b, True), self._step(node, b, a, True))
            )
            one = self._const(node, 1 if kind == "eq" else 2)
            args = (both, one) if kind == "eq" else (one, both)
            self._put(node, o.Sub(), args, last=True)

    def _select(self, node: Node) -> None:
        condition, a, b = node.args
        more = self._put(node, o.Sub(), (a, b))
        chosen = self._put(node, o.Mul(), (more, condition))
        self._put(node, o.Add(), (chosen, b), last=True)

    def _pad(self, node: Node, op: o.Pad) -> None:
        """Padding by another number than zero, which then stands for it."""
        (x,) = node.args
        low = self._filled(node, op.value, self.graph.types[x].elem.frac)
        zeros = o.Pad(op.before, op.after, 0)
        padded = self._put(node, zeros, (self._put(node, o.Sub(), (x, low)),))
        back = self._filled(node, op.value, self.graph.types[node.name].elem.frac)
        self._put(node, o.Add(), (padded, back), last=True)

    def _filled(self, node: Node, value: int, frac: IntArray) -> str:
        return self._const(node, np.full(np.shape(frac), value), frac)

    def _wants_ends(self, node: Node, op: o.Requant) -> bool:
        if op.overflow is Overflow.WRAP:
            return False
        operand = self.graph.types[node.args[0]]
        return uniform_type(op, operand) is None and element_types(op, operand) is None

    def _clip(self, node: Node, op: o.Requant) -> None:
        """Saturation at bounds that no type has: at zero, once from below and once from above."""
        kind, lo, hi = op.type, op.type.lo, op.type.hi
        if op.overflow is Overflow.SATURATE_SYMMETRIC:
            lo = np.maximum(lo, -hi)
        width = 2 + max(self._reach(node, op), magnitude(lo), magnitude(hi)).bit_length()
        wide = IntType.fixed(width, kind.frac)
        positive = o.Requant(
            IntType.fixed(width, kind.frac, signed=False), Rounding.FLOOR, Overflow.SATURATE
        )
        value = self._put(node, o.Requant(wide, op.rounding, Overflow.WRAP), node.args)
        lo, hi, frac = np.broadcast_arrays(lo, hi, kind.frac)
        low, span, high = (self._const(node, a, frac) for a in (lo, hi - lo, hi))
        above = self._put(node, positive, (self._put(node, o.Sub(), (value, low)),))
        below = self._put(node, positive, (self._put(node, o.Sub(), (span, above)),))
        self._put(node, o.Sub(), (high, below), last=True)

    def _reach(self, node: Node, op: o.Requant) -> int:
        """The greatest magnitude of the rounded integers."""
        shift = op.type.frac - self.graph.types[node.args[0]].elem.frac
        lo, hi = ends(self.graph.types[node.args[0]])
        return max(abs(lo), abs(hi)) << max(0, int(np.max(shift)))

    def _wants_steps(self, node: Node, op: o.Threshold) -> bool:
        tensor = self.graph.types[node.args[0]]
        table = tensor_type(tensor).width <= TABLE_BITS and not tensor.elem.frac.ndim
        return not (table and op.thresholds[0].size == 1) and 0 < len(op.thresholds) <= _MOST_STEPS

    def _steps(self, node: Node, op: o.Threshold) -> None:
        (x,) = node.args
        whole = self._put(node, o.Shift(self.graph.types[x].elem.frac), (x,))
        total = ""
        for level in op.thresholds:
            above = self._put(node, o.Add(), (whole, self._const(node, 1 - level)))
            bit = self._put(node, _BIT, (above,))
            total = self._put(node, o.Add(), (total, bit)) if total else bit
        self._put(node, o.Shift(np.asarray(-op.frac)), (total,), last=True)
