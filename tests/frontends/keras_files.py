"""Small Keras 2 files, good and hostile, written without Keras."""

from __future__ import annotations

import copy
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import h5py
import numpy as np

KERNEL = np.array([[0.5, -0.25], [0.125, 0.75], [-1.0, 0.375]], np.float32)
BIAS = np.array([0.25, -0.5], np.float32)


def bits(bits: int, integer: int) -> dict[str, Any]:
    config = {"bits": bits, "integer": integer, "keep_negative": True, "alpha": 1, "symmetric": 0}
    return {"class_name": "quantized_bits", "config": config}


def layer(kind: str, name: str, *inputs: str, **config: Any) -> dict[str, Any]:
    nodes = [[[source, 0, 0, {}] for source in inputs]] if inputs else []
    return {
        "class_name": kind,
        "config": {"name": name, "trainable": True, "dtype": "float32", **config},
        "name": name,
        "inbound_nodes": nodes,
    }


def layers() -> list[dict[str, Any]]:
    """Input, quantizer and one QDense of the weights above."""
    return [
        layer("InputLayer", "x", batch_input_shape=[None, 3]),
        layer("QActivation", "q", "x", activation="quantized_bits(6, 1, alpha=1)"),
        layer(
            "QDense", "dense", "q", units=2, use_bias=True, activation="linear",
            kernel_quantizer=bits(5, 0), bias_quantizer=bits(6, 1), kernel_constraint=None,
        ),
    ]  # fmt: skip


def model(*listed: dict[str, Any]) -> dict[str, Any]:
    items = copy.deepcopy(list(listed) or layers())
    return {
        "class_name": "Functional",
        "config": {
            "name": "m",
            "layers": items,
            "input_layers": [[items[0]["name"], 0, 0]],
            "output_layers": [[items[-1]["name"], 0, 0]],
        },
    }


def write_h5(path: Path, described: dict[str, Any] | str | None = None) -> h5py.Group:
    """A `.h5` of the network; the group of the layer's weights, its file open for mischief."""
    file = h5py.File(path, "w")
    text = described if isinstance(described, str) else json.dumps(described or model())
    file.attrs["model_config"] = text
    file.attrs["keras_version"] = "2.21.0"
    group = file.create_group("model_weights/dense")
    group.attrs["weight_names"] = [b"dense/kernel:0", b"dense/bias:0"]
    inner = group.create_group("dense")
    inner["kernel:0"], inner["bias:0"] = KERNEL, BIAS
    return inner


def weights_bytes() -> bytes:
    """model.weights.h5 of the network."""
    stream = io.BytesIO()
    with h5py.File(stream, "w") as file:
        group = file.create_group("layers/q_dense/vars")
        group["0"], group["1"] = KERNEL, BIAS
    return stream.getvalue()


def write_keras(path: Path, version: str = "2.21.0", **members: bytes | str) -> None:
    """A `.keras` of the network; `members` replaces or adds some, by name with _ for a dot."""
    content: dict[str, bytes | str] = {
        "metadata.json": json.dumps({"keras_version": version}),
        "config.json": json.dumps(model()),
        "model.weights.h5": weights_bytes(),
    }
    content |= {name.replace("_", "."): value for name, value in members.items()}
    with zipfile.ZipFile(path, "w") as archive:
        for name, value in content.items():
            archive.writestr(name, value)
