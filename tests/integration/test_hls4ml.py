"""A design through hls4ml: its stages, its rung, a wrong value, the HLS tool, run and export."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from hwflow.backends.hls4ml.jobs import Settings
from hwflow.backends.hls4ml.project import HlsInterface
from hwflow.config import load_design
from hwflow.errors import InputError
from hwflow.flow import StageContext
from hwflow.frontends.qkeras import lower
from hwflow.ir import load_graph
from hwflow.report.metrics import collect
from hwflow.report.summary import summary
from hwflow.stages.files import load_vectors
from hwflow.stages.hls4ml import _compared
from hwflow.stages.pipeline import pipeline
from hwflow.tools.table import TOOLS
from hwflow.verify.compare import mismatch_error
from tests.backends.hls4ml_runs import differences
from tests.backends.test_hls4ml import REPORT
from tests.econ_t import NPZ, published_encoder
from tests.frontends.test_random_networks import Maker
from tests.integration.designs import duo_graph, rich_graph
from tests.integration.running import context, prepared, stages

DESIGN = """\
design: duo
model: {file: graph.hwf}
hardware: {backend: hls4ml, target: xcup-zu3eg, clock: 100 MHz}
verify: {vectors: 50}
"""


def write(folder: Path, text: str = DESIGN, graph=duo_graph) -> Path:
    from hwflow.ir import save_graph

    folder.mkdir(parents=True, exist_ok=True)
    save_graph(graph(), folder / "graph.hwf")
    (folder / "design.yaml").write_text(text)
    return folder / "design.yaml"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, StageContext]:
    """A design whose stage hls4ml ran, its scratch kept."""
    folder = tmp_path_factory.mktemp("hls4ml")
    design = write(folder)
    inputs = prepared(design, to="golden")
    place = context(folder / "hls4ml", inputs)
    stages(design)["hls4ml"].run(place)
    return design, place


def test_only_its_own_stages(tmp_path: Path) -> None:
    names = [stage.name for stage in pipeline(load_design(write(tmp_path)))]
    assert names == ["lower", "vectors", "golden", "hls4ml", "report"]
    text = DESIGN.replace("backend: hls4ml, ", "").replace("50}", "50, rungs: [rtl, hls4ml]}")
    names = [stage.name for stage in pipeline(load_design(write(tmp_path, text)))]
    assert names[4:7] == ["golden", "hls4ml", "rtl"]


def test_a_target_without_a_part_is_refused_at_once(tmp_path: Path) -> None:
    design = load_design(write(tmp_path, DESIGN.replace("xcup-zu3eg", "ecp5-25k")))
    with pytest.raises(InputError) as caught:
        pipeline(design)
    assert caught.value.code == "hls4ml.target"
    assert caught.value.place is not None
    assert caught.value.place.line == 3


@pytest.mark.parametrize("strategy", ["latency", "distributed_arithmetic"])
def test_every_tool_of_its_stages_is_known(tmp_path: Path, strategy: str) -> None:
    text = DESIGN.replace("clock", f"hls4ml: {{strategy: {strategy}}}, clock")
    used = {name for stage in pipeline(load_design(write(tmp_path, text))) for name in stage.tools}
    assert ("da4ml" in used) == (strategy == "distributed_arithmetic")
    assert used <= {tool.name for tool in TOOLS}


@pytest.mark.tool
def test_distributed_arithmetic_is_equal(tmp_path: Path) -> None:
    asked = Settings(strategy="distributed_arithmetic")
    assert differences(duo_graph(), tmp_path, asked) == ([], 3)


def test_a_refused_layer_is_named_with_the_place(tmp_path: Path) -> None:
    design = write(tmp_path, graph=rich_graph)
    place = context(tmp_path / "run", prepared(design, to="golden"))
    with pytest.raises(InputError) as caught:
        stages(design)["hls4ml"].run(place)
    assert caught.value.code == "hls4ml.layer"
    assert caught.value.place is not None
    assert caught.value.place.line == 3


@pytest.mark.tool
def test_equal_on_every_vector(built: tuple[Path, StageContext]) -> None:
    record = json.loads((built[1].out / "rung.json").read_text())
    assert record["equal"] is True
    assert record["values"] == ["conv_requant", "dense_matmul", "y"]
    assert not list((built[1].out / "project").rglob("*.yml"))


@pytest.mark.tool
@pytest.mark.parametrize("value", ["conv_requant", "dense_matmul"])
def test_a_wrong_value_is_located(
    built: tuple[Path, StageContext], tmp_path: Path, value: str
) -> None:
    place = built[1]
    golden = tmp_path / "golden"
    shutil.copytree(place.inputs["golden"], golden)
    file = golden / "layers" / f"{value}.npy"
    codes = np.load(file)
    codes[7].flat[1] += 1
    np.save(file, codes)
    graph = load_graph(place.inputs["lower"] / "graph.hwf")
    interface = HlsInterface.from_json((place.out / "interface.json").read_text())
    vectors = load_vectors(place.inputs["vectors"], graph)
    wrong = StageContext(
        place.out, {**place.inputs, "golden": golden}, place.scratch, place.progress
    )
    _, mismatch = _compared(graph, interface, vectors, wrong)
    assert mismatch is not None
    assert (mismatch.value, mismatch.vector, mismatch.differing) == (value, 7, 1)
    assert mismatch.expected == mismatch.found + 1
    assert f"first in layer {value.partition('_')[0]}: {value}[" in (
        mismatch_error("hls4ml", mismatch).message
    )


def test_figures_of_an_hls_tool_on_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    design = write(tmp_path)
    without = summary(collect({}, load_design(design)))
    assert any("vitis-run is not on PATH" in line for line in without)
    tool = tmp_path / "bin" / "vitis-run"
    tool.parent.mkdir()
    tool.write_text(
        "#!/bin/sh\n"
        'test "$1" = --version && echo vitis-run v2024.2 && exit 0\n'
        'test "$*" = "--mode hls --tcl build_prj.tcl" || exit 3\n'
        "mkdir -p duo_hls_prj/solution1/syn/report\n"
        f"cat > duo_hls_prj/solution1/syn/report/duo_hls_csynth.xml <<'END'\n{REPORT}\nEND\n"
    )
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tool.parent}:/usr/bin:/bin")
    made = tmp_path / "made"
    (made / "project").mkdir(parents=True)
    interface = HlsInterface("duo_hls", "Vitis", ("x",), (), (), ())
    (made / "interface.json").write_text(interface.to_json())
    place = context(tmp_path / "hls", {"hls4ml": made})
    stages(design)["hls"].run(place)
    options = (place.scratch / "project" / "build_opt.tcl").read_text()
    assert "    synth 1\n" in options
    assert "    csim 0\n" in options
    metrics = collect({"hls": place.out}, load_design(design))
    known = {name: figure.value for name, figure in metrics.figures.items()}
    assert known == {
        "latency_cycles": 12, "initiation_interval": 1, "lut": 1200, "ff": 900, "dsp": 7,
        "bram": 2, "fmax_estimated_mhz": 285.714, "latency_ns": 120.0, "throughput": 1e8,
    }  # fmt: skip
    assert {figure.kind for figure in metrics.figures.values()} == {"estimated"}


@pytest.mark.tool
@pytest.mark.long
@pytest.mark.parametrize("stream", [False, True])
def test_the_published_encoder(shared: Path, tmp_path: Path, stream: bool) -> None:
    graph = published_encoder(shared / NPZ)
    asked = Settings(stream=stream)
    wrong, compared = differences(graph, tmp_path, asked, vectors=2000)
    assert wrong == []
    assert compared >= 3


@pytest.mark.tool
@pytest.mark.train
@pytest.mark.long
@pytest.mark.parametrize("name", ["digits_mlp", "digits_cnn"])
def test_shipped_designs(tmp_path: Path, name: str) -> None:
    folder = tmp_path / name
    shutil.copytree(Path(__file__).parents[2] / "designs" / name, folder)
    asked = ("train.epochs=1", "train.float_twin=false", "verify.rungs=[hls4ml]")
    made = prepared(folder / "design.yaml", "hls4ml", *asked)
    record = json.loads((made["hls4ml"] / "rung.json").read_text())
    assert record["equal"] is True
    assert record["vectors"] > 1000


@pytest.mark.tool
@pytest.mark.long
@pytest.mark.parametrize("seed", [3, 14, 15, 92, 65, 35])
def test_random_networks(tmp_path: Path, seed: int) -> None:
    graph = lower(Maker(seed).build().network(), "net").graph
    wrong, compared = differences(graph, tmp_path)
    assert wrong == []
    assert compared > 3
