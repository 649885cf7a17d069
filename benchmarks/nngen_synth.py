"""The same Yosys commands for both sides of nngen_compare.py, and what is counted afterwards."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from hwflow.synth.area import COSTS
from hwflow.tools import find, run

__all__ = ["COMMANDS", "COUNT_RULE", "Counts", "synthesize"]

_XC7: Final = "synth_xilinx -family xc7 -flatten -noiopad -noclkbuf"
COMMANDS: Final[dict[str, str]] = {
    "ecp5, LUT multipliers": "synth_ecp5 -nodsp -top {top}",
    "ecp5, stock": "synth_ecp5 -top {top}",
    "xc7, LUT multipliers": f"{_XC7} -nodsp -top {{top}}",
    "xc7, stock": f"{_XC7} -top {{top}}",
}
"""Memories may become block RAM in all four."""

COUNT_RULE: Final = (
    "LUT = LUTs and inverters 1 each, CCU2C 2, TRELLIS_DPR16X4 4, RAM32M/RAM64M 4, RAMxxX1D 2, "
    "RAMxxX1S and SRL 1; wide multiplexers and Xilinx carry cells 0. BRAM in blocks of 18 kbit "
    "(RAMB36 counts 2), DSP in MULT18X18D or DSP48E1."
)
_MEMORY_LUTS: Final = {
    "TRELLIS_DPR16X4": 4,
    "RAM32M": 4,
    "RAM64M": 4,
    "RAM32X1D": 2,
    "RAM64X1D": 2,
    "RAM32X1S": 1,
    "RAM64X1S": 1,
    "SRL16E": 1,
    "SRLC32E": 1,
}
_DSPS: Final = {"MULT18X18D": 1, "DSP48E1": 1}
_BRAMS: Final = {"DP16KD": 1, "PDPW16KD": 1, "RAMB18E1": 1, "RAMB36E1": 2}
_FREE: Final = ("$scopeinfo", "IBUF", "OBUF", "BUFG", "GND", "VCC")
_WORKER: Final = "hwflow/synth/worker.py"
_TIMEOUT: Final = 3600.0


@dataclass(frozen=True, slots=True)
class Counts:
    """Counted cells of one netlist; `cells` is Yosys' own list."""

    lut: int
    ff: int
    dsp: int
    bram: int
    cells: dict[str, int]


def synthesize(
    rtl: Path, top: str, command: str, work: Path, root: Path, cut: Sequence[str] = ()
) -> Counts:
    """Run one of COMMANDS on `rtl`; `cut` are Yosys commands to run before it."""
    work.mkdir(parents=True, exist_ok=True)
    (work / "design.v").write_bytes(rtl.read_bytes())
    lines = (
        "read_verilog design.v",
        *cut,
        COMMANDS[command].format(top=top),
        "tee -q -o stat.json stat -json",
    )
    (work / "synth.ys").write_text("\n".join(lines) + "\n", encoding="utf-8")
    run(
        (find("pyosys"), "-I", root / _WORKER, "synth.ys"),
        cwd=work,
        log=work / "yosys.log",
        timeout=_TIMEOUT,
        tool="yosys",
    )
    stat = json.loads((work / "stat.json").read_text(encoding="utf-8"))
    return _counts(stat["design"]["num_cells_by_type"])


def _counts(cells: dict[str, int]) -> Counts:
    totals: Counter[str] = Counter()
    for kind, count in cells.items():
        if kind in _MEMORY_LUTS:
            totals["lut"] += _MEMORY_LUTS[kind] * count
        elif kind in _DSPS:
            totals["dsp"] += _DSPS[kind] * count
        elif kind in _BRAMS:
            totals["bram"] += _BRAMS[kind] * count
        elif kind in COSTS:
            totals["lut"] += COSTS[kind].lut * count
            totals["ff"] += COSTS[kind].ff * count
        elif kind not in _FREE:
            sys.exit(f"a netlist holds {count} cells of type {kind}, which nothing counts")
    return Counts(totals["lut"], totals["ff"], totals["dsp"], totals["bram"], dict(cells))
