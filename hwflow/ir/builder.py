"""Build an integer graph by hand or from another program."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from hwflow.errors import InputError
from hwflow.ir import ops
from hwflow.ir.exact import IntArray, as_ints
from hwflow.ir.graph import Graph, Node
from hwflow.ir.types import IntType, Overflow, Rounding

__all__ = ["GraphBuilder", "Value"]

Pairs = Sequence[tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Value:
    """A value of the graph being built."""

    name: str


class GraphBuilder:
    """Collects nodes; `build` verifies them into a Graph.

    Example::

        b = GraphBuilder("tiny")
        x = b.input("x", (4,), IntType.fixed(8, frac=4))
        with b.layer("dense"):
            acc = b.matmul(x, b.const(weights, frac=3))
            y = b.requant(acc, IntType.fixed(6, frac=2), Rounding.HALF_EVEN, Overflow.SATURATE)
        graph = b.build({"y": y})

    Operations outside a `layer` block form a layer of their own. Every method takes an
    optional `name`; names must be unique. Type rules are checked by `build`.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.defaults: dict[str, IntArray] = {}
        self._nodes: list[Node] = []
        self._taken: set[str] = set()
        self._layer = ""

    @contextmanager
    def layer(self, name: str) -> Iterator[None]:
        """Give the operations built inside to layer `name`."""
        outer, self._layer = self._layer, name
        try:
            yield
        finally:
            self._layer = outer

    def node(self, op: ops.Operation, args: Sequence[Value], name: str | None = None) -> Value:
        """Add any operation."""
        stem = name or (f"{self._layer}_{op.name}" if self._layer else op.name)
        unique, count = stem, 1
        while name is None and unique in self._taken:
            count += 1
            unique = f"{stem}_{count}"
        self._taken.add(unique)
        source = isinstance(op, (ops.Input, ops.Const, ops.Param))
        layer = self._layer or ("" if source else unique)
        self._nodes.append(Node(unique, op, tuple(a.name for a in args), layer))
        return Value(unique)

    def build(self, outputs: Mapping[str, Value]) -> Graph:
        """The verified graph. Raises InputError as `Graph` does."""
        pairs = tuple((name, value.name) for name, value in outputs.items())
        return Graph(self.name, tuple(self._nodes), pairs)

    # Sources.

    def input(
        self,
        name: str,
        shape: Sequence[int],
        type: IntType,
        rounding: Rounding = Rounding.HALF_EVEN,
        overflow: Overflow = Overflow.SATURATE,
    ) -> Value:
        """A run-time tensor; rounding and overflow say how real numbers become integers."""
        return self.node(ops.Input(tuple(shape), type, rounding, overflow), (), name)

    def const(self, values: Any, frac: Any = 0, name: str | None = None) -> Value:
        """A fixed integer tensor; its real values are ``values * 2**-frac``."""
        return self.node(ops.Const(as_ints(values), as_ints(frac)), (), name)

    def param(self, name: str, shape: Sequence[int], type: IntType, default: Any = None) -> Value:
        """A weight tensor loaded at run time; `defaults` keeps what it is unless told otherwise."""
        if default is not None:
            self.defaults[name] = as_ints(default)
        return self.node(ops.Param(tuple(shape), type), (), name)

    # Sums of products.

    def matmul(self, x: Value, w: Value, name: str | None = None) -> Value:
        """x (..., K) times weights w (K, N)."""
        return self.node(ops.MatMul(), (x, w), name)

    def dot(self, a: Value, b: Value, name: str | None = None) -> Value:
        """a (..., M, K) times b (..., K, N), both live."""
        return self.node(ops.Dot(), (a, b), name)

    def conv(
        self,
        x: Value,
        w: Value,
        stride: Sequence[int] | None = None,
        padding: Pairs | None = None,
        dilation: Sequence[int] | None = None,
        groups: int = 1,
        name: str | None = None,
    ) -> Value:
        """Convolution of x (*spatial, C) with w (*kernel, C/groups, N), zero padding."""
        rank = self._weight_rank(w) - 2
        op = ops.Conv(
            tuple(stride or (1,) * rank),
            tuple((int(a), int(b)) for a, b in (padding or ((0, 0),) * rank)),
            tuple(dilation or (1,) * rank),
            groups,
        )
        return self.node(op, (x, w), name)

    def _weight_rank(self, w: Value) -> int:
        for node in self._nodes:
            if node.name == w.name and isinstance(node.op, ops.Const):
                return node.op.values.ndim
            if node.name == w.name and isinstance(node.op, ops.Param):
                return len(node.op.shape)
        raise InputError(
            "graph.type",
            f"the weights of conv must be a const or param, found {w.name!r}",
            hint="dot multiplies two live operands",
        )

    # Element-wise.

    def add(self, a: Value, b: Value, name: str | None = None) -> Value:
        """a + b."""
        return self.node(ops.Add(), (a, b), name)

    def sub(self, a: Value, b: Value, name: str | None = None) -> Value:
        """a - b."""
        return self.node(ops.Sub(), (a, b), name)

    def mul(self, a: Value, b: Value, name: str | None = None) -> Value:
        """a * b."""
        return self.node(ops.Mul(), (a, b), name)

    def shift(self, x: Value, amount: Any, name: str | None = None) -> Value:
        """The real value of x times ``2**amount``; integers unchanged."""
        return self.node(ops.Shift(as_ints(amount)), (x,), name)

    def shift_left(self, x: Value, amount: Value, name: str | None = None) -> Value:
        """``x * 2**amount``, the amount live: a whole number of at least 0."""
        return self.node(ops.ShiftLeft(), (x, amount), name)

    def shift_right(self, x: Value, amount: Value, name: str | None = None) -> Value:
        """``floor(x / 2**amount)`` of the integer x, the amount live."""
        return self.node(ops.ShiftRight(), (x, amount), name)

    def clz(self, x: Value, width: int, name: str | None = None) -> Value:
        """Zero bits above the highest one bit of x, seen as `width` unsigned bits."""
        return self.node(ops.Clz(width), (x,), name)

    def requant(
        self,
        x: Value,
        type: IntType,
        rounding: Rounding,
        overflow: Overflow,
        name: str | None = None,
    ) -> Value:
        """x rounded and brought into `type`."""
        return self.node(ops.Requant(type, rounding, overflow), (x,), name)

    def threshold(self, x: Value, thresholds: Any, frac: int = 0, name: str | None = None) -> Value:
        """How many thresholds (axis 0 of `thresholds`) the integer of x reaches."""
        return self.node(ops.Threshold(as_ints(thresholds), frac), (x,), name)

    def lut(
        self, x: Value, start: int, values: Any, frac: int = 0, name: str | None = None
    ) -> Value:
        """``values[x - start]``."""
        return self.node(ops.Lut(start, as_ints(values), frac), (x,), name)

    def compare(self, kind: str, a: Value, b: Value, name: str | None = None) -> Value:
        """1 where ``a KIND b`` (ge, gt, le, lt, eq, ne), else 0."""
        return self.node(ops.Compare(kind), (a, b), name)

    def select(self, condition: Value, a: Value, b: Value, name: str | None = None) -> Value:
        """a where condition is 1, else b."""
        return self.node(ops.Select(), (condition, a, b), name)

    # Reductions.

    def maxpool(
        self,
        x: Value,
        window: Sequence[int],
        stride: Sequence[int] | None = None,
        name: str | None = None,
    ) -> Value:
        """Largest value per channel and window; stride defaults to the window."""
        return self.node(ops.MaxPool(tuple(window), tuple(stride or window)), (x,), name)

    def reduce_sum(self, x: Value, axes: Sequence[int], name: str | None = None) -> Value:
        """The sum over `axes`."""
        return self.node(ops.ReduceSum(tuple(axes)), (x,), name)

    def argmax(self, x: Value, axis: int = 0, name: str | None = None) -> Value:
        """Index of the first largest value along `axis`."""
        return self.node(ops.ArgMax(axis), (x,), name)

    # Layout.

    def reshape(self, x: Value, shape: Sequence[int], name: str | None = None) -> Value:
        """The same elements in C order."""
        return self.node(ops.Reshape(tuple(shape)), (x,), name)

    def transpose(self, x: Value, perm: Sequence[int], name: str | None = None) -> Value:
        """Axes reordered."""
        return self.node(ops.Transpose(tuple(perm)), (x,), name)

    def slice(
        self,
        x: Value,
        start: Sequence[int],
        stop: Sequence[int],
        step: Sequence[int] | None = None,
        name: str | None = None,
    ) -> Value:
        """``x[start:stop:step]`` on every axis."""
        steps = tuple(step or np.ones(len(start), dtype=int).tolist())
        return self.node(ops.Slice(tuple(start), tuple(stop), steps), (x,), name)

    def concat(self, values: Sequence[Value], axis: int, name: str | None = None) -> Value:
        """Values joined along `axis`."""
        return self.node(ops.Concat(axis), tuple(values), name)

    def pad(
        self,
        x: Value,
        before: Sequence[int],
        after: Sequence[int],
        value: int = 0,
        name: str | None = None,
    ) -> Value:
        """x with the integer `value` around it."""
        return self.node(ops.Pad(tuple(before), tuple(after), value), (x,), name)
