"""A network of Keras 2, described in plain data."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwflow.errors import HwflowError, InputError
from hwflow.frontends.keras.archive import KerasArchive, parse_json
from hwflow.frontends.keras.hdf5 import WeightFile, broken
from hwflow.frontends.keras.options import CLASSES, OptionError, layer_options
from hwflow.frontends.keras.weights import layer_weights
from hwflow.frontends.lowered import Finding, RefusedError
from hwflow.frontends.qkeras.lower import unknown_layer
from hwflow.ir.types import MAX_ELEMENTS

__all__ = ["KerasLayer", "KerasModel", "read_keras"]

_MAX_LAYERS = 10_000
_MAX_NAME = 200

_Ends = tuple[tuple[str, ...], tuple[str, ...]]


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


@dataclass(frozen=True, slots=True)
class _Raw:
    """A layer as the file has it."""

    name: str
    kind: str
    inputs: tuple[str, ...]
    config: Mapping[str, Any]


def _model(described: Mapping[str, Any], file: WeightFile, name: str) -> KerasModel:
    kind, config = described.get("class_name"), described.get("config")
    listed = config.get("layers") if isinstance(config, dict) else None
    if not isinstance(config, dict) or not isinstance(listed, list):
        raise broken(name, "its model has no list of layers")
    if not 0 < len(listed) <= _MAX_LAYERS:
        raise broken(name, f"its model has {len(listed)} layers")
    ends: _Ends
    if kind == "Sequential":
        raw = _chain(listed, name)
        ends = (raw[0].name,), (raw[-1].name,)
    elif kind in ("Functional", "Model"):
        raw = [_layer(item, _functional_inputs(item, name), name) for item in listed]
        ends = _ends(config, "input_layers", name), _ends(config, "output_layers", name)
    else:
        raise broken(name, f"its model is a {str(kind)[:_MAX_NAME]!r}, expected one of layers")
    _check_names(raw, ends, name)
    order = _sorted(raw, name)
    made: dict[str, KerasLayer] = {}
    findings: list[Finding] = []
    for layer, place in zip(raw, _places(raw), strict=True):
        errors: tuple[HwflowError, ...] = ()
        try:
            made[layer.name] = _checked(layer, file, place)
        except HwflowError as error:
            errors = (error,)
        findings.append(Finding(layer.name, layer.kind, errors, reached=bool(errors)))
    if len(made) < len(raw):
        raise RefusedError(findings)
    return KerasModel(*ends, tuple(made[n] for n in order))


def _chain(listed: list[Any], name: str) -> list[_Raw]:
    """The layers of a Sequential; a first layer that only tells its input's shape gets an input."""
    layers: list[_Raw] = []
    for item in listed:
        inputs = (layers[-1].name,) if layers else ()
        layer = _layer(item, inputs, name)
        if not layers and layer.kind != "InputLayer":
            source = f"{layer.name}_input"
            shape = {"batch_input_shape": layer.config.get("batch_input_shape")}
            layers.append(_Raw(source, "InputLayer", (), shape))
            layer = _Raw(layer.name, layer.kind, (source,), layer.config)
        layers.append(layer)
    return layers


def _layer(item: Any, inputs: tuple[str, ...], name: str) -> _Raw:
    kind = item.get("class_name") if isinstance(item, dict) else None
    config = item.get("config") if isinstance(item, dict) else None
    if not isinstance(kind, str) or not isinstance(config, dict):
        raise broken(name, "a layer has no class or no configuration")
    called = config.get("name", item.get("name"))
    if not isinstance(called, str) or not 0 < len(called) <= _MAX_NAME:
        raise broken(name, f"a layer is called {str(called)[:_MAX_NAME]!r}")
    registered = item.get("registered_name") or kind
    module = str(item.get("module") or "keras")
    if registered != kind or module.partition(".")[0] not in ("keras", "tf_keras", "qkeras"):
        kind = f"{module[:_MAX_NAME]}.{kind[:_MAX_NAME]}"
    return _Raw(called, kind, inputs, config)


def _functional_inputs(item: Any, name: str) -> tuple[str, ...]:
    nodes = item.get("inbound_nodes", []) if isinstance(item, dict) else []
    label = str(item.get("name"))[:_MAX_NAME] if isinstance(item, dict) else "?"
    if not isinstance(nodes, list):
        raise broken(name, f"layer {label!r}: its inputs are not written as Keras 2 does")
    if len(nodes) > 1:
        raise InputError(
            "train.export",
            f"layer {label!r} is used more than once",
            hint="give each use a layer of its own: shared layers have no hardware meaning yet",
        )
    found: list[str] = []
    entries = nodes[0] if nodes else []
    for entry in entries if isinstance(entries, list) else [None]:
        source, *rest = entry if isinstance(entry, list) and entry else [None]
        if not isinstance(source, str) or rest not in ([0, 0], [0, 0, {}]):
            raise broken(name, f"layer {label!r}: its inputs are not single values of layers")
        found.append(source)
    return tuple(found)


def _ends(config: Mapping[str, Any], key: str, name: str) -> tuple[str, ...]:
    listed = config.get(key)
    if isinstance(listed, list) and len(listed) == 3 and isinstance(listed[0], str):
        listed = [listed]  # a single one may stand without a list
    if not isinstance(listed, list) or not listed:
        raise broken(name, f"its model has no {key}")
    for entry in listed:
        if not isinstance(entry, list) or len(entry) != 3 or not isinstance(entry[0], str):
            raise broken(name, f"its model's {key} are not written as Keras 2 does")
    return tuple(entry[0] for entry in listed)


def _check_names(layers: list[_Raw], ends: _Ends, name: str) -> None:
    known = {layer.name for layer in layers}
    if len(known) != len(layers):
        raise broken(name, "two of its layers have the same name")
    used = {source for layer in layers for source in layer.inputs} | set(ends[0]) | set(ends[1])
    if used - known:
        raise broken(name, f"there is no layer {min(used - known)[:_MAX_NAME]!r}")


def _sorted(layers: list[_Raw], name: str) -> list[str]:
    """Names in an order of computation."""
    try:
        return list(
            TopologicalSorter({layer.name: layer.inputs for layer in layers}).static_order()
        )
    except CycleError as error:
        label = str(error.args[1][0])
        raise broken(name, f"layer {label!r} needs its own result: a cycle of layers") from None


def _places(layers: list[_Raw]) -> list[str]:
    """The class of each layer and how many of it came before."""
    seen: Counter[str] = Counter()
    places = []
    for layer in layers:
        places.append(f"{layer.kind}:{seen[layer.kind]}")
        seen[layer.kind] += 1
    return places


def _checked(layer: _Raw, file: WeightFile, place: str) -> KerasLayer:
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
        options["shape"] = _shape(layer)
    weights = layer_weights(file, layer.name, place, layer.kind, options)
    return KerasLayer(layer.name, layer.kind, layer.inputs, options, quantizers, weights)


def _shape(layer: _Raw) -> list[int]:
    shape = layer.config.get("batch_input_shape", layer.config.get("batch_shape"))
    sizes = shape[1:] if isinstance(shape, list) else None
    if not sizes or not all(isinstance(n, int) and n > 0 for n in sizes):
        raise InputError(
            "lower.shape",
            f"layer {layer.name!r} has the open shape {str(shape)[:_MAX_NAME]}",
            hint="give keras.Input a full shape",
        )
    if int(np.prod(sizes, dtype=object)) > MAX_ELEMENTS:
        raise InputError("lower.shape", f"layer {layer.name!r} has the shape {sizes}")
    return list(sizes)
