"""Unroll a small integer graph into a word-level circuit, element by element."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from hwflow.errors import InputError
from hwflow.ir import ops
from hwflow.ir.exact import IntArray, padded
from hwflow.ir.graph import Graph, Node
from hwflow.ir.ops.linear import conv_windows
from hwflow.ir.types import Overflow, TensorType
from hwflow.plan.adders import constant_product
from hwflow.plan.circuit_builder import CircuitBuilder
from hwflow.plan.shifters import leading_zeros, shift_left, shift_right
from hwflow.plan.words import Circuit

__all__ = ["elaborate"]

Words = np.ndarray[Any, Any]
"""An object array of word indices, shaped like the tensor."""


def elaborate(graph: Graph) -> Circuit:
    """The circuit of `graph`: inputs and outputs are the elements in C order, tensor by tensor.

    Raises:
        InputError: "plan.operation": an operation that has no hardware yet.
    """
    builder = CircuitBuilder(*(_bounds(graph, nodes) for nodes in (graph.inputs, graph.params)))
    unroll = _Unroller(builder)
    values: dict[str, Words] = {}
    offset = weights = 0
    for node in graph.nodes:
        out = graph.types[node.name]
        if isinstance(node.op, ops.Input):
            values[node.name] = _shaped([builder.input(offset + i) for i in range(out.size)], out)
            offset += out.size
        elif isinstance(node.op, ops.Param):
            values[node.name] = _shaped([builder.weight(weights + i) for i in range(out.size)], out)
            weights += out.size
        else:
            types = tuple(graph.types[a] for a in node.args)
            values[node.name] = unroll(node.op, [values[a] for a in node.args], types, out)
    outputs = [int(w) for _, value in graph.outputs for w in values[value].ravel()]
    return builder.build(outputs)


def _bounds(graph: Graph, nodes: Sequence[Node]) -> list[tuple[int, int]]:
    """Bounds of all elements of some inputs or params, one after the other."""
    bounds: list[tuple[int, int]] = []
    for node in nodes:
        kind = graph.types[node.name]
        lo, hi, _ = kind.elem.full(kind.shape)
        bounds += [(int(a), int(b)) for a, b in zip(lo.ravel(), hi.ravel(), strict=True)]
    return bounds


def _shaped(words: Sequence[int], kind: TensorType) -> Words:
    array = np.empty(len(words), dtype=object)
    array[:] = words
    return array.reshape(kind.shape)


class _Unroller:
    """One method per operation: (operation, operand words, operand types, result type)."""

    def __init__(self, builder: CircuitBuilder) -> None:
        self.b = builder
        self._methods: dict[type[ops.Operation], Callable[..., Words]] = {
            ops.Const: self.const,
            ops.MatMul: self.matmul,
            ops.Conv: self.conv,
            ops.Dot: self.dot,
            ops.Add: self.add,
            ops.Sub: self.add,
            ops.Mul: self.mul,
            ops.Shift: lambda _op, args, _types, _out: args[0],
            ops.ShiftLeft: self.live_shift,
            ops.ShiftRight: self.live_shift,
            ops.Clz: self.clz,
            ops.Requant: self.requant,
            ops.Threshold: self.threshold,
            ops.Lut: self.lut,
            ops.Select: self.select,
            ops.Compare: self.compare,
            ops.MaxPool: self.maxpool,
            ops.ReduceSum: self.reduce_sum,
            ops.ArgMax: self.argmax,
            ops.Pad: self.pad,
        }

    def __call__(
        self, op: ops.Operation, args: list[Words], types: tuple[TensorType, ...], out: TensorType
    ) -> Words:
        method = self._methods.get(type(op))
        if method is None and isinstance(op, (ops.Reshape, ops.Transpose, ops.Slice, ops.Concat)):
            moved = op.evaluate(tuple(a[None] for a in args), types, out)
            return np.asarray(moved[0])
        if method is None:
            raise InputError(
                "plan.operation",
                f"operation {op.name} has no hardware in this version",
            )
        return method(op, args, types, out)

    def _each(self, out: TensorType, make: Callable[[tuple[int, ...]], int]) -> Words:
        return _shaped([make(index) for index in np.ndindex(*out.shape)], out)

    def _aligned(
        self, args: Sequence[Words], types: Sequence[TensorType], shape: tuple[int, ...]
    ) -> tuple[list[Words], list[IntArray]]:
        """Operands broadcast to `shape`, and each element's left shift to the finer point."""
        fracs = [np.broadcast_to(t.elem.full(t.shape)[2], shape) for t in types]
        finest = np.maximum.reduce(fracs)
        return [np.broadcast_to(a, shape) for a in args], [finest - f for f in fracs]

    def const(self, op: ops.Const, _args: Any, _types: Any, out: TensorType) -> Words:
        values = op.values
        return self._each(out, lambda i: self.b.literal(int(values[i])))

    def matmul(
        self, op: ops.Operation, args: list[Words], types: tuple[TensorType, ...], out: TensorType
    ) -> Words:
        shift = _matrix_shift(types)
        rows = args[0].reshape(-1, args[0].shape[-1])
        words = [self._products([int(w) for w in row], args[1], shift) for row in rows]
        return _shaped([w for row in words for w in row], out)

    def _products(self, row: list[int], weights: Words, shift: Words) -> list[int]:
        """`row` (K) times `weights` (K, N), each product shifted left."""
        bounds = [self.b.bounds(int(w)) for w in weights.ravel()]
        if all(lo == hi for lo, hi in bounds):
            values = np.array([lo for lo, _ in bounds], dtype=object).reshape(weights.shape)
            return list(constant_product(self.b, row, values * (1 << shift)))
        shifts = np.broadcast_to(shift, weights.shape)
        return [
            self.b.dot(
                [self.b.shl(x, int(s)) for x, s in zip(row, shifts[:, n], strict=True)],
                [int(w) for w in weights[:, n]],
            )
            for n in range(weights.shape[1])
        ]

    def conv(
        self, op: ops.Conv, args: list[Words], types: tuple[TensorType, ...], out: TensorType
    ) -> Words:
        x, w = types
        rank = len(w.shape) - 2
        zero = self.b.literal(0)
        x_padded = padded(args[0], (*op.padding, (0, 0)), zero)
        none = ((0, 0),) * rank
        windows = conv_windows(x_padded[None], w.shape[:rank], op.stride, none, op.dilation)[0]
        cin, cout = x.shape[-1] // op.groups, w.shape[-1] // op.groups
        channel_frac = x.elem.full(x.shape)[2].reshape(-1, x.shape[-1])[0]
        w_frac = w.elem.full(w.shape)[2]
        parts = []
        for g in range(op.groups):
            inputs = windows[..., g * cin : (g + 1) * cin].reshape(*out.shape[:rank], -1)
            block = args[1][..., g * cout : (g + 1) * cout]
            frac = (
                channel_frac[g * cin : (g + 1) * cin, None] + w_frac[..., g * cout : (g + 1) * cout]
            )
            shift = (frac.reshape(-1, cout).max(axis=0) - frac).reshape(-1, cout)
            matrix, shifts = block.reshape(-1, cout), shift.astype(object)
            rows = inputs.reshape(-1, inputs.shape[-1])
            words = [self._products([int(i) for i in row], matrix, shifts) for row in rows]
            parts.append(np.array(words, dtype=object).reshape(*out.shape[:rank], cout))
        return np.concatenate(parts, axis=-1)

    def dot(self, _op: ops.Dot, args: list[Words], _types: Any, out: TensorType) -> Words:
        a, b = args

        def element(index: tuple[int, ...]) -> int:
            *lead, m, n = index
            left, right = a[(*lead, m)], b[tuple(lead)][:, n]
            return self.b.total([self.b.product(p, q) for p, q in zip(left, right, strict=True)])

        return self._each(out, element)

    def add(
        self, op: ops.Operation, args: list[Words], types: tuple[TensorType, ...], out: TensorType
    ) -> Words:
        (a, b), (s, t) = self._aligned(args, types, out.shape)
        minus = isinstance(op, ops.Sub)
        return self._each(
            out, lambda i: self.b.sum(a[i], b[i], int(s[i]), int(t[i]), subtract=minus)
        )

    def mul(self, _op: ops.Mul, args: list[Words], _types: Any, out: TensorType) -> Words:
        a, b = (np.broadcast_to(x, out.shape) for x in args)
        return self._each(out, lambda i: self.b.product(a[i], b[i]))

    def live_shift(
        self, op: ops.Operation, args: list[Words], _types: Any, out: TensorType
    ) -> Words:
        x, amount = (np.broadcast_to(a, out.shape) for a in args)
        shift = shift_left if isinstance(op, ops.ShiftLeft) else shift_right
        return self._each(out, lambda i: shift(self.b, x[i], amount[i]))

    def clz(self, op: ops.Clz, args: list[Words], _types: Any, out: TensorType) -> Words:
        return self._each(out, lambda i: leading_zeros(self.b, args[0][i], op.width))

    def requant(
        self, op: ops.Requant, args: list[Words], types: tuple[TensorType, ...], out: TensorType
    ) -> Words:
        (x,) = args
        lo, hi, frac = op.type.full(out.shape)
        shift = types[0].elem.full(out.shape)[2] - frac

        def element(i: tuple[int, ...]) -> int:
            word = self.b.round(x[i], int(shift[i]), op.rounding)
            low, high = int(lo[i]), int(hi[i])
            if op.overflow is Overflow.WRAP:
                if (high - low + 1) & (high - low):
                    raise InputError(
                        "plan.operation",
                        f"wrapping into [{low}, {high}] has no hardware: not a power of two",
                    )
                return self.b.wrap(word, low, high)
            if op.overflow is Overflow.SATURATE_SYMMETRIC:
                low = min(max(low, -high), high)
            return self.b.clip(word, low, high)

        return self._each(out, element)

    def threshold(
        self, op: ops.Threshold, args: list[Words], _types: Any, out: TensorType
    ) -> Words:
        (x,) = args
        tail = op.thresholds.shape[1:]
        ladder = op.thresholds.reshape(
            len(op.thresholds), *(1,) * (len(out.shape) - len(tail)), *tail
        )
        levels = np.broadcast_to(ladder, (len(ladder), *out.shape))

        def element(i: tuple[int, ...]) -> int:
            return self.b.total(
                [self.b.at_least(x[i], int(levels[(k, *i)])) for k in range(len(levels))]
            )

        return self._each(out, element)

    def lut(self, op: ops.Lut, args: list[Words], _types: Any, out: TensorType) -> Words:
        values = [int(v) for v in op.values]
        return self._each(out, lambda i: self.b.table(args[0][i], op.start, values))

    def select(
        self, _op: ops.Select, args: list[Words], types: tuple[TensorType, ...], out: TensorType
    ) -> Words:
        condition = np.broadcast_to(args[0], out.shape)
        (a, b), (s, t) = self._aligned(args[1:], types[1:], out.shape)
        return self._each(
            out,
            lambda i: self.b.mux(
                condition[i], self.b.shl(a[i], int(s[i])), self.b.shl(b[i], int(t[i]))
            ),
        )

    def compare(
        self, op: ops.Compare, args: list[Words], types: tuple[TensorType, ...], out: TensorType
    ) -> Words:
        (x, y), (s, t) = self._aligned(args, types, out.shape)
        swap = op.kind in {"lt", "ge"}
        invert = op.kind in {"ge", "le", "ne"}

        def element(i: tuple[int, ...]) -> int:
            a, b = self.b.shl(x[i], int(s[i])), self.b.shl(y[i], int(t[i]))
            if swap:
                a, b = b, a
            bit = self.b.relation(a, b, equal=op.kind in {"eq", "ne"})
            return self.b.inverted(bit) if invert else bit

        return self._each(out, element)

    def maxpool(self, op: ops.MaxPool, args: list[Words], _types: Any, out: TensorType) -> Words:
        rank = len(op.window)
        none = ((0, 0),) * rank
        windows = conv_windows(args[0][None], op.window, op.stride, none, (1,) * rank)[0]

        def element(index: tuple[int, ...]) -> int:
            level = [int(w) for w in windows[(*index[:-1], ..., index[-1])].ravel()]
            while len(level) > 1:
                pairs = [self.b.max(a, b) for a, b in zip(level[::2], level[1::2], strict=False)]
                level = pairs + level[len(pairs) * 2 :]
            return level[0]

        return self._each(out, element)

    def reduce_sum(
        self, op: ops.ReduceSum, args: list[Words], types: tuple[TensorType, ...], out: TensorType
    ) -> Words:
        frac = types[0].elem.full(types[0].shape)[2]
        shift = frac.max(axis=op.axes, keepdims=True) - frac
        moved = self._each(types[0], lambda i: self.b.shl(args[0][i], int(shift[i])))
        keep = tuple(a for a in range(moved.ndim) if a not in op.axes)
        rows = moved.transpose(*keep, *op.axes).reshape(out.size, -1)
        return _shaped([self.b.many([int(w) for w in row]) for row in rows], out)

    def argmax(
        self, op: ops.ArgMax, args: list[Words], types: tuple[TensorType, ...], out: TensorType
    ) -> Words:
        frac = types[0].elem.full(types[0].shape)[2]
        shift = frac.max() - frac
        moved = self._each(types[0], lambda i: self.b.shl(args[0][i], int(shift[i])))
        rows = np.moveaxis(moved, op.axis, -1).reshape(out.size, -1)
        return _shaped([self._first_largest([int(w) for w in row]) for row in rows], out)

    def _first_largest(self, words: list[int]) -> int:
        level = [(word, self.b.literal(i)) for i, word in enumerate(words)]
        while len(level) > 1:
            nxt = []
            for (a, i), (b, j) in zip(level[::2], level[1::2], strict=False):
                later = self.b.relation(b, a)
                nxt.append((self.b.max(a, b), self.b.mux(later, j, i)))
            level = nxt + level[len(nxt) * 2 :]
        return level[0][1]

    def pad(self, op: ops.Pad, args: list[Words], _types: Any, _out: TensorType) -> Words:
        widths = tuple(zip(op.before, op.after, strict=True))
        return padded(args[0], widths, self.b.literal(op.value))


def _matrix_shift(types: tuple[TensorType, ...]) -> Any:
    """Left shift of every weight (K, N) that aligns the terms of each column."""
    x, w = types
    x_frac = x.elem.full(x.shape)[2].reshape(-1, x.shape[-1])[0]
    total = x_frac[:, None] + w.elem.full(w.shape)[2]
    return (total.max(axis=0) - total).astype(object)
