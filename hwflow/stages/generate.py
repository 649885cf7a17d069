"""Stage generate: the plan as Verilog."""

from __future__ import annotations

from hwflow.backends.amaranth.generate import generate_verilog
from hwflow.config import DesignConfig
from hwflow.flow import StageContext
from hwflow.stages.planned import load_plan

__all__ = ["run"]


def run(config: DesignConfig, context: StageContext) -> None:
    """One Verilog file for the design, and its interface."""
    plan = load_plan(config, context.inputs)
    context.progress(0.0, "Amaranth to Verilog")
    (context.out / "design.v").write_text(generate_verilog(plan), encoding="utf-8")
    (context.out / "interface.json").write_text(plan.interface.to_json(), encoding="utf-8")
