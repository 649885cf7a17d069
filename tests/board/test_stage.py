"""The whole stage on a small design, and `hwflow talk` to what it made."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from hwflow.board.bitstream import make_bitstream
from hwflow.board.boards import board as board_of
from hwflow.board.bridge import protocol
from hwflow.board.check import check_board
from hwflow.cli.commands import talk
from hwflow.cli.console import Console
from hwflow.config import load_design
from hwflow.errors import CheckFailed, HwflowError
from hwflow.flow import open_build
from hwflow.flow.build import StageRecord
from hwflow.ir import Graph, GraphBuilder, IntType, Overflow, Rounding, evaluate, save_graph
from hwflow.stages import board
from hwflow.stages.rungs import load_golden
from tests.integration.designs import duo_graph
from tests.integration.running import context, prepared

pytestmark = pytest.mark.tool

DESIGN = """\
design: tiny
model: {file: graph.hwf}
hardware: {target: ice40-up5k, clock: 12 MHz, interface: axi_stream, board: icebreaker}
verify: {vectors: 30, rungs: []}
"""


def tiny_graph() -> Graph:
    """Two dense layers; 24 bytes of input, so that the bridge's store is a block RAM."""
    b = GraphBuilder("tiny")
    x = b.input("x", (32,), IntType.fixed(6, 2), Rounding.HALF_EVEN, Overflow.SATURATE)
    with b.layer("first"):
        a = b.matmul(x, b.const(np.random.default_rng(2).integers(-2, 3, (32, 3)), frac=1))
        h = b.requant(a, IntType.fixed(7, 2, signed=False), Rounding.HALF_UP, Overflow.SATURATE)
    with b.layer("second"):
        y = b.matmul(h, b.const(np.array([[1, -2], [3, 5], [-7, 1]]), frac=0))
    return b.build({"y": y})


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with build/x (the build) and stage/ (what the stage wrote, its scratch folder)."""
    folder = tmp_path_factory.mktemp("board")
    save_graph(tiny_graph(), folder / "graph.hwf")
    (folder / "design.yaml").write_text(DESIGN)
    inputs = prepared(folder / "design.yaml", "golden")
    board.run(load_design(folder / "design.yaml"), context(folder / "stage", inputs))
    build = open_build(folder / "build" / "x")
    build.point("board", StageRecord("0", "0", "done", {}), folder / "stage" / "out")
    build.save()
    return folder


def test_what_it_writes(made: Path) -> None:
    out = made / "stage" / "out"
    assert sorted(path.name for path in out.iterdir()) == [
        "board.json", "netlist.json", "rung.json", "synth.json", "tiny.asc", "tiny.bin",
        "tiny.pcf", "tiny_board.v", "uart.json",
    ]  # fmt: skip
    # The preamble of an iCE40 bitstream, after icepack's comment.
    assert b"\x7e\xaa\x99\x7e" in (out / "tiny.bin").read_bytes()[:200]
    for path in out.iterdir():
        assert str(made).encode() not in path.read_bytes(), f"{path.name} names the machine"


def test_figures(made: Path) -> None:
    record = json.loads((made / "stage" / "out" / "board.json").read_text())
    figures = {figure["name"]: figure for figure in record["figures"]}
    assert figures["fmax"]["kind"] == "estimated"
    assert figures["fmax"]["value"] > 12e6
    assert (figures["bytes_in"]["value"], figures["bytes_out"]["value"]) == (24, 3)
    assert figures["uart_bound"]["value"] == pytest.approx(1e6 / 240, abs=1e-3)
    slow, quick = figures["one_by_one"], figures["pipelined"]
    assert slow["kind"] == quick["kind"] == "simulated"
    assert slow["value"] < quick["value"] < figures["uart_bound"]["value"]
    used = {row["resource"]: row["used"] for row in record["utilization"]["resources"]}
    assert used["ICESTORM_RAM"] == 1
    assert used["SB_IO"] == 5
    synth = json.loads((made / "stage" / "out" / "synth.json").read_text())
    assert [layer["layer"] for layer in synth["layers"]] == [
        "bridge", "network.first", "network.second", "top",
    ]  # fmt: skip


def test_the_rung(made: Path) -> None:
    rung = json.loads((made / "stage" / "out" / "rung.json").read_text())
    assert rung["equal"]
    assert rung["figures"]["netlist_vectors"] == rung["vectors"] >= 30
    assert [test["test"] for test in rung["figures"]["uart"]][-1] == "resync"


def test_the_same_bytes_again(made: Path, tmp_path: Path) -> None:
    """Place and route of the same netlist gives the same bitstream."""
    out = made / "stage" / "out"
    make_bitstream(out / "netlist.json", "tiny", board_of("icebreaker"), tmp_path, tmp_path / "w")
    assert (tmp_path / "tiny.bin").read_bytes() == (out / "tiny.bin").read_bytes()


def test_a_wrong_netlist_is_found(made: Path, tmp_path: Path) -> None:
    """One LUT of a layer inverted in the file that is placed: the netlist rung must see it."""
    inputs = {path.name: path for path in (made / "build" / "x").iterdir() if path.is_dir()}
    config = load_design(made / "design.yaml")
    at = context(tmp_path / "again", inputs)
    golden, found = load_golden(inputs), check_board(config)
    job = board.Job(at, found, golden, protocol(golden.interface, found))
    netlist = json.loads((made / "stage" / "out" / "netlist.json").read_text())
    cells = netlist["modules"]["tiny_board"]["cells"]
    name = next(n for n in sorted(cells) if n.startswith("network.second.SB_LUT4"))
    parameters = cells[name]["parameters"]
    key = "LUT_INIT"
    parameters[key] = parameters[key].translate(str.maketrans("01", "10"))
    broken = tmp_path / "netlist.json"
    broken.write_text(json.dumps(netlist))
    with pytest.raises(CheckFailed) as caught:
        board.simulate_netlist(job, broken)
    assert caught.value.code == "rung.mismatch"
    assert "in layer second" in caught.value.message


@pytest.fixture
def port(made: Path) -> Iterator[Path]:
    """The simulated board as a serial port."""
    far, near = os.openpty()
    program = made / "stage" / "scratch" / "uart" / "obj" / "board"
    simulated = subprocess.Popen((program, "12.0", "serve"), stdin=far, stdout=far)
    yield Path(os.ttyname(near))
    simulated.kill()
    simulated.wait()
    for descriptor in (far, near):
        os.close(descriptor)


def talking(*words: object) -> int:
    """The command as `hwflow talk words...` runs it; errors are raised."""
    parser = argparse.ArgumentParser()
    talk.arguments(parser)
    console = Console(json=True)
    return talk.execute(parser.parse_args([str(word) for word in words]), console)


def test_talk_to_the_simulated_board(
    made: Path, port: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Real numbers are quantized as `hwflow run` does; integers are codes."""
    build = made / "build" / "x"
    codes = np.random.default_rng(3).integers(-32, 32, (25, 32))
    expected = evaluate(tiny_graph(), {"x": codes})["y"]
    for given in (codes, codes / 4):
        np.save(tmp_path / "x.npy", given)
        for words in ((), ("--window", 1)):
            target = tmp_path / "y.npy"
            files = ("--input", tmp_path / "x.npy", "--output", target, "--check")
            assert talking(build, "--port", port, *files, *words) == 0
            assert np.array_equal(np.load(target), expected)
            target.unlink()
            assert json.loads(capsys.readouterr().out)["vectors"] == 25


def refused(*words: object) -> str:
    with pytest.raises(HwflowError) as caught:
        talking(*words)
    return caught.value.code


def test_a_board_with_another_bitstream(made: Path, port: Path, tmp_path: Path) -> None:
    """Results that differ are told, and kept for a look."""
    other = tmp_path / "b"
    shutil.copytree(made / "build" / "x", other, symlinks=False)
    graph = other / "lower" / "graph.hwf"
    text = graph.read_bytes()
    np.save(tmp_path / "x.npy", np.zeros((2, 32), int))
    files = ("--input", tmp_path / "x.npy", "--output", tmp_path / "y.npy", "--check")
    save_graph(duo_graph("tiny"), graph)
    assert refused(other, "--port", port, *files) == "run.input"
    graph.write_bytes(text)
    raw = json.loads((other / "board" / "uart.json").read_text())
    raw["output_beats"], raw["window"] = 2, 1
    (other / "board" / "uart.json").write_text(json.dumps(raw))
    timeout = ("--timeout", 0.2)
    assert refused(other, "--port", port, *files, *timeout) == "talk.silent"
    assert not (tmp_path / "y.npy").exists()


def test_what_talk_refuses(made: Path, tmp_path: Path) -> None:
    build = made / "build" / "x"
    np.save(tmp_path / "x.npy", np.zeros((2, 32), int))
    source = ("--input", tmp_path / "x.npy")
    null = ("--port", "/dev/null")
    assert refused(build, *null, *source) == "run.names"
    assert refused(build, *null, *source, "--check") == "talk.port"
    assert refused(build, *null, *source, "--check", "--window", 0) == "cli.usage"
    assert refused(build, *null, *source, "--check", "--timeout", "nan") == "cli.usage"
    assert refused(build, *null, *source, "--output", tmp_path / "x.npy") == "run.output"
    bare = tmp_path / "bare"
    bare.mkdir()
    (bare / "build.json").write_text('{"design": "t", "format": 1, "stages": {}}')
    assert refused(bare, *null, *source, "--check") == "talk.board"
