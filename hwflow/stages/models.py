"""A model from a file of any format that is understood, as the integer graph."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from types import MappingProxyType

from hwflow.errors import InputError
from hwflow.frontends.lowered import Lowered
from hwflow.ir import Graph

__all__ = ["READERS", "REBUILT", "is_rebuilt", "read_model"]

READERS: Mapping[str, str] = MappingProxyType(
    {
        ".hwf": "hwflow.frontends.hwf",
        ".json": "hwflow.frontends.alkaid",
        ".keras": "hwflow.frontends.hgq",
        ".onnx": "hwflow.frontends.onnx",
    }
)
"""The module whose `read(path)` parses files of a suffix; imported when one is read."""

REBUILT = (".h5", ".hdf5", ".keras")
"""Suffixes of Keras files: those of Keras 2 are rebuilt by stage load, with QKeras."""

_BEGINNINGS = (
    (b"\x89HDF\r\n\x1a\n", "an HDF5 file", (".h5", ".hdf5")),
    (b"PK\x03\x04", "a zip archive", (".keras",)),
    (b"hwf ", "an integer graph", (".hwf",)),
)
"""How files begin, what they are then, and the suffixes that are right for them."""


def is_rebuilt(path: Path) -> bool:
    """Whether stage load rebuilds the network in `path`: a file that Keras 2 wrote.

    Raises:
        InputError: the file is not what its suffix says, or is a hostile Keras file.
    """
    _check_suffix(path)
    if path.suffix.lower() not in REBUILT:
        return False
    from hwflow.frontends.keras import keras_generation

    return keras_generation(path) == 2


def read_model(path: Path, name: str) -> Lowered:
    """The model in `path`, its graph called `name`.

    Raises:
        InputError: the file is not what its suffix says, is hostile, or holds a layer that has no
            exact integer form; the message names the file and the layer.
    """
    module = READERS.get(path.suffix.lower())
    if module is None:
        raise InputError(
            "model.format",
            f"{path.name}: {path.suffix or 'a file without suffix'} is no model's format",
            hint=f"supported: {', '.join(dict.fromkeys((*READERS, *REBUILT)))}",
        )
    read: Callable[[Path], Lowered] = import_module(module).read
    lowered = read(path)
    if lowered.graph.name == name:
        return lowered
    graph = Graph(name, lowered.graph.nodes, lowered.graph.outputs)
    return Lowered(graph, lowered.certificates, lowered.wide, lowered.probes, lowered.params)


def _check_suffix(path: Path) -> None:
    """Refuse a file of one format under the suffix of another."""
    try:
        with path.open("rb") as file:
            start = file.read(8)
    except OSError as error:
        raise InputError("file.missing", f"cannot read {path}: {error.strerror}") from None
    suffix = path.suffix.lower()
    if suffix not in READERS and suffix not in REBUILT:
        return
    if not start:
        raise InputError("model.format", f"{path.name}: the file is empty", hint="save it again")
    for beginning, what, right in _BEGINNINGS:
        if start.startswith(beginning) and suffix not in right:
            raise InputError(
                "model.format",
                f"{path.name}: it holds {what}, which {suffix} does not stand for",
                hint=f"name it {path.stem}{right[0]}",
            )
