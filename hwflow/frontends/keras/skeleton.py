"""The layers of a Keras model and how they are joined, as the file's JSON tells them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from graphlib import CycleError, TopologicalSorter
from typing import Any

import numpy as np

from hwflow.errors import InputError
from hwflow.frontends.keras.hdf5 import broken
from hwflow.ir.types import MAX_ELEMENTS

__all__ = ["RawLayer", "Skeleton", "input_shape", "skeleton"]

_MAX_LAYERS = 10_000
_MAX_NAME = 200

_Ends = tuple[tuple[str, ...], tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class RawLayer:
    """A layer as the file has it.

    `place` is its class and how many of that class came before, by which `.keras` files keep
    weights. A class that is registered by another name or module is called `module.class`.
    """

    name: str
    kind: str
    inputs: tuple[str, ...]
    config: Mapping[str, Any]
    place: str = ""


@dataclass(frozen=True, slots=True)
class Skeleton:
    """The layers, in the file's order and in an order of computation."""

    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    layers: tuple[RawLayer, ...]
    order: tuple[str, ...]


def skeleton(described: Mapping[str, Any], name: str, modules: tuple[str, ...]) -> Skeleton:
    """The skeleton of the model that `described`, the JSON of file `name`, tells.

    Args:
        described: the parsed JSON.
        name: the file's name, for messages.
        modules: packages whose classes are known by their plain names.

    Raises:
        InputError: "model.format" or "train.export" (a layer used twice).
    """
    kind, config = described.get("class_name"), described.get("config")
    listed = config.get("layers") if isinstance(config, dict) else None
    if not isinstance(config, dict) or not isinstance(listed, list):
        raise broken(name, "its model has no list of layers")
    if not 0 < len(listed) <= _MAX_LAYERS:
        raise broken(name, f"its model has {len(listed)} layers")
    ends: _Ends
    if kind == "Sequential":
        raw = _chain(listed, name, modules)
        ends = (raw[0].name,), (raw[-1].name,)
    elif kind in ("Functional", "Model"):
        raw = [_layer(item, _inbound(item, name), name, modules) for item in listed]
        ends = _ends(config, "input_layers", name), _ends(config, "output_layers", name)
    else:
        raise broken(name, f"its model is a {str(kind)[:_MAX_NAME]!r}, expected one of layers")
    _check_names(raw, ends, name)
    return Skeleton(*ends, tuple(_placed(raw)), tuple(_sorted(raw, name)))


def _chain(listed: list[Any], name: str, modules: tuple[str, ...]) -> list[RawLayer]:
    """The layers of a Sequential; a first layer that only tells its input's shape gets an input."""
    layers: list[RawLayer] = []
    for item in listed:
        inputs = (layers[-1].name,) if layers else ()
        layer = _layer(item, inputs, name, modules)
        if not layers and layer.kind != "InputLayer":
            source = f"{layer.name}_input"
            shape = {"batch_input_shape": layer.config.get("batch_input_shape")}
            layers.append(RawLayer(source, "InputLayer", (), shape))
            layer = RawLayer(layer.name, layer.kind, (source,), layer.config)
        layers.append(layer)
    return layers


def _layer(item: Any, inputs: tuple[str, ...], name: str, modules: tuple[str, ...]) -> RawLayer:
    kind = item.get("class_name") if isinstance(item, dict) else None
    config = item.get("config") if isinstance(item, dict) else None
    if not isinstance(kind, str) or not isinstance(config, dict):
        raise broken(name, "a layer has no class or no configuration")
    called = config.get("name", item.get("name"))
    if not isinstance(called, str) or not 0 < len(called) <= _MAX_NAME:
        raise broken(name, f"a layer is called {str(called)[:_MAX_NAME]!r}")
    module = str(item.get("module") or "keras")
    registered = str(item.get("registered_name") or kind)
    root = module.partition(".")[0]
    if root not in modules or registered not in (kind, f"{root}>{kind}"):
        kind = f"{module[:_MAX_NAME]}.{kind[:_MAX_NAME]}"
    return RawLayer(called, kind, inputs, config)


def _inbound(item: Any, name: str) -> tuple[str, ...]:
    nodes = item.get("inbound_nodes", []) if isinstance(item, dict) else []
    label = str(item.get("name"))[:_MAX_NAME] if isinstance(item, dict) else "?"
    if not isinstance(nodes, list):
        raise broken(name, f"layer {label!r}: its inputs are not written as Keras does")
    if len(nodes) > 1:
        raise InputError(
            "train.export",
            f"layer {label!r} is used more than once",
            hint="give each use a layer of its own: shared layers have no hardware meaning yet",
        )
    entries = nodes[0] if nodes else []
    if isinstance(entries, dict):
        entries = _tensors(entries)
    found: list[str] = []
    for entry in entries if isinstance(entries, list) else [None]:
        source, *rest = entry if isinstance(entry, list) and entry else [None]
        if not isinstance(source, str) or rest not in ([0, 0], [0, 0, {}]):
            raise broken(name, f"layer {label!r}: its inputs are not single values of layers")
        found.append(source)
    return tuple(found)


def _tensors(node: Mapping[str, Any]) -> Any:
    """The operands of a call as Keras 3 writes it, in the form of Keras 2."""
    args, kwargs = node.get("args"), node.get("kwargs")
    if not isinstance(args, list) or len(args) != 1 or not isinstance(kwargs, dict):
        return None
    if any(value is not None for value in kwargs.values()):
        return None
    tensors = args[0] if isinstance(args[0], list) else [args[0]]
    configs = [t.get("config") if isinstance(t, dict) else None for t in tensors]
    return [c.get("keras_history") if isinstance(c, dict) else None for c in configs]


def _ends(config: Mapping[str, Any], key: str, name: str) -> tuple[str, ...]:
    listed = config.get(key)
    if isinstance(listed, list) and len(listed) == 3 and isinstance(listed[0], str):
        listed = [listed]  # a single one may stand without a list
    if not isinstance(listed, list) or not listed:
        raise broken(name, f"its model has no {key}")
    for entry in listed:
        if not isinstance(entry, list) or len(entry) != 3 or not isinstance(entry[0], str):
            raise broken(name, f"its model's {key} are not written as Keras does")
    return tuple(entry[0] for entry in listed)


def _check_names(layers: list[RawLayer], ends: _Ends, name: str) -> None:
    known = {layer.name for layer in layers}
    if len(known) != len(layers):
        raise broken(name, "two of its layers have the same name")
    used = {source for layer in layers for source in layer.inputs} | set(ends[0]) | set(ends[1])
    if used - known:
        raise broken(name, f"there is no layer {min(used - known)[:_MAX_NAME]!r}")


def _sorted(layers: list[RawLayer], name: str) -> list[str]:
    """Names in an order of computation."""
    try:
        return list(
            TopologicalSorter({layer.name: layer.inputs for layer in layers}).static_order()
        )
    except CycleError as error:
        label = str(error.args[1][0])
        raise broken(name, f"layer {label!r} needs its own result: a cycle of layers") from None


def _placed(layers: list[RawLayer]) -> list[RawLayer]:
    seen: Counter[str] = Counter()
    placed = []
    for layer in layers:
        placed.append(replace(layer, place=f"{layer.kind}:{seen[layer.kind]}"))
        seen[layer.kind] += 1
    return placed


def input_shape(layer: RawLayer) -> list[int]:
    """The shape of an InputLayer, without the batch axis.

    Raises:
        InputError: "lower.shape" where it is open or too large.
    """
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
