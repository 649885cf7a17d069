"""The simulation over the UART pins: starts testbench/uart and reads what it found."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from hwflow.board.bridge import FILE, Protocol
from hwflow.errors import InternalError, ToolFailed
from hwflow.tools import find, identity, run

__all__ = ["TESTBENCH", "UartTest", "simulate", "write_bench"]

TESTBENCH: Final = Path(__file__).resolve().parents[2] / "testbench" / "uart"
_SECONDS: Final = 3600.0


@dataclass(frozen=True, slots=True)
class UartTest:
    """One test: vectors and clocks simulated, clocks at its marks, and what went wrong.

    `received` holds the bytes that came back.
    """

    test: str
    vectors: int
    cycles: int
    marks: tuple[int, ...]
    finding: str | None
    received: bytes

    @property
    def clocks_per_tensor(self) -> float:
        """Clocks from the first to the last mark, per tensor."""
        return (self.marks[-1] - self.marks[0]) / self.vectors


def write_bench(
    folder: Path,
    protocol: Protocol,
    top: str,
    design: Path,
    inputs: npt.NDArray[np.uint8],
    outputs: npt.NDArray[np.uint8],
) -> None:
    """The folder that testbench/uart/run.py takes; `inputs` and `outputs` are packed beats."""
    for side, tensor, beats in (
        ("inputs", protocol.input, inputs),
        ("outputs", protocol.output, outputs),
    ):
        (folder / side).mkdir(parents=True, exist_ok=True)
        (folder / side / f"{tensor}.bin").write_bytes(beats.tobytes())
    (folder / "board.v").write_text(top, encoding="utf-8")
    (folder / "design.v").write_bytes(design.read_bytes())
    (folder / FILE).write_text(protocol.to_json(), encoding="utf-8")


def simulate(folder: Path, work: Path, vectors: int) -> tuple[UartTest, ...]:
    """Run every test on a folder that `write_bench` wrote, with at most `vectors` vectors.

    A test that found something is told in its record, not raised.

    Raises:
        ToolMissing, ToolFailed: from Verilator or the C++ compiler.
    """
    for tool in ("verilator", "g++", "make", "perl"):
        identity(tool)
    script = TESTBENCH / "run.py"
    if not script.is_file():
        raise InternalError("board.testbench", "testbench/uart was not installed with hwflow")
    work.mkdir(parents=True, exist_ok=True)
    build = (work / "uart").resolve()
    results = build / "results.json"
    results.unlink(missing_ok=True)
    words = (folder.resolve(), "--build", build, "--vectors", str(vectors))
    try:
        run(
            (find("python"), script, *words),
            cwd=work.resolve(),
            log=(work / "uart.log").resolve(),
            timeout=_SECONDS,
            tool="testbench/uart",
        )
    except ToolFailed:
        if not results.is_file():  # else a test failed, which its record tells
            raise
    records: list[dict[str, Any]] = json.loads(results.read_text(encoding="utf-8"))
    return tuple(
        UartTest(
            test=record["test"],
            vectors=record["vectors"],
            cycles=record["cycles"],
            marks=tuple(record["marks"]),
            finding=record["finding"],
            received=(build / f"{record['test']}.bin").read_bytes(),
        )
        for record in records
    )
