"""Models made with HGQ2, in an environment of its own (it cannot live beside QKeras):

    python -m venv /tmp/hgq && /tmp/hgq/bin/pip install hgq2==0.2.0 keras jax alkaid==0.8.2
    PYTHONPATH=. /tmp/hgq/bin/python -m tests.models.hgq_zoo FOLDER [COUNT]

writes NAME.keras and NAME.npz, HGQ2's own predictions on `vectors.inputs(NAME, ...)`, and
same.json, which alkaid's converter makes of `same`. Bit widths and weights are drawn at random
rather than trained: each element has its own, some have none.
"""

from __future__ import annotations

import os
import sys
import zipfile
from pathlib import Path
from typing import Any

os.environ["KERAS_BACKEND"] = "jax"
os.environ["JAX_PLATFORMS"] = "cpu"

import keras
import numpy as np
from alkaid.converter import trace_model
from alkaid.trace import FVArrayInput, trace
from hgq.config import LayerConfigScope, QuantizerConfigScope
from hgq.layers import (
    QAdd,
    QAveragePooling1D,
    QConv1D,
    QConv2D,
    QDense,
    QMaxPooling2D,
    QSubtract,
)
from hgq.quantizer import Quantizer, QuantizerConfig

from tests.models.vectors import inputs, weights

KL = keras.layers


def dense() -> Any:
    """Saturating values, rounding half to even; weights that wrap."""
    x = source = keras.Input((12,), name="x")
    for units, name in ((9, "first"), (7, "second")):
        x = QDense(units, activation="relu", name=name)(x)
    return keras.Model(source, QDense(4, name="logits", enable_oq=True)(x))


def line() -> Any:
    """One axis: strides, dilation, pooling of a power of two, a Quantizer as a layer."""
    source = keras.Input((16, 3), name="signal")
    config = QuantizerConfig("kif", "datalane", homogeneous_axis=(0, 1))
    x = Quantizer(config, name="adc")(source)
    x = QConv1D(5, 3, strides=2, padding="same", activation="relu", name="near")(x)
    x = QConv1D(4, 2, dilation_rate=2, name="far")(x)
    x = QAveragePooling1D(2, name="mean")(x)
    x = KL.Reshape((-1,), name="row")(x)
    return keras.Model(source, QDense(3, use_bias=False, name="out")(x))


def plane() -> Any:
    """Two axes: a residual, a difference, a concatenation, groups, max pooling."""
    source = keras.Input((6, 6, 2), name="image")
    x = QConv2D(4, 3, padding="same", activation="relu", name="conv")(source)
    y = QConv2D(4, 3, padding="same", groups=2, name="grouped")(x)
    x = QAdd(name="residual")([x, y])
    y = QSubtract(name="difference")([x, y])
    x = KL.Concatenate(name="join")([x, y])
    x = QMaxPooling2D(2, name="peak")(x)
    x = KL.Flatten(name="flat")(x)
    return keras.Model(source, QDense(3, activation="relu", name="out")(x))


def same() -> Any:
    """The network of `same` in qkeras_zoo.py, with the same quantizers and weights."""
    source = keras.Input((10,), name="x")
    mode = {"round_mode": "RND_CONV", "overflow_mode": "SAT"}
    weight = {
        "kq_conf": QuantizerConfig("kbi", "weight", k0=True, b0=5, i0=1, **mode),
        "bq_conf": QuantizerConfig("kbi", "bias", k0=True, b0=7, i0=2, **mode),
    }
    first = QuantizerConfig("kif", "datalane", k0=True, i0=2, f0=5, **mode)
    second = QuantizerConfig("kif", "datalane", k0=False, i0=2, f0=4, **mode)
    x = QDense(6, activation="relu", iq_conf=first, name="hidden", **weight)(source)
    model = keras.Model(source, QDense(3, iq_conf=second, name="out", **weight)(x))
    for layer in model.layers[1:]:
        for variable in (layer.kernel, layer.bias):
            variable.assign(weights(f"same {layer.name} {variable.name}", variable.shape))
    return model


MODES = {
    "hgq_dense": (dense, ("kif", "SAT", "RND_CONV"), ("kif", "WRAP", "TRN")),
    "hgq_line": (line, ("kbi", "SAT_SYM", "RND"), ("kbi", "SAT_SYM", "RND_CONV")),
    "hgq_plane": (plane, ("kif", "WRAP", "TRN"), ("kbi", "SAT", "RND")),
}


def shake(model: Any, rng: np.random.Generator) -> None:
    """Random weights, and random bits for each element of each quantizer; some have none."""
    ranges = {"b": (3, 9), "i": (1, 4), "f": (2, 6)}
    for variable in model.variables:
        kind, shape = variable.name, variable.shape
        if kind in ("kernel", "bias"):
            variable.assign(rng.normal(0, 0.6, shape))
        elif kind in ranges:
            drawn = rng.integers(*ranges[kind], shape).astype(np.float32)
            if kind in ("b", "f"):
                drawn = np.where(rng.random(shape) < 0.1, {"b": 0, "f": -8}[kind], drawn)
            variable.assign(drawn + rng.uniform(-0.4, 0.4, shape))
        elif kind == "k":
            variable.assign(rng.random(shape) < 0.8)


def pack(path: Path) -> None:
    """The same archive, its members compressed."""
    with zipfile.ZipFile(path) as archive:
        members = [(info.filename, archive.read(info)) for info in archive.infolist()]
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members:
            archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)


def main(folder: Path, count: int) -> None:
    """Write every model."""
    rng = np.random.default_rng(5)
    for name, (build, values, kernels) in MODES.items():
        keras.utils.set_random_seed(5)
        kinds = ("q_type", "overflow_mode", "round_mode")
        lane = {"default_q_type": values[0], **dict(zip(kinds[1:], values[1:], strict=True))}
        rest = {"default_q_type": kernels[0], **dict(zip(kinds[1:], kernels[1:], strict=True))}
        with (
            QuantizerConfigScope(place="all", **rest),
            QuantizerConfigScope(place="datalane", **lane),
            LayerConfigScope(enable_ebops=True, beta0=0.0),
        ):
            model = build()
        shake(model, rng)
        save(folder, name, model, inputs(name, model.input_shape[1:], count))
    model = same()
    save(folder, "same", model, inputs("same", (10,), count))
    source = FVArrayInput((10,))  # multiples of 1/64 up to 16; the model's own quantizers saturate
    _, results = trace_model(model, inputs=(source.quantize(1, 4, 6),))
    trace(source, results).save(folder / "same.json")


def save(folder: Path, name: str, model: Any, x: np.ndarray) -> None:
    """The model's file and its predictions on x."""
    model.save(folder / f"{name}.keras")
    pack(folder / f"{name}.keras")
    np.savez_compressed(folder / f"{name}.npz", y=model.predict(x, verbose=0))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 300)
