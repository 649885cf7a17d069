"""digits_cnn folded into an iCE40 UP5K: one build, its ladder, area, speed and accuracy.

    python benchmarks/up5k.py

Builds designs/digits_cnn/up5k.yaml, trained weights and all (about five minutes cold), and reads
its report. Each figure keeps its kind; "planned" stands beside what was counted in the netlist.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path
from typing import Any

from common import emit, hwflow

DESIGN = "designs/digits_cnn/up5k.yaml"
AREA = ("lut", "ff", "bram", "dsp")
OTHERS = (
    "initiation_interval", "latency_cycles", "latency_ns", "throughput", "fmax_estimated_mhz",
    "accuracy_float", "accuracy", "test_samples", "weights",
)  # fmt: skip


def main() -> None:
    """Build and write benchmarks/results/up5k.json."""
    argparse.ArgumentParser(description=__doc__).parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        build = Path(temporary) / "up5k"
        hwflow("build", DESIGN, "--build-dir", str(build))
        report, board, seconds = (
            json.loads((build / name).read_text(encoding="utf-8"))
            for name in ("report/metrics.json", "board/board.json", "timing.json")
        )
    figures = report["figures"]
    rows = [_row(name, figures[name], figures[f"{name}_planned"]["value"]) for name in AREA]
    rows += [_row(name, figures[name]) for name in OTHERS]
    rows += [_row(f"board: {figure['name']}", figure) for figure in board["figures"]]
    ladder = [
        {"rung": rung["name"], "status": rung["status"], "vectors": rung["vectors"]}
        for rung in report["ladder"]["rungs"]
    ]
    used = {entry["resource"]: entry["used"] for entry in board["utilization"]["resources"]}
    facts = {
        "ladder": ", ".join(f"{r['rung']} {r['status']} on {r['vectors']}" for r in ladder),
        "verdict": report["verdict"],
        "placed with bridge and board top (nextpnr)": used,
        "seconds by stage": seconds,
    }
    emit("up5k", rows, facts)


def _row(name: str, figure: dict[str, Any], planned: object = "") -> dict[str, object]:
    return {
        "figure": name,
        "value": figure["value"],
        "planned": planned,
        "unit": figure["unit"],
        "kind": figure["kind"],
        "scope": figure["scope"],
    }


if __name__ == "__main__":
    main()
