"""The weights of a layer, by name, wherever the file keeps them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwflow.frontends.keras.hdf5 import WeightFile, broken

__all__ = ["layer_weights", "stored_name"]

_KERNEL = "kernel"
_DEPTHWISE = "depthwise_kernel"
_KERNELS = {
    "Conv1D": _KERNEL, "Conv2D": _KERNEL, "Dense": _KERNEL, "DepthwiseConv2D": _DEPTHWISE,
    "QConv1D": _KERNEL, "QConv2D": _KERNEL, "QDense": _KERNEL, "QDepthwiseConv2D": _DEPTHWISE,
}  # fmt: skip

Arrays = Mapping[str, NDArray[np.float32]]


def layer_weights(
    file: WeightFile, layer: str, place: str, kind: str, options: Mapping[str, Any]
) -> Arrays:
    """Every weight of a layer.

    Args:
        file: the open file.
        layer: the layer's name, by which `.h5` keeps weights.
        place: its class and how many of it came before, by which `.keras` does.
        kind: its class.
        options: its options, which say which weights there are.

    Raises:
        InputError: weights are absent or too many, hold NaN, or lie outside the file.
    """
    names = _names(kind, options)
    if file.has(("model_weights",)):
        return _by_name(file, layer, names)
    group = ("layers", stored_name(place), "vars")
    count = file.group(group) or 0
    if count != len(names):
        raise broken(layer, f"the layer has {count} weights in the file, expected {len(names)}")
    return {name: file.array((*group, str(i))) for i, name in enumerate(names)}


def _by_name(file: WeightFile, layer: str, names: tuple[str, ...]) -> Arrays:
    group = ("model_weights", layer)
    paths = [(*group, *path.split("/")) for path in file.names(group, "weight_names")]
    found = {path[-1].partition(":")[0]: path for path in paths}
    if len(found) != len(paths) or set(found) != set(names):
        shown = ", ".join(sorted(found)) or "none"
        raise broken(layer, f"the layer has the weights {shown}, expected {', '.join(names)}")
    return {name: file.array(found[name]) for name in names}


def _names(kind: str, options: Mapping[str, Any]) -> tuple[str, ...]:
    """The weights of a layer, in the order in which Keras makes them."""
    if kind == "BatchNormalization":
        gamma = ("gamma",) if options.get("scale", True) else ()
        beta = ("beta",) if options.get("center", True) else ()
        return (*gamma, *beta, "moving_mean", "moving_variance")
    if kind not in _KERNELS:
        return ()
    return (_KERNELS[kind], *(("bias",) if options.get("use_bias", True) else ()))


def stored_name(place: str) -> str:
    """Keras' file name of the n-th layer of a class: q_dense, q_dense_1, ..."""
    kind, _, index = place.partition(":")
    name = re.sub(r"([a-z])([A-Z])", r"\1_\2", re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", kind))
    return name.lower() if index == "0" else f"{name.lower()}_{index}"
