"""An integer graph as ONNX: float32 tensors that hold the graph's real numbers exactly."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np

from hwflow.backends.onnx.writer import Writer, refusal
from hwflow.ir import Graph, Node, Overflow, Rounding, ops
from hwflow.ir.exact import magnitude
from hwflow.ir.types import IntType

__all__ = ["FORMATS", "export_onnx"]

FORMATS = ("qonnx", "onnx")
"""QONNX's Quant; or ONNX's own QuantizeLinear, Clip and DequantizeLinear."""

_EXACT_FLOAT32 = 1 << 24
_MODES: Mapping[Rounding, str] = MappingProxyType(
    {
        Rounding.HALF_EVEN: "ROUND",
        Rounding.FLOOR: "FLOOR",
        Rounding.TOWARD_ZERO: "DOWN",
        Rounding.HALF_AWAY: "HALF_UP",
        Rounding.HALF_UP: "FLOOR",  # of the value and half a step
    }
)


@dataclass(frozen=True, slots=True)
class _Tensor:
    """A value's name in the file, and whether it stands there with its channels first."""

    name: str
    first: bool


def export_onnx(graph: Graph, form: str = "qonnx") -> bytes:
    """The bytes of an ONNX file with the meaning of `graph`; images have their channels first.

    Importing the file gives the same graph, as `hwflow.passes.number_values` names its values.

    Raises:
        InputError: "export.onnx": an operation or a type has no form in `form`, or float32 would
            round.
    """
    return _Export(graph, form).bytes()


class _Export:
    """One graph being written."""

    def __init__(self, graph: Graph, form: str) -> None:
        self.graph, self.write = graph, Writer(graph.name, form)
        self.tensors: dict[str, _Tensor] = {}
        self.constants: dict[str, ops.Const] = {}
        self.padded: dict[str, tuple[int, ...]] = {}
        self.images = _images(graph)
        self._methods: dict[type[ops.Operation], Callable[[Node], _Tensor]] = {
            ops.Add: lambda n: self._pair(n, "Add"),
            ops.ArgMax: self._argmax,
            ops.Concat: self._concat,
            ops.Conv: self._conv,
            ops.Input: self._input,
            ops.MatMul: self._matmul,
            ops.MaxPool: self._maxpool,
            ops.Mul: lambda n: self._pair(n, "Mul"),
            ops.Pad: self._pad,
            ops.Requant: self._requant,
            ops.Reshape: self._reshape,
            ops.Shift: self._shift,
            ops.Sub: lambda n: self._pair(n, "Sub"),
            ops.Threshold: self._threshold,
            ops.Transpose: self._transpose,
        }

    def bytes(self) -> bytes:
        """Every node, then the outputs under their own names."""
        for node in self.graph.nodes:
            if isinstance(node.op, ops.Const):
                self.constants[node.name] = node.op
                continue
            method = self._methods.get(type(node.op))
            if method is None:
                raise refusal(node, f"operation {node.op.name} has no form in ONNX")
            elem = self.graph.types[node.name].elem
            if max(magnitude(elem.lo), magnitude(elem.hi)) >= _EXACT_FLOAT32:
                raise refusal(node, "more than 24 bits: float32 would round")
            self.tensors[node.name] = method(node)
        for output, value in self.graph.outputs:
            shape = self.graph.types[value].shape
            x = self.tensors[value]
            self.write.output(output, x.name, _outside(shape, x.first))
        return self.write.bytes()

    # Operands.

    def _x(self, node: Node, place: int = 0, first: bool | None = None) -> _Tensor:
        """A live operand, laid out as asked."""
        name = node.args[place]
        if name not in self.tensors:
            raise refusal(node, "an operand is a constant")
        x, rank = self.tensors[name], len(self.graph.types[name].shape)
        if first is None or x.first == first or rank not in (2, 3):
            return x
        axes = (0, rank, *range(1, rank)) if first else (0, *range(2, rank + 1), 1)
        return _Tensor(self.write.op(node, "Transpose", x.name, perm=axes), first)

    def _shape(self, node: Node, place: int = 0) -> tuple[int, ...]:
        return self.graph.types[node.args[place]].shape

    def _fixed(self, node: Node, place: int, move: Callable[[Any], Any]) -> str:
        """A constant operand, quantized to its own binary points."""
        const = self.constants.get(node.args[place])
        if const is None:
            raise refusal(node, "its weights are loaded at run time")
        shape = const.values.shape
        values, frac = move(const.values), move(np.broadcast_to(const.frac, shape))
        if magnitude(values) >= _EXACT_FLOAT32:
            raise refusal(node, "weights of more than 24 bits: float32 would round")
        if not const.frac.ndim:
            frac = np.asarray(const.frac)
        return self.write.weights(node, values, frac)

    # Operations.

    def _input(self, node: Node) -> _Tensor:
        op = node.op
        assert isinstance(op, ops.Input)
        first = node.name in self.images
        name = self.write.input(node.name, _outside(op.shape, first))
        return _Tensor(self._quant(node, name, op.type, op.rounding, op.overflow), first)

    def _quant(
        self, node: Node, x: str, type: IntType, rounding: Rounding, overflow: Overflow
    ) -> str:
        if overflow is not Overflow.SATURATE:
            raise refusal(node, f"overflow {overflow.value} has no form in ONNX")
        if type.lo.ndim or type.hi.ndim or type.frac.ndim:
            raise refusal(node, "it rounds elements to different types")
        lo, hi, frac = (int(a) for a in (type.lo, type.hi, type.frac))
        if rounding is Rounding.HALF_UP:
            x = self.write.op(node, "Add", x, self.write.const(2.0 ** -(frac + 1)))
        return self.write.quant(node, x, lo, hi, frac, _MODES[rounding])

    def _requant(self, node: Node) -> _Tensor:
        op = node.op
        assert isinstance(op, ops.Requant)
        x, elem = self._x(node), self.graph.types[node.args[0]].elem
        same = bool((op.type.frac == elem.frac).all())
        if same and not op.type.lo.any() and bool((op.type.hi >= elem.hi).all()):
            return _Tensor(self.write.op(node, "Relu", x.name), x.first)
        name = self._quant(node, x.name, op.type, op.rounding, op.overflow)
        return _Tensor(name, x.first)

    def _pair(self, node: Node, kind: str) -> _Tensor:
        if node.args[1] in self.tensors:
            if kind == "Mul":
                raise refusal(node, "a product of two live values")
            x = self._x(node)
            other = self._x(node, 1, x.first)
            return _Tensor(self.write.op(node, kind, x.name, other.name), x.first)
        x, rank = self._x(node), len(self._shape(node))

        def outside(array: Any) -> Any:
            if not array.ndim:
                return array
            full = array.reshape((1,) * (rank - array.ndim) + array.shape)
            return np.moveaxis(full, -1, 0) if x.first else full

        constant = self._fixed(node, 1, outside)
        return _Tensor(self.write.op(node, kind, x.name, constant), x.first)

    def _shift(self, node: Node) -> _Tensor:
        op, x = node.op, self._x(node)
        assert isinstance(op, ops.Shift)
        factor = np.exp2(op.amount.astype(np.float64))
        if factor.ndim:
            rank = len(self._shape(node))
            factor = factor.reshape((1,) * (rank - factor.ndim) + factor.shape)
            factor = np.moveaxis(factor, -1, 0) if x.first else factor
        return _Tensor(self.write.op(node, "Mul", x.name, self.write.const(factor)), x.first)

    def _matmul(self, node: Node) -> _Tensor:
        x = self._x(node, 0, first=False)
        weights = self._fixed(node, 1, lambda a: a)
        return _Tensor(self.write.op(node, "MatMul", x.name, weights), False)

    def _conv(self, node: Node) -> _Tensor:
        op = node.op
        assert isinstance(op, ops.Conv)
        rank = len(op.stride)
        x = self._x(node, 0, first=True)
        weights = self._fixed(node, 1, lambda a: a.transpose(rank + 1, rank, *range(rank)))
        before, after = zip(*op.padding, strict=True)
        return _Tensor(
            self.write.op(
                node, "Conv", x.name, weights, strides=op.stride, pads=(*before, *after),
                dilations=op.dilation, group=op.groups,
            ), True,
        )  # fmt: skip

    def _maxpool(self, node: Node) -> _Tensor:
        op = node.op
        assert isinstance(op, ops.MaxPool)
        x = self._x(node, 0, first=True)
        pads = self.padded.get(node.args[0], (0,) * (2 * len(op.window)))
        name = self.write.op(
            node, "MaxPool", x.name, kernel_shape=op.window, strides=op.stride, pads=pads
        )
        return _Tensor(name, True)

    def _threshold(self, node: Node) -> _Tensor:
        op, elem = node.op, self.graph.types[node.args[0]].elem
        assert isinstance(op, ops.Threshold)
        x, shape = self._x(node), self._shape(node)
        tail = op.thresholds.shape[1:]
        if len(tail) > 1 or elem.frac.ndim > 1 or not shape or magnitude(op.thresholds) >> 24:
            raise refusal(node, "thresholds that differ along more than the last axis")
        table = np.ldexp(op.thresholds.astype(np.float64), -elem.frac)
        table = table.reshape(len(op.thresholds), -1).T
        x = x if x.first or len(shape) == 1 else self._x(node, 0, first=True)
        layout = {1: "NC", 2: "NCW", 3: "NCHW"}.get(len(shape), "")
        name = self.write.thresholds(node, x.name, table, 2.0**-op.frac, layout)
        return _Tensor(name, x.first)

    def _reshape(self, node: Node) -> _Tensor:
        op, x = node.op, self._x(node, 0, first=False)
        assert isinstance(op, ops.Reshape)
        shape = self.write.const(np.array([-1, *op.shape]), np.int64)
        return _Tensor(self.write.op(node, "Reshape", x.name, shape), False)

    def _transpose(self, node: Node) -> _Tensor:
        op, x = node.op, self._x(node, 0, first=False)
        assert isinstance(op, ops.Transpose)
        perm = (0, *(p + 1 for p in op.perm))
        return _Tensor(self.write.op(node, "Transpose", x.name, perm=perm), False)

    def _concat(self, node: Node) -> _Tensor:
        op, x = node.op, self._x(node)
        assert isinstance(op, ops.Concat)
        rank = len(self._shape(node))
        names = [self._x(node, i, x.first).name for i in range(len(node.args))]
        axis = ((op.axis + 1) % rank if x.first else op.axis) + 1
        return _Tensor(self.write.op(node, "Concat", *names, axis=axis), x.first)

    def _pad(self, node: Node) -> _Tensor:
        op, x = node.op, self._x(node)
        assert isinstance(op, ops.Pad)
        if op.value:
            return self._pool_padding(node, op)
        sides = [(s[-1], *s[:-1]) if x.first else s for s in (op.before, op.after)]
        pads = self.write.const(np.array([0, *sides[0], 0, *sides[1]]), np.int64)
        return _Tensor(self.write.op(node, "Pad", x.name, pads), x.first)

    def _pool_padding(self, node: Node, op: ops.Pad) -> _Tensor:
        """Padding by the smallest integer, which a maximum pooling does by itself."""
        readers = [n for n in self.graph.nodes if node.name in n.args]
        low = int(self.graph.types[node.args[0]].elem.lo.min())
        pooled = all(isinstance(n.op, ops.MaxPool) for n in readers)
        if not pooled or op.value != low or op.before[-1] or op.after[-1]:
            raise refusal(node, "it pads by something else than zero")
        self.padded[node.name] = (*op.before[:-1], *op.after[:-1])
        return self._x(node, 0, first=True)

    def _argmax(self, node: Node) -> _Tensor:
        op, x = node.op, self._x(node, 0, first=False)
        assert isinstance(op, ops.ArgMax)
        name = self.write.op(node, "ArgMax", x.name, axis=op.axis + 1, keepdims=0)
        return _Tensor(name, False)


def _outside(shape: tuple[int, ...], first: bool) -> tuple[int, ...]:
    return (shape[-1], *shape[:-1]) if first else shape


def _images(graph: Graph) -> frozenset[str]:
    """Inputs of two or three axes that meet a window before anything that moves elements."""
    moving = (ops.MatMul, ops.Reshape, ops.Transpose, ops.Concat, ops.ArgMax)
    sources: dict[str, frozenset[str]] = {}
    found: set[str] = set()
    for node in graph.nodes:
        reached = frozenset().union(*(sources.get(a, frozenset()) for a in node.args))
        if isinstance(node.op, (ops.Conv, ops.MaxPool)):
            found |= reached
            reached = frozenset()
        if isinstance(node.op, ops.Input):
            reached = frozenset({node.name})
        sources[node.name] = frozenset() if isinstance(node.op, moving) else reached
    return frozenset(n for n in found if len(graph.types[n].shape) in (2, 3))
