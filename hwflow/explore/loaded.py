"""Layers with weights loaded at run time: whole, or with their inputs in parts."""

from __future__ import annotations

from hwflow.errors import InputError
from hwflow.ir.graph import Graph, Layer
from hwflow.plan.folding import Candidate, Folding
from hwflow.plan.layer import plan_layer
from hwflow.plan.serial import plan_serial
from hwflow.plan.targets import Target

__all__ = ["loaded_candidate", "loaded_candidates"]


def loaded_candidates(graph: Graph, layer: Layer, target: Target, period: float) -> list[Candidate]:
    """Whole, and in every number of parts that makes them narrower."""
    found = [loaded_candidate(graph, layer, Folding(), target, period)]
    width = max(graph.types[v].elem.max_width() for v in layer.inputs)
    for digits in sorted({-(-width // bits) for bits in range(1, width)}):
        try:
            found.append(loaded_candidate(graph, layer, Folding(digits=digits), target, period))
        except InputError:
            break
    return found


def loaded_candidate(
    graph: Graph, layer: Layer, folding: Folding, target: Target, period: float
) -> Candidate:
    """`layer` planned with `folding`.

    Raises:
        InputError: "plan.fold": the layer cannot be folded so.
    """
    types = {v: graph.types[v] for v in layer.inputs}
    if folding.digits > 1:
        plan = plan_serial(graph, layer, types, folding, period, target.delay)
        return Candidate(layer.name, folding, plan.steps, plan.cost)
    whole = plan_layer(graph, layer, types, folding, period, target.delay, 0.0)
    return Candidate(layer.name, folding, 1, whole.cost)
