"""Stage amaranth: the Amaranth components in Amaranth's own simulator."""

from __future__ import annotations

from hwflow.backends.amaranth.generate import simulate
from hwflow.config import DesignConfig
from hwflow.flow import StageContext
from hwflow.plan.folded import FoldedPlan
from hwflow.plan.plan import Plan
from hwflow.plan.serial import SerialPlan
from hwflow.plan.words import Dot
from hwflow.stages.planned import load_plan
from hwflow.stages.rungs import check_cycles, finish, load_golden
from hwflow.verify.compare import RungReport, first_mismatch

__all__ = ["run"]

_CYCLES = 768
_FEWEST = 4
_PRODUCTS = 500
"""Products with weights loaded at run time that still count as a small design: each is some ten
lines of Amaranth, and a thousand of them take half a minute."""


def run(config: DesignConfig, context: StageContext) -> None:
    """A few vectors of every class: the simulator is slow, the later rungs take all vectors."""
    plan = load_plan(config, context.inputs)
    interval = plan.interface.initiation_interval
    most = 96 if _products(plan) <= _PRODUCTS else _FEWEST
    golden = load_golden(context.inputs).part(max(_FEWEST, min(most, _CYCLES // interval)))
    context.progress(0.0, f"{len(golden.vectors)} vectors through Amaranth's simulator")
    outputs, latency, seen, layers = simulate(plan, golden.packed(), True, golden.words)
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


def _products(plan: Plan) -> int:
    """Products with weights that are loaded at run time."""
    total = 0
    for layer in plan.layers:
        if isinstance(layer, FoldedPlan):
            continue
        circuit = layer.terms if isinstance(layer, SerialPlan) else layer.circuit
        dots = [word.op for word in circuit.words if isinstance(word.op, Dot)]
        total += layer.positions * sum(len(dot.inputs) for dot in dots)
    return total
