"""The published ECON-T encoder in standard cells: area, timing, and how long the build takes.

    python benchmarks/econ_t_cells.py

Builds the encoder (constant weights, one wafer a clock, 40 MHz) cold for OSU018 (`hwflow doctor
--fix`) and for sg13g2, there planned and timed at the typical and at the slow corner. Energy is
that of random vectors, with glitches and without (docs/energy.md). Target: a cold build without
training under 10 minutes. Writes benchmarks/results/econ_t_cells.json.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

from common import ROOT, emit, hwflow, shared

sys.path.insert(0, str(ROOT))

from hwflow.ir import save_graph
from tests.econ_t import NPZ, published_encoder

PDK = "pdk/ihp-sg13g2/sg13g2_stdcell"
TARGET_SECONDS = 600


def main() -> None:
    """Measure and write benchmarks/results/econ_t_cells.json."""
    typical, slow = (shared(f"{PDK}_{c}.lib") for c in ("typ_1p20V_25C", "slow_1p08V_125C"))
    cases = {
        "osu018, 1.8 V, 25 C": "library: osu018",
        "sg13g2, 1.2 V, 25 C": f"library: {typical}",
        "sg13g2, 1.08 V, 125 C": f"library: {typical}\n  corners: {{slow: {slow}}}",
    }
    emit(
        "econ_t_cells",
        [_row(name, lines) for name, lines in cases.items()],
        {"clock": "40 MHz", "target of build_s": TARGET_SECONDS},
    )


def _row(name: str, lines: str) -> dict[str, object]:
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        save_graph(published_encoder(shared(str(NPZ))), folder / "graph.hwf")
        (folder / "design.yaml").write_text(
            "design: econ_t\nmodel: {file: graph.hwf}\n"
            f"hardware:\n  target: asic\n  clock: 40 MHz\n  {lines}\n"
            "verify: {rungs: [netlist]}\n",
            encoding="utf-8",
        )
        build = folder / "build"
        environment = {"HWFLOW_STORE": str(folder / "store")}
        seconds = hwflow(
            "build", str(folder / "design.yaml"), "--build-dir", str(build), env=environment
        )
        record = json.loads((build / "report" / "metrics.json").read_text(encoding="utf-8"))
    figures = {key: figure["value"] for key, figure in record["figures"].items()}
    layers = {row["name"]: row["figures"]["area_ge"]["value"] for row in record["layers"]}
    found = {
        "library": name,
        "mm2": figures["area_um2"] / 1e6,
        "kGE": figures["area_ge"] / 1e3,
        "kGE conv": layers["conv"] / 1e3,
        "kGE dense": layers["dense"] / 1e3,
        "flip-flops": figures["ff"],
        "Fmax_MHz": figures.get("fmax_cells_mhz", "no OpenSTA"),
        "setup_slack_ns": figures.get("setup_slack_ns", ""),
        "energy_nJ": figures["energy"] / 1000,
        "zero_delay_nJ": figures["energy_low"] / 1000,
        "latency_cycles": figures["latency_cycles"],
        "equal_to_graph": record["verdict"] == "equal",
        "build_s": seconds,
    }
    print(found, flush=True)
    return found


if __name__ == "__main__":
    main()
