"""The chip's graph against an independent integer model, on every kind of wafer."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hwflow.config import load_design
from hwflow.ir import IntType, evaluate, load_graph
from hwflow.stages.files import load_params, read_json
from hwflow.train.data.wafer import arrange, codes_4e3m, compress_4e3m, normalise
from hwflow.train.data.wafers import toy_counts
from tests.econ_t_asic import DESIGN, Ints, chip_graph, chip_model, random_params
from tests.integration.running import context, stages


def wafers(rng: np.random.Generator) -> Ints:
    """Corners (empty, full, one cell at every code), random, sparse and dataset wafers."""
    one = np.zeros((128, 48), np.int64)
    one[np.arange(128), rng.integers(0, 48, 128)] = np.arange(128)
    full = np.repeat(np.arange(128)[:, None], 48, axis=1)
    random = rng.integers(0, 128, (200, 48))
    sparse = np.where(rng.random((300, 48)) < 0.1, rng.integers(0, 128, (300, 48)), 0)
    low = rng.integers(0, 24, (100, 48))
    data = codes_4e3m(toy_counts(samples=300, seed=7))
    return np.concatenate([one, full, random, sparse, low, data])


@pytest.mark.parametrize("links", range(8))
def test_frames_equal_the_model(links: int) -> None:
    """Every link count (0 and above 5 included), random weights and calibration."""
    graph, defaults, (start, end) = chip_graph()
    rng = np.random.default_rng(links)
    codes = wafers(rng)
    params = random_params(rng, links)
    if links == 5:  # default calibration: every factor 1.0
        params["calibration"] = defaults["calibration"]
    found = evaluate(graph, {"codes": codes, **params}, keep="all")
    frame = dict(graph.outputs)["frame"]
    for k, wafer in enumerate(codes):
        wanted = chip_model(wafer, params)
        assert found[start][k, :, :, 0].tolist() == wanted["image"]
        assert found[end][k].tolist() == wanted["y"]
        assert found[frame][k].tolist() == wanted["frame"]
    assert len(np.unique(found[end])) > 100


def test_types_and_layers() -> None:
    graph, params, (start, end) = chip_graph()
    layers = [layer.name for layer in graph.layers()]
    assert sorted(layers) == sorted(
        ["decode", "calibrate", "normalise", "arrange", "conv", "dense", "sum", "frame"]
    )
    assert graph.types[start].elem == IntType.fixed(8, 7, signed=False)  # no quantizer is left
    assert graph.types[end].elem == IntType.fixed(9, 8, signed=False)
    assert {n.name for n in graph.params} == set(params)
    weights = sum(
        graph.types[n.name].size for n in graph.params if n.name not in ("calibration", "links")
    )
    assert weights == 2144
    assert all(graph.types[v].elem.max_width() <= 32 for la in graph.layers() for v in la.outputs)


def test_the_image_is_the_one_that_training_sees() -> None:
    """With every factor 1.0 the converter cuts the training input to seven fraction bits."""
    graph, params, (start, _) = chip_graph()
    counts = toy_counts(samples=200, seed=3)
    image = evaluate(graph, {"codes": codes_4e3m(counts), **params}, keep="all")[start]
    assert (image == np.floor(arrange(normalise(counts)) * 128)).all()


def test_codes_are_those_of_the_charges() -> None:
    counts = np.arange(16 << 14)[None]
    e, m = np.divmod(codes_4e3m(counts), 8)
    value = np.where(e == 0, m, (8 + m) << np.maximum(e - 1, 0))
    assert (value == compress_4e3m(counts)).all()
    assert codes_4e3m(np.array([[0.5, 1e30, 245760.5]])).tolist() == [[0, 127, 127]]


def test_the_encoder_is_that_of_econ_t() -> None:
    other = DESIGN.parent / "econ_t" / "model.py"
    assert (DESIGN / "model.py").read_bytes() == other.read_bytes()


def test_the_design_loads() -> None:
    config = load_design(DESIGN / "design.yaml", ("hardware.protect=none",))
    assert config.hardware.weights == "programmable"
    assert config.model.around is not None


@pytest.mark.long
def test_from_training_to_accuracy(tmp_path: Path) -> None:
    """A network barely trained: each trained layer from the network's own input, and the frames."""
    found = stages(
        DESIGN / "design.yaml", "hardware.protect=none", "train.epochs=1", "data.samples=600",
        "train.float_twin=false", "verify.vectors=100",
    )  # fmt: skip
    made: dict[str, Path] = {}
    for name in ("data", "train", "lower", "vectors", "golden", "training", "accuracy"):
        stage = context(tmp_path / name, made)
        found[name].run(stage)
        made[name] = stage.out
    rung = read_json(made["training"] / "rung.json")
    assert rung["equal"]
    assert {"conv_add", "conv_requant", "dense_add", "dense_requant"} <= set(rung["values"])
    graph = load_graph(made["lower"] / "graph.hwf")
    params = load_params(made["lower"] / "params", graph)
    codes = np.load(made["vectors"] / "inputs" / "codes.npy")
    frames = np.load(made["golden"] / "outputs" / "frame.npy")
    assert frames.tolist() == [chip_model(wafer, params)["frame"] for wafer in codes]
    metric = read_json(made["accuracy"] / "accuracy.json")
    assert metric["integer"] == pytest.approx(metric["quantized"], abs=0.05)
