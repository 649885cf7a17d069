"""Stage plan: foldings, adder graphs, pipeline and predicted cost."""

from __future__ import annotations

from dataclasses import replace

from hwflow.config import BudgetConfig, DesignConfig
from hwflow.errors import InputError
from hwflow.explore.solve import Budget, faster, options_of, smallest
from hwflow.flow import StageContext
from hwflow.ir import Graph, load_graph
from hwflow.plan.archive import dump_circuits, dump_foldings
from hwflow.plan.checks import check_fold
from hwflow.plan.folding import Folding
from hwflow.plan.layer import LayerPlan
from hwflow.plan.plan import Options, make_plan
from hwflow.plan.record import plan_record
from hwflow.stages.files import FOLDINGS, plan_options, write_json

__all__ = ["run"]

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
    try:
        options = plan_options(config)
        if config.hardware.fold.solved:
            options = replace(options, fold=_solved(graph, config, options))
        plan = make_plan(graph, options, progress=context.progress)
    except InputError as error:
        if error.place is None and error.code in _KEYS:
            error.place = config.place(_KEYS[error.code])
        raise
    circuits = {layer.name: layer.circuit for layer in plan.layers if isinstance(layer, LayerPlan)}
    (context.out / "circuits.json").write_text(dump_circuits(circuits), encoding="utf-8")
    (context.out / FOLDINGS).write_text(dump_foldings(options.fold), encoding="utf-8")
    write_json(context.out / "plan.json", plan_record(plan))


def _solved(graph: Graph, config: DesignConfig, options: Options) -> dict[str, Folding]:
    """Foldings for `target_ii` or the budget; those given by hand stay."""
    fold, device = config.hardware.fold, options.target
    check_fold(graph, options.fold, options.interface)
    choices = options_of(graph, device, options.fold)
    asked = fold.budget or BudgetConfig()
    budget = Budget(asked.lut, asked.ff, asked.dsp, asked.bram).within(Budget.of(device))
    if fold.target_ii > 1:
        return smallest(choices, fold.target_ii, budget, device).fold
    return faster(choices, budget, device).fold
