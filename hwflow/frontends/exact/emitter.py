"""A graph builder that knows the type of each value as soon as it is made."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from hwflow.errors import HwflowError, InputError
from hwflow.ir import Graph, GraphBuilder, IntType, Overflow, Rounding, TensorType, Value, ops
from hwflow.ir.exact import IntArray, as_ints, magnitude
from hwflow.ir.types import compact

__all__ = ["Emitter", "reach", "safe_name"]

_LIMIT = 40


def safe_name(name: str, taken: set[str]) -> str:
    """`name` as an identifier that is not in `taken`, to which it is added.

    It begins with a letter, as names in design.yaml do.
    """
    stem = re.sub(r"[^A-Za-z0-9_]+", "_", name)[:_LIMIT] or "layer"
    if not stem[0].isalpha():
        stem = f"n{stem}"
    unique, count = stem, 1
    while unique in taken:
        count += 1
        unique = f"{stem}_{count}"
    taken.add(unique)
    return unique


def reach(type: TensorType) -> int:
    """The largest magnitude of the value's integers."""
    return max(magnitude(type.elem.lo), magnitude(type.elem.hi))


class Emitter:
    """Collects the nodes of one graph; `group` is the layer a node belongs to."""

    def __init__(self, name: str) -> None:
        self._builder = GraphBuilder(name)
        self._names: set[str] = set()
        self._groups: set[str] = set()
        self._types: dict[str, TensorType] = {}
        self._shifted: dict[str, tuple[Value, Any]] = {}

    def group(self, name: str) -> str:
        """A new layer, called after the network's layer `name`."""
        return safe_name(name, self._groups)

    def type(self, value: Value) -> TensorType:
        """Shape and bounds of a value."""
        return self._types[value.name]

    def input(
        self,
        name: str,
        shape: tuple[int, ...],
        type: IntType,
        rounding: Rounding,
        overflow: Overflow = Overflow.SATURATE,
    ) -> Value:
        """A graph input and its rule for real numbers."""
        value = self._builder.input(safe_name(name, self._names), shape, type, rounding, overflow)
        self._types[value.name] = TensorType(shape, type)
        return value

    def const(self, group: str, values: Any, frac: Any = 0) -> Value:
        """A constant of layer `group`."""
        return self.op(group, ops.Const(as_ints(values), compact(as_ints(frac))))

    def param(self, group: str, role: str, shape: tuple[int, ...], type: IntType) -> Value:
        """A weight of layer `group` that is loaded at run time."""
        value = self._builder.param(safe_name(f"{group}_{role}", self._names), shape, type)
        self._types[value.name] = TensorType(shape, type)
        return value

    def op(self, group: str, op: ops.Operation, *args: Value) -> Value:
        """Any operation, in layer `group`.

        Raises:
            InputError: the operation's type rule does not hold.
        """
        name = safe_name(f"{group}_{op.name}", self._names)
        try:
            self._types[name] = op.infer(tuple(self._types[a.name] for a in args))
        except HwflowError as error:
            raise InputError(error.code, f"layer {group}: {error.message}", hint=error.hint) from (
                None
            )
        except ValueError as error:
            raise InputError("graph.shape", f"layer {group}: {error}") from None
        with self._builder.layer(group):
            return self._builder.node(op, args, name)

    def requant(
        self, group: str, x: Value, type: IntType, rounding: Rounding = Rounding.HALF_EVEN
    ) -> Value:
        """x rounded and saturated into `type`."""
        return self.op(group, ops.Requant(type, rounding, Overflow.SATURATE), x)

    def aligned(self, group: str, x: Value, frac: Any) -> Value:
        """X under the binary point `frac`, nowhere coarser than its own: bits are only added."""
        elem = self.type(x).elem
        if bool((elem.frac == frac).all()):
            return x
        lo, hi = elem.aligned(frac)
        return self.requant(group, x, IntType(lo, hi, frac), Rounding.FLOOR)

    def scale(self, group: str, x: Value, amount: Any) -> Value:
        """The real value of x times 2**amount; nothing for amount 0. Shifts add up."""
        amounts = np.asarray(amount)
        if x.name in self._shifted:
            x, before = self._shifted[x.name]
            amounts = before + amounts
        if not np.any(amounts):
            return x
        value = self.op(group, ops.Shift(compact(as_ints(amounts))), x)
        self._shifted[value.name] = (x, amounts)
        return value

    def times(self, group: str, x: Value, codes: IntArray, frac: Any = 0) -> Value:
        """X times a constant; a mere shift where every code is 1."""
        if bool((codes == 1).all()):
            return self.scale(group, x, -np.asarray(frac, np.int64))
        return self.op(group, ops.Mul(), x, self.const(group, codes, frac))

    def plus(self, group: str, x: Value, codes: Any, frac: Any) -> Value:
        """X plus a constant; x itself where it is zero."""
        if not np.any(codes):
            return x
        return self.op(group, ops.Add(), x, self.const(group, codes, frac))

    def build(self, outputs: Mapping[str, Value]) -> Graph:
        """The verified graph."""
        return self._builder.build(outputs)

    def reshape(self, group: str, x: Value, shape: Sequence[int]) -> Value:
        """The same elements under another shape; x itself where it has that shape."""
        if self.type(x).shape == tuple(shape):
            return x
        return self.op(group, ops.Reshape(tuple(shape)), x)
