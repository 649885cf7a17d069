"""The passes that every lowered graph goes through, in order."""

from __future__ import annotations

from types import MappingProxyType

from hwflow.ir import Graph
from hwflow.passes.drop_identities import drop_identities
from hwflow.passes.fold_constants import fold_constants
from hwflow.passes.fold_padding import fold_padding
from hwflow.passes.merge_reshapes import merge_reshapes
from hwflow.passes.remove_dead import remove_dead
from hwflow.passes.rewrite import Pass, Rewrite

__all__ = ["PIPELINE", "optimize"]

PIPELINE: tuple[Pass, ...] = (
    remove_dead,
    fold_constants,
    drop_identities,
    merge_reshapes,
    fold_padding,
    remove_dead,
)


def optimize(graph: Graph, passes: tuple[Pass, ...] = PIPELINE) -> Rewrite:
    """Run `passes` one after the other; inputs and outputs keep their names and meaning."""
    moved: dict[str, str] = {}
    for rewrite in passes:
        result = rewrite(graph)
        graph = result.graph
        moved = {name: result.moved.get(to, to) for name, to in moved.items()}
        moved.update(result.moved)
    return Rewrite(graph, MappingProxyType(moved))
