"""hwflow inside hls4ml: what users call, without a training framework."""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hls4ml.backends.backend import get_available_backends, get_backend, register_backend
from hls4ml.writer.writers import register_writer

from hwflow import flow
from hwflow.errors import InputError
from hwflow.ir import load_graph
from hwflow.plugin import register
from hwflow.plugin.build import design_of, prepare, target_of
from hwflow.plugin.reuse import choose
from hwflow.plugin.summary import summarize
from hwflow.stages.pipeline import pipeline
from tests.plugin.models import dense, image, model_of
from tests.plugin.networks import NETWORKS

ROOT = Path(__file__).resolve().parents[2]
RELU = {"class_name": "Activation", "name": "act", "activation": "relu", "n_in": 3}
register(register_backend, register_writer)


def _conv(name: str, **more: Any) -> dict[str, Any]:
    rng = np.random.default_rng(0)
    return {
        "class_name": "Conv1D", "name": name, "data_format": "channels_last", "in_width": 6,
        "out_width": 6, "n_chan": 2, "n_filt": 4, "filt_width": 3, "stride_width": 1,
        "pad_left": 1, "pad_right": 1, "weight_data": rng.normal(0, 1, (3, 2, 4)),
        "bias_data": np.zeros(4), **more,
    }  # fmt: skip


def test_hls4ml_finds_the_backend_by_its_entry_point() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    entry = project["project"]["entry-points"]["hls4ml.backends"]["hwflow"]
    assert entry == f"{register.__module__}:{register.__name__}"
    register(register_backend, register_writer)  # once more changes nothing
    assert get_available_backends().count("hwflow") == 1


def test_importing_the_entry_point_loads_nothing_heavy() -> None:
    code = (
        "import sys, hwflow.plugin; print(sorted({'numpy', 'hls4ml', 'yaml'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=False
    )
    assert done.stdout == "[]\n", done.stderr


def test_predictions_have_the_shapes_and_types_of_hls4ml(tmp_path: Path) -> None:
    model = model_of([image(4), dense("fc", 4, 3), RELU, dense("out", 3, 2)], tmp_path)
    with pytest.raises(InputError, match="not compiled"):
        model.predict(np.zeros((1, 4)))
    model.compile()
    x = np.random.default_rng(1).normal(0, 1, (5, 4))
    double, single = model.predict(x), model.predict(x.astype(np.float32))
    assert (double.shape, double.dtype, single.dtype) == ((5, 2), np.float64, np.float32)
    assert model.predict(x[:1]).shape == (2,)
    assert np.array_equal(model.predict(x[0]), double[0])
    assert len(np.unique(double)) > 1
    assert np.array_equal(double * 1024, np.floor(double * 1024)), "fixed<16,6> has 10 bits"
    with pytest.raises(InputError, match=r"\(5, 3\) is no number of samples"):
        model.predict(x[:, :3])


def test_an_input_wraps_and_truncates_as_its_type_says(tmp_path: Path) -> None:
    linear = {"class_name": "Activation", "name": "same", "activation": "linear", "n_in": 3}
    typed = {"Precision": {"result": "fixed<4,2>"}}
    model = model_of([image(3), linear], tmp_path, config={"image": typed})
    model.compile()
    assert model.predict(np.array([[1.99, -0.01, 2.0]])).tolist() == [1.75, -0.25, -2.0]


def test_a_trace_holds_the_layers_that_ask_for_it(tmp_path: Path) -> None:
    layers = [image(4), dense("fc", 4, 3), RELU, dense("out", 3, 2)]
    model = model_of(layers, tmp_path, config={n: {"Trace": True} for n in ("fc", "act")})
    model.compile()
    x = np.random.default_rng(1).normal(0, 1, (5, 4))
    outputs, traced = model.trace(x)
    assert np.array_equal(outputs, model.predict(x))
    assert set(traced) == {"fc", "act"}
    assert np.array_equal(np.maximum(traced["fc"], 0), traced["act"])
    assert bool((traced["fc"] < 0).any())


def test_several_inputs_are_taken_in_the_order_of_the_model(tmp_path: Path) -> None:
    second = {**image(3), "name": "second"}
    both = {"class_name": "Merge", "name": "both", "op": "subtract", "inputs": ["image", "second"]}
    layers = [image(3), second, both]
    model = model_of(layers, tmp_path, inputs=["second", "image"])
    model.compile()
    found = model.predict([np.full((2, 3), 3.0), np.full((2, 3), 0.5)])
    assert found.tolist() == [[-2.5] * 3] * 2
    with pytest.raises(InputError, match="expected 2 inputs, found 1"):
        model.predict([np.zeros((2, 3))])


def test_the_graph_is_written_beside_the_design(tmp_path: Path) -> None:
    model = model_of([image(4), dense("fc", 4, 3)], tmp_path, clock_period=8, target="ecp5-85k")
    config = prepare(model)
    assert config.hardware.target == "ecp5-85k"
    assert config.hardware.clock == 125_000_000
    assert config.model.file == tmp_path / "graph.hwf"
    assert load_graph(config.model.file).types.keys() == model.converted.lowered.graph.types.keys()


@pytest.mark.parametrize("count", [2, 3, 5, 6, 7, 8])
def test_an_average_is_divided_toward_zero(count: int, tmp_path: Path) -> None:
    """As C++ divides a sum in accum_t; the result's type then cuts two bits, downwards."""
    mean = {"class_name": "GlobalAveragePooling1D", "name": "mean", "n_in": count, "n_filt": 2,
            "data_format": "channels_last"}  # fmt: skip
    typed = {"Precision": {"accum": "fixed<14,8>", "result": "fixed<10,6>"}}
    model = model_of(
        [image(count, 2), mean], tmp_path, precision="fixed<8,3>", config={"mean": typed}
    )
    model.compile()
    codes = np.random.default_rng(count).integers(-128, 128, (200, count, 2))
    sums = codes.sum(axis=1) * 2  # accum_t has one fraction bit more
    quotients = np.sign(sums) * (abs(sums) // count)
    assert np.array_equal(model.predict(codes / 32), (quotients >> 2) / 16)


_SAT = {"Precision": {"accum": "fixed<8,4,TRN,SAT>"}}
_PO2 = {"Precision": {"weight": "float"}}


@pytest.mark.parametrize(
    ("layers", "config", "message"),
    [
        ([image(4), dense("fc", 4, 3)], {"fc": _SAT}, "layer 'fc' .* rounds products and sat"),
        ([image(4), {**dense("fc", 4, 3), "weight_data": np.full((4, 3), -2.0)}],
         {"fc": {"Precision": {"weight": "int<2>", "accum": "auto"}}}, "take a weight of -2 for 1"),
        ([image(4), dense("fc", 4, 3)], {"fc": _PO2}, "layer 'fc': weight is float"),
        ([image(4), {**dense("fc", 4, 3), "bias_data": np.array([0, np.nan, 1])}], {},
         "layer 'fc' .* bias holds NaN"),
        ([image(4), dense("fc", 4, 3)], {"image": {"Precision": {"result": "fixed<8,4,RND_ZERO>"}}},
         "input 'image': .* is no rule"),
        ([image(6, 2), _conv("c", dilation=2)], {}, "layer 'c' .* dilated"),
        ([image(4), {**RELU, "activation": "mish", "n_in": 4}], {}, "'mish' has no exact form"),
        ([image(4, 3, 2), {"class_name": "UpSampling2D", "name": "up", "in_height": 4,
          "in_width": 3, "out_height": 8, "out_width": 6, "n_chan": 2,
          "data_format": "channels_last"}], {}, r"layer 'up' \(Resize\)"),
    ],
)  # fmt: skip
def test_what_has_no_exact_form_is_refused_by_name(
    layers: list[dict[str, Any]], config: dict[str, Any], message: str, tmp_path: Path
) -> None:
    model = model_of(layers, tmp_path, config=config)
    with pytest.raises(InputError, match=message) as caught:
        model.compile()
    assert caught.value.hint


@pytest.mark.parametrize(("inputs", "outputs"), [(1, 1), (6, 4), (12, 5), (16, 16)])
def test_reuse_factors_are_those_of_hls4ml(inputs: int, outputs: int) -> None:
    backend = get_backend("hwflow")
    valid = backend.get_valid_reuse_factors(inputs, outputs)
    for wanted in range(1, inputs * outputs + 3):
        reuse, pe, simd = choose(1, inputs, outputs, wanted)
        assert reuse == backend.get_closest_reuse_factor(valid, wanted)
        assert pe * simd * reuse == inputs * outputs


def test_a_convolution_takes_its_window_one_by_one_or_whole() -> None:
    assert choose(9, 4, 8, 9) == (9, 8, 4)
    assert choose(9, 4, 8, 18) == (18, 8, 2)
    assert choose(9, 4, 8, 70) == (72, 4, 1)


def test_the_reuse_factor_is_the_initiation_interval(tmp_path: Path) -> None:
    wide = {"accum": "auto", "result": "fixed<12,5>"}
    layers = [image(8), dense("fc", 8, 6), {**RELU, "n_in": 6}, dense("out", 6, 4)]
    config = {
        "fc": {"ReuseFactor": 4, "Precision": wide},
        "out": {"ReuseFactor": 2, "Precision": wide},
    }
    model = model_of(layers, tmp_path, config=config)
    made = prepare(model)
    fold = {"fc": {"pe": 6, "simd": 2}, "out": {"pe": 4, "simd": 3}}
    assert design_of(model, model.converted, synth=True)["hardware"]["fold"] == {"layers": fold}
    result = flow.run(pipeline(made), design=made.design, build_folder=tmp_path / "b", to="plan")
    assert not result.errors
    plan = json.loads((tmp_path / "b" / "plan" / "plan.json").read_text(encoding="utf-8"))
    assert plan["initiation_interval"] == 4


def test_layers_without_names_of_their_own_can_be_folded(tmp_path: Path) -> None:
    """Those of PyTorch's Sequential are called _0, _1, ..., which design.yaml does not take."""
    typed = {"ReuseFactor": 4, "Precision": {"accum": "auto", "result": "fixed<12,5>"}}
    model = model_of([image(8), dense("_0", 8, 6)], tmp_path, config={"_0": typed})
    assert [name for name, _ in prepare(model).hardware.fold.layers] == ["n_0"]


def test_products_rounded_one_by_one_are_told_and_not_folded(tmp_path: Path) -> None:
    model = model_of([image(4), dense("fc", 4, 4)], tmp_path, config={"fc": {"ReuseFactor": 4}})
    model.compile()
    assert model.converted.unfolded == {"fc"}
    assert "layer 'fc': accum_t rounds each product" in model.converted.notes[0]
    assert "fold" not in design_of(model, model.converted, synth=False)["hardware"]


@pytest.mark.parametrize(
    ("part", "chosen", "target"),
    [
        ("xcvu13p-flga2577-2-e", None, "xcup-vu13p"),
        ("xczu3eg-sbva484-1-e", None, "xcup-zu3eg"),
        ("xc7a35tcpg236-1", None, "xc7-a35t"),
        ("xc7k325tffg900-2", None, "xc7-z020"),
        ("xcku115-flvb2104-2-i", None, "xcup-vu13p"),
        ("xcvu13p-flga2577-2-e", "ice40-up5k", "ice40-up5k"),
    ],
)
def test_a_part_is_a_target_of_its_family(part: str, chosen: str | None, target: str) -> None:
    assert target_of(part, chosen) == target


def test_a_report_has_the_keys_of_hls4ml() -> None:
    golden = ROOT / "tests" / "report" / "golden" / "metrics.json"
    metrics = json.loads(golden.read_text(encoding="utf-8"))
    report = summarize(metrics)
    figures = metrics["figures"]
    synthesis = report["CSynthesisReport"]
    assert synthesis["LUT"] == str(figures["lut"]["value"])
    assert synthesis["BestLatency"] == str(figures["latency_cycles"]["value"])
    assert {"TargetClockPeriod", "IntervalMax", "FF", "DSP", "AvailableLUT"} <= synthesis.keys()
    assert report["CosimReport"]["Status"] == "Pass"
    assert all(isinstance(v, str) for part in report.values() for v in part.values())


def _compared(name: str, folder: Path, *more: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "tests.plugin.compare", name, str(folder), *more]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    assert found["predict_equal"] == found["vectors"]
    assert found["layers_equal"] == found["layers"] > 0
    return found


@pytest.mark.tool
@pytest.mark.parametrize(
    "name", ["onnx_dense", pytest.param("qkeras_conv", marks=pytest.mark.train)]
)
def test_only_the_name_of_the_backend_changes(name: str, tmp_path: Path) -> None:
    """The same script with 'Vitis' and 'hwflow': equal predictions and traces, bit for bit."""
    assert _compared(name, tmp_path, "--vectors", "2000")["distinct"] > 10


@pytest.mark.long
@pytest.mark.tool
@pytest.mark.train
@pytest.mark.parametrize("name", NETWORKS)
def test_every_network_equals_the_emulation_and_so_does_its_rtl(name: str, tmp_path: Path) -> None:
    found = _compared(name, tmp_path, "--vectors", "2000", "--rtl")
    assert found["rtl_equal"] == found["vectors"]


@pytest.mark.long
@pytest.mark.tool
def test_a_build_verifies_synthesizes_exports_and_reports(tmp_path: Path) -> None:
    typed = {"Precision": {"result": "fixed<6,3>"}}
    model = model_of([image(4), dense("fc", 4, 3)], tmp_path, precision="fixed<8,3>",
                     config={"image": typed}, target="ecp5-25k", clock_period=25)  # fmt: skip
    report = model.build(export=True)
    assert int(report["CSynthesisReport"]["LUT"]) > 0
    assert report["CosimReport"]["Status"] == "Pass"
    metrics = json.loads(Path(report["hwflow"]["metrics"]).read_text(encoding="utf-8"))
    assert metrics["verdict"] == "equal"
    assert (tmp_path / "export" / "design.v").is_file()
