"""The trade-off curve of a lowered design."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hwflow.config import DesignConfig
from hwflow.explore.tradeoff import tradeoff, tradeoff_page
from hwflow.ir import load_graph
from hwflow.stages.files import plan_options

__all__ = ["PAGE", "write_tradeoff"]

PAGE = "tradeoff.html"


def write_tradeoff(config: DesignConfig, lowered: Path, folder: Path) -> list[dict[str, Any]]:
    """The points of the curve, as returned and as a page in `folder`."""
    options = plan_options(config)
    graph = load_graph(lowered / "graph.hwf")
    points = tradeoff(graph, options.target, options.clock_hz, options.fold)
    title = f"{config.design} on {options.target.name}: interval against cost"
    (folder / PAGE).write_text(tradeoff_page(title, points), encoding="utf-8")
    return points
