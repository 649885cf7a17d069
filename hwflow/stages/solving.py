"""The solver of a build: on all cores, its circuits kept in the store."""

from __future__ import annotations

from hwflow.flow import MEMORY, DigestCache, SourceIndex, StageContext, digest_of
from hwflow.plan.solver import CircuitStore, Solver, cores
from hwflow.tools import identity

__all__ = ["layer_solver"]

_DEPENDS = ("hwflow.plan.worker",)
_TOOLS = ("alkaid", "numpy")


def layer_solver(context: StageContext) -> Solver:
    """A solver that keeps each layer's circuit in the store: a changed layer is solved alone."""
    kept = None
    if context.store is not None:
        code = SourceIndex(DigestCache(context.store / ".digests.json")).digests(_DEPENDS)
        tools = [identity(name).digest for name in _TOOLS]
        folder = context.store / MEMORY / "circuits"
        kept = CircuitStore(folder, digest_of([code, tools]), context.scratch)
    return Solver(kept, cores(), context.scratch)
