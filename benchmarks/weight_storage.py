"""Weights loaded at run time in flip-flops and in latches: area and leakage.

    python benchmarks/weight_storage.py

A dense layer of 32 inputs of 8 bits and 8 outputs, 256 weights of 6 bits (48 words), with its
loader, on sg13g2, plain and triplicated. Area is counted; leakage is the sum of the cells'
averages. For latches: what it takes to prove on the netlist that they hold what flip-flops would.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from fractions import Fraction
from pathlib import Path
from typing import Literal

from common import emit, shared

from hwflow.asic.delays import library_delays
from hwflow.asic.kit import kit_of
from hwflow.asic.liberty import load_library
from hwflow.backends.amaranth.generate import generate_verilog
from hwflow.ir import Graph, GraphBuilder, IntType
from hwflow.plan.asic import asic_target
from hwflow.plan.plan import Options, make_plan
from hwflow.plan.targets import protected
from hwflow.synth.asic import synthesize_cells
from hwflow.synth.prove import never
from hwflow.verify.netlist.held import MOVES, moving_data

LIBRARY = "pdk/ihp-sg13g2/sg13g2_stdcell_typ_1p20V_25C.lib"
INPUTS, OUTPUTS = 32, 8

Protect = Literal["none", "tmr"]


def main() -> None:
    """Build every case; write benchmarks/results/weight_storage.json."""
    argparse.ArgumentParser(description=__doc__).parse_args()
    rows: list[dict[str, object]] = []
    protects: tuple[Protect, ...] = ("none", "tmr")
    for protect in protects:
        for latches in (False, True):
            with tempfile.TemporaryDirectory() as temporary:
                rows.append(_case(protect, latches, Path(temporary)))
            print(rows[-1], flush=True)
    emit("weight_storage", rows, {"library": load_library(shared(LIBRARY)).name})


def _graph() -> Graph:
    b = GraphBuilder("storage")
    x = b.input("x", (INPUTS,), IntType.fixed(8, 8, signed=False))
    w = b.param("w", (INPUTS, OUTPUTS), IntType.fixed(6, 1))
    with b.layer("dense"):
        y = b.matmul(x, w)
    return b.build({"y": y})


def _case(protect: Protect, latches: bool, work: Path) -> dict[str, object]:
    file = shared(LIBRARY)
    library = load_library(file)
    device = asic_target(library_delays(library, kit_of(library)), clock_gates=True)
    device = protected(device) if protect == "tmr" else device
    plan = make_plan(_graph(), Options(device, Fraction(40_000_000), "valid_only", {}, protect))
    (work / "design.v").write_text(generate_verilog(plan), encoding="utf-8")
    found = synthesize_cells(
        work / "design.v",
        "storage",
        ["storage__dense", "storage__loader"],
        file,
        work / "out",
        work / "synth",
        weight_latches=latches,
        protected=protect == "tmr",
    )
    areas = dict(found.layers)
    leakage = sum((library.cells[kind].leakage_nw or 0.0) * n for kind, n in found.whole.cells)
    row: dict[str, object] = {
        "protect": protect,
        "weights in": "latches" if latches else "flip-flops",
        "um2": round(found.whole.um2),
        "loader, um2": round(areas["loader"].um2),
        "flip-flops": found.whole.ff,
        "latches": found.whole.latches,
        "leakage, uW": round(leakage / 1000, 3),
    }
    if latches:
        start = time.perf_counter()
        question = moving_data(work / "out" / "netlist.json", "storage")
        row["proven"] = never(question, MOVES, work / "held")
        row["proof, s"] = round(time.perf_counter() - start, 1)
    return row


if __name__ == "__main__":
    main()
