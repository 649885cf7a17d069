"""Reports: metrics.json, one self-contained HTML page, a summary for the terminal, limits."""

from __future__ import annotations

from hwflow.report.figures import KINDS, METRICS, Figure, Kind, Metric
from hwflow.report.limits import check_limits, check_names
from hwflow.report.metrics import Metrics, collect
from hwflow.report.summary import summary
from hwflow.report.write import HTML, JSON, write_report

__all__ = [
    "HTML",
    "JSON",
    "KINDS",
    "METRICS",
    "Figure",
    "Kind",
    "Metric",
    "Metrics",
    "check_limits",
    "check_names",
    "collect",
    "summary",
    "write_report",
]
