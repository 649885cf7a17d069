"""The bridge over its UART pins, in front of a design that is slower than the line."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from hwflow.board.boards import board
from hwflow.board.bridge import Protocol, protocol
from hwflow.board.simulate import TESTBENCH, UartTest, simulate, write_bench
from hwflow.board.top import top_verilog
from hwflow.verify.rtl import lint
from tests.board.slow import INTERFACE, VERILOG, expected, tensors

pytestmark = pytest.mark.tool

LINE = protocol(INTERFACE, board("icebreaker"))
X = tensors(8)
SENT = INTERFACE.inputs[0].pack(X)
WANTED = INTERFACE.outputs[0].pack(expected(X))
TESTS = ["one_by_one", "pipelined", "slow_host", "fast_host", "resync"]


def bench(folder: Path, top: str, line: Protocol = LINE) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    design = folder / "stub.v"
    design.write_text(VERILOG)
    write_bench(folder / "bench", line, top, design, SENT, WANTED)
    return folder / "bench"


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, tuple[UartTest, ...]]:
    """The working folder and the results of every test."""
    folder = tmp_path_factory.mktemp("uart")
    top = top_verilog(INTERFACE, board("icebreaker"), LINE)
    return folder, simulate(bench(folder, top), folder, len(X))


def test_every_test_passes(simulated: tuple[Path, tuple[UartTest, ...]]) -> None:
    results = simulated[1]
    assert [(test.test, test.finding) for test in results] == [(name, None) for name in TESTS]
    assert [test.vectors for test in results] == [8, 8, 3, 3, 4]
    assert results[0].received == results[1].received == WANTED.tobytes()


def test_pipelining_hides_the_line(simulated: tuple[Path, tuple[UartTest, ...]]) -> None:
    """One by one a tensor takes both ways and its computation; two at once only the longest."""
    alone, together = (test.clocks_per_tensor for test in simulated[1][:2])
    byte = 10 * LINE.clocks_per_bit
    assert alone > 12 * byte + 1600
    assert 2400 <= together < alone


def play(simulated: tuple[Path, tuple[UartTest, ...]], steps: Sequence[str]) -> dict[str, str]:
    """Run the compiled board on steps of our own; returns its status."""
    work = simulated[0] / "uart"
    (work / "own.txt").write_text("\n".join(steps) + "\n")
    (work / "in.bin").write_bytes(SENT.tobytes())
    words = ("12.0", "own.txt", "in.bin", "own.bin", "own.status")
    subprocess.run((work / "obj" / "board", *words), cwd=work, check=True, timeout=60)
    lines = (work / "own.status").read_text().splitlines()
    return dict(line.split(" ", 1) for line in lines)


def test_too_much_at_once_is_told_and_harms_nothing(
    simulated: tuple[Path, tuple[UartTest, ...]],
) -> None:
    """The store holds 16 bytes: eight tensors without a pause cannot all fit."""
    size = LINE.output_bytes
    steps = ["error 1", "send 0 48", "error 0", f"idle {1 << 19}"]
    status = play(simulated, steps)
    assert status["status"] == "ok", "the LEDs of the board are active low"
    received = (simulated[0] / "uart" / "own.bin").read_bytes()
    whole, rest = divmod(len(received), size)
    assert rest == 0
    assert 2 <= whole < 8
    assert received == WANTED.tobytes()[: len(received)], "what came back is right"
    again = [*steps, f"total {len(received)}", "send 42 6", f"wait {len(received) + size} 99999"]
    assert play(simulated, again)["status"] == "ok"
    assert (simulated[0] / "uart" / "own.bin").read_bytes()[-size:] == WANTED.tobytes()[-size:]


@pytest.mark.parametrize(
    ("steps", "status"),
    [
        (["send 0 5", "wait 1 50000"], "missing"),
        (["send 0 6", "wait 6 50000", "total 5"], "total"),
        (["error 0"], "error"),
        (["send 0 6", "wait 6 50000", "total 6", "error 1"], "ok"),
    ],
)
def test_the_harness_sees(
    simulated: tuple[Path, tuple[UartTest, ...]], steps: list[str], status: str
) -> None:
    assert play(simulated, steps)["status"] == status


def started(*words: object) -> subprocess.CompletedProcess[str]:
    """A Python program as a user starts it."""
    argv = (sys.executable, *map(str, words))
    return subprocess.run(argv, check=False, capture_output=True, text=True, timeout=300)


def test_alone_and_with_wrong_results(
    simulated: tuple[Path, tuple[UartTest, ...]], tmp_path: Path
) -> None:
    """run.py on a folder, as a user starts it; one bit of the expected bytes is flipped."""
    folder = tmp_path / "bench"
    shutil.copytree(simulated[0] / "bench", folder)
    path = folder / "outputs" / "y.bin"
    wrong = bytearray(path.read_bytes())
    wrong[7] ^= 4
    path.write_bytes(bytes(wrong))
    build = tmp_path / "build"
    shutil.copytree(simulated[0] / "uart", build)
    words = (
        TESTBENCH / "run.py",
        folder,
        "--build",
        build,
        "--test",
        "pipelined",
        "--vectors",
        "3",
    )
    done = started(*words)
    assert done.returncode == 1
    assert "pipelined    FAILED 3 vectors" in done.stdout
    assert "result 1: expected" in done.stdout
    (record,) = json.loads((build / "results.json").read_text())
    assert record["finding"].startswith("result 1")


def test_folders_that_cannot_be_used(tmp_path: Path) -> None:
    folder = bench(tmp_path, "")
    for name, text, words in (
        ("inputs/x.bin", "12345", "expected whole tensors"),
        ("uart.json", "{}", "does not describe a board"),
        ("uart.json", "", "does not describe a board"),
    ):
        (folder / name).write_text(text)
        done = started(TESTBENCH / "run.py", folder)
        assert (done.returncode, words in done.stdout) == (2, True)


@pytest.mark.long
def test_a_bridge_that_forgets_to_rewind_is_found(tmp_path: Path) -> None:
    """Half a tensor would shift all that follow."""
    top = top_verilog(INTERFACE, board("icebreaker"), LINE)
    assert top.count("write_place <= whole_place;") == 2
    broken = top.replace("write_place <= whole_place;", "")
    folder = bench(tmp_path, broken)
    results = simulate(folder, tmp_path, 4)
    assert [test.test for test in results if test.finding] == ["resync"]


@pytest.mark.parametrize("name", ["icebreaker", "upduino3"])
def test_lint(name: str, tmp_path: Path) -> None:
    line = protocol(INTERFACE, board(name))
    whole = tmp_path / "whole.v"
    stub = VERILOG.replace("17'd17 * place", "17'd17 * {15'd0, place}")
    whole.write_text(top_verilog(INTERFACE, board(name), line) + stub)
    lint(whole, line.top, tmp_path)


def test_equal_vectors_would_prove_nothing() -> None:
    assert len(np.unique(WANTED, axis=0)) == len(WANTED)
