"""Fault campaigns on the netlist: single-event upsets, pulses, reset and clock faults."""

from __future__ import annotations

from hwflow.verify.seu.campaign import OUTCOMES, Campaign, Row, run_campaign
from hwflow.verify.seu.report import as_json, lines, mean_interval, wilson

__all__ = [
    "OUTCOMES",
    "Campaign",
    "Row",
    "as_json",
    "lines",
    "mean_interval",
    "run_campaign",
    "wilson",
]
