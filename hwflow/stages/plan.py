"""Stage plan: foldings, adder graphs, pipeline and predicted cost."""

from __future__ import annotations

from hwflow.config import DesignConfig
from hwflow.errors import InputError
from hwflow.flow import StageContext
from hwflow.ir import load_graph
from hwflow.plan.archive import dump_circuits
from hwflow.plan.plan import make_plan
from hwflow.plan.record import plan_record
from hwflow.stages.files import plan_options, write_json

__all__ = ["run"]

_KEYS = {
    "plan.clock": "hardware.clock",
    "plan.fork": "hardware.fold.pos",
    "plan.interface": "hardware.interface",
    "plan.too-large": "hardware.target",
}
"""The key of design.yaml that each refusal is about."""


def run(config: DesignConfig, context: StageContext) -> None:
    """Plan the graph for the target; refuses what cannot fit."""
    graph = load_graph(context.inputs["lower"] / "graph.hwf")
    try:
        plan = make_plan(graph, plan_options(config), progress=context.progress)
    except InputError as error:
        if error.place is None and error.code in _KEYS:
            error.place = config.place(_KEYS[error.code])
        raise
    circuits = {layer.name: layer.circuit for layer in plan.layers}
    (context.out / "circuits.json").write_text(dump_circuits(circuits), encoding="utf-8")
    write_json(context.out / "plan.json", plan_record(plan))
