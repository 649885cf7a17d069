"""The cocotb testbenches: good designs pass, and every check can fail."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from hwflow.errors import CheckFailed, ToolFailed
from hwflow.verify.rtl import run_cocotb
from tests.verify.rtl import designs
from tests.verify.rtl.designs import ADDER_TREE, INTERFACES, SERIAL_SUM

pytestmark = pytest.mark.tool
RUN = Path(__file__).resolve().parents[3] / "testbench" / "run.py"


@pytest.fixture(scope="module")
def builds(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A folder per circuit, shared by the tests: one build serves every fault."""
    return {name: tmp_path_factory.mktemp(name) for name in INTERFACES}


@pytest.fixture
def work(builds: dict[str, Path]) -> Path:
    """The adder tree's folder."""
    return builds["adder_tree"]


@pytest.mark.parametrize("name", sorted(INTERFACES))
def test_good_design(name: str, builds: dict[str, Path]) -> None:
    interface = INTERFACES[name]
    build = builds[name]
    folder = designs.write_folder(build / "d", interface, designs.inputs(interface, 200))
    results = run_cocotb(folder, build, vectors=200, paced_vectors=100)
    assert [(r.test, r.vectors) for r in results] == [
        ("full_rate", 200),
        ("random_pace", 100),
        ("reset_in_stream", 100),
    ]
    records = json.loads((build / "cocotb" / "results.json").read_text())
    assert (records[0]["latency"], records[0]["initiation_interval"]) == (
        interface.latency,
        interface.initiation_interval,
    )
    assert "seconds" not in records[0]


def _failure(folder: Path, work: Path, test: str) -> CheckFailed:
    with pytest.raises(CheckFailed) as caught:
        run_cocotb(folder, work, vectors=100, paced_vectors=100, tests=(test,))
    assert caught.value.code == "rtl.cocotb"
    assert "Traceback" not in str(caught.value)
    return caught.value


@pytest.mark.parametrize(
    ("fault", "test", "kind"),
    [
        (1, "random_pace", "mismatch"),
        (2, "random_pace", "data-unstable"),
        (3, "random_pace", "valid-dropped"),
        (4, "full_rate", "deadlock"),
        (5, "full_rate", "extra-output"),
        (6, "reset_in_stream", "mismatch"),
    ],
)
def test_faulty_design(work: Path, fault: int, test: str, kind: str) -> None:
    folder = designs.write_folder(work / "d", ADDER_TREE, designs.inputs(ADDER_TREE, 100, fault))
    message = _failure(folder, work, test).message
    assert f"test {test}: port y_data_o, cycle " in message
    assert f"{kind}: " in message


def test_golden_mismatch_is_named(work: Path) -> None:
    values = designs.inputs(ADDER_TREE, 100)
    outputs = designs.golden(ADDER_TREE, values)
    right = int(outputs["y"][37, 0])
    outputs["y"][37, 0] ^= 1
    folder = designs.write_folder(work / "d", ADDER_TREE, values, outputs)
    message = _failure(folder, work, "full_rate").message
    expected = f"vector 37, beat 0, lane 0: expected {right ^ 1}, found {right}"
    assert message.endswith(expected)


def test_wrong_timing(work: Path) -> None:
    folder = designs.write_folder(work / "d", ADDER_TREE, designs.inputs(ADDER_TREE, 10))
    path = folder / "interface.json"
    path.write_text(path.read_text().replace('"latency": 4', '"latency": 5'))
    message = _failure(folder, work, "full_rate").message
    assert message.endswith("timing: latency: expected 5 cycles, found 4")


def test_wrong_tlast(builds: dict[str, Path]) -> None:
    work = builds["serial_sum"]
    folder = designs.write_folder(work / "d", SERIAL_SUM, designs.inputs(SERIAL_SUM, 10))
    path = folder / "inputs" / "b.bin"
    beats = np.fromfile(path, dtype=np.uint8)
    beats[3] |= 0x80
    beats.tofile(path)
    message = _failure(folder, work, "full_rate").message
    assert message.endswith("cycle 22 after reset: last: beat 6: last is 1, expected 0")


def test_unusable_folder_and_design(tmp_path: Path) -> None:
    folder = designs.write_folder(tmp_path / "d", ADDER_TREE, designs.inputs(ADDER_TREE, 10))
    (folder / "design.v").write_text("module adder_tree(input clk; endmodule\n")
    with pytest.raises(ToolFailed) as caught:
        run_cocotb(folder, tmp_path)
    assert "Traceback" not in str(caught.value)
    (folder / "inputs" / "x.bin").unlink()
    done = subprocess.run(
        [sys.executable, str(RUN), str(folder)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "cannot read inputs/x.bin" in done.stdout
    assert done.stderr == ""
