"""The trade-off curve of a lowered design."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hwflow.config import DesignConfig
from hwflow.explore.tradeoff import tradeoff, tradeoff_page
from hwflow.flow import default_store
from hwflow.ir import load_graph
from hwflow.plan.checks import check_dsps, check_fold
from hwflow.stages.plan import solver_correction
from hwflow.stages.planned import plan_options

__all__ = ["PAGE", "write_tradeoff"]

PAGE = "tradeoff.html"


def write_tradeoff(config: DesignConfig, lowered: Path, folder: Path) -> dict[str, Any]:
    """The curve's points and what corrected them, as returned and as a page in `folder`.

    Raises:
        InputError: "plan.fold": a folding given by hand does not suit its layer.
    """
    options = plan_options(config)
    graph = load_graph(lowered / "graph.hwf")
    check_fold(graph, options.fold, options.interface)
    check_dsps(options.fold, options.target)
    correction = solver_correction(config, default_store(folder))
    points = tradeoff(graph, options.target, options.clock_hz, options.fold, correction)
    title = f"{config.design} on {options.target.name}: interval against cost"
    (folder / PAGE).write_text(tradeoff_page(title, points), encoding="utf-8")
    return {"points": points, "correction": correction.as_json()}
