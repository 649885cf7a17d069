"""Models made with QKeras, in the training environment:

    PYTHONPATH=. .venv/bin/python -m tests.models.qkeras_zoo FOLDER [COUNT]

writes NAME.h5 or NAME.keras, and NAME.npz with QKeras' own predictions on
`vectors.inputs(NAME, ...)`. Weights are drawn at random rather than trained.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np

from hwflow.train.keras_env import KerasEnv, load_keras
from tests.models.vectors import inputs, weights

FILES = ("qkeras_dense.h5", "qkeras_line.keras", "qkeras_plane.h5", "same.h5")


def dense(env: KerasEnv) -> Any:
    """A chain; one scale for each output channel (auto_po2), quantizers given as text."""
    q, k = env.qkeras, env.keras.layers
    return env.keras.Sequential(
        [
            k.Input((16,)),
            q.QActivation("quantized_bits(8, 2, alpha=1)"),
            q.QDense(12, kernel_quantizer="quantized_bits(5, 0, 1, alpha='auto_po2')",
                     bias_quantizer=q.quantized_bits(8, 2, alpha=1)),
            k.BatchNormalization(),
            q.QActivation("quantized_relu(6, 2)"),
            k.Dropout(0.2),
            q.QDense(8, kernel_quantizer=q.ternary(alpha=1), use_bias=False,
                     activation=q.quantized_bits(6, 3, alpha=1)),
            q.QDense(4, kernel_quantizer=q.quantized_bits(6, 1, alpha=1),
                     bias_quantizer=q.quantized_bits(8, 2, alpha=1)),
        ]
    )  # fmt: skip


def line(env: KerasEnv) -> Any:
    """One axis: convolutions, BatchNormalization, both poolings."""
    q, k = env.qkeras, env.keras.layers
    kernel = {"kernel_quantizer": q.quantized_bits(6, 1, alpha=1), "use_bias": False}
    x = source = k.Input((16, 3), name="signal")
    x = q.QActivation(q.quantized_bits(7, 2, alpha=1), name="adc")(x)
    x = q.QConv1D(6, 3, strides=2, padding="same", name="near", **kernel)(x)
    x = k.BatchNormalization(name="norm")(x)
    x = q.QActivation(q.quantized_relu(5, 3), name="relu")(x)
    x = k.MaxPooling1D(2, name="peak")(x)
    x = q.QConv1D(4, 2, padding="causal", name="far", **kernel)(x)
    x = q.QActivation(q.quantized_bits(8, 4, alpha=1), name="cut")(x)
    x = k.GlobalAveragePooling1D(name="mean")(x)
    return env.keras.Model(source, q.QDense(3, name="out", **kernel)(x))


def plane(env: KerasEnv) -> Any:
    """Two axes: a depthwise layer, a residual, a concatenation, pooling."""
    q, k = env.qkeras, env.keras.layers
    kernel = {"kernel_quantizer": q.quantized_bits(5, 0, alpha=1), "use_bias": False}
    x = source = k.Input((8, 8, 2), name="image")
    x = q.QActivation(q.quantized_bits(6, 2, alpha=1), name="adc")(x)
    x = q.QConv2D(4, 3, padding="same", name="conv", **kernel)(x)
    x = k.BatchNormalization(name="norm")(x)
    x = q.QActivation(q.quantized_relu(5, 2), name="relu")(x)
    y = q.QDepthwiseConv2D(3, padding="same", use_bias=False, name="depth",
                           depthwise_quantizer=q.quantized_bits(4, 0, alpha=1))(x)  # fmt: skip
    y = q.QActivation(q.quantized_bits(6, 3, alpha=1), name="left")(y)
    x = k.Add(name="residual")([x, y])
    x = k.Concatenate(name="join")([x, y])
    x = k.MaxPooling2D(2, name="peak")(x)
    x = k.AveragePooling2D(2, name="mean")(x)
    x = k.Flatten(name="flat")(x)
    return env.keras.Model(source, q.QDense(3, name="out", **kernel)(x))


def same(env: KerasEnv) -> Any:
    """The network of `same` in hgq_zoo.py, with the same quantizers and weights."""
    q, k = env.qkeras, env.keras.layers
    kinds = {
        "kernel_quantizer": q.quantized_bits(6, 1, alpha=1),
        "bias_quantizer": q.quantized_bits(8, 2, alpha=1),
    }
    x = source = k.Input((10,), name="x")
    x = q.QActivation(q.quantized_bits(8, 2, alpha=1), name="adc")(x)
    x = q.QDense(6, name="hidden", **kinds)(x)
    x = q.QActivation(q.quantized_relu(6, 2), name="relu")(x)
    model = env.keras.Model(source, q.QDense(3, name="out", **kinds)(x))
    for name in ("hidden", "out"):
        layer = model.get_layer(name)
        shapes = (("kernel", layer.kernel.shape), ("bias", layer.bias.shape))
        layer.set_weights([weights(f"same {name} {kind}", tuple(s)) for kind, s in shapes])
    return model


def shake(env: KerasEnv, model: Any, rng: np.random.Generator) -> None:
    """Weights with large and negative values, as after training."""
    for layer in model.layers:
        scale = 2.0 if isinstance(layer, env.keras.layers.BatchNormalization) else 0.5
        values = [rng.normal(0, scale, w.shape) for w in layer.get_weights()]
        if isinstance(layer, env.keras.layers.BatchNormalization):
            values[-1] = abs(values[-1]) + 0.1
        layer.set_weights(values)


def main(folder: Path, count: int) -> None:
    """Write every model."""
    env = load_keras(3)
    rng = np.random.default_rng(3)
    for file, build in zip(FILES, (dense, line, plane, same), strict=True):
        name = Path(file).stem
        model = build(env)
        if build is not same:
            shake(env, model, rng)
        model.save(folder / file)
        x = inputs(name, model.input_shape[1:], count)
        if build is not same:  # whose predictions HGQ2 makes
            np.savez_compressed(folder / f"{name}.npz", y=model.predict(x, verbose=0))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 300)
