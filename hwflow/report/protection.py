"""What `protect: tmr` adds to a netlist."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from hwflow.report.artifacts import read
from hwflow.report.figures import Figure

__all__ = ["protection_figures"]


def protection_figures(artifacts: Mapping[str, Path]) -> dict[str, Figure]:
    """From the stage synth; none for a design without protection."""
    record = read(artifacts, "synth", "tmr.json")
    if record is None:
        return {}

    def counted(value: float, unit: str) -> Figure:
        return Figure(value, unit, "counted", "netlist", record.source)

    found = {
        "tmr_ff_added": counted(record.integer("flip_flops") - record.integer("bits"), "FF"),
        "tmr_voters": counted(record.integer("voters"), "voters"),
    }
    if "added_um2" in record.data:
        found["tmr_um2_added"] = counted(record.number("added_um2"), "um2")
    return found
