"""Worker of test_against_tensorflow: real QKeras models, exported and replayed.

Started as `python -m tests.frontends.tf_models FOLDER`; writes one folder for each model with
network.json, weights.npz and layers.npz (every layer's output, the real layers run one by one),
and in h5/ and keras/ the network rebuilt from the files that Keras saves. zoo/ holds the networks
of the files in tests/models/files.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np

from hwflow.frontends.keras import read_keras
from hwflow.train.export import describe, export_network
from hwflow.train.files import write_npz
from hwflow.train.keras_env import KerasEnv, load_keras
from hwflow.train.rebuild import rebuild
from hwflow.train.replay import Replay
from tests.models import qkeras_zoo
from tests.models.qkeras_zoo import shake

ZOO = Path(__file__).parents[1] / "models" / "files"


def plane(env: KerasEnv) -> Any:
    """Two axes: every 2-D layer, negative BatchNorm scales, a residual, a concatenation."""
    q, k = env.qkeras, env.keras.layers
    x = inputs = k.Input((8, 8, 2), name="image")
    x = q.QActivation(q.quantized_bits(6, 1, alpha=1), name="quantize")(x)
    x = k.ZeroPadding2D(((0, 1), (1, 0)), name="zeros")(x)
    x = q.QConv2D(
        4, (3, 3), name="conv", kernel_quantizer=q.quantized_bits(5, 0, alpha=1),
        bias_quantizer=q.quantized_bits(8, 2, alpha=1),
    )(x)  # fmt: skip
    x = k.BatchNormalization(name="norm")(x)
    x = q.QActivation(q.quantized_relu(5, 2), name="relu")(x)
    left = q.QDepthwiseConv2D(
        (3, 3), padding="same", name="depth", use_bias=False,
        depthwise_quantizer=q.quantized_bits(4, 0, alpha=1),
    )(x)  # fmt: skip
    left = q.QActivation(q.quantized_bits(6, 3, alpha=1), name="left")(left)
    x = k.Add(name="add")([left, x])
    x = q.QActivation(q.quantized_relu(6, 3, negative_slope=0.25), name="leaky")(x)
    x = k.MaxPooling2D((3, 3), strides=(2, 2), padding="same", name="peak")(x)
    x = q.QConv2D(
        4, (3, 3), strides=(2, 2), padding="same", name="auto", use_bias=False,
        kernel_quantizer=q.quantized_bits(4, 0, 1, alpha="auto_po2"),
        activation=q.quantized_relu(6, 2),
    )(x)  # fmt: skip
    y = q.QAveragePooling2D(
        (2, 2), average_quantizer=q.quantized_bits(4, 0, alpha=1), name="mean",
        activation=q.quantized_bits(8, 2, alpha=1),
    )(x)  # fmt: skip
    x = k.GlobalAveragePooling2D(name="whole")(x)
    x = k.Concatenate(name="join")([x, k.Flatten(name="flat")(y)])
    x = q.QDense(6, name="ternary", use_bias=False, kernel_quantizer=q.ternary(alpha="auto_po2"))(x)
    x = k.BatchNormalization(name="norm2")(x)
    x = q.QActivation(q.binary(), name="sign")(x)
    x = q.QDense(3, name="binary", use_bias=False, kernel_quantizer=q.binary(alpha=0.5))(x)
    return env.keras.Model(inputs, x)


def line(env: KerasEnv) -> Any:
    """One axis, and sums that float32 cannot hold."""
    q, k = env.qkeras, env.keras.layers
    x = inputs = k.Input((12, 3), name="signal")
    x = q.QActivation(q.quantized_bits(12, 0, alpha=1), name="quantize")(x)
    x = q.QConv1D(
        4, 5, padding="same", strides=2, name="conv",
        kernel_quantizer=q.quantized_bits(14, 0, alpha=1), use_bias=False,
    )(x)  # fmt: skip
    x = q.QActivation(q.quantized_bits(9, 0, alpha=1), name="cut")(x)
    x = k.MaxPooling1D(2, name="peak")(x)
    x = q.QConv1D(
        4, 2, padding="causal", dilation_rate=2, name="causal", activation="relu",
        kernel_quantizer=q.quantized_bits(5, 0, alpha=None),
        bias_quantizer=q.quantized_bits(6, 1, alpha=1),
    )(x)  # fmt: skip
    x = q.QActivation(q.ternary(alpha=1.0, threshold=0.25), name="three")(x)
    x = k.Reshape((12,), name="row")(x)
    x = q.QDense(
        4, name="out", kernel_quantizer=q.quantized_bits(4, 0, alpha=1),
        bias_quantizer=q.quantized_bits(6, 1, alpha=1), activation=q.quantized_relu(5, 1),
    )(x)  # fmt: skip
    return env.keras.Model(inputs, x)


def main(folder: Path) -> None:
    """Write both models."""
    env = load_keras(7)
    rng = np.random.default_rng(7)
    for build, wide in ((plane, ()), (line, ("conv", "cut"))):
        model = build(env)
        shake(env, model, rng)
        target = folder / build.__name__
        target.mkdir()
        export_network(model, target)
        for suffix in ("h5", "keras"):
            (target / suffix).mkdir()
            model.save(target / f"model.{suffix}")
            read = read_keras(target / f"model.{suffix}")
            export_network(rebuild(env, read.record(), read.arrays()), target / suffix)
        network, arrays = describe(model)
        for quantizer in (q for item in network["layers"] for q in item["quantizers"].values()):
            if quantizer["class"] in ("binary", "ternary"):
                quantizer["config"].pop("bits", None)  # no argument of theirs
        shape = network["layers"][0]["output_shape"]
        x = rng.normal(0, 1, (200, *shape)).astype(np.float32)
        values = Replay(env, network, arrays, wide).run({network["inputs"][0]: x})
        write_npz(target / "layers.npz", values)
    for file in qkeras_zoo.FILES:
        read, target = read_keras(ZOO / file), folder / "zoo" / Path(file).stem
        target.mkdir(parents=True)
        export_network(rebuild(env, read.record(), read.arrays()), target)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
