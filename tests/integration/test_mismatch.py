"""What was built wrong is found, and the layer that is wrong is named."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from hwflow.errors import CheckFailed
from tests.integration.designs import duo_graph, rich_graph, write_design
from tests.integration.running import context, prepared, stages

pytestmark = pytest.mark.tool


def edited(inputs: dict[str, Path], stage: str, folder: Path) -> Path:
    """A copy of a stage's artifact that may be changed; replaces it among the inputs."""
    copy = folder / f"edited-{stage}"
    shutil.copytree(inputs[stage], copy)
    inputs[stage] = copy
    return copy


def change_module(rtl: Path, module: str, old: str, new: str) -> None:
    """Change the first line of a module that has `old`."""
    text = rtl.read_text(encoding="utf-8")
    begin = text.index(f"module {module} (")
    end = text.index("endmodule", begin)
    body = text[begin:end]
    assert old in body, (module, old)
    rtl.write_text(text[:begin] + body.replace(old, new, 1) + text[end:], encoding="utf-8")


def failure(design: Path, rung: str, inputs: dict[str, Path], folder: Path) -> CheckFailed:
    place = context(folder / f"run-{rung}", inputs)
    with pytest.raises(CheckFailed) as caught:
        stages(design)[rung].run(place)
    if caught.value.code == "rung.mismatch":
        check_report(caught.value, place.out, inputs)
    return caught.value


def check_report(error: CheckFailed, out: Path, inputs: dict[str, Path]) -> None:
    """The report says what the message says, and `expected` is what the graph gave."""
    record = json.loads((out / "rung.json").read_text(encoding="utf-8"))
    assert record["equal"] is False
    found = record["mismatch"]
    assert f"first in layer {found['layer']}: " in error.message
    where = "".join(f"[{i}]" for i in found["element"])
    assert f"{found['value']}{where} of vector {found['vector']} " in error.message
    assert f"expected {found['expected']}, found {found['found']};" in error.message
    assert found["expected"] != found["found"]
    golden = np.load(inputs["golden"] / "layers" / f"{found['value']}.npy")
    assert golden[found["vector"]][tuple(found["element"])] == found["expected"]


@pytest.mark.parametrize(
    ("fold", "module", "layer"),
    [
        pytest.param(("conv",), "duo__conv__kernel", "conv", id="window"),
        pytest.param((), "duo__conv__kernel", "conv", id="parallel", marks=pytest.mark.long),
        pytest.param(("conv",), "duo__dense", "dense", id="after", marks=pytest.mark.long),
    ],
)
def test_a_wrong_sum_in_the_verilog(
    fold: tuple[str, ...], module: str, layer: str, tmp_path: Path
) -> None:
    design = write_design(tmp_path / "d", duo_graph(), folds=fold, interface="axi_stream")
    inputs = prepared(design, "golden")
    rtl = edited(inputs, "generate", tmp_path) / "design.v"
    change_module(rtl, module, " + ", " - ")
    error = failure(design, "rtl", inputs, tmp_path)
    assert error.code == "rung.mismatch"
    assert f"rung rtl differs from the integer graph first in layer {layer}: " in error.message


@pytest.mark.long
def test_a_wrong_line_buffer(tmp_path: Path) -> None:
    """The control of a window layer is the layer's too: no output may be named instead."""
    design = write_design(tmp_path / "d", duo_graph(), folds=("conv",), interface="axi_stream")
    inputs = prepared(design, "golden")
    rtl = edited(inputs, "generate", tmp_path) / "design.v"
    change_module(rtl, "duo__conv", "line_2 <= line_1", "line_2 <= line_0")
    error = failure(design, "rtl", inputs, tmp_path)
    assert error.code == "rung.mismatch"
    assert "first in layer conv: " in error.message


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Path]]:
    """A design built as far as the netlist, and its artifacts."""
    design = write_design(tmp_path_factory.mktemp("good") / "d", rich_graph())
    return design, prepared(design, "synth", "verify.rungs=[]")


@pytest.mark.long
def test_a_broken_promise_of_latency(good: tuple[Path, dict[str, Path]], tmp_path: Path) -> None:
    design, inputs = good[0], dict(good[1])
    face = edited(inputs, "generate", tmp_path) / "interface.json"
    record = json.loads(face.read_text(encoding="utf-8"))
    record["latency"] += 1
    face.write_text(json.dumps(record), encoding="utf-8")
    error = failure(design, "rtl", inputs, tmp_path)
    assert error.code == "rtl.timing"
    assert str(record["latency"]) in error.message
    assert str(record["latency"] - 1) in error.message


@pytest.mark.parametrize("layer", ["conv", "steps", "dense"])
def test_a_wrong_bit_in_the_netlist(
    good: tuple[Path, dict[str, Path]], layer: str, tmp_path: Path
) -> None:
    """Invert the tables of a layer's look-up tables: the netlist rung names the layer."""
    design, inputs = good[0], dict(good[1])
    path = edited(inputs, "synth", tmp_path) / "netlist.json"
    netlist = json.loads(path.read_text(encoding="utf-8"))
    (module,) = netlist["modules"].values()
    cells = [
        cell
        for name, cell in sorted(module["cells"].items())
        if name.startswith(f"{layer}.") and "LUT" in cell["parameters"]
    ]
    assert cells, f"no LUT of {layer}"
    cell = cells[len(cells) // 2]
    flip = str.maketrans("01", "10")
    cell["parameters"]["LUT"] = cell["parameters"]["LUT"].translate(flip)
    path.write_text(json.dumps(netlist), encoding="utf-8")
    error = failure(design, "netlist", inputs, tmp_path)
    assert error.code == "rung.mismatch"
    assert f"rung netlist differs from the integer graph first in layer {layer}: " in error.message


def _last_layer(golden: Path) -> None:
    for name in ("layers/dense_matmul", "outputs/scores"):
        array = np.load(golden / f"{name}.npy")
        array[7, 1] += 1
        np.save(golden / f"{name}.npy", array)


def _only_output(golden: Path) -> None:
    array = np.load(golden / "outputs" / "scores.npy")
    array[7, 1] += 1
    np.save(golden / "outputs" / "scores.npy", array)


@pytest.mark.parametrize("change", [_last_layer, _only_output])
@pytest.mark.parametrize("rung", ["amaranth", "netlist"])
def test_a_wrong_expectation(
    change: Callable[[Path], None],
    rung: str,
    good: tuple[Path, dict[str, Path]],
    tmp_path: Path,
) -> None:
    """What the graph gave is changed: the rung says so, even where every layer alone is right."""
    design, inputs = good[0], dict(good[1])
    change(edited(inputs, "golden", tmp_path))
    place = context(tmp_path / "run", inputs)
    with pytest.raises(CheckFailed) as caught:
        stages(design)[rung].run(place)
    found = re.search(
        r"first in layer dense: (\w+)\[1\] of vector (\d+) \(corner\): expected (-?\d+), "
        r"found (-?\d+); 1 vectors differ",
        caught.value.message,
    )
    assert found is not None, caught.value.message
    assert int(found.group(3)) == int(found.group(4)) + 1


def test_a_missing_value_in_the_stored_result(
    good: tuple[Path, dict[str, Path]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A rung that loses vectors does not pass."""
    design, inputs = good[0], dict(good[1])
    golden = edited(inputs, "golden", tmp_path) / "outputs" / "best.npy"
    np.save(golden, np.load(golden)[:-1])
    place = context(tmp_path / "run", inputs)
    with pytest.raises(CheckFailed) as caught:
        stages(design)["netlist"].run(place)
    assert caught.value.code == "rung.shape"
