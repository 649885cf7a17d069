"""Runs the cocotb testbenches on a design folder and turns what they found into results."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from hwflow.errors import CheckFailed, InternalError, ToolFailed
from hwflow.tools import find, identity, run

__all__ = ["CocotbResult", "run_cocotb"]

_TESTBENCH: Final = Path(__file__).resolve().parents[3] / "testbench" / "run.py"
_SECONDS: Final = 3600.0


@dataclass(frozen=True, slots=True)
class CocotbResult:
    """One passed test: its name, vectors streamed and clock cycles simulated.

    `seconds` is the time the simulation took; it is not reproducible and must not be written into
    an artifact.
    """

    test: str
    vectors: int
    cycles: int
    seconds: float


def run_cocotb(
    design: Path,
    work: Path,
    *,
    vectors: int = 10_000,
    paced_vectors: int = 300,
    seed: int = 1,
    tests: Sequence[str] = (),
    jobs: int = 1,
) -> tuple[CocotbResult, ...]:
    """Runs the testbenches on a folder with design.v, interface.json, inputs/ and outputs/.

    `vectors` bounds what is streamed at full rate, `paced_vectors` what is streamed with random
    gaps and back-pressure; no `tests` means all of them. Logs and builds stay in `work`.

    Raises:
        CheckFailed: `rtl.cocotb` with the first finding: test, port, cycle, and for a golden
            mismatch vector, beat, lane, expected and found.
        ToolMissing, ToolFailed: from cocotb, Verilator or the C++ compiler.
    """
    for tool in ("verilator", "cocotb", "g++", "make", "perl"):
        identity(tool)
    if not _TESTBENCH.is_file():
        raise InternalError("rtl.testbench", "the testbench folder was not installed with hwflow")
    work.mkdir(parents=True, exist_ok=True)
    build = (work / "cocotb").resolve()
    for stale in ("results.json", "timing.json"):
        (build / stale).unlink(missing_ok=True)
    failure: ToolFailed | None = None
    try:
        run(
            (
                *(find("python"), _TESTBENCH, design.resolve(), "--build", build),
                *("--vectors", str(vectors), "--paced-vectors", str(paced_vectors)),
                *("--seed", str(seed), "--jobs", str(jobs)),
                *(word for test in tests for word in ("--test", test)),
            ),
            cwd=work.resolve(),
            log=(work / "cocotb.log").resolve(),
            timeout=_SECONDS,
            tool="cocotb",
        )
    except ToolFailed as error:
        failure = error
    records = _records(build / "results.json")
    for record in records:
        if record["finding"] is not None:
            raise _check_failed(record)
    if failure is not None:
        raise failure
    seconds = {record["test"]: record["seconds"] for record in _records(build / "timing.json")}
    return tuple(
        CocotbResult(r["test"], r["vectors"], r["cycles"], seconds[r["test"]]) for r in records
    )


def _records(path: Path) -> list[dict[str, Any]]:
    if not path.exists():
        return []
    records: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))
    return records


def _check_failed(record: dict[str, Any]) -> CheckFailed:
    finding = record["finding"]
    return CheckFailed(
        "rtl.cocotb",
        f"test {record['test']}: port {finding['port']}, cycle {finding['cycle']} after reset: "
        f"{finding['kind']}: {finding['message']}",
        hint="run it alone with a waveform: `hwflow export BUILD DIR`, then "
        f"python testbench/run.py DIR --test {record['test']} --waves",
    )
