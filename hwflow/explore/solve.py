"""Choosing one candidate for each layer: a mixed-integer program, solved exactly by HiGHS."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from operator import add

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_array

from hwflow.errors import InputError
from hwflow.explore.candidates import candidates
from hwflow.ir.graph import Graph
from hwflow.plan.folding import Candidate, Cost, Folding
from hwflow.plan.targets import Target, larger_targets

__all__ = ["Budget", "Choice", "curve", "faster", "options_of", "smallest"]

_RESOURCES = ("luts", "ffs", "dsps", "brams")
_NAMES = {"luts": "LUTs", "ffs": "flip-flops", "dsps": "DSPs", "brams": "block RAMs"}
_SIDE_COST = 0.05
"""Weight of DSPs and block RAMs beside LUTs: free while the device has them, but not wasted."""
_POINTS = 24


@dataclass(frozen=True, slots=True)
class Budget:
    """Most that the design may take of each resource; None: no limit."""

    luts: int | None = None
    ffs: int | None = None
    dsps: int | None = None
    brams: int | None = None

    @classmethod
    def of(cls, target: Target) -> Budget:
        """All that a device has."""
        have = target.resources
        return cls(have.lut, have.ff, have.dsp, have.bram) if have else cls()

    def within(self, other: Budget) -> Budget:
        """The tighter of two budgets, resource by resource."""
        pairs = {n: (getattr(self, n), getattr(other, n)) for n in _RESOURCES}
        return Budget(
            **{n: min((v for v in p if v is not None), default=None) for n, p in pairs.items()}
        )


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


Options = tuple[tuple[Candidate, ...], ...]


def options_of(graph: Graph, target: Target, fixed: Mapping[str, Folding]) -> Options:
    """The candidates of every layer; a layer in `fixed` has its folding's only.

    Raises:
        InputError: "plan.fold": a fixed folding is none of its layer's.
    """
    result = []
    for layer in graph.layers():
        found = candidates(graph, layer, target)
        if layer.name in fixed:
            given = fixed[layer.name]
            same = [c for c in found if _shape(c.folding) == _shape(given)]
            cost = same[0] if same else min(found, key=lambda c: c.cost.luts)
            found = (replace(cost, folding=given),)
        result.append(found)
    return tuple(result)


def _shape(folding: Folding) -> tuple[object, ...]:
    return folding.pe, folding.simd, folding.pos, folding.multiplier


def smallest(options: Options, interval: int, budget: Budget, target: Target) -> Choice:
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
        raise _nothing_fits(options, interval, budget, target)
    return choice


def faster(options: Options, budget: Budget, target: Target) -> Choice:
    """The choice of the shortest interval that fits `budget`, the cheapest of those.

    Raises:
        InputError: "plan.budget": nothing fits.
    """
    intervals = sorted({c.cycles for layer in options for c in layer})
    low, high = 0, len(intervals) - 1
    if _solved(options, intervals[-1], budget, target) is None:
        raise _nothing_fits(options, intervals[-1], budget, target)
    while low < high:
        middle = (low + high) // 2
        if _solved(options, intervals[middle], budget, target) is None:
            low = middle + 1
        else:
            high = middle
    found = _solved(options, intervals[high], budget, target)
    assert found is not None
    return found


def curve(options: Options, target: Target) -> tuple[Choice, ...]:
    """Whole-design choices from fast to small, none beaten by another in interval and LUTs."""
    floor = max(min(c.cycles for c in layer) for layer in options)
    intervals = sorted({c.cycles for layer in options for c in layer if c.cycles >= floor})
    picks = np.unique(np.geomspace(1, len(intervals), _POINTS).astype(int) - 1)
    points: list[Choice] = []
    side = replace(Budget.of(target), luts=None, ffs=None)
    for index in picks:
        found = _solved(options, intervals[int(index)], side, target)
        if found is not None and (not points or found.cost.luts < points[-1].cost.luts):
            points.append(found)
    return tuple(points)


def _solved(options: Options, interval: int, budget: Budget, target: Target) -> Choice | None:
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
    for name in _RESOURCES:
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
    have = target.resources
    if have is None:
        return float(cost.luts)
    side = sum(n / max(1, h) for n, h in ((cost.dsps, have.dsp), (cost.brams, have.bram)))
    return cost.luts / have.lut + _SIDE_COST * side


def _nothing_fits(
    options: Sequence[Sequence[Candidate]], interval: int, budget: Budget, target: Target
) -> InputError:
    """By how much the smallest design misses, which layer costs most, what would help."""
    for name in _RESOURCES:
        most = getattr(budget, name)
        if most is None:
            continue
        least = [
            min((c for c in layer if c.cycles <= interval), key=lambda c: getattr(c.cost, name))
            for layer in options
        ]
        need = sum(getattr(c.cost, name) for c in least)
        if need > most:
            worst = max(least, key=lambda c: getattr(c.cost, name))
            bigger = [t.name for t in larger_targets(target)]
            ways = [f"raise the budget to {need}", "fewer weights or bits"]
            if bigger:
                ways.append(f"hardware.target: {bigger[0]}")
            return InputError(
                "plan.budget",
                f"nothing fits {most} {_NAMES[name]}: at least about {need} are needed "
                f"({need - most} more); layer {worst.layer} takes most "
                f"({getattr(worst.cost, name)})",
                hint="what would help: " + "; ".join(ways),
            )
    return InputError(
        "plan.budget",
        "no foldings fit all the budgets at once",
        hint="raise one of the budgets, or target_ii",
    )
