"""ECON-T with constant weights in standard cells: area and energy beside the published chip.

    hwflow build designs/econ_t/asic.yaml --set hardware.library=LIBRARY \
        --set hardware.corners.slow=SLOW --build-dir BUILD
    python benchmarks/econ_t_asic.py BUILD

The published encoder is programmable and radiation-tolerant (65 nm, 3.6 mm2, 95 mW, 2.4 nJ, 50 ns:
simulated; the scope of its area is not verified); this one has its weights fixed and no protection,
so the ratio says what that costs, not that one is better. Projected to 65 nm, 1.2 V by every
method of `hwflow.power.scaling`. The plan is made for the slow corner; energy is that of the
library, with the slow corner's among what moves it.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from common import emit

from hwflow.power.scaling import PLACED, Node, node_of, projections

PUBLISHED = {"energy, nJ": 2.4, "area, mm2": 3.6}
GOAL = Node(65, 1.2)


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
        *(
            _energy(f"  {end} by {m['what']} ({m[f'at_{end}']})", m[end], energy)
            for m in energy["moves"]
            for end in ("low", "high")
        ),
        _row("glitch factor", energy["data"]["glitch_factor"], "simulated", "toggles"),
        _row("synthesis, s", timing["synth"], "measured, busy machine", ""),
        _row("netlist rung, s", timing["netlist"], "measured, busy machine", ""),
        _row("energy stage, s", timing["energy"], "measured, busy machine", ""),
        *_projected(synth, data),
    ]
    emit("econ_t_asic", rows, {})


def _row(figure: str, value: object, kind: str, scope: str) -> dict[str, object]:
    return {"figure": figure, "value": value, "kind": kind, "scope": scope}


def _energy(figure: str, picojoules: float, energy: Any) -> dict[str, object]:
    return _row(f"{figure}, nJ", picojoules / 1000, "estimated", energy["model"])


def _projected(synth: Any, data: Any) -> list[dict[str, object]]:
    nm = node_of(synth["library"])
    if nm is None:
        raise SystemExit(f"the feature size of {synth['library']} is not known")
    rows = []
    for method in projections(Node(nm, synth["voltage"]), GOAL, synth["gate_um2"]):
        scope = f"{GOAL}, {method.method}: {method.basis}"
        area = synth["whole"]["um2"] * method.area / PLACED / 1e6
        rows.append(_row(f"placed area (cells / {PLACED}), mm2", area, "estimated", scope))
        rows.append(_row("  published / ours", PUBLISHED["area, mm2"] / area, "estimated", ""))
        if method.energy is None:
            continue
        for name, end in (("zero-delay", "low"), ("with glitches", "value")):
            energy = data[end] * method.energy / 1000
            rows.append(_row(f"energy {name}, nJ", energy, "estimated", scope))
            ratio = PUBLISHED["energy, nJ"] / energy
            rows.append(_row("  published / ours", ratio, "estimated", ""))
    scope = "programmable, 65 nm, core, simulated"
    return [*rows, *(_row(f"published {n}", v, "published", scope) for n, v in PUBLISHED.items())]


if __name__ == "__main__":
    main()
