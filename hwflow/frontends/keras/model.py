"""A network of Keras 2, described in plain data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwflow.errors import HwflowError, InputError
from hwflow.frontends.keras.archive import KerasArchive, parse_json
from hwflow.frontends.keras.hdf5 import WeightFile
from hwflow.frontends.keras.options import CLASSES, OptionError, layer_options
from hwflow.frontends.keras.skeleton import RawLayer, input_shape, skeleton
from hwflow.frontends.keras.weights import layer_weights
from hwflow.frontends.lowered import Finding, RefusedError
from hwflow.frontends.qkeras.lower import unknown_layer

__all__ = ["KerasLayer", "KerasModel", "read_keras"]

_MODULES = ("keras", "tf_keras", "qkeras")


@dataclass(frozen=True, slots=True, eq=False)
class KerasLayer:
    """One layer: its class, what it reads, its checked options and its float32 weights by name."""

    name: str
    kind: str
    inputs: tuple[str, ...]
    options: Mapping[str, Any]
    quantizers: Mapping[str, Any]
    weights: Mapping[str, NDArray[np.float32]]


@dataclass(frozen=True, slots=True, eq=False)
class KerasModel:
    """The layers in an order in which each needs only earlier ones."""

    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    layers: tuple[KerasLayer, ...]

    def record(self) -> dict[str, Any]:
        """The description as JSON; the arrays are named in `arrays`."""
        return {
            "inputs": list(self.inputs),
            "outputs": list(self.outputs),
            "layers": [
                {
                    "name": layer.name,
                    "class": layer.kind,
                    "inputs": list(layer.inputs),
                    "options": dict(layer.options),
                    "quantizers": dict(layer.quantizers),
                    "weights": sorted(layer.weights),
                }
                for layer in self.layers
            ],
        }

    def arrays(self) -> dict[str, NDArray[np.float32]]:
        """Every weight, as layer/weight."""
        return {f"{layer.name}/{n}": a for layer in self.layers for n, a in layer.weights.items()}


def read_keras(path: Path) -> KerasModel:
    """The network in a `.h5` or `.keras` file that Keras 2 wrote.

    Raises:
        InputError: the file is damaged ("model.format"), asks for what is never done
            ("model.unsafe"), or holds something that is not understood ("lower.*"). Everything
            wrong with layers is told at once, as a RefusedError.
    """
    if path.suffix.lower() == ".keras":
        archive = KerasArchive.read(path)
        with WeightFile.open(archive.weights, path.name) as file:
            return _model(archive.config, file, path.name)
    with WeightFile.open(path, path.name) as file:
        text = file.text((), "model_config")
        if text is None:
            raise InputError(
                "model.format",
                f"{path.name}: it holds weights only, no model",
                hint="save the whole model: model.save(...), not model.save_weights(...)",
            )
        return _model(parse_json(text, path.name), file, path.name)


def _model(described: Mapping[str, Any], file: WeightFile, name: str) -> KerasModel:
    bones = skeleton(described, name, _MODULES)
    made: dict[str, KerasLayer] = {}
    findings: list[Finding] = []
    for layer in bones.layers:
        errors: tuple[HwflowError, ...] = ()
        try:
            made[layer.name] = _checked(layer, file)
        except HwflowError as error:
            errors = (error,)
        findings.append(Finding(layer.name, layer.kind, errors, reached=bool(errors)))
    if len(made) < len(findings):
        raise RefusedError(findings)
    return KerasModel(bones.inputs, bones.outputs, tuple(made[n] for n in bones.order))


def _checked(layer: RawLayer, file: WeightFile) -> KerasLayer:
    if layer.kind not in CLASSES:
        raise unknown_layer(layer.name, layer.kind)
    try:
        options, quantizers = layer_options(layer.kind, layer.config)
    except OptionError as error:
        raise InputError(
            "lower.layer",
            f"layer {layer.name!r}: {error}",
            hint="save the model with QKeras 0.9, or write this layer with other options",
        ) from None
    if layer.kind == "InputLayer":
        options["shape"] = input_shape(layer)
    weights = layer_weights(file, layer.name, layer.place, layer.kind, options)
    return KerasLayer(layer.name, layer.kind, layer.inputs, options, quantizers, weights)
