"""What only a standard-cell netlist has: its library, static timing, the path between layers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from hwflow.report.artifacts import Record, read
from hwflow.report.figures import Figure

__all__ = ["Cells", "PathPart", "read_cells"]


@dataclass(frozen=True, slots=True)
class PathPart:
    """Consecutive cells of the critical path in one layer, and the ns they take."""

    layer: str
    cells: tuple[str, ...]
    ns: float


@dataclass(frozen=True, slots=True)
class Cells:
    """`facts` are pairs of what and value about the library and the models used.

    `missed_ns` is by how much the clock is missed, 0 where it is met, None without timing;
    `worst_layer` takes most of the critical path.
    """

    facts: tuple[tuple[str, str], ...]
    kinds: tuple[tuple[str, int], ...]
    figures: Mapping[str, Figure]
    path: tuple[PathPart, ...]
    missed_ns: float | None

    @property
    def worst_layer(self) -> str:
        """The layer that takes most of the critical path, "" without one."""
        spent: dict[str, float] = {}
        for part in self.path:
            spent[part.layer] = spent.get(part.layer, 0.0) + part.ns
        return max(spent, key=lambda layer: spent[layer], default="")

    @property
    def path_text(self) -> str:
        """The critical path in layers: `conv 3.1 ns, dense 2.2 ns`."""
        return ", ".join(f"{part.layer} {part.ns:.3g} ns" for part in self.path)

    @property
    def missed_text(self) -> str:
        """What to know of a clock that is not met, "" where it is."""
        if not self.missed_ns:
            return ""
        fmax = self.figures["fmax_cells_mhz"].value
        return (
            f"the clock is missed by {self.missed_ns:.3g} ns, mostly in layer {self.worst_layer}; "
            f"{fmax:.4g} MHz would hold"
        )

    def as_json(self) -> dict[str, object]:
        """Plain data for metrics.json; the figures stand among the others."""
        return {
            "critical_path": {
                "kind": "estimated",
                "scope": "static timing before placement",
                "source": "timing/timing.json",
                "steps": [
                    {"layer": p.layer, "cells": list(p.cells), "delay": p.ns} for p in self.path
                ],
                "unit": "ns",
            },
            "cells": {
                "counts": dict(self.kinds),
                "kind": "counted",
                "scope": "netlist",
                "source": "synth/synth.json",
            },
            "facts": dict(self.facts),
            "missed_ns": self.missed_ns,
        }


def read_cells(artifacts: Mapping[str, Path]) -> Cells | None:
    """From the stages synth and timing; None for a netlist of other cells."""
    synth = read(artifacts, "synth", "synth.json")
    if synth is None or "gate" not in synth.data:
        return None
    timing = read(artifacts, "timing", "timing.json")
    facts = [
        ("library", _corner(synth)),
        ("gate equivalent", f"{synth.text('gate')}, {synth.number('gate_um2'):g} um2"),
        ("constants", synth.text("constants")),
        ("hierarchy", _hierarchy(synth)),
        ("clock gating", _gating(synth)),
        *_latches(synth),
        *_protection(synth, read(artifacts, "synth", "tmr.json")),
        ("fan-out trees", f"{synth.integer('buffers'):,} buffers"),
        ("gates sized for their loads", _sizing(synth.inner("sizing"))),
        ("power data", _power_data(synth.texts("without_power_data"))),
    ]
    counts = synth.inner("whole").inner("cells").data
    kinds = tuple(sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])))
    if timing is None:
        return Cells(tuple(facts), kinds, _gated(synth), (), None)
    setup, hold = timing.inner("setup"), timing.inner("hold")
    wire = 1000 * timing.number("wire_pf")
    facts += [
        ("setup", _corner(setup)),
        ("hold", f"{_corner(hold)}, between registers"),
        ("wires", f"{wire:.3g} fF for each load, no resistance (before placement)"),
        ("clock tree", "ideal"),
        ("power by OpenSTA", _opensta(timing.texts("reads"))),
    ]
    slack = setup.number_or_none("slack")
    missed = None if slack is None else max(0.0, -slack)
    return Cells(tuple(facts), kinds, _gated(synth) | _timing(timing), _path(setup), missed)


def _hierarchy(synth: Record) -> str:
    if synth.data["shared"] is None:
        return "layers flattened before mapping"
    return f"{synth.integer('shared')} repeated modules mapped once each"


def _protection(synth: Record, tmr: Record | None) -> list[tuple[str, str]]:
    if tmr is None:
        return []
    share = 100 * tmr.number("added_um2") / synth.inner("whole").number("um2")
    text = (
        f"{tmr.integer('bits'):,} bits three times, {tmr.integer('gated_bits'):,} of them in banks "
        f"behind clock gates; {tmr.integer('voters'):,} voters; {share:.3g}% of the area"
    )
    return [("protection", text)]


def _gating(synth: Record) -> str:
    gating = synth.inner("gating")
    if not gating.text("cell"):
        return "the library has no clock gate: enables are multiplexers"
    if not gating.data["wanted"]:
        return "switched off: enables are multiplexers"
    gates, behind = gating.integer("gates"), gating.integer("gated_ff")
    latches = " and latches" if synth.inner("whole").integer("latches") else ""
    return f"{gates:,} {gating.text('cell')} before {behind:,} flip-flops{latches}"


def _latches(synth: Record) -> list[tuple[str, str]]:
    whole = synth.inner("whole")
    count, um2 = whole.integer("latches"), whole.number("latch_um2")
    if not count:
        return []
    return [
        ("weights", f"in {count:,} latches, {100 * um2 / whole.number('um2'):.3g}% of the area")
    ]


def _sizing(sizing: Record) -> str:
    resized, buffers = sizing.integer("resized"), sizing.integer("buffers")
    if not resized and not buffers:
        return "none: no path needs it"
    return f"{resized:,} cells of another drive strength, {buffers:,} more buffers"


def _gated(synth: Record) -> dict[str, Figure]:
    gating, whole = synth.inner("gating"), synth.inner("whole")
    registers = whole.integer("ff") + whole.integer("latches")
    share = 100 * gating.integer("gated_ff") / max(1, registers)
    return {
        "clock_gates": Figure(gating.integer("gates"), "cells", "counted", "netlist", synth.source),
        "gated_ff_percent": Figure(round(share, 2), "%", "counted", "netlist", synth.source),
    }


def _power_data(lacking: Sequence[str]) -> str:
    if not lacking:
        return "energy and leakage of every cell used"
    names = ", ".join(lacking[:5]) + (", ..." if len(lacking) > 5 else "")
    return f"NOT given by the library for {len(lacking)} of the cells used: {names}"


def _opensta(reads: Sequence[str]) -> str:
    if not reads:
        return "not used: this version reads no activity (no read_saif, no read_vcd)"
    return f"not used: it has {' and '.join(reads)}, but no version that has was validated"


def _corner(record: Record) -> str:
    volts, degrees = record.number("voltage"), record.number("temperature")
    return f"{record.text('library')} ({volts:g} V, {degrees:g} C)"


def _timing(timing: Record) -> dict[str, Figure]:
    setup, hold = timing.inner("setup"), timing.inner("hold")
    rows = (
        ("fmax_cells_mhz", "MHz", timing, "fmax_mhz", setup),
        ("setup_slack_ns", "ns", setup, "slack", setup),
        ("hold_slack_ns", "ns", hold, "slack", hold),
    )
    found = {}
    for name, unit, owner, key, corner in rows:
        value = owner.number_or_none(key)
        if value is not None:
            scope = f"OpenSTA before placement, {_corner(corner)}"
            found[name] = Figure(value, unit, "estimated", scope, timing.source)
    return found


def _path(setup: Record) -> tuple[PathPart, ...]:
    steps = [
        (r.text("layer"), r.text("cell"), float(r.number("delay"))) for r in setup.rows("path")
    ]
    parts = []
    for layer, group in groupby(steps, key=lambda step: step[0]):
        row = list(group)
        delay = round(sum(ns for _, _, ns in row), 4)
        parts.append(PathPart(layer, tuple(cell for _, cell, _ in row), delay))
    return tuple(parts)
