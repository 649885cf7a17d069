"""The integer graph: named operations in topological order, with their derived types."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from hwflow.errors import HwflowError, InputError
from hwflow.ir.ops import Const, Conv, Input, MatMul, Operation, Param
from hwflow.ir.types import MAX_ELEMENTS, TensorType

__all__ = ["Graph", "Layer", "Node", "verify"]

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,62}\Z")


@dataclass(frozen=True, slots=True)
class Node:
    """One value: its name, the operation that makes it, the operands' names, its layer."""

    name: str
    op: Operation
    args: tuple[str, ...] = ()
    layer: str = ""


@dataclass(frozen=True, slots=True)
class Layer:
    """The nodes of one layer and the values that cross its border."""

    name: str
    nodes: tuple[Node, ...]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Graph:
    """A verified integer graph.

    `outputs` are (output name, value name) pairs. `types` maps every value to its shape and
    bounds, found by interval analysis at construction.

    Raises:
        InputError: the graph breaks a rule of `verify` ("graph.name", "graph.order",
            "graph.shape", "graph.type", "graph.layer", "graph.output").
    """

    name: str
    nodes: tuple[Node, ...]
    outputs: tuple[tuple[str, str], ...]
    types: Mapping[str, TensorType] = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "types", MappingProxyType(_infer(self)))
        verify(self)

    def node(self, name: str) -> Node:
        """The node that makes value `name`."""
        for node in self.nodes:
            if node.name == name:
                return node
        raise KeyError(name)

    @property
    def inputs(self) -> tuple[Node, ...]:
        """The input nodes, in order."""
        return tuple(n for n in self.nodes if isinstance(n.op, Input))

    @property
    def params(self) -> tuple[Node, ...]:
        """The weights loaded at run time, in order."""
        return tuple(n for n in self.nodes if isinstance(n.op, Param))

    def layers(self) -> tuple[Layer, ...]:
        """The layers in an order in which each needs only earlier ones."""
        members: dict[str, list[Node]] = {}
        for node in self.nodes:
            if not _is_source(node.op):
                members.setdefault(node.layer, []).append(node)
        home = {n.name: n.layer for nodes in members.values() for n in nodes}
        sources = {n.name for n in self.nodes if isinstance(n.op, (Const, Param))}
        used_outside = {value for _, value in self.outputs}
        for node in self.nodes:
            used_outside.update(a for a in node.args if home.get(a) not in (None, node.layer))
        layers = {
            name: Layer(
                name,
                tuple(nodes),
                _unique(
                    a for n in nodes for a in n.args if home.get(a) != name and a not in sources
                ),
                tuple(n.name for n in nodes if n.name in used_outside),
            )
            for name, nodes in members.items()
        }
        return _ordered(layers, home)


def _is_source(op: Operation) -> bool:
    return isinstance(op, (Input, Const, Param))


def _unique(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))


def _ordered(layers: dict[str, Layer], home: dict[str, str]) -> tuple[Layer, ...]:
    needs = {
        name: {home[value] for value in layer.inputs if value in home}
        for name, layer in layers.items()
    }
    done: list[Layer] = []
    while len(done) < len(layers):
        ready = [n for n in layers if layers[n] not in done and not needs[n]]
        if not ready:
            stuck = ", ".join(sorted(n for n in layers if layers[n] not in done))
            raise InputError(
                "graph.layer",
                f"layers {stuck} need each other's results",
                hint="give the operations between them a layer of their own",
            )
        for name in ready:
            done.append(layers[name])
            for rest in needs.values():
                rest.discard(name)
    return tuple(done)


def _infer(graph: Graph) -> dict[str, TensorType]:
    types: dict[str, TensorType] = {}
    for node in graph.nodes:
        if node.name in types:
            raise InputError("graph.name", f"two values are called {node.name!r}")
        if node.op.arity is not None and len(node.args) != node.op.arity:
            raise InputError(
                "graph.type",
                f"{node.name}: {node.op.name} takes {node.op.arity} operands, "
                f"found {len(node.args)}",
            )
        missing = [a for a in node.args if a not in types]
        if missing:
            raise InputError(
                "graph.order", f"{node.name} uses {missing[0]!r}, which no earlier node makes"
            )
        try:
            types[node.name] = node.op.infer(tuple(types[a] for a in node.args))
        except HwflowError as error:
            where = f"{node.name} (layer {node.layer or '-'})"
            raise InputError(error.code, f"{where}: {error.message}", hint=error.hint) from None
        except ValueError as error:
            raise InputError(
                "graph.shape", f"{node.name} (layer {node.layer or '-'}): {error}"
            ) from None
        if types[node.name].size > MAX_ELEMENTS:
            raise InputError(
                "graph.shape", f"{node.name} has {types[node.name].size} elements, over the limit"
            )
    return types


def verify(graph: Graph) -> None:
    """Check what the type rules do not: names, outputs, inputs, layers.

    Raises:
        InputError: "graph.name", "graph.output", "graph.shape" or "graph.layer".
    """
    for name in (graph.name, *(n.name for n in graph.nodes), *(o for o, _ in graph.outputs)):
        if not NAME.match(name):
            raise InputError(
                "graph.name",
                f"{name!r} is not a name",
                hint="letters, digits and _, not starting with a digit, at most 63",
            )
    fixed = {n.name for n in graph.nodes if isinstance(n.op, (Const, Param))}
    for node in graph.nodes:
        if isinstance(node.op, (MatMul, Conv)) and node.args[1] not in fixed:
            raise InputError(
                "graph.type",
                f"{node.name}: the weights of {node.op.name} must be a const or param",
                hint="dot multiplies two live operands",
            )
        if node.layer and not NAME.match(node.layer):
            raise InputError("graph.name", f"{node.layer!r} is not a layer name")
        if not node.layer and not _is_source(node.op):
            raise InputError("graph.layer", f"{node.name} belongs to no layer")
        if 0 in graph.types[node.name].shape:
            raise InputError("graph.shape", f"{node.name} has no elements")
    if not graph.outputs or not graph.inputs:
        raise InputError("graph.output", "a graph needs at least one input and one output")
    if len({o for o, _ in graph.outputs}) != len(graph.outputs):
        raise InputError("graph.output", "two outputs share a name")
    for output, value in graph.outputs:
        if value not in graph.types:
            raise InputError("graph.output", f"output {output!r} names no value: {value!r}")
    graph.layers()
