"""Stage amaranth: the Amaranth components in Amaranth's own simulator."""

from __future__ import annotations

from hwflow.backends.amaranth.generate import simulate
from hwflow.config import DesignConfig
from hwflow.flow import StageContext
from hwflow.stages.planned import load_plan
from hwflow.stages.rungs import check_cycles, finish, load_golden
from hwflow.verify.compare import RungReport, first_mismatch

__all__ = ["run"]

_CYCLES = 768
_FEWEST = 4


def run(config: DesignConfig, context: StageContext) -> None:
    """A few vectors of every class: the simulator is slow, the later rungs take all vectors."""
    plan = load_plan(config, context.inputs)
    interval = plan.interface.initiation_interval
    golden = load_golden(context.inputs).part(max(_FEWEST, min(96, _CYCLES // interval)))
    context.progress(0.0, f"{len(golden.vectors)} vectors through Amaranth's simulator")
    outputs, latency, seen, layers = simulate(plan, golden.packed(), True, golden.load)
    order = [(golden.maker(value), value) for value in layers]
    mismatch = first_mismatch(order, golden.layers, layers, golden.vectors)
    report = RungReport(
        "amaranth",
        len(golden.vectors),
        (*layers, *(name for name, _ in golden.graph.outputs)),
        mismatch or golden.compare_outputs(outputs),
        figures={"latency_cycles": latency, "initiation_interval": seen},
    )
    finish(context, report)
    check_cycles("amaranth", plan.interface, latency, seen)
