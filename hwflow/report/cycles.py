"""Latency, initiation interval, throughput and clock frequencies."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path

from hwflow.report.artifacts import Record, read
from hwflow.report.figures import Figure, Kind
from hwflow.report.ladder import Ladder

__all__ = ["cycle_figures", "fmax_figures"]

# The rung that saw every vector on the file that is synthesized comes first.
_TIMED = ("rtl", "netlist", "amaranth")
_GIGA = 1_000_000_000


def cycle_figures(
    artifacts: Mapping[str, Path], ladder: Ladder, clock: Fraction
) -> dict[str, Figure]:
    """Cycles as a rung simulated them, or as planned where none was; times at `clock` Hz."""
    plan = read(artifacts, "plan", "plan.json")
    bits = _interface_bits(artifacts)
    found = _timed(ladder) or _planned(plan)
    if found is None:
        return bits
    latency, interval, kind, source = found
    at = f"design at {float(clock / 1_000_000):g} MHz"
    return {
        **bits,
        "latency_cycles": Figure(latency, "cycles", kind, "design", source),
        "initiation_interval": Figure(interval, "cycles", kind, "design", source),
        "latency_ns": Figure(_plain(latency * _GIGA / clock), "ns", kind, at, source),
        "throughput": Figure(_plain(clock / interval), "inferences/s", kind, at, source),
    }


def _timed(ladder: Ladder) -> tuple[int, int, Kind, str] | None:
    by_name = {rung.name: rung for rung in ladder.compared}
    for name in _TIMED:
        if name in by_name:
            latency = by_name[name].figure("latency_cycles")
            interval = by_name[name].figure("initiation_interval")
            if latency is not None and interval:
                return latency, interval, "simulated", f"{name}/rung.json"
    return None


def _planned(plan: Record | None) -> tuple[int, int, Kind, str] | None:
    if plan is None:
        return None
    cycles = plan.integer("latency_cycles"), plan.integer("initiation_interval")
    return *cycles, "estimated", plan.source


def _plain(exact: Fraction) -> int | float:
    return int(exact) if exact.denominator == 1 else round(float(exact), 3)


def _interface_bits(artifacts: Mapping[str, Path]) -> dict[str, Figure]:
    record = read(artifacts, "generate", "interface.json")
    if record is None:
        return {}
    return {
        name: Figure(_bits(record, key), "bits", "counted", "one inference", record.source)
        for name, key in (("input_bits", "inputs"), ("output_bits", "outputs"))
    }


def _bits(record: Record, key: str) -> int:
    streams = [group.inner("stream") for group in record.rows(key)]
    return sum(sum(s.data.get("widths", ())) * s.integer("beats") for s in streams)


def fmax_figures(artifacts: Mapping[str, Path]) -> dict[str, Figure]:
    """The clock by the delay model, its longest path, and by place and route."""
    found: dict[str, Figure] = {}
    plan, routed = read(artifacts, "plan", "plan.json"), read(artifacts, "pnr", "pnr.json")
    if plan is not None:
        mhz = round(plan.number("estimated_fmax_hz") / 1e6, 3)
        where = "design, delay model"
        found["fmax_estimated_mhz"] = Figure(mhz, "MHz", "estimated", where, plan.source)
        paths = [row.number("longest_path_ns") for row in plan.rows("layers")]
        worst = max(paths, default=0.0)
        found["path_ns"] = Figure(worst, "ns", "estimated", where, plan.source)
    if routed is not None:
        mhz = round(routed.number("fmax") / 1e6, 3)
        scope = f"design in a serial wrapper, nextpnr, seed {routed.integer('seed')}"
        found["fmax_routed_mhz"] = Figure(mhz, "MHz", "estimated", scope, routed.source)
    return found
