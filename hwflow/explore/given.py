"""The candidate that a folding given by hand stands for."""

from __future__ import annotations

from collections.abc import Sequence

from hwflow.explore.loaded import loaded_candidate
from hwflow.ir.graph import Graph, Layer
from hwflow.plan.folded import plan_folded
from hwflow.plan.folding import Candidate, Folding
from hwflow.plan.kernel import kernel_of
from hwflow.plan.layer import check_folding
from hwflow.plan.targets import Target

__all__ = ["given_candidate"]


def given_candidate(
    graph: Graph,
    layer: Layer,
    given: Folding,
    found: Sequence[Candidate],
    target: Target,
    period: float,
) -> Candidate:
    """The one of `found` that `given` means, or the layer planned as `given` asks.

    Raises:
        InputError: "plan.fold": the layer cannot be folded so.
    """
    types = {v: graph.types[v] for v in layer.inputs}
    if not given.folded:
        kernel = kernel_of(graph, layer, types)
        check_folding(layer, kernel, given)
        if kernel.graph.params or given.digits > 1:
            return loaded_candidate(graph, layer, given, target, period)
        cost = next(c for c in found if not c.folding.folded and c.folding.pos == given.pos)
        return Candidate(layer.name, given, cost.cycles, cost.cost)
    plan = plan_folded(graph, layer, types, given, period, target)
    meant = (plan.folding.pe, plan.folding.simd, plan.folding.multiplier)
    for candidate in found:
        folding = candidate.folding
        if folding.folded and (folding.pe, folding.simd, folding.multiplier) == meant:
            return Candidate(layer.name, given, candidate.cycles, candidate.cost)
    return Candidate(layer.name, given, max(plan.cycles, plan.raster.words), plan.cost)
