"""The waveform engine against Icarus Verilog: toggles of every net with the same delays.

    python benchmarks/glitch_check.py [--inputs 16 --outputs 16]

A constant dense layer mapped to the shipped tests' real library (sg13g2). Icarus runs one stream of
the 64 with specify-path delays, one module per instance, so that both sides have the same delays to
the picosecond; net toggles must then agree. Needs `iverilog` (Debian), which hwflow itself does
not.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from fractions import Fraction
from pathlib import Path

import numpy as np
from common import ROOT, emit, shared

sys.path.insert(0, str(ROOT))

from hwflow.asic.liberty import load_library
from hwflow.backends.amaranth.generate import generate_verilog
from hwflow.ir import GraphBuilder, IntType
from hwflow.plan.folding import Folding
from hwflow.plan.plan import Options, make_plan
from hwflow.plan.targets import target
from hwflow.power.delays import Timing, delays_of
from hwflow.power.gates import GateNetlist, read_gates
from hwflow.power.waves import run_waves
from hwflow.synth.asic import synthesize_cells

LIBRARY = "pdk/ihp-sg13g2/sg13g2_stdcell_typ_1p20V_25C.lib"
TOOLS = ("iverilog", "vvp")
CYCLES, PERIOD_PS = 40, 25_000
WIRE = 0.005


def main() -> None:
    """Compare and write benchmarks/results/glitch_check.json."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--inputs", type=int, default=16)
    parser.add_argument("--outputs", type=int, default=16)
    options = parser.parse_args()
    if not all(map(shutil.which, TOOLS)):
        raise SystemExit("needs iverilog: apt-get install iverilog")
    with tempfile.TemporaryDirectory() as temporary:
        work = Path(temporary)
        netlist, timing = _netlist(options.inputs, options.outputs, work)
        rng = np.random.default_rng(0)
        sources = len(netlist.network.sources)
        rows = rng.integers(0, 2**64, (CYCLES + 1, sources), dtype=np.uint64)
        rows[:, :] = np.where(rows & np.uint64(1), ~np.uint64(0), np.uint64(0))  # streams alike
        start = time.perf_counter()
        ours = run_waves(netlist.network, rows, work / "waves", delays=timing.delays)
        seconds = time.perf_counter() - start
        start = time.perf_counter()
        theirs = _icarus(netlist, timing, rows, work)
        slower = time.perf_counter() - start
        mine = ours.toggles[: len(theirs)] // 64
        still = run_waves(netlist.network, rows, work / "waves").toggles.sum() // 64
    differing = int(np.count_nonzero(mine != theirs))
    row = {
        "gates": len(netlist.gates),
        "cycles": CYCLES,
        "toggles": int(mine.sum()),
        "toggles, Icarus": int(theirs.sum()),
        "nets that differ": differing,
        "ratio": round(float(mine.sum() / theirs.sum()), 5),
        "glitch factor": round(float(mine.sum() / still), 3),
        "s (64 streams)": round(seconds, 3),
        "s, Icarus (1 stream)": round(slower, 3),
    }
    emit("glitch_check", [row], {})


def _netlist(inputs: int, outputs: int, work: Path) -> tuple[GateNetlist, Timing]:
    b = GraphBuilder("little")
    x = b.input("x", (inputs,), IntType.fixed(6, 0))
    weights = np.random.default_rng(1).integers(-32, 32, (inputs, outputs))
    with b.layer("dense"):
        y = b.matmul(x, b.const(weights))
    graph = b.build({"y": y})
    device = target("ecp5-85k")
    plan = make_plan(
        graph, Options(device, Fraction(40_000_000), "valid_only", {"dense": Folding()})
    )
    (work / "design.v").write_text(generate_verilog(plan), encoding="utf-8")
    library = shared(LIBRARY)
    synthesize_cells(
        work / "design.v", "little", ["little__dense"], library, work / "out",
        work / "synth",
    )  # fmt: skip
    module = json.loads((work / "out" / "netlist.json").read_text())["modules"]["little"]
    netlist = read_gates(module, load_library(library), plan.interface.clock, WIRE)
    return netlist, delays_of(netlist)


def _icarus(netlist: GateNetlist, timing: Timing, rows: np.ndarray, work: Path) -> np.ndarray:
    """Toggles of each net as Icarus counts them: one counter a net."""
    nets = netlist.network.nets
    lines = ["`timescale 1ps/1ps"]
    pin = 0
    for number, gate in enumerate(netlist.network.gates):
        pins = [f"p{k}" for k in range(len(gate.ins))]
        state = "{" + ", ".join(reversed(pins)) + "}" if pins else "1'b0"
        size = 1 << len(pins)
        lines += [
            f"module g{number}(output y{''.join(f', input {p}' for p in pins)});",
            f"  wire [{size - 1}:0] t = {size}'h{gate.table:x};",
            f"  wire v = t[{state}];",
            "  buf (y, v);",
            "  specify",
        ]
        for k, name in enumerate(pins):
            rise, fall = timing.delays.rise[pin + k], timing.delays.fall[pin + k]
            lines.append(f"    ({name} => y) = ({rise}, {fall});")
        pin += len(pins)
        lines += ["  endspecify", "endmodule"]
    lines += ["module top;", f"  wire [{nets - 1}:0] n;", "  assign n[0] = 0, n[1] = 1;"]
    for k, net in enumerate(netlist.network.sources):
        rise, fall = timing.delays.source_rise[k], timing.delays.source_fall[k]
        lines += [f"  reg s{k};", f"  assign #({rise}, {fall}) n[{net}] = s{k};"]
    for number, gate in enumerate(netlist.network.gates):
        ports = ", ".join(f"n[{net}]" for net in (gate.out, *gate.ins))
        lines.append(f"  g{number} i{number}({ports});")
    lines += [
        f"  integer count [0:{nets - 1}];",
        "  genvar i;",
        "  reg counting = 0;",
        f"  generate for (i = 0; i < {nets}; i = i + 1) begin : c",
        "    always @(n[i]) if (counting) count[i] = count[i] + 1;",
        "  end endgenerate",
        "  integer k;",
        "  initial begin",
        f"    for (k = 0; k < {nets}; k = k + 1) count[k] = 0;",
    ]
    for cycle, row in enumerate(rows):
        lines += [f"    s{k} = {int(word) & 1};" for k, word in enumerate(row)]
        lines.append(f"    #{PERIOD_PS};")
        if cycle == 0:
            lines.append("    counting = 1;")
    lines += [
        f'    for (k = 0; k < {nets}; k = k + 1) $display("%0d", count[k]);',
        "    $finish;",
        "  end",
        "endmodule",
    ]
    (work / "gates.v").write_text("\n".join(lines) + "\n", encoding="utf-8")
    compiler, simulator = (str(shutil.which(tool)) for tool in TOOLS)
    subprocess.run([compiler, "-gspecify", "-o", "gates.vvp", "gates.v"], cwd=work, check=True)
    done = subprocess.run(
        [simulator, "-n", "gates.vvp"], cwd=work, check=True, capture_output=True, text=True
    )
    return np.array([int(x) for x in done.stdout.split()[:nets]], dtype=np.int64)


if __name__ == "__main__":
    main()
