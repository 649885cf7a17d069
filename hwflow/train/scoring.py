"""What a network is worth on the test part of a data set. Worker process only."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwflow.train.auc import error_auc
from hwflow.train.data.dataset import DataSet
from hwflow.train.data.wafer import rearrange
from hwflow.train.emd import mean_emd
from hwflow.train.files import read_json, read_npz
from hwflow.train.keras_env import KerasEnv
from hwflow.train.refusal import RefusalError
from hwflow.train.replay import Replay

__all__ = ["METRICS", "check_model", "replayed", "score", "shape_of"]

METRICS = {
    "classification": ("accuracy", "fraction"),
    "regression": ("mean_squared_error", "1"),
    "wafers": ("emd", "cell pitches"),
    "anomaly": ("auc", "1"),
}
"""Each task's metric and its unit."""


def replayed(env: KerasEnv, folder: Path, data: DataSet) -> NDArray[Any]:
    """Test outputs of the exported network: the frozen definition, not the training model."""
    network = read_json(folder / "network.json")
    replay = Replay(env, network, read_npz(folder / "weights.npz"))
    outputs = replay.run({network["inputs"][0]: data.test.x})
    return outputs[network["outputs"][0]]


def score(data: DataSet, outputs: NDArray[Any], decoder: Any = None) -> float:
    """The task's metric of the network's outputs on the test part; wafers need their decoder."""
    truth = data.test.y
    if data.task == "classification":
        return round(float((outputs.argmax(1) == truth).mean()), 6)
    if data.task == "wafers":
        image = decoder(outputs).numpy()
        return round(mean_emd(truth, np.asarray(rearrange(image), dtype=np.float64)), 6)
    if data.task == "anomaly":
        return error_auc(data.test.x, outputs, truth)
    return float(f"{float(((outputs - truth) ** 2).mean()):.6g}")


def check_model(model: Any, data: DataSet, name: str) -> None:
    """Refuse a model called `name` whose input or output does not fit the data.

    Raises:
        RefusalError: train.shape.
    """
    found = shape_of(model.inputs[0])
    if len(model.inputs) != 1 or found != data.input_shape:
        raise RefusalError(
            "train.shape",
            f"{name} takes {len(model.inputs)} inputs, the first {found}; the data has one input "
            f"of {data.input_shape}",
            hint="use the input_shape given to the builder",
        )
    expected: Mapping[str, tuple[int, ...] | None] = {
        "classification": (data.classes or 0,),
        "regression": tuple(data.train.y.shape[1:]),
        "wafers": None,
        "anomaly": data.input_shape,
    }
    shape = expected[data.task]
    if len(model.outputs) != 1 or (shape is not None and shape_of(model.outputs[0]) != shape):
        raise RefusalError(
            "train.shape",
            f"{name} returns {[shape_of(out) for out in model.outputs]}, expected one output of "
            f"{shape}",
            hint="a classifier ends in one logit per class, an anomaly detector in its input's "
            "shape; see data.y for a regression",
        )


def shape_of(tensor: Any) -> tuple[int, ...]:
    """The shape of a Keras tensor, without the batch axis."""
    return tuple(tensor.shape[1:])
