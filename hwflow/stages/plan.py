"""Stage plan: foldings, adder graphs, pipeline and predicted cost."""

from __future__ import annotations

from hwflow.config import DesignConfig, as_json
from hwflow.flow import Stage, StageContext
from hwflow.ir import load_graph
from hwflow.plan.archive import dump_circuits
from hwflow.plan.plan import make_plan
from hwflow.plan.record import plan_record
from hwflow.stages.files import plan_options, write_json

__all__ = ["stage"]


def stage(config: DesignConfig) -> Stage:
    """Plan the graph for the target; refuses what cannot fit."""

    def run(context: StageContext) -> None:
        graph = load_graph(context.inputs["lower"] / "graph.hwf")
        plan = make_plan(graph, plan_options(config), progress=context.progress)
        circuits = {layer.name: layer.circuit for layer in plan.layers}
        (context.out / "circuits.json").write_text(dump_circuits(circuits), encoding="utf-8")
        write_json(context.out / "plan.json", plan_record(plan))

    return Stage(
        "plan",
        run,
        inputs=("lower",),
        config={"hardware": as_json(config.hardware)},
        tools=("alkaid", "numpy"),
        modules=("hwflow.stages.plan",),
    )
