"""The exported network: published weights, frozen BatchNormalization, wide layers, refusals."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hwflow.train.builders import Builders
from hwflow.train.export import describe, export_network
from hwflow.train.files import read_json, read_npz
from hwflow.train.keras_env import KerasEnv
from hwflow.train.refusal import RefusalError
from hwflow.train.replay import Replay
from hwflow.train.twin import float_twin

pytestmark = pytest.mark.train

DESIGNS = Path(__file__).resolve().parents[2] / "designs"


def built(env: KerasEnv, design: str, function: str, classes: int | None) -> Any:
    return Builders(env, DESIGNS / design / "model.py").build(function, (8, 8, 1), classes)


def layer_of(network: dict[str, Any], name: str) -> dict[str, Any]:
    return next(layer for layer in network["layers"] if layer["name"] == name)


def test_published_encoder_gives_the_published_codes(
    env: KerasEnv, shared: Path, tmp_path: Path
) -> None:
    published = read_npz(shared / "data" / "econ_t" / "encoder_8x8.npz")
    model = built(env, "econ_t", "encoder", None)
    assert model.count_params() == 2144
    for layer, part in (("conv", "conv"), ("dense", "dense")):
        model.get_layer(layer).set_weights(
            [published[f"w_{part}"] / 16.0, published[f"b_{part}"] / 16.0]
        )
    export_network(model, tmp_path)
    network, arrays = read_json(tmp_path / "network.json"), read_npz(tmp_path / "weights.npz")
    assert np.array_equal(arrays["conv/kernel_q"] * 16, published["w_conv"])
    inputs = {"wafer": published["x"][..., None]}
    for wide in ((), ("conv", "conv_relu", "dense", "codes")):
        outputs = Replay(env, network, arrays, wide).run(inputs)
        assert np.array_equal(outputs["codes"] * 256, published["y_code"])


def test_every_layer_is_told(env: KerasEnv) -> None:
    network, arrays = describe(built(env, "digits_cnn", "classifier", 10))
    assert [layer["name"] for layer in network["layers"]] == [
        "pixels", "quantize", "conv1", "norm1", "relu1", "pool1", "conv2", "norm2", "relu2",
        "pool2", "flatten", "logits",
    ]  # fmt: skip
    assert (network["inputs"], network["outputs"]) == (["pixels"], ["logits"])
    assert layer_of(network, "pool1")["config"]["pool_size"] == [2, 2]
    assert layer_of(network, "conv2")["config"]["padding"] == "same"
    relu = layer_of(network, "relu1")["quantizers"]["activation"]
    assert (relu["class"], relu["config"]["bits"], relu["config"]["integer"]) == (
        "quantized_relu", 6, 2,
    )  # fmt: skip
    assert relu["config"]["is_quantized_clip"] is True
    named = {key for layer in network["layers"] for key in layer["weights"].values()}
    named |= {key for layer in network["layers"] for key in layer["quantized"].values()}
    named |= {key for layer in network["layers"] for key in layer["scales"].values()}
    assert named == set(arrays)
    assert all(array.dtype == np.float32 for array in arrays.values())


def test_batch_norm_is_two_float32_operations(env: KerasEnv) -> None:
    model = built(env, "digits_cnn", "classifier", 10)
    rng = np.random.default_rng(0)
    norm = model.get_layer("norm1")
    norm.set_weights([rng.uniform(0.5, 2, 8), *(rng.normal(size=(2, 8))), rng.uniform(0.1, 3, 8)])
    network, arrays = describe(model)
    x = rng.integers(0, 17, (20, 8, 8, 1)) / 16.0
    outputs = Replay(env, network, arrays).run({"pixels": x})
    scale, offset = arrays["norm1/scale"], arrays["norm1/offset"]
    expected = (outputs["conv1"] * scale).astype(np.float32) + offset
    assert np.array_equal(outputs["norm1"], expected)
    keras_own = norm(outputs["conv1"], training=False).numpy()
    assert np.allclose(outputs["norm1"], keras_own, atol=1e-5)


def test_float64_agrees_where_float32_is_exact(env: KerasEnv) -> None:
    network, arrays = describe(built(env, "digits_cnn", "classifier", 10))
    x = {"pixels": np.random.default_rng(0).integers(0, 17, (30, 8, 8, 1)) / 16.0}
    layers = [layer["name"] for layer in network["layers"][1:]]
    narrow = Replay(env, network, arrays).run(x, batch=7)
    wide = Replay(env, network, arrays, layers).run(x)
    for name in layers:
        assert np.array_equal(narrow[name], wide[name]), name


def test_float64_is_exact_where_float32_is_not(env: KerasEnv) -> None:
    keras, qkeras = env.keras, env.qkeras
    inputs = keras.Input((4,), name="x")
    dense = qkeras.QDense(
        2,
        kernel_quantizer=qkeras.quantized_bits(16, 0, alpha=1),
        use_bias=False,
        activation=qkeras.quantized_relu(30, 4),
        name="dense",
    )
    model = keras.Model(inputs, dense(inputs))
    rng = np.random.default_rng(0)
    kernel = rng.integers(-(2**15), 2**15, (4, 2))
    dense.set_weights([kernel / 2.0**15])
    network, arrays = describe(model)
    x = rng.integers(0, 2**16, (200, 4))
    exact = np.maximum(x @ kernel, 0)  # 30 fraction bits; the activation keeps 26 of them
    wanted = np.round(exact / 16) * 16 / 2.0**30
    values = {"x": x / 2.0**15}
    assert np.array_equal(Replay(env, network, arrays, ["dense"]).run(values)["dense"], wanted)
    assert not np.array_equal(Replay(env, network, arrays).run(values)["dense"], wanted)


def test_changed_weights_are_noticed(env: KerasEnv) -> None:
    network, arrays = describe(built(env, "digits_mlp", "classifier", 10))
    arrays["hidden1/kernel_q"] = arrays["hidden1/kernel_q"] + 1 / 32
    with pytest.raises(RefusalError, match=r"hidden1.*differently"):
        Replay(env, network, arrays)


def test_float_twin_has_no_quantizers(env: KerasEnv) -> None:
    network, _ = describe(built(env, "digits_cnn", "classifier", 10))
    twin = float_twin(env, network)
    kinds = {layer.name: type(layer).__name__ for layer in twin.layers}
    assert (kinds["conv1"], kinds["logits"], kinds["relu1"]) == ("Conv2D", "Dense", "Activation")
    assert twin.get_layer("relu1").activation.__name__ == "relu"
    assert twin.get_layer("quantize").activation.__name__ == "relu"
    assert twin.output_shape == (None, 10)


def test_branches_and_other_layers(env: KerasEnv) -> None:
    """Add, Concatenate, depthwise, average pooling and 1-D convolution, in both precisions."""
    keras, qkeras = env.keras, env.qkeras
    weight = qkeras.quantized_bits(5, 0, alpha=1)
    x = inputs = keras.Input((8, 8, 2), name="x")
    x = qkeras.QActivation(qkeras.quantized_bits(6, 1, alpha=1), name="q")(x)
    one = qkeras.QDepthwiseConv2D(
        3, padding="same", depthwise_quantizer=weight, use_bias=False, name="depth"
    )(x)
    both = keras.layers.Concatenate(name="cat")([keras.layers.Add(name="add")([one, x]), x])
    pooled = keras.layers.AveragePooling2D(2, name="pool")(both)
    flat = keras.layers.Reshape((16, 4), name="lines")(pooled)
    out = qkeras.QConv1D(
        3, 3, strides=2, padding="same", kernel_quantizer=weight, bias_quantizer=weight, name="out"
    )(flat)
    network, arrays = describe(keras.Model(inputs, out))
    assert layer_of(network, "add")["inputs"] == ["depth", "q"]
    # Half of the inputs lie between two steps of the quantizer: ties go to even in both.
    values = {"x": np.random.default_rng(0).integers(-64, 64, (9, 8, 8, 2)) / 32.0}
    narrow = Replay(env, network, arrays).run(values)
    layers = [layer["name"] for layer in network["layers"][1:]]
    wide = Replay(env, network, arrays, layers).run(values)
    for name in layers:
        assert np.array_equal(narrow[name], wide[name]), name
    assert np.array_equal(narrow["add"], narrow["depth"] + narrow["q"])
    assert float_twin(env, network).output_shape == (None, 8, 3)


def test_refusals(env: KerasEnv) -> None:
    keras = env.keras
    inputs = keras.Input((4,))
    shared = keras.layers.Dense(4, name="twice")
    with pytest.raises(RefusalError, match="'twice' is used more than once"):
        describe(keras.Model(inputs, shared(shared(inputs))))
    inner = keras.Model(inputs, keras.layers.Dense(2)(inputs), name="inner")
    with pytest.raises(RefusalError, match="a model inside the model"):
        describe(keras.Model(inputs, inner(inputs)))
    open_input = keras.Input((None, 3), name="open")
    with pytest.raises(RefusalError, match="open shape"):
        describe(keras.Model(open_input, keras.layers.ReLU()(open_input)))
