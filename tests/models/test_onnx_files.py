"""Models of other tools beside what those tools compute: files kept here, and the zoo."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hwflow.backends.onnx import FORMATS, export_onnx
from hwflow.frontends.onnx import read
from hwflow.ir import evaluate
from hwflow.stages.files import samples, write_json
from hwflow.train.data.dataset import Part
from tests.frontends.onnx.compare import codes_of, real_of
from tests.models.zoo import make, missing

FILES = Path(__file__).parent / "files"
NAMES = sorted(path.stem for path in FILES.glob("*.onnx"))


def unequal(folder: Path, name: str) -> tuple[int, int]:
    """How many output elements differ from the tool's, and how many there are."""
    lowered = read(folder / f"{name}.onnx")
    (port,) = (node.name for node in lowered.graph.inputs)
    with np.load(folder / f"{name}.npz", allow_pickle=False) as file:
        x, expected = file["x"], file["y"]
    (found,) = real_of(lowered, evaluate(lowered.graph, codes_of(lowered, {port: x})))
    return int((found.reshape(expected.shape) != expected).sum()), expected.size


def test_the_files_are_here() -> None:
    assert len(NAMES) >= 6


@pytest.mark.parametrize("name", NAMES)
def test_a_file_kept_here_equals_its_tool(name: str) -> None:
    different, total = unequal(FILES, name)
    assert total >= 300
    assert different == 0


def test_data_count_in_the_steps_of_the_input(tmp_path: Path) -> None:
    name = "brevitas_float_qcdq"
    lowered = read(FILES / f"{name}.onnx")
    write_json(tmp_path / "certificates.json", list(lowered.certificates))
    with np.load(FILES / f"{name}.npz", allow_pickle=False) as file:
        x, y = file["x"], file["y"]
    found = samples(lowered.graph, Part(np.moveaxis(x, 1, -1), y), tmp_path)
    ((port, codes),) = found.items()
    assert np.array_equal(codes, codes_of(lowered, {port: x})[port])


def made(folder: Path, *arguments: object) -> None:
    if missing("onnx"):
        pytest.skip(missing("onnx"))
    make("tests.models.make_onnx", folder / "log.txt", *arguments)


@pytest.mark.long
def test_new_files_of_the_zoo_equal_their_tools(tmp_path: Path) -> None:
    made(tmp_path, tmp_path, 10_000)
    names = sorted(path.stem for path in tmp_path.glob("*.onnx"))
    assert names == NAMES
    assert {name: unequal(tmp_path, name)[0] for name in names} == dict.fromkeys(names, 0)


@pytest.mark.long
@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("name", ["brevitas_conv_qcdq", "brevitas_dense_qonnx"])
def test_exported_files_run_in_other_tools(name: str, form: str, tmp_path: Path) -> None:
    graph = read(FILES / f"{name}.onnx").graph
    (tmp_path / "net.onnx").write_bytes(export_onnx(graph, form))
    with np.load(FILES / f"{name}.npz", allow_pickle=False) as file:
        np.save(tmp_path / "x.npy", file["x"])
        expected = file["y"]
    made(tmp_path, "run", tmp_path / "net.onnx", tmp_path / "x.npy", tmp_path / "y.npy")
    np.testing.assert_array_equal(np.load(tmp_path / "y.npy"), expected)
