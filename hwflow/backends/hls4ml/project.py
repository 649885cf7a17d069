"""What hls4ml is told to build, and what its project then offers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from hwflow.backends.hls4ml.types import ApType

__all__ = ["HlsInterface", "HlsLayer", "HlsProject", "Port", "Reals", "Traced"]

Reals = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class HlsLayer:
    """One layer of hls4ml's layer list.

    `value` is the graph's value that it computes, `made` the type it computes it in. `attributes`
    and `arrays` are hls4ml's own; arrays hold exact real numbers. `types` are those of its
    weight, bias, accum, scale and table, as far as it has them.
    """

    kind: str
    name: str
    value: str
    made: ApType
    inputs: tuple[str, ...] = ()
    attributes: Mapping[str, object] = field(default_factory=dict)
    arrays: Mapping[str, npt.NDArray[np.generic]] = field(default_factory=dict)
    types: Mapping[str, ApType] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class HlsProject:
    """All layers in order; `inputs` and `outputs` are layer names.

    `results` says for each output of the graph which entry of `outputs` holds its elements, in C
    order.
    """

    name: str
    layers: tuple[HlsLayer, ...]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    results: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Port:
    """An output of the C++ function: its elements, and the binary point of its type."""

    elements: int
    frac: int


@dataclass(frozen=True, slots=True)
class Traced:
    """A layer whose result can be watched: hls4ml's name, the graph's value, its type."""

    name: str
    value: str
    frac: int
    width: int


@dataclass(frozen=True, slots=True)
class HlsInterface:
    """What has to be known of a written project in order to run it.

    `top` is its C++ function, `inputs` the graph's inputs in that function's order, `results`
    which of `outputs` holds each output of the graph.
    """

    top: str
    backend: str
    inputs: tuple[str, ...]
    outputs: tuple[Port, ...]
    results: tuple[tuple[str, int], ...]
    traced: tuple[Traced, ...]

    def to_json(self) -> str:
        """As text."""
        return json.dumps(asdict(self), indent=1, sort_keys=True) + "\n"

    @classmethod
    def from_json(cls, text: str) -> HlsInterface:
        """From the text that `to_json` wrote."""
        raw: dict[str, Any] = json.loads(text)
        return cls(
            raw["top"],
            raw["backend"],
            tuple(raw["inputs"]),
            tuple(Port(**port) for port in raw["outputs"]),
            tuple((name, index) for name, index in raw["results"]),
            tuple(Traced(**item) for item in raw["traced"]),
        )
