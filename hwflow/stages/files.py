"""Reading and writing what stages hand to each other."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from hwflow.archives import npz_arrays
from hwflow.errors import InputError
from hwflow.ir import checked_params
from hwflow.ir.exact import IntArray
from hwflow.ir.graph import Graph
from hwflow.verify.vectors import VectorClass, Vectors, quantize

if TYPE_CHECKING:
    from hwflow.train.data.dataset import Part

__all__ = [
    "load_arrays", "load_params", "load_vectors", "network_folder", "part_names", "read_json",
    "read_params", "samples", "save_arrays", "save_vectors", "scales",
    "write_json",
]  # fmt: skip


def write_json(path: Path, value: object) -> None:
    """Write deterministic JSON."""
    path.write_text(json.dumps(value, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def read_json(path: Path) -> Any:
    """Read JSON that a stage wrote."""
    return json.loads(path.read_text(encoding="utf-8"))


def network_folder(inputs: Mapping[str, Path]) -> Path | None:
    """What stage train or load left; None where the model is an integer graph."""
    return inputs.get("train", inputs.get("load"))


def part_names(plan: Mapping[str, Any]) -> list[str]:
    """Instances of the top whose area, energy and paths are told apart, from plan.json."""
    layers = [str(layer["name"]) for layer in plan["layers"]]
    return [*layers, *(["loader"] if "loader" in plan else [])]


def save_arrays(folder: Path, arrays: Mapping[str, IntArray]) -> None:
    """One <name>.npy for each array."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, array in arrays.items():
        np.save(folder / f"{name}.npy", array.astype(np.int64), allow_pickle=False)


def load_arrays(folder: Path, names: Sequence[str]) -> dict[str, IntArray]:
    """The arrays that `save_arrays` wrote."""
    return {name: np.load(folder / f"{name}.npy", allow_pickle=False) for name in names}


def load_params(folder: Path, graph: Graph) -> dict[str, IntArray]:
    """The values of the graph's params that stage lower left in `folder`.

    Raises:
        InputError: "weights.shape" or "weights.range".
    """
    names = [node.name for node in graph.params]
    found = [name for name in names if (folder / f"{name}.npy").is_file()]
    return checked_params(graph, load_arrays(folder, found))


def read_params(path: Path) -> dict[str, IntArray]:
    """The arrays of a user's `model.weights`, unchecked.

    Raises:
        InputError: "weights.file".
    """
    try:
        return npz_arrays(path)
    except (OSError, ValueError) as error:
        raise InputError(
            "weights.file",
            f"{path.name} cannot be read: {str(error).splitlines()[0]}",
            hint="write it with numpy.savez, one array of integers for each param",
        ) from None


def scales(lowered: Path, port: Literal["input", "output"]) -> dict[str, float]:
    """What one integer of each input (output) is worth, where that is no power of two."""
    return {c[port]: c["scale"] for c in read_json(lowered / "certificates.json") if port in c}


def samples(
    graph: Graph, part: Part, lowered: Path, count: int | None = None
) -> dict[str, IntArray]:
    """The first `count` samples as integers of the graph's only input.

    Where the data keep raw integers of the input's name they are taken as they are; otherwise the
    network's real inputs by the input's own rule. `lowered` is the artifact of stage lower.

    Raises:
        InputError: "run.input".
    """
    (node,) = graph.inputs
    if node.name in part.raw:
        return {node.name: part.raw[node.name][:count].astype(np.int64)}
    scale = scales(lowered, "input").get(node.name)
    return {node.name: quantize(node, part.x[:count].astype(np.float64), scale)}


def save_vectors(folder: Path, vectors: Vectors) -> None:
    """Input vectors and their classes."""
    save_arrays(folder / "inputs", vectors.inputs)
    classes = [{"name": c.name, "start": c.start, "stop": c.stop} for c in vectors.classes]
    write_json(folder / "classes.json", classes)


def load_vectors(folder: Path, graph: Graph) -> Vectors:
    """The vectors that `save_vectors` wrote."""
    inputs = load_arrays(folder / "inputs", [n.name for n in graph.inputs])
    classes = tuple(
        VectorClass(c["name"], c["start"], c["stop"]) for c in read_json(folder / "classes.json")
    )
    return Vectors(inputs, classes)
