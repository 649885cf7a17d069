"""The network description that training writes, parsed once into typed, frozen objects."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwflow.errors import HwflowError, InputError

__all__ = ["FORMAT", "Layer", "Network", "QuantizerSpec", "load_network", "parse_network"]

FORMAT = 1
_LAYER_KEYS = frozenset(
    {
        "class", "config", "inputs", "name", "output_shape", "quantized", "quantizers", "scales",
        "weights",
    }
)  # fmt: skip
_NETWORK_KEYS = frozenset({"format", "inputs", "layers", "outputs"})

Array = NDArray[Any]


@dataclass(frozen=True, slots=True)
class QuantizerSpec:
    """A QKeras quantizer as exported: its class and its attributes."""

    kind: str
    config: Mapping[str, Any]


@dataclass(frozen=True, slots=True, eq=False)
class Layer:
    """One Keras layer of the frozen inference network; arrays are float32, by role."""

    name: str
    kind: str
    inputs: tuple[str, ...]
    config: Mapping[str, Any]
    quantizers: Mapping[str, QuantizerSpec]
    shape: tuple[int, ...]
    weights: Mapping[str, Array]
    quantized: Mapping[str, Array]
    scales: Mapping[str, Array]

    def integers(self, key: str, count: int) -> tuple[int, ...]:
        """`count` integers of the configuration (a single one stands for all).

        Raises:
            InputError: "lower.network" when they are not there.
        """
        raw = self.config.get(key)
        items = [raw] * count if isinstance(raw, int) else raw
        if not isinstance(items, list) or len(items) != count:
            raise _broken(f"layer {self.name!r}: {key} is {raw!r}, expected {count} integers")
        return tuple(_integer(i, f"layer {self.name!r}: {key}") for i in items)

    def text(self, key: str, default: str) -> str:
        """A text of the configuration, or `default` where it is absent."""
        return str(self.config.get(key, default))


@dataclass(frozen=True, slots=True, eq=False)
class Network:
    """The layers in an order in which each needs only earlier ones; no batch axis anywhere."""

    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    layers: tuple[Layer, ...]


def load_network(folder: Path) -> Network:
    """Read `network.json` and `weights.npz` of a training artifact.

    Raises:
        InputError: "lower.network" when a file is missing, damaged or of another format.
    """
    try:
        raw = json.loads((folder / "network.json").read_text(encoding="utf-8"))
        with np.load(folder / "weights.npz", allow_pickle=False) as file:
            arrays = {key: file[key] for key in file.files}
    except (OSError, ValueError) as error:
        raise _broken(f"the network cannot be read: {error}") from None
    return parse_network(raw, arrays)


def parse_network(raw: Any, arrays: Mapping[str, Array]) -> Network:
    """The typed form of a parsed `network.json` and the arrays it names.

    Raises:
        InputError: "lower.network": missing or unknown keys, wrong types, unknown layer names,
            arrays that are absent or hold NaN.
    """
    _keys(raw, _NETWORK_KEYS, "network.json")
    if raw["format"] != FORMAT:
        raise _broken(f"network.json is of format {raw['format']!r}, expected {FORMAT}")
    if not isinstance(raw["layers"], list) or not raw["layers"]:
        raise _broken("network.json holds no layers")
    layers: list[Layer] = []
    known: set[str] = set()
    for item in raw["layers"]:
        layer = _layer(item, arrays)
        missing = [name for name in layer.inputs if name not in known]
        if missing or layer.name in known:
            what = f"uses {missing[0]!r} before it is made" if missing else "appears twice"
            raise _broken(f"layer {layer.name!r} {what}")
        known.add(layer.name)
        layers.append(layer)
    network = Network(
        _names(raw["inputs"], "inputs"), _names(raw["outputs"], "outputs"), tuple(layers)
    )
    absent = [n for n in (*network.inputs, *network.outputs) if n not in known]
    if absent or not network.inputs or not network.outputs:
        raise _broken(f"network.json: inputs and outputs must name layers, found {absent}")
    return network


def _layer(raw: Any, arrays: Mapping[str, Array]) -> Layer:
    _keys(raw, _LAYER_KEYS, "a layer of network.json")
    name = raw["name"]
    if not isinstance(name, str) or not name or not isinstance(raw["class"], str):
        raise _broken(f"a layer has the name {name!r} and the class {raw['class']!r}")
    where = f"layer {name!r}"
    if not all(isinstance(raw[key], dict) for key in ("config", "quantizers")):
        raise _broken(f"{where}: config and quantizers must be objects")
    shape = raw["output_shape"]
    if not isinstance(shape, list):
        raise _broken(f"{where}: output_shape is {shape!r}")
    return Layer(
        name,
        raw["class"],
        _names(raw["inputs"], where),
        MappingProxyType(dict(raw["config"])),
        MappingProxyType({k: _quantizer(v, where) for k, v in raw["quantizers"].items()}),
        tuple(_integer(n, f"{where}: output_shape") for n in shape),
        *(_arrays(raw[key], arrays, where) for key in ("weights", "quantized", "scales")),
    )


def _quantizer(raw: Any, where: str) -> QuantizerSpec:
    _keys(raw, frozenset({"class", "config"}), f"{where}: a quantizer")
    if not isinstance(raw["config"], dict):
        raise _broken(f"{where}: a quantizer's config is not an object")
    return QuantizerSpec(str(raw["class"]), MappingProxyType(dict(raw["config"])))


def _arrays(raw: Any, arrays: Mapping[str, Array], where: str) -> Mapping[str, Array]:
    found: dict[str, Array] = {}
    if not isinstance(raw, dict):
        raise _broken(f"{where}: weights must be an object")
    for role, key in raw.items():
        if key not in arrays:
            raise _broken(f"{where}: weights.npz has no array {key!r}")
        array = np.asarray(arrays[key])
        if array.dtype != np.float32 or not bool(np.isfinite(array).all()):
            raise InputError(
                "lower.weights",
                f"{where}: {role} must be finite float32, found {array.dtype} with "
                f"{int((~np.isfinite(array)).sum()) if array.dtype.kind == 'f' else 0} NaN or inf",
                hint="train again with a smaller learning rate",
            )
        found[str(role)] = array
    return MappingProxyType(found)


def _names(raw: Any, where: str) -> tuple[str, ...]:
    if not isinstance(raw, list) or not all(isinstance(n, str) for n in raw):
        raise _broken(f"{where}: expected a list of layer names, found {raw!r}")
    return tuple(raw)


def _integer(raw: Any, where: str) -> int:
    if not isinstance(raw, int) or isinstance(raw, bool) or raw < 0:
        raise _broken(f"{where}: expected a whole number, found {raw!r}")
    return raw


def _keys(raw: Any, expected: frozenset[str], where: str) -> None:
    if not isinstance(raw, dict):
        raise _broken(f"{where} must be an object")
    found = frozenset(raw)
    if found == expected:
        return
    parts = [
        f"{label} {', '.join(sorted(map(str, names)))}"
        for label, names in (("missing", expected - found), ("unknown", found - expected))
        if names
    ]
    raise _broken(f"{where}: {'; '.join(parts)}")


def _broken(message: str) -> HwflowError:
    return InputError(
        "lower.network", message, hint="train again, or export the network with this version"
    )
