"""The layer list under construction: names, types, and what joins the layer before it."""

from __future__ import annotations

import re
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from hwflow.backends.hls4ml.project import HlsLayer, Reals
from hwflow.backends.hls4ml.types import ApType, tensor_type, uniform_type
from hwflow.errors import InputError
from hwflow.ir import Graph, IntType, Node, TensorType
from hwflow.ir.exact import magnitude
from hwflow.ir.ops import Const, Requant

__all__ = ["EXACT_BITS", "Context", "refusal", "shape_of"]

EXACT_BITS = 53
"""A double holds integers of that many bits; hls4ml takes its weights and vectors as doubles."""


def refusal(node: Node, why: str, hint: str) -> InputError:
    """The error for an operation that hls4ml cannot express."""
    where = f"layer {node.layer or '-'}, {node.name} ({node.op.name})"
    return InputError("hls4ml.layer", f"{where}: {why}", hint=hint)


def shape_of(tensor: TensorType) -> list[int]:
    """A tensor's shape as hls4ml knows it, which has no scalars."""
    return list(tensor.shape) or [1]


class Context:
    """The layers emitted so far."""

    def __init__(self, graph: Graph, stream: bool) -> None:
        self.graph, self.stream = graph, stream
        self.layers: list[HlsLayer] = []
        self.types: dict[str, ApType] = {}
        self.names: dict[str, str] = {}
        self.taken: set[str] = set()
        """Nodes that an earlier layer computes along with its own."""
        self._users: dict[str, list[Node]] = {}
        for node in graph.nodes:
            for value in node.args:
                self._users.setdefault(value, []).append(node)
        self._nodes = {node.name: node for node in graph.nodes}
        self._outputs = {value for _, value in graph.outputs}

    def node(self, value: str) -> Node:
        """The node that makes `value`."""
        return self._nodes[value]

    def tensor(self, value: str) -> TensorType:
        """The graph's type of `value`."""
        return self.graph.types[value]

    def only_user(self, value: str) -> Node | None:
        """The node that alone uses `value`; None if it is an output, or has other users."""
        users = self._users.get(value, [])
        return users[0] if len(users) == 1 and value not in self._outputs else None

    def unused(self, value: str) -> bool:
        """Whether no node uses `value`."""
        return value not in self._users

    def alias(self, node: Node, value: str) -> None:
        """`node` computes what is there as `value`: no layer, which hls4ml would remove again."""
        self.names[node.name], self.types[node.name] = self.names[value], self.types[value]

    def constant(self, value: str) -> Const | None:
        """The constant that `value` is, if it is one."""
        op = self._nodes[value].op
        return op if isinstance(op, Const) else None

    def reals(self, node: Node, op: Const) -> tuple[Reals, ApType]:
        """A constant's real numbers, exact, and a type that holds them.

        Raises:
            InputError: "hls4ml.layer": a number of more bits than a double holds.
        """
        elem = IntType(op.values, op.values, op.frac)
        kind = tensor_type(TensorType(op.values.shape, elem))
        if magnitude(op.values).bit_length() > EXACT_BITS or kind.width > EXACT_BITS:
            raise refusal(
                node,
                f"its constant needs {kind.width} bits, hls4ml reads weights as doubles",
                f"use weights of at most {EXACT_BITS} bits, or backend: amaranth",
            )
        real = np.ldexp(op.values.astype(np.float64), -op.frac.astype(np.int64))
        return np.asarray(real), kind

    def emit(
        self,
        node: Node,
        kind: str,
        inputs: tuple[str, ...],
        attributes: Mapping[str, object] | None = None,
        arrays: Mapping[str, npt.NDArray[np.generic]] | None = None,
        types: Mapping[str, ApType] | None = None,
        result: ApType | None = None,
        casts: bool = True,
    ) -> None:
        """Add the layer that makes `node`'s value out of graph values.

        Where the value's only user is a requantization that one type expresses, and `casts` says
        that this layer's result is assigned to any type, it becomes this layer's.
        """
        made = result or tensor_type(self.tensor(node.name))
        if casts:
            user = self.only_user(node.name)
            if user is not None and isinstance(user.op, Requant):
                joined = uniform_type(user.op, self.tensor(node.name))
                if joined is not None:
                    self.taken.add(user.name)
                    node, made = user, joined
        operands = tuple(self.names[value] for value in inputs)
        self.add(node.name, kind, operands, attributes, arrays, types, made)

    def add(
        self,
        value: str,
        kind: str,
        operands: tuple[str, ...],
        attributes: Mapping[str, object] | None,
        arrays: Mapping[str, npt.NDArray[np.generic]] | None,
        types: Mapping[str, ApType] | None,
        made: ApType,
    ) -> str:
        """Add one layer as it is; `operands` are layer names. Returns its name."""
        name = f"l{len(self.layers)}_{re.sub('[^a-z0-9]', '_', value.lower())[:40]}"
        self.layers.append(
            HlsLayer(kind, name, value, made, operands, attributes or {}, arrays or {}, types or {})
        )
        self.names[value], self.types[value] = name, made
        return name
