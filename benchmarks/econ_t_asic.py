"""ECON-T with constant weights in standard cells: area and energy beside the published chip.

    hwflow build designs/econ_t/asic.yaml --set hardware.library=LIBRARY --build-dir BUILD
    python benchmarks/econ_t_asic.py BUILD

The published encoder is programmable and radiation-tolerant (65 nm, 3.6 mm2, 95 mW, 2.4 nJ, 50 ns:
simulated; the scope of its area is not verified); this one has its weights fixed and no protection,
so the ratio says what that costs, not that one is better. Projections to 65 nm, 1.2 V from a
130 nm, 1.2 V library: area x0.25, energy x0.5 (classical scaling); area from gate equivalents of
1.44 um2. Placement is taken as 0.7 of the area.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from common import emit

PUBLISHED = {"energy, nJ": 2.4, "area, mm2": 3.6}
AREA, ENERGY, GATE, PLACED = 0.25, 0.5, 1.44, 0.7


def main() -> None:
    """Read the build and write benchmarks/results/econ_t_asic.json."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("build", type=Path)
    build = parser.parse_args().build
    synth, energy, timing = (
        json.loads((build / name).read_text(encoding="utf-8"))
        for name in ("synth/synth.json", "energy/energy.json", "timing.json")
    )
    whole = synth["whole"]
    data, uniform = (energy[name]["total"] for name in ("data", "uniform"))
    rows: list[dict[str, object]] = [
        _row("cell area, um2", whole["um2"], "counted", synth["library"]),
        _row("gate equivalents", whole["ge"], "counted", f"of {synth['gate']}"),
        _row("flip-flops", whole["ff"], "counted", ""),
        *(_row(f"  {r['layer']}, um2", r["area"]["um2"], "counted", "") for r in synth["layers"]),
        _energy("zero-delay, data", data["low"], energy),
        _energy("with glitches, data", data["value"], energy),
        _energy("with glitches, uniform inputs", uniform["value"], energy),
        *(_energy(f"  {k}", part["value"], energy) for k, part in energy["data"]["kinds"].items()),
        *(_energy(f"  {w} of wire a sink", e, energy) for w, e in energy["data"]["wires"].items()),
        _row("glitch factor", energy["data"]["glitch_factor"], "simulated", "toggles"),
        _row("synthesis, s", timing["synth"], "measured, busy machine", ""),
        _row("netlist rung, s", timing["netlist"], "measured, busy machine", ""),
        _row("energy stage, s", timing["energy"], "measured, busy machine", ""),
        *_projected(whole, data),
    ]
    emit("econ_t_asic", rows, {})


def _row(figure: str, value: object, kind: str, scope: str) -> dict[str, object]:
    return {"figure": figure, "value": value, "kind": kind, "scope": scope}


def _energy(figure: str, picojoules: float, energy: Any) -> dict[str, object]:
    return _row(f"{figure}, nJ", picojoules / 1000, "estimated", energy["model"])


def _projected(whole: Any, data: Any) -> list[dict[str, object]]:
    scope = "projected to 65 nm"
    still, timed = (data[end] * ENERGY / 1000 for end in ("low", "value"))
    area = whole["um2"] * AREA / PLACED / 1e6
    by_gates = whole["ge"] * GATE / PLACED / 1e6
    return [
        _row("energy zero-delay, nJ", still, "estimated", scope),
        _row("energy with glitches, nJ", timed, "estimated", scope),
        _row("placed area, mm2", area, "estimated", f"{scope}, x{AREA} / {PLACED}"),
        _row("placed area by gates, mm2", by_gates, "estimated", f"{scope}, {GATE} um2 a gate"),
        *(_row(f"published {n}", v, "published", "programmable") for n, v in PUBLISHED.items()),
        _row("published energy / ours", PUBLISHED["energy, nJ"] / timed, "estimated", scope),
        _row("published area / ours", PUBLISHED["area, mm2"] / area, "estimated", scope),
    ]


if __name__ == "__main__":
    main()
