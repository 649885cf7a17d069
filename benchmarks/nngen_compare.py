"""LUTs against NNgen 1.3.4 for a 16-64-32-32-5 MLP with 8-bit weights, at equal throughput.

    python benchmarks/nngen_compare.py [--cache DIR] [--only NAME ...] [--commands NAME ...]

NNgen is installed from PyPI into an environment of its own below DIR (default: the user's cache
folder). Both sides get the same random integers (int8 weights, inputs and activations, bias, shift
with rounding half away, clip to +-127, ReLU) and must give the same outputs: NNgen's RTL in Icarus
Verilog, ours in Verilator.

NNgen's cycles per inference are simulated with its own test bench and veriloggen's AXI memory set
to no latency and no pauses, from start to the end of busy, divided by the batch. Its weights cross
the bus for each batch, so a larger batch is quicker per inference. Our folding, one row of
`CASES`, is never slower. What is left out as DMA and bus, and how, is in nngen_cut.py.

The two are not the same kind of machine: NNgen loads weights at run time and runs the layers one
after another on one array; ours keeps weights in ROM and runs the layers side by side. Memories may
become block RAM on both sides and are listed.

Targets: at most 0.5 of NNgen's LUTs, and at most 0.8 without its DMA and bus logic.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import venv
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
from common import RESULTS, ROOT, emit

sys.path.insert(0, str(ROOT))

from nngen_cut import cut_lines, find_cut
from nngen_ours import SIZES, TOP, Network, graph, network, plan, write_rtl
from nngen_synth import COMMANDS, COUNT_RULE, Counts, synthesize

from hwflow.ir import evaluate
from hwflow.tools import run
from hwflow.verify.rtl import build_replay, check_timing

PACKAGES = (
    "nngen==1.3.4",
    "veriloggen==2.3.0",
    "pyverilog==1.3.0",
    "numpy==2.4.6",
    "onnx==1.23.2",
)
IDEAL = {"write_delay": 0, "read_delay": 0, "sleep_interval": 1_000_000, "keep_sleep": 0}
"""veriloggen's memory without waiting: NNgen at its quickest."""
MAX_RATIO, MAX_RATIO_WITHOUT_BUS = 0.5, 0.8


@dataclass(frozen=True, slots=True)
class Case:
    """One NNgen configuration and the (pe, simd) of our layers that are at least as quick.

    `sum_bits` 32 and `bias_bits` 32 are what NNgen's own ONNX front end takes for int8; 22 and 16
    are the narrowest that hold this network (biases in memory want a power of two).
    """

    name: str
    folds: tuple[tuple[int, int], ...]
    par_ich: int = 1
    par_och: int = 1
    batch: int = 1
    bus_bits: int = 32
    sum_bits: int = 32
    bias_bits: int = 32


@dataclass(slots=True)
class Side:
    """RTL of one side: cycles per inference and counts by Yosys command."""

    rtl: Path
    top: str
    cycles: float
    counts: dict[str, Counts] = field(default_factory=dict)


CASES = (
    Case("default", folds=((1, 1), (1, 1), (1, 1), (1, 1))),
    Case("par4", folds=((1, 1), (1, 2), (1, 1), (1, 1)), par_ich=4, par_och=4),
    Case("par4_batch16", folds=((1, 4), (1, 8), (1, 4), (1, 1)), par_ich=4, par_och=4, batch=16),
    Case(
        "par4_batch16_narrow",
        folds=((1, 4), (1, 8), (1, 4), (1, 1)),
        par_ich=4,
        par_och=4,
        batch=16,
        sum_bits=22,
        bias_bits=16,
    ),
    Case(
        "par8_batch16_bus128",
        folds=((1, 8), (1, 16), (1, 8), (1, 1)),
        par_ich=8,
        par_och=8,
        batch=16,
        bus_bits=128,
    ),
)


def main() -> None:
    """Measure and write benchmarks/results/nngen_compare.json."""
    parser = argparse.ArgumentParser(description=__doc__)
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "hwflow"
    names = [case.name for case in CASES]
    parser.add_argument("--cache", type=Path, default=cache)
    parser.add_argument("--only", nargs="+", choices=names, default=names)
    parser.add_argument("--commands", nargs="+", choices=COMMANDS, default=list(COMMANDS))
    given = parser.parse_args()
    if not (shutil.which("iverilog") and shutil.which("vvp")):
        sys.exit("this benchmark simulates NNgen's RTL with Icarus Verilog: install iverilog")
    python = _environment(given.cache / "nngen-1.3.4")
    arrays = network()
    rows: list[dict[str, object]] = []
    details: dict[str, object] = {}
    with tempfile.TemporaryDirectory() as temporary:
        for case in CASES:
            if case.name in given.only:
                work = Path(temporary) / case.name
                found, record = _compare(case, arrays, python, given.commands, work)
                rows += found
                details[case.name] = record
    emit("nngen_compare", rows, _facts(python, rows))
    # Too long to print: each configuration, our folds and timing, and Yosys' own cell lists.
    results = RESULTS / "nngen_compare.json"
    whole = {**json.loads(results.read_text(encoding="utf-8")), "details": details}
    results.write_text(json.dumps(whole, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def _compare(
    case: Case, arrays: Network, python: Path, commands: list[str], work: Path
) -> tuple[list[dict[str, object]], dict[str, object]]:
    """All commands on NNgen's RTL, whole and cut, and on ours."""
    work.mkdir()
    theirs = _nngen(case, arrays, python, work)
    cut = cut_lines(find_cut(theirs.rtl.read_text(encoding="utf-8"), theirs.top), theirs.top)
    rows: list[dict[str, object]] = []
    netlists: dict[str, object] = {}
    timing: dict[str, object] = {}
    for multiplier in dict.fromkeys(_multiplier(command) for command in commands):
        ours, timing[multiplier] = _ours(case, arrays, multiplier, work / multiplier)
        if ours.cycles > theirs.cycles:
            sys.exit(f"{case.name}: our {ours.cycles} cycles are more than NNgen's {theirs.cycles}")
        for command in (c for c in commands if _multiplier(c) == multiplier):
            where = work / re.sub(r"\W+", "_", command)
            whole = synthesize(theirs.rtl, theirs.top, command, where / "nngen", ROOT)
            rest = synthesize(theirs.rtl, theirs.top, command, where / "cut", ROOT, cut)
            mine = synthesize(ours.rtl, ours.top, command, where / "ours", ROOT)
            rows.append(_row(case, command, theirs, ours, (whole, rest, mine)))
            print(rows[-1], file=sys.stderr, flush=True)
            sides = {"nngen": whole, "nngen without bus": rest, "hwflow": mine}
            netlists[command] = {side: asdict(counts) for side, counts in sides.items()}
    return rows, {"nngen": asdict(case), "hwflow timing": timing, "netlists": netlists}


def _row(
    case: Case, command: str, theirs: Side, ours: Side, counts: tuple[Counts, Counts, Counts]
) -> dict[str, object]:
    whole, rest, mine = counts
    ratio, without_bus = mine.lut / whole.lut, mine.lut / rest.lut
    return {
        "nngen": case.name,
        "yosys": command,
        "nngen_cycles": round(theirs.cycles, 1),
        "our_cycles": ours.cycles,
        "nngen_lut": whole.lut,
        "no_bus_lut": rest.lut,
        "our_lut": mine.lut,
        "ratio": round(ratio, 3),
        "ratio_no_bus": round(without_bus, 3),
        "met": ratio <= MAX_RATIO and without_bus <= MAX_RATIO_WITHOUT_BUS,
        "ff": f"{whole.ff}/{rest.ff}/{mine.ff}",
        "dsp": f"{whole.dsp}/{rest.dsp}/{mine.dsp}",
        "bram18": f"{whole.bram}/{rest.bram}/{mine.bram}",
    }


def _facts(python: Path, rows: list[dict[str, object]]) -> dict[str, object]:
    listed = subprocess.run(
        (python, "-m", "pip", "freeze"), capture_output=True, text=True, check=True
    )
    return {
        "network": "-".join(str(size) for size in SIZES),
        "targets": f"ratio <= {MAX_RATIO}, ratio_no_bus <= {MAX_RATIO_WITHOUT_BUS}",
        "all met": all(bool(row["met"]) for row in rows),
        "ff, dsp, bram18": "NNgen / NNgen without DMA and bus / hwflow",
        "count rule": COUNT_RULE,
        "commands": COMMANDS,
        "nngen cycles": "simulated: Icarus Verilog, AXI memory without latency, per inference",
        "our cycles": "initiation interval, simulated: Verilator replay, equal to the plan",
        "packages": sorted(listed.stdout.split()),
    }


def _environment(folder: Path) -> Path:
    """NNgen's own environment, made once; returns its Python."""
    python = folder / "bin" / "python"
    ready = folder / "installed.txt"
    wanted = "\n".join(PACKAGES) + "\n"
    if not (ready.exists() and ready.read_text(encoding="utf-8") == wanted):
        venv.create(folder, clear=True, with_pip=True)
        subprocess.run((python, "-m", "pip", "install", "-q", *PACKAGES), check=True)
        ready.write_text(wanted, encoding="utf-8")
    return python


def _nngen(case: Case, arrays: Network, python: Path, work: Path) -> Side:
    """Generate NNgen's RTL and simulate it; it must give what our graph gives."""
    name = f"nngen_{case.name}"
    np.savez(work / "network.npz", **arrays)  # type: ignore[arg-type]
    job = {
        **{k: v for k, v in asdict(case).items() if k != "folds"},
        "name": name,
        "network": "network.npz",
        "layers": len(SIZES) - 1,
        "memory": IDEAL,
        "limit_cycles": 1_000_000,
    }
    (work / "job.json").write_text(json.dumps(job), encoding="utf-8")
    generate = ROOT / "benchmarks" / "nngen_generate.py"
    _start((python, generate, work / "job.json"), work, "nngen")
    expected = json.loads((work / f"{name}.json").read_text(encoding="utf-8"))["expected"]
    graph_says = evaluate(graph(arrays), {"x": arrays["inputs"][: case.batch]})["y"]
    if not np.array_equal(graph_says, np.array(expected)):
        sys.exit(f"{case.name}: NNgen's software model and our graph differ")
    bench = work / f"{name}_bench.v"
    _start(("iverilog", "-g2012", "-o", work / "bench.vvp", bench), work, "iverilog")
    text = _start(("vvp", "-n", work / "bench.vvp"), work, "vvp")
    cycles, wrong = re.search(r"cycles\s+(\d+)", text), re.search(r"wrong\s+(\d+)", text)
    if cycles is None or wrong is None or int(wrong.group(1)):
        sys.exit(f"{case.name}: NNgen's RTL did not give its expected outputs:\n{text[-2000:]}")
    return Side(work / f"{name}.v", name, int(cycles.group(1)) / case.batch)


def _ours(
    case: Case, arrays: Network, multiplier: str, work: Path
) -> tuple[Side, dict[str, object]]:
    """Plan, generate and replay our side; outputs and timing must be as planned."""
    work.mkdir(parents=True)
    folds = {f"layer{i}": fold for i, fold in enumerate(case.folds)}
    planned = plan(arrays, folds, multiplier)
    rtl = work / "design.v"
    write_rtl(planned, rtl)
    (source,), (sink,) = planned.interface.inputs, planned.interface.outputs
    x = arrays["inputs"]
    result = build_replay(rtl, planned.interface, work / "replay").run({"x": source.pack(x)})
    if not np.array_equal(result.outputs["y"], sink.pack(evaluate(planned.graph, {"x": x})["y"])):
        sys.exit(f"{case.name}: our RTL and the integer graph differ")
    check_timing(planned.interface, result)
    interval = planned.interface.initiation_interval
    timing: dict[str, object] = {
        "latency": planned.interface.latency,
        "initiation interval": interval,
        "folds (pe, simd)": folds,
    }
    return Side(rtl, TOP, interval), timing


def _multiplier(command: str) -> str:
    return "dsp" if "stock" in command else "lut"


def _start(argv: tuple[str | Path, ...], work: Path, tool: str) -> str:
    log = work / f"{tool}.log"
    run(argv, cwd=work, log=log, timeout=1800.0, tool=tool)
    return log.read_text(encoding="utf-8", errors="replace")


if __name__ == "__main__":
    main()
