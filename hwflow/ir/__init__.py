"""The integer graph: what every other representation is checked against, bit for bit."""

from __future__ import annotations

from hwflow.ir.builder import GraphBuilder, Value
from hwflow.ir.graph import Graph, Layer, Node, verify
from hwflow.ir.hwf import digest, load_graph, save_graph
from hwflow.ir.interp import evaluate
from hwflow.ir.params import checked_params
from hwflow.ir.parse import parse_graph
from hwflow.ir.text import print_graph
from hwflow.ir.types import IntType, Overflow, Rounding, TensorType

__all__ = [
    "Graph", "GraphBuilder", "IntType", "Layer", "Node", "Overflow", "Rounding", "TensorType",
    "Value", "checked_params", "digest", "evaluate", "load_graph", "parse_graph", "print_graph",
    "save_graph", "verify",
]  # fmt: skip
