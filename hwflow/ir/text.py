"""The readable text form of an integer graph (parsed back by `parse`)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from enum import Enum
from typing import Any

import numpy as np

from hwflow.ir.exact import IntArray
from hwflow.ir.graph import Graph, Node
from hwflow.ir.types import IntType

__all__ = ["HEADER", "print_graph"]

HEADER = "hwflow-graph 1"

ArrayPrinter = Callable[[IntArray], str]


def print_graph(graph: Graph, array: ArrayPrinter | None = None) -> str:
    """The text of `graph`: one node a line, derived types as comments.

    `array` may print arrays another way (the file format stores long ones apart).
    """
    show = array or inline_array
    lines = [f"{HEADER} {graph.name}"]
    lines += [_node(graph, node, show) for node in graph.nodes]
    lines += [f"output {name} = {value}" for name, value in graph.outputs]
    return "\n".join(lines) + "\n"


def inline_array(array: IntArray) -> str:
    """Nested lists of integers; a bare integer for a scalar."""
    return _nested(array.tolist())


def _nested(value: Any) -> str:
    if isinstance(value, list):
        return "[" + ", ".join(map(_nested, value)) + "]"
    return str(value)


def _node(graph: Graph, node: Node, show: ArrayPrinter) -> str:
    attributes = [
        f"{f.name}={_attribute(getattr(node.op, f.name), show)}"
        for f in fields(node.op)  # type: ignore[arg-type]
    ]
    layer = f" @{node.layer}" if node.layer else ""
    call = ", ".join((*node.args, *attributes))
    return f"{node.name} = {node.op.name}({call}){layer}  # {graph.types[node.name]}"


def _attribute(value: Any, show: ArrayPrinter) -> str:
    if isinstance(value, IntType):
        return f"int({show(value.lo)}, {show(value.hi)}, {show(value.frac)})"
    if isinstance(value, Enum):
        return str(value.value)
    if isinstance(value, np.ndarray):
        return show(value)
    if isinstance(value, tuple):
        return "[" + ", ".join(_attribute(v, show) for v in value) + "]"
    return str(value)
