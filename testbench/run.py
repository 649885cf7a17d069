"""Runs the cocotb tests on a design folder: `python testbench/run.py DESIGN_DIR`.

The folder holds design.v, interface.json, inputs/<tensor>.bin and outputs/<tensor>.bin. Exit code
0: all tests passed; 1: a test failed; 2: the folder cannot be used; 4: a tool failed.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from hwflow_tb.design import Design, FolderError, load_beats, load_design, load_words
from hwflow_tb.fast_verilator import (
    FastVerilator,
    build_args,
    put_verilator_on_path,
)
from hwflow_tb.harness import TOP, control_file, harness

__all__ = ["main"]

TESTS: Final = ("full_rate", "random_pace", "reset_in_stream")
LOADER_TESTS: Final = ("two_weight_sets", "crc_error")
"""For designs whose weights are loaded at run time."""


def main(arguments: Sequence[str]) -> int:
    """Builds, simulates and tells the result; returns the exit code."""
    options = _parser().parse_args(arguments)
    folder = Path(options.design).resolve()
    build = Path(options.build).resolve() if options.build else folder / "tb_build"
    try:
        design = load_design(folder)
        _check_folder(folder, design)
    except FolderError as error:
        _say(f"{options.design}: {error}")
        return 2
    build.mkdir(parents=True, exist_ok=True)
    results, timing = build / "results.json", build / "timing.json"
    for stale in (results, timing):
        stale.unlink(missing_ok=True)
    config = {
        "design": str(folder),
        "paced_vectors": options.paced_vectors,
        "results": str(results),
        "seed": options.seed,
        "timing": str(timing),
        "vectors": options.vectors,
    }
    (build / "config.json").write_text(json.dumps(config, indent=1, sort_keys=True) + "\n")
    options.test = options.test or [*TESTS, *(LOADER_TESTS if design.words else ())]
    if not _simulate(folder, design, build, options) or not results.exists():
        _say("the simulation did not run to its end: see build.log and sim.log in the build folder")
        return 4
    return _tell(json.loads(results.read_text()), json.loads(timing.read_text()), options.test)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="testbench/run.py", description=__doc__)
    parser.add_argument("design", metavar="DESIGN_DIR")
    parser.add_argument("--build", metavar="DIR", help="default: DESIGN_DIR/tb_build")
    parser.add_argument("--vectors", type=int, default=10_000, help="at most so many at full rate")
    parser.add_argument("--paced-vectors", type=int, default=300, help="and with random gaps")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=1, help="compilers at once")
    parser.add_argument(
        "--test", action="append", choices=(*TESTS, *LOADER_TESTS), help="default: all"
    )
    parser.add_argument("--waves", action="store_true", help="write dump.vcd into the build folder")
    return parser


def _check_folder(folder: Path, design: Design) -> None:
    if not (folder / "design.v").is_file():
        raise FolderError("found no design.v")
    for port in design.inputs:
        load_beats(folder / "inputs" / f"{port.tensor}.bin", port, 1)
    for port in design.outputs:
        load_beats(folder / "outputs" / f"{port.tensor}.bin", port, 1)
    load_words(folder / "weights.hex", design)


def _simulate(folder: Path, design: Design, build: Path, options: argparse.Namespace) -> bool:
    put_verilator_on_path()
    made = {build / "ports.vlt": control_file(design), build / "harness.v": harness(design)}
    for file, text in made.items():
        # Verilator skips an identical build, which it tells by the files' times.
        if not file.is_file() or file.read_text() != text:
            file.write_text(text)
    runner = FastVerilator()
    runner.jobs = options.jobs
    try:
        runner.build(
            sources=[*made, folder / "design.v"],
            hdl_toplevel=TOP,
            build_dir=build / "sim",
            build_args=build_args(),
            log_file=build / "build.log",
            timescale=("1ns", "1ps"),
            waves=options.waves,
            always=True,
        )
        runner.test(
            test_module="hwflow_tb.tests",
            hdl_toplevel=TOP,
            hdl_toplevel_lang="verilog",
            build_dir=build / "sim",
            test_dir=build,
            testcase=options.test,
            # Registers wake up at random: what reset forgets shows as a mismatch.
            plusargs=["+verilator+rand+reset+2", f"+verilator+seed+{options.seed + 1}"],
            extra_env={
                # Verilator puts these writes where they belong; without this cocotb delays each
                # one through a callback, and makes the clock in Python.
                "COCOTB_TRUST_INERTIAL_WRITES": "1",
                "HWFLOW_TB_CONFIG": str(build / "config.json"),
                "PYTHONPATH": str(Path(__file__).resolve().parent),
            },
            log_file=build / "sim.log",
            waves=options.waves,
        )
    except SystemExit as stop:
        return stop.code == 0
    except (subprocess.CalledProcessError, OSError, RuntimeError) as error:
        _say(f"{type(error).__name__}: {error}")
        return False
    return True


def _tell(
    results: list[dict[str, Any]], timing: list[dict[str, Any]], wanted: Sequence[str]
) -> int:
    failed = False
    for record, clocked in zip(results, timing, strict=True):
        finding = record["finding"]
        failed |= finding is not None
        rate = clocked["cycles"] / max(clocked["seconds"], 1e-9)
        count = f"{record.get('vectors', 0)} vectors, {record['cycles']} cycles"
        verdict = "ok" if finding is None else "FAILED"
        _say(f"{record['test']:16} {verdict:6} {count}, {rate:,.0f} cycles/s")
        if finding is not None:
            _say(f"  {finding['port']}, cycle {finding['cycle']}: {finding['message']}")
    missing = sorted(set(wanted) - {record["test"] for record in results})
    for name in missing:
        _say(f"{name:16} did not run: see sim.log")
    if missing:
        return 4
    return 1 if failed else 0


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
