"""What the HLS tool estimated of a project that came through hls4ml."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path

from hwflow.report.artifacts import read
from hwflow.report.figures import Figure, metric

__all__ = ["hls_figures", "hls_missing"]

_TOOLS = {"vitis": "vitis-run", "vivado": "vivado_hls"}
_PLAIN = ("latency_cycles", "initiation_interval", "lut", "ff", "dsp", "bram")


def hls_figures(artifacts: Mapping[str, Path], clock: Fraction) -> dict[str, Figure]:
    """The figures of stage hls, all estimated; times at `clock` Hz."""
    record = read(artifacts, "hls", "hls.json")
    if record is None:
        return {}
    scope, at = f"design, {record.text('tool')}", f"design at {float(clock / 1_000_000):g} MHz"
    plain = {
        name: Figure(record.integer(name), metric(name).unit, "estimated", scope, record.source)
        for name in _PLAIN
    }
    latency, interval = (record.integer(name) for name in _PLAIN[:2])
    times = {
        "fmax_estimated_mhz": (round(1000 / record.number("clock_ns"), 3), scope),
        "latency_ns": (round(float(latency * 1_000_000_000 / clock), 3), at),
        "throughput": (round(float(clock / max(1, interval)), 3), at),
    }
    return plain | {
        name: Figure(value, metric(name).unit, "estimated", where, record.source)
        for name, (value, where) in times.items()
    }


def hls_missing(stage: str, flavour: str, *, ran: bool) -> str:
    """Why a figure of `stage` is not known where the hardware comes through hls4ml."""
    if stage not in ("plan", "synth"):
        return "not found for hls4ml's hardware"
    tool = _TOOLS[flavour]
    return f"{tool} does not tell it" if ran else f"not run: {tool} is not on PATH"
