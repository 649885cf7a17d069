"""Choosing one candidate for each layer: a mixed-integer program, solved by HiGHS."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import reduce
from operator import add

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_array

from hwflow.errors import InputError
from hwflow.explore.budget import RESOURCES, Budget, nothing_fits
from hwflow.explore.candidates import every_candidate, pareto
from hwflow.explore.correction import NO_CORRECTION, Correction
from hwflow.explore.given import given_candidate
from hwflow.ir.graph import Graph
from hwflow.plan.folding import Candidate, Cost, Folding
from hwflow.plan.targets import Target

__all__ = ["Candidates", "Choice", "curve", "faster", "options_of", "smallest"]

_SIDE_COST = 0.05
"""Weight of flip-flops, DSPs and block RAMs beside LUTs: nearly free, but not wasted."""
_STEP, _LESS = 1.15, 0.99
"""Points of a curve are these factors in interval and in LUTs apart at least."""

Candidates = tuple[tuple[Candidate, ...], ...]
"""The candidates of every layer, in order."""


@dataclass(frozen=True, slots=True)
class Choice:
    """One candidate a layer; `interval` is that of the slowest."""

    picked: tuple[Candidate, ...]

    @property
    def interval(self) -> int:
        """Clocks between tensors, by the slowest layer."""
        return max(c.cycles for c in self.picked)

    @property
    def cost(self) -> Cost:
        """Estimated sum over the layers."""
        return reduce(add, (c.cost for c in self.picked), Cost())

    @property
    def fold(self) -> dict[str, Folding]:
        """Foldings by layer, fully parallel ones left out."""
        return {c.layer: c.folding for c in self.picked if c.folding != Folding()}


def options_of(
    graph: Graph,
    target: Target,
    fixed: Mapping[str, Folding],
    period: float,
    correction: Correction = NO_CORRECTION,
) -> Candidates:
    """The candidates of every layer for a clock of `period` ns; a layer in `fixed` has that one.

    Raises:
        InputError: "plan.fold": a fixed folding is none of its layer's.
    """
    result: list[tuple[Candidate, ...]] = []
    for layer in graph.layers():
        found = every_candidate(graph, layer, target, period, correction)
        if layer.name in fixed:
            given = given_candidate(graph, layer, fixed[layer.name], found, target, period)
            result.append((given,))
        else:
            result.append(pareto(found))
    return tuple(result)


def smallest(options: Candidates, interval: int, budget: Budget, target: Target) -> Choice:
    """The cheapest choice whose layers take at most `interval` clocks, within `budget`.

    Raises:
        InputError: "plan.interval": a layer cannot be that quick; "plan.budget": nothing fits.
    """
    for layer in options:
        quickest = min(c.cycles for c in layer)
        if quickest > interval:
            raise InputError(
                "plan.interval",
                f"layer {layer[0].layer} takes {quickest} clocks at its fastest, "
                f"hardware.fold.target_ii asks for {interval}",
                hint=f"set target_ii to {quickest} or more",
            )
    choice = _solved(options, interval, budget, target)
    if choice is None:
        slower = _fastest(options, budget, target)
        found = slower.interval if slower is not None else None
        raise nothing_fits(options, interval, budget, target, found)
    return choice


def faster(options: Candidates, budget: Budget, target: Target) -> Choice:
    """The choice of the shortest interval that fits `budget`, the cheapest of those.

    Raises:
        InputError: "plan.budget": nothing fits.
    """
    choice = _fastest(options, budget, target)
    if choice is None:
        slowest = max(c.cycles for layer in options for c in layer)
        raise nothing_fits(options, slowest, budget, target, None)
    return choice


def _fastest(options: Candidates, budget: Budget, target: Target) -> Choice | None:
    intervals = sorted({c.cycles for layer in options for c in layer})
    found = _solved(options, intervals[-1], budget, target)
    if found is None:
        return None
    low, high = 0, len(intervals) - 1
    while low < high:
        middle = (low + high) // 2
        quicker = _solved(options, intervals[middle], budget, target)
        if quicker is None:
            low = middle + 1
        else:
            high, found = middle, quicker
    return found


def curve(options: Candidates, target: Target) -> tuple[Choice, ...]:
    """Whole-design choices from fast to small, none beaten by another in interval and LUTs.

    DSPs and block RAMs stay within the device; LUTs may not, to show what more would give.
    """
    points: list[Choice] = []
    side = replace(Budget.of(target), luts=None, ffs=None)
    for interval in _spaced(options):
        found = _solved(options, interval, side, target)
        if found is not None and (not points or found.cost.luts < points[-1].cost.luts * _LESS):
            points.append(found)
    return tuple(points)


def _spaced(options: Candidates) -> list[int]:
    """Intervals that the design can have, each a step above the one before, and the longest."""
    floor = max(min(c.cycles for c in layer) for layer in options)
    every = sorted({c.cycles for layer in options for c in layer if c.cycles >= floor})
    spaced = every[:1]
    for interval in every[1:]:
        if interval >= spaced[-1] * _STEP or interval == every[-1]:
            spaced.append(interval)
    return spaced


def _solved(options: Candidates, interval: int, budget: Budget, target: Target) -> Choice | None:
    """The program: one candidate a layer, cycles within `interval`, sums within `budget`."""
    usable = [[c for c in layer if c.cycles <= interval] for layer in options]
    if not all(usable):
        return None
    flat = [(i, c) for i, layer in enumerate(usable) for c in layer]
    one = csr_array(
        (np.ones(len(flat)), ([i for i, _ in flat], range(len(flat)))),
        shape=(len(options), len(flat)),
    )
    constraints = [LinearConstraint(one, 1, 1)]
    for name in RESOURCES:
        most = getattr(budget, name)
        if most is not None:
            row = np.array([[getattr(c.cost, name) for _, c in flat]])
            constraints.append(LinearConstraint(row, -np.inf, most))
    price = np.array([_price(c.cost, target) for _, c in flat])
    result = milp(
        price, constraints=constraints, integrality=np.ones(len(flat)), bounds=Bounds(0, 1)
    )
    if result.x is None:
        return None
    return Choice(tuple(c for (_, c), x in zip(flat, result.x, strict=True) if x > 0.5))


def _price(cost: Cost, target: Target) -> float:
    """Percent of the device's LUTs; of a fabric without a size, plain LUTs."""
    have = target.resources
    if have is None:
        return cost.luts + _SIDE_COST * cost.ffs
    used = ((cost.ffs, have.ff), (cost.dsps, have.dsp), (cost.brams, have.bram))
    side = sum(n / max(1, h) for n, h in used)
    return 100 * (cost.luts / have.lut + _SIDE_COST * side)
