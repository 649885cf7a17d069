"""Stage plan: foldings, adder graphs, pipeline and predicted cost."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hwflow.config import BudgetConfig, DesignConfig
from hwflow.errors import InputError
from hwflow.explore.budget import MARGIN, RESOURCES, Budget
from hwflow.explore.choose import Goal, Solved, choose
from hwflow.explore.correction import NO_CORRECTION, Correction
from hwflow.flow import StageContext
from hwflow.ir import load_graph
from hwflow.plan.archive import dump_circuits, dump_foldings
from hwflow.plan.layer import LayerPlan
from hwflow.plan.plan import make_plan
from hwflow.plan.record import plan_record
from hwflow.plan.targets import Target, target
from hwflow.stages.files import write_json
from hwflow.stages.history import learned_from
from hwflow.stages.planned import FOLDINGS, plan_options
from hwflow.stages.solving import layer_solver

__all__ = ["run", "solver_correction", "solver_goal"]

_KEYS = {
    "plan.clock": "hardware.clock",
    "plan.fork": "hardware.fold.pos",
    "plan.budget": "hardware.fold.budget",
    "plan.interface": "hardware.interface",
    "plan.interval": "hardware.fold.target_ii",
    "plan.too-large": "hardware.target",
}
"""The key of design.yaml that each refusal is about."""


def run(config: DesignConfig, context: StageContext) -> None:
    """Plan the graph for the target; refuses what cannot fit."""
    graph = load_graph(context.inputs["lower"] / "graph.hwf")
    solved, solver = None, layer_solver(context)
    try:
        options = plan_options(config)
        if config.hardware.fold.solved:
            goal = solver_goal(config, options.target)
            correction = solver_correction(config, context.store)
            solved = choose(graph, options, goal, correction, context.progress, solver)
            plan = solved.plan
        else:
            plan = make_plan(graph, options, progress=context.progress, solver=solver)
    except InputError as error:
        if error.place is None and error.code in _KEYS:
            error.place = config.place(_KEYS[error.code])
        raise
    if config.hardware.board and plan.interface.store:
        raise InputError(
            "board.weights",
            f"the UART of {config.hardware.board} has no way to load weights at run time",
            hint="remove hardware.board, or use hardware.weights: constant",
            place=config.place("hardware.board"),
        )
    circuits = {layer.name: layer.circuit for layer in plan.layers if isinstance(layer, LayerPlan)}
    (context.out / "circuits.json").write_text(dump_circuits(circuits), encoding="utf-8")
    (context.out / FOLDINGS).write_text(dump_foldings(plan.options.fold), encoding="utf-8")
    chosen = {"solver": _solver_record(config, solved)} if solved else {}
    write_json(context.out / "plan.json", {**plan_record(plan), **chosen})


def solver_goal(config: DesignConfig, device: Target) -> Goal:
    """What `hardware.fold` asks for; never more than the device has."""
    fold = config.hardware.fold
    asked = fold.budget or BudgetConfig()
    room = Budget.of(device, MARGIN if asked.device else 1.0)
    budget = Budget(asked.lut, asked.ff, asked.dsp, asked.bram).within(room)
    return Goal(fold.target_ii if fold.target_ii > 1 else None, budget)


def solver_correction(config: DesignConfig, store: Path | None) -> Correction:
    """What earlier syntheses teach, unless `hardware.fold.learn` is off."""
    if not config.hardware.fold.learn:
        return NO_CORRECTION
    return learned_from(store, target(config.hardware.target))


def _solver_record(config: DesignConfig, solved: Solved) -> dict[str, Any]:
    """What was asked and by what figures it was chosen, for plan.json."""
    goal = solver_goal(config, target(config.hardware.target))
    limits = {name: getattr(goal.budget, name) for name in RESOURCES}
    return {
        "target_ii": goal.interval,
        "limits": {name: most for name, most in limits.items() if most is not None},
        "interval": solved.choice.interval,
        "estimate": {name: getattr(solved.estimate, name) for name in RESOURCES},
        "correction": solved.correction.as_json(),
    }
