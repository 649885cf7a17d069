"""Starting the training worker: what the rest of hwflow calls. No TensorFlow in this process."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from hwflow.config.design import TrainConfig
from hwflow.errors import InputError, Place, ToolFailed
from hwflow.ir import Graph, load_graph, save_graph
from hwflow.tools import python_worker, run
from hwflow.train.around import Surrounded
from hwflow.train.files import read_json, read_npz, write_json, write_npz

__all__ = ["LOG", "load", "predict", "progress", "surround", "train"]

LOG = "worker.log"
"""The worker's log in its work folder; a build keeps *.log of a stage that failed."""

HOUR = 3600.0
# The worker must find this very package also where it runs from a checkout, not installed.
_ENVIRONMENT = {
    "PYTHONPATH": str(Path(__file__).resolve().parents[2]),
    "PYTHONDONTWRITEBYTECODE": "1",
}


def train(
    *,
    builder: Path,
    function: str,
    data: Path,
    options: TrainConfig,
    output: Path,
    work: Path,
    decoder: str = "decoder",
    timeout: float = 24 * HOUR,
) -> None:
    """Train a design's network; see `hwflow/train/FORMAT.md` for the files written.

    Args:
        builder: the user's model.py.
        function: name of the builder function in it.
        data: folder written by `save_dataset`.
        output: existing folder that receives network.json, weights.npz, history.json,
            metrics.json and, for autoencoders, decoder/.
        work: existing folder for job.json and `LOG` (`progress` reads the latter meanwhile).
        decoder: name of the decoder function, where the data needs one.
        timeout: seconds.

    Raises:
        InputError: train.builder, train.shape, train.loss, train.export, train.twin,
            train.diverged, with the
            place in the user's file where there is one.
        ToolFailed: the worker died otherwise.
    """
    if not builder.is_file():
        raise InputError(
            "train.builder",
            f"no file {builder.name}",
            hint="model.builder is FILE:FUNCTION, the file relative to design.yaml",
            place=Place(builder.name),
        )
    job = {
        "job": "train",
        "builder": str(builder.resolve()),
        "function": function,
        "decoder": decoder,
        "data": str(data.resolve()),
        "output": str(output.resolve()),
        "options": asdict(options),
    }
    _run(job, work, timeout)


def load(
    *,
    model: Mapping[str, Any],
    arrays: Mapping[str, NDArray[Any]],
    name: str,
    data: Path | None,
    output: Path,
    work: Path,
) -> None:
    """Rebuild a network that a file describes and export it as training does.

    Args:
        model: the record of a `hwflow.frontends.keras.KerasModel`.
        arrays: its arrays.
        name: the file's name, for messages.
        data: folder written by `save_dataset`; then the network is measured on its test part.
        output: existing folder that receives network.json, weights.npz and, with `data`,
            metrics.json.
        work: existing folder for job files.

    Raises:
        InputError: model.format, train.export, train.shape.
        ToolFailed: the worker died.
    """
    write_json(work / "model.json", model)
    write_npz(work / "arrays.npz", arrays)
    job = {
        "job": "load",
        "model": str((work / "model.json").resolve()),
        "arrays": str((work / "arrays.npz").resolve()),
        "name": name,
        "data": str(data.resolve()) if data else None,
        "output": str(output.resolve()),
    }
    _run(job, work, HOUR)


def predict(
    *,
    network: Path,
    inputs: Mapping[str, NDArray[Any]],
    work: Path,
    wide: Collection[str] = (),
    timeout: float = HOUR,
) -> dict[str, NDArray[Any]]:
    """Every layer's output on real-valued inputs, as TensorFlow and QKeras compute it.

    Args:
        network: folder with network.json and weights.npz.
        inputs: (n, *shape) real values per network input.
        wide: layers to evaluate in float64 (accumulators of 2^24 LSBs and more).
        work: existing folder for job files; layers.npz in it holds the result.

    Returns:
        (n, *shape) float32 arrays (float64 for wide layers) by layer name.

    Raises:
        InputError: train.replay, train.wide.
        ToolFailed: the worker died.
    """
    write_npz(work / "inputs.npz", inputs)
    job = {
        "job": "predict",
        "network": str(network.resolve()),
        "inputs": str((work / "inputs.npz").resolve()),
        "output": str((work / "layers.npz").resolve()),
        "wide": sorted(wide),
    }
    _run(job, work, timeout)
    return read_npz(work / "layers.npz")


def surround(*, file: Path, function: str, network: Graph, work: Path) -> Surrounded:
    """Let the user's `function` build a graph around `network`; see `hwflow/train/around.py`.

    Args:
        file: the user's Python file.
        function: name of the function in it.
        network: the integer graph of the network, one input and one output.
        work: existing folder for job files.

    Raises:
        InputError: model.around or a broken rule of graphs, with the place in the user's file.
        ToolFailed: the worker died.
    """
    save_graph(network, work / "network.hwf")
    result = {name: str((work / f"whole.{name}").resolve()) for name in ("hwf", "npz", "json")}
    job = {
        "job": "surround",
        "file": str(file.resolve()),
        "function": function,
        "network": str((work / "network.hwf").resolve()),
        "result": result,
    }
    _run(job, work, HOUR)
    ends = read_json(work / "whole.json")
    graph, params = load_graph(work / "whole.hwf"), read_npz(work / "whole.npz")
    return Surrounded(graph, params, ends["start"], ends["end"])


def progress(log: Path) -> Iterator[dict[str, Any]]:
    """The progress records in a worker's log so far; lines of other making are passed over."""
    if not log.is_file():
        return
    for line in log.read_text(encoding="utf-8", errors="replace").splitlines():
        record = _record(line)
        if record is not None:
            yield record


def _record(line: str) -> dict[str, Any] | None:
    if not line.startswith('{"'):
        return None
    try:
        value = json.loads(line)
    except json.JSONDecodeError:
        return None  # the line is still being written
    return value if isinstance(value, dict) and "event" in value else None


def _run(job: Mapping[str, Any], work: Path, timeout: float) -> None:
    path = work / "job.json"
    write_json(path, job)
    error = path.with_suffix(".error.json")
    error.unlink(missing_ok=True)
    try:
        run(
            python_worker("hwflow.train.worker", path.resolve()),
            cwd=work,
            log=work / LOG,
            timeout=timeout,
            env=_ENVIRONMENT,
            tool="training worker",
        )
    except ToolFailed as failure:
        if not error.is_file():
            raise
        record = read_json(error)
        place = Place(record["file"], record["line"]) if record["file"] else None
        raise InputError(
            record["code"], record["message"], hint=record["hint"], place=place
        ) from failure
