"""FIFOs between layers: as short as they can be."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from hwflow.errors import InternalError
from hwflow.plan.connect import Dataflow
from hwflow.plan.dataflow import Fifo, Stage

__all__ = ["sized"]

_ROOMY = 64
"""Tensors in a FIFO that is not yet sized."""


def sized(
    flow: Dataflow, measured: Callable[[Sequence[Stage]], tuple[int, int]]
) -> tuple[Dataflow, tuple[int, int]]:
    """FIFOs as short as they can be without costing a cycle of interval or latency.

    `measured` gives (latency, interval) of stages. Returns the dataflow and what it measures.
    """
    stages = list(_roomy(flow.stages))
    best = measured(stages)
    for index, fifo in enumerate(stages):
        if not isinstance(fifo, Fifo):
            continue
        # None at all comes first: a wire is faster than a FIFO too short to take a beat a clock.
        low, high, middle = 1, fifo.depth, 0
        while low < high:
            stages[index] = replace(fifo, depth=middle)
            found = _measured(stages, measured)
            if found is not None and found[0] <= best[0] and found[1] <= best[1]:
                low, high, best = min(low, middle), middle, found
                middle = (low + high) // 2
            else:
                low = max(low, middle + 1)
                middle = min(2 * low, (low + high) // 2)
        stages[index] = replace(fifo, depth=high)
    return replace(flow, stages=tuple(_without_empty(stages))), best


def _measured(
    stages: Sequence[Stage], measured: Callable[[Sequence[Stage]], tuple[int, int]]
) -> tuple[int, int] | None:
    try:
        return measured(_without_empty(stages))
    except InternalError:
        return None


def _roomy(stages: Sequence[Stage]) -> Sequence[Stage]:
    """More in each FIFO than any branch is ahead by: pipelines can hold some tensors."""
    return [replace(s, depth=_ROOMY * s.stream.beats) if isinstance(s, Fifo) else s for s in stages]


def _without_empty(stages: Sequence[Stage]) -> list[Stage]:
    """FIFOs of depth 0 are wires: their reader reads what they would."""
    gone = {s.writes[0]: s.reads[0] for s in stages if isinstance(s, Fifo) and s.depth == 0}
    kept = [s for s in stages if not (isinstance(s, Fifo) and s.depth == 0)]
    return [
        replace(s, reads=tuple(gone.get(link, link) for link in s.reads))
        if any(link in gone for link in s.reads)
        else s
        for s in kept
    ]
