"""A small design without training, built as far as the Verilog, and a way to call the program."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hwflow.cli.main import main
from hwflow.ir import Graph, GraphBuilder, IntType, Overflow, Rounding, save_graph

DESIGN = """\
design: tiny
model: {file: graph.hwf}
hardware: {target: lut6, clock: 100 MHz, interface: valid_ready}
verify: {vectors: 20, rungs: []}
"""


@dataclass(frozen=True)
class Called:
    """What a call of the program gave."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Call = Callable[..., Called]


@pytest.fixture
def call(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Call:
    """call(words...) runs a command and returns its exit code and output."""
    monkeypatch.setenv("NO_COLOR", "1")

    def called(*words: object) -> Called:
        capfd.readouterr()
        code = main([str(word) for word in words])
        out, err = capfd.readouterr()
        assert "Traceback" not in err + out
        return Called(code, out, err)

    return called


def tiny_graph() -> Graph:
    """Two layers on four signed 6-bit inputs with 2 fraction bits."""
    b = GraphBuilder("tiny")
    x = b.input(
        "x",
        shape=(4,),
        type=IntType.fixed(6, 2),
        rounding=Rounding.HALF_EVEN,
        overflow=Overflow.SATURATE,
    )
    with b.layer("first"):
        w = b.const(np.array([[3, -5, 7], [1, 2, -3], [6, 0, 5], [-1, 4, 2]]), frac=1)
        a = b.matmul(x, w)
        h = b.requant(a, IntType.fixed(7, 2, signed=False), Rounding.HALF_UP, Overflow.SATURATE)
    with b.layer("second"):
        y = b.matmul(h, b.const(np.array([[1, -2], [3, 5], [-7, 1]]), frac=0))
    return b.build({"y": y})


def write_design(folder: Path) -> Path:
    """The tiny design in a folder; returns design.yaml."""
    folder.mkdir(parents=True, exist_ok=True)
    save_graph(tiny_graph(), folder / "graph.hwf")
    (folder / "design.yaml").write_text(DESIGN)
    return folder / "design.yaml"


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The build folder of the tiny design, as far as the Verilog; not to be written to."""
    folder = tmp_path_factory.mktemp("tiny")
    design = write_design(folder)
    assert main(["build", str(design), "--to", "golden", "--build-dir", str(folder / "b")]) == 0
    return folder / "b"


@pytest.fixture
def design(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A design.yaml in an empty current folder."""
    monkeypatch.chdir(tmp_path)
    return write_design(tmp_path / "tiny")
