"""Counted area, how much of the device it takes, and the critical path of place and route."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from hwflow.report.artifacts import Record, read
from hwflow.report.figures import Figure, metric
from hwflow.synth.area import COSTS

__all__ = ["Area", "Hop", "Use", "critical_path", "design_figures", "ratio", "read_area"]

_PLANNED = (
    ("lut_planned", "luts"),
    ("ff_planned", "ffs"),
    ("dsp_planned", "dsps"),
    ("bram_planned", "brams"),
)


@dataclass(frozen=True, slots=True)
class Use:
    """A resource of the device; `when` is the tool's step that counted it."""

    resource: str
    used: int
    available: int
    when: str

    @property
    def percent(self) -> float:
        """The share taken."""
        return round(100 * self.used / self.available, 2) if self.available else 0.0

    def as_json(self) -> dict[str, object]:
        """Plain data for metrics.json."""
        source = "synth/synth.json" if self.when == "synthesis" else "pnr/pnr.json"
        return {**asdict(self), "kind": "counted", "percent": self.percent, "source": source}


@dataclass(frozen=True, slots=True)
class Hop:
    """A step of the critical path: a route in ns, and the cell it leads to."""

    layer: str
    cell: str
    net: str
    delay: float


@dataclass(frozen=True, slots=True)
class Area:
    """Counts of the whole netlist, of each layer by name, and of the rest, by metric."""

    source: str
    whole: Mapping[str, int | float]
    layers: Mapping[str, Mapping[str, int | float]]
    outside: Mapping[str, int | float]
    uses: tuple[Use, ...]
    lut_rule: str

    def figures(self, counts: Mapping[str, int | float], scope: str) -> dict[str, Figure]:
        """Counts as figures of `scope`."""
        return {
            name: Figure(counts[name], metric(name).unit, "counted", scope, self.source)
            for name in counts
        }


def read_area(artifacts: Mapping[str, Path]) -> Area | None:
    """What Yosys mapped, None without synthesis. The last row of a layer list is the rest."""
    record = read(artifacts, "synth", "synth.json")
    if record is None:
        return None
    count = _cell_counts if "gate" in record.data else _counts
    rows = [(row.text("layer"), count(row.inner("area"))) for row in record.rows("layers")]
    uses = [
        Use(row.text("resource"), row.integer("used"), row.integer("available"), "synthesis")
        for row in (record.rows("utilization") if count is _counts else ())
    ]
    return Area(
        record.source,
        count(record.inner("whole")),
        dict(rows[:-1]),
        rows[-1][1] if rows else {},
        (*uses, *_placed(artifacts)),
        record.text("lut_rule") if count is _counts else "",
    )


def _cell_counts(area: Record) -> dict[str, int | float]:
    """Of library cells."""
    return {
        "area_um2": area.number("um2"),
        "area_ge": area.number("ge"),
        "ff": area.integer("ff"),
    }


def _counts(area: Record) -> dict[str, int | float]:
    kinds = area.inner("cells").data
    luts = [
        int(kinds[kind])
        for kind in kinds
        if kind in COSTS and COSTS[kind].lut and not COSTS[kind].carry
    ]
    counts = {name: area.integer(name) for name in ("ff", "carry", "dsp", "bram")}
    return {"lut": area.integer("lut"), "lut_cells": sum(luts), **counts}


def _placed(artifacts: Mapping[str, Path]) -> tuple[Use, ...]:
    record = read(artifacts, "pnr", "pnr.json")
    rows = record.data.get("utilization", ()) if record else ()
    return tuple(
        Use(str(name), int(used), int(available), "place and route")
        for name, used, available in rows
    )


def design_figures(artifacts: Mapping[str, Path], area: Area | None) -> dict[str, Figure]:
    """Area and utilization of the whole, beside what was planned."""
    found: dict[str, Figure] = {}
    if area is not None:
        found |= area.figures(area.whole, "netlist")
        for use in area.uses:
            name = f"{use.resource}_used_percent"
            if use.when == "synthesis":
                scope = f"{use.used} of {use.available}"
                found[name] = Figure(use.percent, "%", "counted", scope, area.source)
    plan = read(artifacts, "plan", "plan.json")
    if plan is not None:
        total = plan.inner("total")
        asic = plan.text("target") == "asic"
        for name, key in _PLANNED:
            if not metric(name).applies(asic):
                continue
            scope = "layers, buffers and interface apart"
            value = total.integer(key)
            found[name] = Figure(value, metric(name).unit, "estimated", scope, plan.source)
    return found | ratio(found, "netlist over plan")


def ratio(figures: Mapping[str, Figure], scope: str) -> dict[str, Figure]:
    """Counted over planned, where both are known and something was planned."""
    found = {}
    for name in ("lut", "ff"):
        counted, planned = figures.get(name), figures.get(f"{name}_planned")
        if counted and planned and planned.value:
            value = round(counted.value / planned.value, 3)
            source = f"{counted.source}, {planned.source}"
            found[f"{name}_ratio"] = Figure(value, "x", "estimated", scope, source)
    return found


def critical_path(artifacts: Mapping[str, Path]) -> tuple[Hop, ...]:
    """The longest path after place and route, from its start."""
    record = read(artifacts, "pnr", "pnr.json")
    rows = record.rows("critical_path") if record else ()
    return tuple(
        Hop(r.text("layer"), r.text("cell"), r.text("net"), float(r.number("delay"))) for r in rows
    )
