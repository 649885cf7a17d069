"""The plan as later stages see it: from the graph, the configuration and the kept circuits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from hwflow.config import DesignConfig
from hwflow.ir import load_graph
from hwflow.plan.archive import load_circuits, load_foldings
from hwflow.plan.plan import Plan, make_plan
from hwflow.stages.files import FOLDINGS, plan_options

__all__ = ["load_plan"]


def load_plan(config: DesignConfig, inputs: Mapping[str, Path]) -> Plan:
    """Rebuild the plan without solving anything again."""
    circuits = load_circuits((inputs["plan"] / "circuits.json").read_text(encoding="utf-8"))
    foldings = load_foldings((inputs["plan"] / FOLDINGS).read_text(encoding="utf-8"))
    options = replace(plan_options(config), fold=foldings)
    return make_plan(load_graph(inputs["lower"] / "graph.hwf"), options, circuits)
