"""From what the user asks for to a plan that keeps it: solve, plan exactly, solve again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from hwflow.errors import InputError
from hwflow.explore.budget import NAMES, RESOURCES, Budget
from hwflow.explore.correction import NO_CORRECTION, Correction
from hwflow.explore.solve import Candidates, Choice, faster, options_of, smallest
from hwflow.ir.graph import Graph
from hwflow.plan import plan as planning
from hwflow.plan.checks import check_dsps, check_fold
from hwflow.plan.folded import FoldedPlan
from hwflow.plan.folding import Candidate, Cost, Folding
from hwflow.plan.loading import loader_cost
from hwflow.plan.solver import Solver
from hwflow.plan.store import store_of

__all__ = ["Goal", "Solved", "choose"]

_TRIES = 4
_SAFER = 0.98


@dataclass(frozen=True, slots=True)
class Goal:
    """At most `interval` clocks (None: as few as fit) within `budget`."""

    interval: int | None
    budget: Budget


@dataclass(frozen=True, slots=True, eq=False)
class Solved:
    """The plan of the foldings chosen; `estimate` is what the solver had added up for them."""

    plan: planning.Plan
    choice: Choice
    estimate: Cost
    correction: Correction


def choose(
    graph: Graph,
    options: planning.Options,
    goal: Goal,
    correction: Correction = NO_CORRECTION,
    progress: Callable[[float, str], None] = lambda _fraction, _text: None,
    solver: Solver | None = None,
) -> Solved:
    """Choose foldings for every layer without one in `options`, and plan them.

    Candidates are estimates: if the exact plan takes more clocks (converters between layers) or
    more of the device than they promised, the choice is made again with that much less. `solver`
    gives the circuits of layers.

    Raises:
        InputError: as `smallest`, `faster` and `make_plan`; "plan.interval" or "plan.budget" if no
            choice found keeps the goal once planned.
    """
    check_fold(graph, options.fold, options.interface)
    check_dsps(options.fold, options.target)
    period = float(1_000_000_000 / options.clock_hz)
    progress(0.0, "choosing foldings")
    ways = options_of(graph, options.target, options.fold, period, correction)
    if store := store_of(graph):
        loader = loader_cost(store, 3 if options.protect == "tmr" else 1)
        ways += ((Candidate("loader", Folding(), 1, loader),),)
    choice = _pick(ways, goal, options)
    solver = solver or Solver()
    asked, missed = goal, None
    for _ in range(_TRIES):
        folded = replace(options, fold=choice.fold)
        plan = planning.make_plan(graph, folded, progress=progress, solver=solver)
        taken = _taken(plan, correction)
        missed = _missed(goal, plan, taken)
        if missed is None:
            return Solved(plan, choice, choice.cost, correction)
        asked = _tighter(asked, goal, plan.interface.initiation_interval, taken)
        try:
            choice = _pick(ways, asked, options)
        except InputError:
            break
    assert missed is not None
    raise missed


def _pick(ways: Candidates, goal: Goal, options: planning.Options) -> Choice:
    if goal.interval is not None:
        return smallest(ways, goal.interval, goal.budget, options.target)
    return faster(ways, goal.budget, options.target)


def _taken(plan: planning.Plan, correction: Correction) -> Cost:
    """The plan's exact estimate, corrected like the candidates; the weight loader's, too."""
    total = plan.loader_cost
    for layer in plan.layers:
        loaded = not isinstance(layer, FoldedPlan) and layer.weights
        total += layer.cost if loaded else correction.of_cost(layer.folding, layer.cost)
    return total


def _missed(goal: Goal, plan: planning.Plan, taken: Cost) -> InputError | None:
    """What the exact plan does not keep, None if it keeps everything."""
    found = plan.interface.initiation_interval
    if goal.interval is not None and found > goal.interval:
        return InputError(
            "plan.interval",
            f"converters between layers make {found} clocks of the {goal.interval} asked for",
            hint=f"set target_ii to {found} or more, or give one layer's folding by hand",
        )
    if goal.budget.holds(taken):
        return None
    over = [
        f"{getattr(taken, n)} {NAMES[n]} of {getattr(goal.budget, n)}"
        for n in RESOURCES
        if (most := getattr(goal.budget, n)) is not None and getattr(taken, n) > most
    ]
    return InputError(
        "plan.budget",
        f"planned exactly, the foldings that should have fitted take {', '.join(over)}",
        hint="raise the budget or target_ii a little",
    )


def _tighter(asked: Goal, goal: Goal, found: int, taken: Cost) -> Goal:
    interval = asked.interval
    if interval is not None and goal.interval is not None and found > goal.interval:
        interval = max(1, min(interval - 1, interval * goal.interval // found))
    limits = {}
    for name in RESOURCES:
        most, before = getattr(goal.budget, name), getattr(asked.budget, name)
        used = getattr(taken, name)
        over = most is not None and used > most
        limits[name] = int(before * most / used * _SAFER) if over else before
    return Goal(interval, Budget(**limits))
