"""What follows a folded layer's accumulators, on some lanes at a time.

Constants that differ between the outputs sharing a lane become operands read from a table;
everything else stays fixed in the lane's circuit.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from hwflow.errors import InputError
from hwflow.ir import ops
from hwflow.ir.exact import IntArray
from hwflow.ir.graph import Graph, Node
from hwflow.ir.types import IntType
from hwflow.plan.elaborate import elaborate
from hwflow.plan.reduction import Reduction, refuse_fold
from hwflow.plan.words import Circuit

__all__ = ["Epilogue", "epilogue_of"]

_ACCUMULATOR = "fold_accumulator"


@dataclass(frozen=True, slots=True, eq=False)
class Epilogue:
    """A circuit from accumulators (pe) and table fields to outputs (pe).

    `table` (groups, fields) holds the constants of each group of pe outputs, None without any.
    """

    circuit: Circuit
    table: IntArray | None


def epilogue_of(graph: Graph, reduction: Reduction, pe: int) -> Epilogue:
    """The operations after `reduction` in the kernel `graph`, for `pe` outputs at a time.

    Raises:
        InputError: "plan.fold": an operation has no form that outputs can share.
    """
    made = _Lanes(graph, reduction, pe)
    for node in reduction.rest:
        made.add(node)
    made.check_result()
    result = reduction.result if reduction.rest else _ACCUMULATOR
    lanes = Graph(graph.name, tuple(made.nodes), ((result, result),))
    order = [n.name for n in lanes.inputs]
    assert order[0] == _ACCUMULATOR
    table = np.concatenate([made.tables[n] for n in order[1:]], axis=1) if order[1:] else None
    return Epilogue(elaborate(lanes), table)


class _Lanes:
    """Builds the graph of `pe` lanes; every value in it is (pe,) with one binary point."""

    def __init__(self, graph: Graph, reduction: Reduction, pe: int) -> None:
        self.graph, self.reduction, self.pe = graph, reduction, pe
        self.groups = reduction.outputs // pe
        lo, hi = (a.reshape(self.groups, pe) for a in (reduction.lo, reduction.hi))
        kind = IntType(lo.min(axis=0), hi.max(axis=0), reduction.frac)
        self.nodes = [Node(_ACCUMULATOR, ops.Input((pe,), kind))]
        self.tables: dict[str, IntArray] = {}
        self.fracs = {_ACCUMULATOR: reduction.frac}
        self.known = {reduction.source: _ACCUMULATOR}

    def add(self, node: Node) -> None:
        """Put `node` on the lanes."""
        match node.op:
            case ops.Threshold(thresholds, frac):
                self._threshold(node, thresholds, frac)
                return
            case ops.Lut() if bool((self._frac_in_graph(node.args[0]) != self._frac(node)).any()):
                raise self._refuse(node, "reads channels of different binary points")
            case ops.Shift(amount) if amount.size > 1:
                raise self._refuse(node, "shifts channels by different amounts")
            case ops.Requant(kind, _, _) if max(kind.lo.size, kind.hi.size, kind.frac.size) > 1:
                raise self._refuse(node, "gives channels different types")
        op = node.op
        if isinstance(op, ops.Shift):
            op = replace(op, amount=op.amount.reshape(()))
        args = tuple(self._operand(a) for a in node.args)
        self._put(Node(node.name, op, args, self.graph.name))

    def check_result(self) -> None:
        """Refuse outputs that leave with other binary points than the lanes have."""
        value = self.reduction.result
        mine = self.reduction.places
        if self.reduction.rest and bool((mine == self.reduction.frac).all()):
            mine = np.full_like(mine, self.fracs[self.known[value]])
        if bool((self._frac_in_graph(value).reshape(-1) != mine).any()):
            raise refuse_fold(
                self.graph.name,
                "its outputs leave with binary points of their own",
                f"end {self.graph.name} in a requantization to one type",
            )

    def _put(self, node: Node) -> None:
        self.nodes.append(node)
        kinds = Graph(self.graph.name, tuple(self.nodes), ((node.name, node.name),)).types
        frac = kinds[node.name].elem.frac
        if frac.size != 1:
            raise self._refuse(node, "gives lanes different binary points")
        self.fracs[node.name] = int(frac.ravel()[0])
        self.known.setdefault(node.name, node.name)

    def _refuse(self, node: Node, why: str) -> InputError:
        return refuse_fold(self.graph.name, f"{node.op.name} ({node.name}) {why}")

    def _frac(self, node: Node) -> int:
        return self.fracs[self.known[node.args[0]]]

    def _frac_in_graph(self, value: str) -> IntArray:
        kind = self.graph.types[value]
        return np.asarray(kind.elem.full(kind.shape)[2])

    def _operand(self, value: str) -> str:
        op = self.graph.node(value).op
        if not isinstance(op, ops.Const):
            return self.known[value]
        if value not in self.known:
            outputs = (self.reduction.outputs,)
            kind = self.graph.types[value]
            shape = kind.shape if kind.size > 1 else (1,)
            flat = (op.values.reshape(-1), kind.elem.full(kind.shape)[2].reshape(-1))
            if int(np.prod(shape)) not in (1, *outputs):
                raise refuse_fold(self.graph.name, f"constant {value} is not one value a channel")
            values, frac = (np.broadcast_to(a, outputs) for a in flat)
            finest = int(frac.max())
            places = np.full(outputs, finest)
            if bool((self.reduction.places != self.reduction.frac).any()):
                finest, places = self.reduction.frac, self.reduction.places
            aligned = values.astype(object) * (1 << (places - frac).astype(object))
            self.known[value] = self._constant(value, aligned, finest)
        return self.known[value]

    def _constant(self, name: str, values: IntArray, frac: int) -> str:
        """A constant (outputs,): fixed where all groups agree, else read from the table."""
        rows = values.reshape(self.groups, self.pe).astype(np.int64)
        if bool((rows == rows[:1]).all()):
            self.nodes.append(Node(name, ops.Const(rows[0], np.asarray(frac))))
        else:
            kind = IntType(rows.min(axis=0), rows.max(axis=0), frac)
            self.nodes.append(Node(name, ops.Input((self.pe,), kind)))
            self.tables[name] = rows
        self.fracs[name] = frac
        return name

    def _threshold(self, node: Node, thresholds: IntArray, frac: int) -> None:
        operand = self.known[node.args[0]]
        mine = self.fracs[operand]
        shift = (mine - self._frac_in_graph(node.args[0]).reshape(-1)).astype(object)
        outputs = (self.reduction.outputs,)
        flat = thresholds.reshape(len(thresholds), -1)
        levels = np.broadcast_to(flat, (len(flat), *outputs)).astype(object) * (1 << shift)
        rows = levels.reshape(len(levels), self.groups, self.pe)
        if bool((rows == rows[:, :1]).all()):
            fixed = ops.Threshold(rows[:, 0].astype(np.int64), frac)
            self._put(Node(node.name, fixed, (operand,), self.graph.name))
            return
        total = ""
        for k, level in enumerate(levels):
            bound = self._constant(f"{node.name}_level{k}", level, mine)
            reached = Node(
                f"{node.name}_reached{k}", ops.Compare("ge"), (operand, bound), self.graph.name
            )
            self._put(reached)
            if total:
                name = f"{node.name}_count{k}"
                self._put(Node(name, ops.Add(), (total, reached.name), self.graph.name))
                total = name
            else:
                total = reached.name
        count = ops.Shift(np.asarray(-frac))
        self._put(Node(node.name, count, (total,), self.graph.name))
