"""Majority votes among gates: what a net computes of at most three others."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Final

from hwflow.verify.netlist.parts import table_of

__all__ = ["MAJORITY", "VOTES", "Cone", "joined"]

MAJORITY: Final = table_of(3, lambda a, b, c: a & b | a & c | b & c)
VOTES: Final = 3

Cone = tuple[tuple[int, ...], int]
"""Nets in ascending order, and the function of them."""


def joined(init: int, cones: Sequence[Cone | None]) -> Cone | None:
    """What a gate computes of at most three nets, None of more or of anything else."""
    known = [cone for cone in cones if cone is not None]
    nets = tuple(sorted({net for cone in known for net in cone[0]}))
    if len(known) < len(cones) or len(nets) > VOTES:
        return None
    shapes = tuple((tuple(nets.index(net) for net in of), table) for of, table in known)
    return nets, _composed(init, shapes, len(nets))


@cache
def _composed(init: int, shapes: tuple[tuple[tuple[int, ...], int], ...], inputs: int) -> int:
    table = 0
    for row in range(1 << inputs):
        address = 0
        for place, (of, inner) in enumerate(shapes):
            state = sum((row >> k & 1) << i for i, k in enumerate(of))
            address |= (inner >> state & 1) << place
        table |= (init >> address & 1) << row
    return table
