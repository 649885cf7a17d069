"""Writing a report: metrics.json, report.html and the terminal's summary."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

from hwflow.config import DesignConfig
from hwflow.report.html import page
from hwflow.report.metrics import Metrics, collect
from hwflow.report.summary import summary

__all__ = ["HTML", "JSON", "SUMMARY", "write_report"]

JSON: Final = "metrics.json"
HTML: Final = "report.html"
SUMMARY: Final = "summary.txt"


def write_report(
    artifacts: Mapping[str, Path], config: DesignConfig, tools: Mapping[str, str], out: Path
) -> Metrics:
    """Write `metrics.json`, `report.html` and `summary.txt` into `out`; return the figures.

    `artifacts` are folders by stage name; `tools` gives versions by tool name. Limits are not
    held here: see `check_limits`.

    Raises:
        InternalError: "report.artifact": a file is not as its stage writes it.
    """
    metrics = replace(collect(artifacts, config), tools=dict(sorted(tools.items())))
    out.mkdir(parents=True, exist_ok=True)
    (out / JSON).write_text(metrics.to_json(), encoding="utf-8")
    (out / HTML).write_text(page(metrics, config), encoding="utf-8")
    (out / SUMMARY).write_text("\n".join(summary(metrics)) + "\n", encoding="utf-8")
    return metrics
