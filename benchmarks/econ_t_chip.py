"""The reconfigurable, radiation-tolerant ECON-T chip in standard cells, beside the published one.

    hwflow build designs/econ_t_asic/design.yaml --set hardware.library=LIBRARY --build-dir BUILD
    python benchmarks/econ_t_chip.py BUILD [OTHER ...]

Each build is one way to spend the 25 ns of a wafer: its clock and the parts in which layers take
their inputs. Everything of a row is of one netlist: converter, encoder with loadable weights,
sum, framing, loader, triplication. Energy is of synthetic wafers; projected to 65 nm, 1.2 V from
130 nm the classical way (area x 0.25, energy x 0.5), area placed at 0.7. The published chip (arXiv
2105.01683): 3.6 mm2 (scope not verified), 2.4 nJ, 50 ns for convolution and dense layer, simulated.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from common import emit

from hwflow.power.scaling import PLACED

AREA, ENERGY = 0.25, 0.5
LIMITS = {
    "zero-delay, nJ at 65 nm": 2.4,
    "with glitches, nJ at 65 nm": 4.8,
    "placed, mm2 at 65 nm": 3.6,
    "conv + dense at Fmax, ns": 50.0,
}
STRETCH = {"with glitches, nJ at 65 nm": 2.4}


def main() -> None:
    """Read the builds and write benchmarks/results/econ_t_chip.json."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("builds", type=Path, nargs="+")
    builds = parser.parse_args().builds
    rows = [_row(build) for build in builds]
    for row in rows:
        row["misses"] = ", ".join(n for n, most in LIMITS.items() if float(row[n]) > most) or "none"
    emit("econ_t_chip", rows, {"limits": str(LIMITS), "stretch": str(STRETCH)})


def _read(build: Path, name: str) -> Any:
    return json.loads((build / name).read_text(encoding="utf-8"))


def _row(build: Path) -> dict[str, Any]:
    synth, energy, plan, timing = (
        _read(build, name)
        for name in (
            "synth/synth.json", "energy/energy.json", "plan/plan.json", "timing/timing.json",
        )
    )  # fmt: skip
    hertz = float(plan["clock_hz"])
    reached = min(hertz, 1e6 * timing["fmax_mhz"])
    layers = {layer["name"]: layer for layer in plan["layers"]}
    whole, data = synth["whole"], energy["data"]
    areas = {r["layer"]: r["area"]["um2"] / 1e6 for r in synth["layers"]}
    kinds = {kind: part["value"] / 1000 for kind, part in data["kinds"].items()}
    pair = _clocks(layers["conv"]) + _clocks(layers["dense"])
    return {
        "clock, MHz": hertz / 1e6,
        "parts (conv, dense)": f"{layers['conv']['digits']}, {layers['dense']['digits']}",
        "recoding": f"{layers['conv']['multiplier']}, {layers['dense']['multiplier']}",
        "cells, mm2": round(whole["um2"] / 1e6, 3),
        "kGE": round(whole["ge"] / 1e3, 1),
        "flip-flops": whole["ff"],
        "latches": whole["latches"],
        **{f"{name}, mm2": round(area, 3) for name, area in areas.items()},
        "zero-delay, nJ": round(data["total"]["low"] / 1000, 3),
        "with glitches, nJ": round(data["total"]["value"] / 1000, 3),
        "uniform inputs, nJ": round(energy["uniform"]["total"]["value"] / 1000, 3),
        **{f"{kind}, nJ": round(value, 3) for kind, value in kinds.items()},
        "zero-delay, nJ at 65 nm": round(ENERGY * data["total"]["low"] / 1000, 3),
        "with glitches, nJ at 65 nm": round(ENERGY * data["total"]["value"] / 1000, 3),
        "placed, mm2 at 65 nm": round(AREA * whole["um2"] / PLACED / 1e6, 3),
        "Fmax, MHz": timing["fmax_mhz"],
        "conv + dense, clocks": pair,
        "conv + dense at Fmax, ns": round(pair / reached * 1e9, 3),
    }


def _clocks(layer: dict[str, Any]) -> int:
    """From a layer's input register to its output register."""
    parts = layer["digits"]
    return int(layer["latency"]) + (parts if parts > 1 else 1)


if __name__ == "__main__":
    main()
