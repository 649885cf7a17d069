"""What the planner is asked for, and the plan as later stages see it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

from hwflow.config import DesignConfig
from hwflow.ir import load_graph
from hwflow.plan.archive import load_circuits, load_foldings
from hwflow.plan.folding import Folding
from hwflow.plan.plan import Options, Plan, make_plan
from hwflow.plan.targets import protected
from hwflow.stages.cells import chosen_target

__all__ = ["FOLDINGS", "load_plan", "plan_options"]

FOLDINGS = "foldings.json"
_POS = "hardware.fold.pos"


def load_plan(config: DesignConfig, inputs: Mapping[str, Path]) -> Plan:
    """Rebuild the plan without solving anything again."""
    circuits = load_circuits((inputs["plan"] / "circuits.json").read_text(encoding="utf-8"))
    foldings = load_foldings((inputs["plan"] / FOLDINGS).read_text(encoding="utf-8"))
    options = replace(plan_options(config), fold=foldings)
    return make_plan(load_graph(inputs["lower"] / "graph.hwf"), options, circuits)


def plan_options(config: DesignConfig) -> Options:
    """What `hardware` says, as the planner wants it.

    Raises:
        InputError: "target.unknown", or a cell library that cannot be used.
        ToolMissing: "library.missing".
    """
    hardware = config.hardware
    device = chosen_target(config)
    return Options(
        protected(device) if hardware.protect == "tmr" else device,
        Fraction(hardware.clock),
        hardware.interface,  # type: ignore[arg-type]
        _given_foldings(config),
        hardware.protect,  # type: ignore[arg-type]
    )


def _given_foldings(config: DesignConfig) -> dict[str, Folding]:
    """The foldings given by hand, with their places."""
    fold = config.hardware.fold
    folds = {
        name: Folding(pos=1 if pos == "1" else "all", place=config.place(f"{_POS}.{name}"))
        for name, pos in fold.pos
    }
    for name, layer in fold.layers:
        folds[name] = Folding(
            layer.pe or "all",
            layer.simd or "all",
            layer.pos or "all",
            layer.multiplier,  # type: ignore[arg-type]
            layer.digits,
            config.place(f"hardware.fold.layers.{name}"),
        )
    return folds
