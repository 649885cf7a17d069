"""Layer groups, forms, wide layers, geometry, and every refusal of lowering."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from hwflow.catalogue import CATALOGUE
from hwflow.errors import InputError
from hwflow.frontends.lowered import RefusedError
from hwflow.frontends.qkeras import load_network, lower, parse_network
from hwflow.ir import IntType, Overflow, Rounding, digest, evaluate
from hwflow.passes import layer_widths
from tests.frontends.float_network import run
from tests.frontends.networks import Net, bits, relu
from tests.frontends.test_random_networks import check

RNG = np.random.default_rng(0)
CODES = RNG.integers(-31, 32, (6, 4)) / 32


def small() -> Net:
    return Net((6,), bits(8, 1))


def image() -> Net:
    return Net((8, 8, 1), bits(8, 1))


def conv(net: Net, name: str, shape: tuple[int, ...], **config: Any) -> Net:
    kernel = RNG.integers(-31, 32, (3, 3, net.shape()[-1], shape[-1])) / 32
    base = {"strides": [1, 1], "dilation_rate": [1, 1], "padding": "same", "groups": 1}
    return net.product("QConv2D", name, shape, kernel, bits(6, 0), **{**base, **config})


def test_compute_norm_activation_and_views_share_a_layer() -> None:
    net = conv(image(), "conv/1", (8, 8, 4))
    net.norm("norm", 0.3, 0.1).act("relu", relu(4, 1))
    net.layer("MaxPooling2D", "pool", (4, 4, 4), pool_size=[2, 2], strides=[2, 2], padding="valid")
    net.layer("Flatten", "flat", (64,)).dense("out", RNG.integers(-3, 4, (64, 2)) / 32)
    graph = check(net, 1).graph
    layers = {layer.name: [n.op.name for n in layer.nodes] for layer in graph.layers()}
    assert list(layers) == ["conv_1", "pool", "out"]
    assert layers["conv_1"][0] == "conv"
    assert layers["pool"] == ["maxpool"]
    assert layers["out"] == ["reshape", "matmul"]
    assert [output for output, _ in graph.outputs] == ["out"]


def test_input_rule_comes_from_its_quantizer() -> None:
    net = Net((6,), bits(6, 1, symmetric=1)).dense("d", CODES)
    (source,) = lower(net.network(), "n").graph.inputs
    assert source.name == "x"
    assert source.op.type == IntType(-31, 31, 4)
    assert source.op.rounding is Rounding.HALF_EVEN
    assert source.op.overflow is Overflow.SATURATE


@pytest.mark.parametrize(
    ("size", "stride", "taps", "mode", "pads"),
    [
        (8, 2, 3, "same", (0, 1)), (7, 2, 3, "same", (1, 1)), (8, 1, 3, "same", (1, 1)),
        (8, 1, 2, "same", (0, 1)), (8, 2, 3, "valid", (0, 0)), (5, 3, 1, "same", (0, 0)),
    ],
)  # fmt: skip
def test_padding_is_tensorflows(
    size: int, stride: int, taps: int, mode: str, pads: tuple[int, int]
) -> None:
    out = -(-size // stride) if mode == "same" else (size - taps) // stride + 1
    kernel = RNG.integers(-31, 32, (taps, taps, 1, 2)) / 32
    net = Net((size, size, 1), bits(8, 1)).product(
        "QConv2D", "conv", (out, out, 2), kernel, bits(6, 0),
        strides=[stride] * 2, dilation_rate=[1, 1], padding=mode, groups=1,
    )  # fmt: skip
    graph = check(net, 2).graph
    op = next(n.op for n in graph.nodes if n.op.name == "conv")
    assert op.padding == (pads, pads)


def test_zero_padding_becomes_the_convolutions() -> None:
    net = image().layer("ZeroPadding2D", "zero", (9, 9, 1), padding=[[0, 1], [0, 1]])
    graph = check(conv(net, "conv", (4, 4, 2), strides=[2, 2], padding="valid"), 3).graph
    assert [n.op.name for n in graph.nodes] == ["input", "const", "conv"]
    assert graph.nodes[2].op.padding == ((0, 1), (0, 1))


def test_wide_sums_are_named() -> None:
    kernel = RNG.integers(-8000, 8001, (400, 3)) / 8192
    net = Net((400,), bits(12, 0)).dense("big", kernel, bits(14, 0))
    net.act("act", relu(10, 3)).dense("last", RNG.integers(-3, 4, (3, 2)) / 32)
    assert check(net, 4).wide == ("big", "act")


def test_wide_sums_reach_the_norm_as_float32() -> None:
    kernel = RNG.integers(-8000, 8001, (400, 3)) / 8192
    net = Net((400,), bits(12, 0)).dense("big", kernel, bits(14, 0))
    net.norm("norm", 0.7, 0.1).act("act", bits(8, 3))
    lowered = check(net, 5)
    assert "big" in lowered.wide
    assert "norm" not in lowered.wide


def test_wide_values_are_carried() -> None:
    kernel = RNG.integers(-8000, 8001, (400, 4)) / 8192
    net = Net((400,), bits(12, 0)).dense("big", kernel, bits(14, 0))
    net.layer("Reshape", "square", (2, 2, 1)).layer(
        "MaxPooling2D", "pool", (1, 1, 1), pool_size=[2, 2], strides=None, padding="valid"
    )
    assert set(check(net, 6).wide) == {"big", "square", "pool"}


def test_power_of_two_norm_is_a_plain_requantization() -> None:
    net = small().dense("d", CODES).norm("n", 0.5, 0.0).act("a", bits(5, 2))
    lowered = check(net, 7)
    assert lowered.certificates[0]["form"] == {"kind": "requant"}
    assert {n.op.name for n in lowered.graph.nodes} == {
        "input", "const", "matmul", "shift", "requant"
    }  # fmt: skip


def test_norm_without_quantizer_is_exact_when_dyadic() -> None:
    net = small().dense("d", CODES).norm("n", [0.5, -2, 0.75, 1], [0.25, 0, 1, -3])
    lowered = check(net, 8)
    assert {p.layer for p in lowered.probes} >= {"d", "n"}


def test_corrected_values_come_out_of_the_graph() -> None:
    """The inputs put the accumulators on the very values that are corrected."""
    net = Net((2,), bits(20, 19))
    net.dense("d", np.eye(2) / 32, bits(6, 0)).norm("n", [1.234567, -0.87654], 0.1)
    net.act("a", relu(9, 14))
    network = net.network()
    lowered = lower(network, "n")
    form = lowered.certificates[0]["form"]
    points = np.array(form["points"])
    assert len(points) > 0
    x = (points[:, None] + np.arange(-2, 3)[:, None]).reshape(-1, 2)
    graph = lowered.graph
    expected = run(network, x.astype(np.float32))["a"]
    found = evaluate(graph, {"x": x})["a"]
    assert np.array_equal(found * 2.0 ** -(9 - 14), expected.astype(np.float64))


def test_certificate_holds_both_sides_of_every_step() -> None:
    net = small().dense("d", CODES).norm("n", [0.3, -0.7, 0.9, 0.1], 0.123).act("a", relu(3, 1))
    (found,) = check(net, 9).certificates
    json.dumps(found)
    assert found["layer"] == "d"
    assert found["normalisations"] == ["n"]
    assert found["activation"] == "a"
    thresholds, below, at = (np.array(found[k]) for k in ("thresholds", "code_below", "code_at"))
    levels = found["base"] + 1 + np.arange(len(thresholds))[:, None]
    inside = (thresholds > found["first"]) & (thresholds <= found["last"])
    assert bool((below < levels)[inside].all())
    assert bool((at >= levels)[inside].all())


def test_widths_of_each_layer() -> None:
    lowered = lower(small().dense("d", CODES).act("a", relu(5, 1)).network(), "n")
    (row,) = layer_widths(lowered.graph)
    assert (row.layer, row.weights, row.inputs, row.outputs) == ("d", 6, 8, 5)
    assert row.accumulator > 8
    assert lowered.record()["wide"] == []


def test_dyadic_average_pooling_with_its_quantizer() -> None:
    net = image().layer(
        "QAveragePooling2D", "avg", (4, 4, 1), pool_size=[2, 2], strides=[2, 2], padding="valid",
        quantizers={"average": bits(4, 0), "activation": bits(6, 1)},
    )  # fmt: skip
    net.layer("GlobalAveragePooling2D", "mean", (1,), keepdims=False)
    lowered = check(net, 10)
    assert lowered.graph.types[dict(lowered.graph.outputs)["mean"]].shape == (1,)


def test_norms_far_above_the_quantizer_are_wide() -> None:
    """There QKeras' x + (q - x) does not give q back."""
    net = small().dense("d", CODES).norm("n", 123456.7, 0.1).act("a", bits(8, 0))
    assert check(net, 11).wide == ("a",)


def test_empty_channels_do_not_widen_their_neighbours() -> None:
    scale = np.array([[1, 0.5, 2.0**-23, 1]])
    kernel = CODES * scale
    kernel[:, 2] = 0
    net = small().dense("d", kernel, bits(6, 0, alpha="auto_po2"), scale=scale)
    graph = check(net, 12).graph
    assert graph.types["d_matmul"].elem.frac.tolist() == [11, 12, 11, 11]


def test_binary_points_are_aligned_for_other_axes() -> None:
    net = image()
    for name, integer in (("one", 1), ("three", 3)):
        net.last = "quantize"
        net.act(name, bits(6, integer))
    net.layer("Concatenate", "join", (16, 8, 1), inputs=["one", "three"], axis=1)
    conv(net, "conv", (16, 8, 2))
    check(net, 13)


def test_global_pools_and_layers_that_vanish() -> None:
    net = image().layer("ReLU", "ramp", (8, 8, 1), max_value=None, negative_slope=0.0)
    start = net.layer("GaussianNoise", "noise", (8, 8, 1)).last
    net.layer("GlobalMaxPooling2D", "top", (1,), data_format="channels_last")
    net.layer(
        "QGlobalAveragePooling2D", "mean", (1,), inputs=[start],
        quantizers={"average": bits(8, 0), "activation": bits(6, 1)},
    )  # fmt: skip
    net.layer("Reshape", "rows", (4, 16), inputs=[start])
    net.layer("GlobalAveragePooling1D", "line", (16,))
    net.layer("Concatenate", "join", (18,), inputs=["top", "mean", "line"], axis=-1)
    check(net, 14)


def test_flattening_between_norm_and_quantizer() -> None:
    net = conv(image(), "conv", (8, 8, 3)).norm("norm", [0.3, -0.7, 1.1], 0.2)
    net.layer("Flatten", "flat", (192,)).act("act", relu(4, 1))
    lowered = check(net, 15)
    assert [layer.name for layer in lowered.graph.layers()] == ["conv"]


def test_dropout_vanishes() -> None:
    net = small().layer("Dropout", "drop", (6,), rate=0.5).dense("d", CODES)
    assert [n.op.name for n in lower(net.network(), "n").graph.nodes] == [
        "input", "const", "matmul"
    ]  # fmt: skip


def unquantized(net: Net) -> Net:
    kernel = {"kernel": np.ones((6, 4))}
    return net.layer("QDense", "bad", (4,), arrays=kernel, use_bias=False, activation="linear")


def loose_bias(net: Net) -> Net:
    arrays = {"kernel": CODES, "kernel_q": CODES, "kernel_scale": 1.0, "bias": np.full(4, 0.1)}
    return net.layer("QDense", "bad", (4,), arrays=arrays, quantizers={"kernel": bits(6, 0)})


def pool(net: Net, kind: str, size: list[int], shape: tuple[int, ...], **config: Any) -> Net:
    config = {"pool_size": size, "strides": size, "padding": "valid", **config}
    return net.layer(kind, "bad", shape, **config)


BIAS = np.full(4, 0.25)
LOW = np.where(RNG.random((6, 4)) < 0.5, -1.0, 0.5)
REFUSALS: list[tuple[str, str, Callable[[], Net]]] = [
    ("lower.layer", "QDense", lambda: small().layer("Dense", "bad", (4,))),
    ("lower.layer", "no hardware meaning", lambda: small().layer("Lambda", "bad", (4,))),
    ("lower.layer", "supported: ", lambda: small().layer("Wavelet", "bad", (4,))),
    ("lower.layer", "did you mean QConv2D", lambda: small().layer("QConv2DX", "bad", (4,))),
    ("lower.weights", "kernel_quantizer=", lambda: unquantized(small())),
    ("lower.weights", "bias_quantizer=", lambda: loose_bias(small())),
    ("lower.weights", "alpha=1", lambda: small().dense("bad", CODES + 0.001)),
    ("lower.weights", "alpha=1", lambda: small().dense("bad", CODES * 4)),
    ("lower.weights", "[-31, 31]", lambda: small().dense("bad", LOW, bits(6, 0, symmetric=1))),
    ("lower.norm", "an output of the network", lambda: small().dense("d", CODES).norm(
        "bad", 0.3, 0.1)),
    ("lower.weights", "power of two", lambda: small().dense(
        "bad", CODES * 3, bits(6, 0, alpha="auto"), scale=np.full((1, 4), 3.0))),
    ("lower.quantizer", "bias_quantizer=", lambda: small().dense(
        "bad", CODES, bias=BIAS, bias_spec=bits(4, 0, alpha="auto_po2"))),
    ("lower.quantizer", "alpha=1", lambda: small().act("bad", bits(4, 0, alpha="auto_po2"))),
    ("lower.quantizer", "False", lambda: small().dense(
        "bad", CODES, bits(6, 0, use_stochastic_rounding=True))),
    ("lower.quantizer", "quantizer object", lambda: small().layer("QActivation", "bad", (6,))),
    ("lower.quantizer", "average_quantizer", lambda: image().layer(
        "QAveragePooling2D", "bad", (2, 2, 1), pool_size=[4, 4], strides=[4, 4], padding="valid",
        quantizers={"average": bits(3, 0)})),
    ("lower.activation", "logits", lambda: small().dense("d", CODES).layer(
        "Activation", "bad", (4,), activation="softmax")),
    ("lower.activation", "quantized_relu", lambda: small().layer(
        "Activation", "bad", (6,), activation="tanh")),
    ("lower.activation", "quantized_relu", lambda: small().layer(
        "ReLU", "bad", (6,), max_value=1.0)),
    ("lower.layer", "logits", lambda: small().layer("Softmax", "bad", (6,))),
    ("lower.pool", "2, 4, 8", lambda: pool(image(), "AveragePooling2D", [3, 3], (2, 2, 1))),
    ("lower.pool", "valid", lambda: pool(
        image(), "AveragePooling2D", [2, 2], (8, 8, 1), padding="same", strides=[1, 1])),
    ("lower.shape", "channels_last", lambda: pool(
        image(), "MaxPooling2D", [2, 2], (4, 4, 1), data_format="channels_first")),
    ("lower.shape", "same", lambda: conv(image(), "bad", (8, 8, 2), padding="full")),
    ("lower.norm", "directly after 'bad'", lambda: small().dense("d", CODES).norm(
        "bad", 0.3, 0.1).dense("e", CODES[:4, :2])),
    ("lower.norm", "axis=-1", lambda: image().layer(
        "BatchNormalization", "bad", (8, 8, 1), axis=[1],
        arrays={"scale": np.ones(8), "offset": np.ones(8)})),
    ("lower.input", "QActivation", lambda: Net((6,)).dense("bad", CODES)),
    ("lower.input", "quantized_bits", lambda: Net((6,)).act(
        "bad", {"class": "binary", "config": {"alpha": 1.0, "use_01": False}})),
]  # fmt: skip


@pytest.mark.parametrize(
    ("code", "words", "make"), REFUSALS, ids=[f"{c}-{i}" for i, (c, _, _) in enumerate(REFUSALS)]
)
def test_refused_by_layer_name(code: str, words: str, make: Callable[[], Net]) -> None:
    net = make()
    with pytest.raises(InputError) as caught:
        lower(net.network(), "n")
    error = caught.value
    assert error.code == code
    assert "'bad'" in error.message
    assert words in f"{error.message} {error.hint}"
    assert error.hint
    assert code in CATALOGUE


def test_an_input_quantized_twice_is_refused() -> None:
    net = small()
    net.last = "x"
    net.act("bad", bits(4, 0)).dense("d", CODES)
    with pytest.raises(InputError, match="second time"):
        lower(net.network(), "n")


def test_several_inputs_and_outputs() -> None:
    net = small()
    net.layer("InputLayer", "y", (6,), inputs=[]).act("quantize_y", bits(5, 0))
    net.layer("Add", "sum", (6,), inputs=["quantize", "quantize_y"]).dense("d", CODES)
    graph = lower(net.network(["sum", "d"]), "n").graph
    assert [n.name for n in graph.inputs] == ["x", "y"]
    values = {"x": np.full((1, 6), 3), "y": np.full((1, 6), -2)}
    assert evaluate(graph, values)["sum"].tolist() == [[3 * 1 - 2 * 4] * 6]


BREAKS: list[tuple[str, Callable[[dict[str, Any]], object]]] = [
    ("unknown extra", lambda raw: raw.update(extra=1)),
    ("missing outputs", lambda raw: raw.pop("outputs")),
    ("format 2", lambda raw: raw.update(format=2)),
    ("missing scales", lambda raw: raw["layers"][2].pop("scales")),
    ("before it is made", lambda raw: raw["layers"].reverse()),
    ("appears twice", lambda raw: raw["layers"].append(raw["layers"][0])),
    ("no array", lambda raw: raw["layers"][2]["quantized"].update(kernel="nowhere")),
    ("whole number", lambda raw: raw["layers"][2].update(output_shape=[4.5])),
    ("must name layers", lambda raw: raw.update(outputs=["nothing"])),
    ("no layers", lambda raw: raw.update(layers=[])),
]


@pytest.mark.parametrize(("words", "spoil"), BREAKS)
def test_broken_descriptions(words: str, spoil: Callable[[dict[str, Any]], object]) -> None:
    net = small().dense("d", CODES)
    raw = json.loads(json.dumps(net.raw()))
    spoil(raw)
    with pytest.raises(InputError, match=words) as caught:
        parse_network(raw, net.arrays)
    assert caught.value.code == "lower.network"


def test_weights_that_are_not_finite() -> None:
    net = small().dense("d", CODES)
    net.arrays["d/kernel"][0, 0] = np.nan
    with pytest.raises(InputError, match=r"'d'.*1 NaN"):
        net.network()


def test_reading_from_a_folder(tmp_path: Any) -> None:
    net = small().dense("d", CODES)
    (tmp_path / "network.json").write_text(json.dumps(net.raw()), encoding="utf-8")
    np.savez(tmp_path / "weights.npz", **net.arrays)
    read = lower(load_network(tmp_path), "n").graph
    assert digest(read) == digest(lower(net.network(), "n").graph)
    with pytest.raises(InputError, match="cannot be read"):
        load_network(tmp_path / "absent")


def test_every_refused_layer_is_told_and_lowering_goes_on_behind_a_quantizer() -> None:
    net = small().dense("first", CODES).layer("Softmax", "soft", (4,))
    net.layer("Add", "twice", (4,), inputs=["soft", "first"])
    net.dense("second", RNG.integers(-3, 4, (4, 3)) / 32, bits(25, 0))
    net.act("again", relu(4, 1)).dense("third", RNG.integers(-3, 4, (3, 2)) / 32)
    net.act("tanh", {"class": "quantized_tanh", "config": {"bits": 4}})
    with pytest.raises(RefusedError) as caught:
        lower(net.network(), "n")
    found = [(f.layer, f.reached, [e.code for e in f.errors]) for f in caught.value.findings]
    assert found == [
        ("x", True, []),
        ("quantize", True, []),
        ("first", True, []),
        ("soft", True, ["lower.layer"]),
        ("twice", False, []),
        ("second", False, ["lower.quantizer"]),
        ("again", False, []),
        ("third", True, []),
        ("tanh", True, ["lower.quantizer"]),
    ]
    assert "logits" in caught.value.errors[0].hint


def test_an_output_that_cannot_be_one_is_told_with_the_rest() -> None:
    net = small().dense("d", CODES).norm("n", 0.3, 0.1)
    net.layer("Softmax", "soft", (4,), inputs=["d"])
    network = net.network(outputs=["n", "soft"])
    with pytest.raises(RefusedError) as caught:
        lower(network, "n")
    assert [e.code for e in caught.value.errors] == ["lower.norm", "lower.layer"]
