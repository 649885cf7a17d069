"""Graph to graph: small rewrites that keep every output's integers, and views of a graph."""

from __future__ import annotations

from hwflow.passes.layer_graph import layer_graph
from hwflow.passes.layer_widths import LayerWidths, layer_widths
from hwflow.passes.number_values import number_values
from hwflow.passes.pipeline import PIPELINE, optimize
from hwflow.passes.rewrite import Pass, Rewrite

__all__ = [
    "PIPELINE", "LayerWidths", "Pass", "Rewrite", "layer_graph", "layer_widths", "number_values",
    "optimize",
]  # fmt: skip
