"""The ways in which each layer can be built, with cycles and estimated cost."""

from __future__ import annotations

from collections.abc import Sequence

from hwflow.explore.constant import constant_candidates
from hwflow.explore.correction import NO_CORRECTION, Correction
from hwflow.explore.loaded import loaded_candidates
from hwflow.explore.macs import mac_candidates
from hwflow.ir.graph import Graph, Layer
from hwflow.plan.folding import Candidate
from hwflow.plan.kernel import kernel_of
from hwflow.plan.targets import Target

__all__ = ["candidates", "every_candidate", "pareto"]


def every_candidate(
    graph: Graph,
    layer: Layer,
    target: Target,
    period: float,
    correction: Correction = NO_CORRECTION,
) -> tuple[Candidate, ...]:
    """Every way to build `layer` for a clock of `period` ns, its LUTs corrected.

    Nothing is learned about weights loaded at run time, and nothing corrected.
    """
    kernel = kernel_of(graph, layer, {v: graph.types[v] for v in layer.inputs})
    if kernel.graph.params:
        return tuple(loaded_candidates(graph, layer, target, period))
    found = constant_candidates(graph, layer, kernel, target, period)
    found += mac_candidates(graph, layer, target, period)
    return tuple(correction.of(candidate) for candidate in found)


def candidates(
    graph: Graph,
    layer: Layer,
    target: Target,
    period: float,
    correction: Correction = NO_CORRECTION,
) -> tuple[Candidate, ...]:
    """Every way to build `layer` that no other beats in cycles and cost."""
    return pareto(every_candidate(graph, layer, target, period, correction))


def pareto(found: Sequence[Candidate]) -> tuple[Candidate, ...]:
    """Candidates that no other beats or equals in cycles and in every resource."""
    kept: list[Candidate] = []
    for candidate in sorted(found, key=_key):
        mine = _key(candidate)
        if not any(all(a <= b for a, b in zip(_key(k), mine, strict=True)) for k in kept):
            kept.append(candidate)
    return tuple(kept)


def _key(candidate: Candidate) -> tuple[int, ...]:
    cost = candidate.cost
    return candidate.cycles, cost.luts, cost.dsps, cost.brams, cost.ffs
