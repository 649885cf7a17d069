"""A data set: training, validation and test parts, saved as one deterministic npz."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from hwflow.train.files import read_json, read_npz, write_json, write_npz

__all__ = ["DataSet", "Part", "Task", "load_dataset", "save_dataset", "shuffled_parts"]

Task = Literal["classification", "regression", "wafers", "anomaly"]


@dataclass(frozen=True, slots=True)
class Part:
    """One part: inputs `x` (n, *shape) float32 and targets `y`.

    `y` is (n,) int64 class numbers, (n, *shape) float32 values, for wafers (n, 48) float32 cells
    normalised as the inputs are, or for anomalies (n,) int64, 0 normal and 1 anomalous. `raw` are
    integers (n, *shape) that `x` was made from, for designs that make it themselves: wafers have
    "codes", (n, 48) of 4E+3M.
    """

    x: NDArray[np.float32]
    y: NDArray[Any]
    raw: Mapping[str, NDArray[np.int64]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class DataSet:
    """Parts of a data source. `classes` is None unless the task is classification."""

    source: str
    task: Task
    classes: int | None
    train: Part
    validation: Part
    test: Part

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Shape of one input, without the batch axis."""
        return tuple(self.train.x.shape[1:])


def save_dataset(data: DataSet, folder: Path) -> None:
    """Write `data.npz` (x_train, y_train, x_validation, ...) and `data.json`."""
    parts = {"train": data.train, "validation": data.validation, "test": data.test}
    arrays: dict[str, NDArray[Any]] = {f"x_{name}": part.x for name, part in parts.items()}
    arrays |= {f"y_{name}": part.y for name, part in parts.items()}
    arrays |= {f"{key}_{name}": part.raw[key] for name, part in parts.items() for key in part.raw}
    write_npz(folder / "data.npz", arrays)
    counts = {name: len(part.x) for name, part in parts.items()}
    facts = {
        "source": data.source,
        "task": data.task,
        "classes": data.classes,
        "counts": counts,
        "raw": sorted(data.test.raw),
    }
    write_json(folder / "data.json", facts | {"input_shape": list(data.input_shape)})


def load_dataset(folder: Path) -> DataSet:
    """Read what `save_dataset` wrote."""
    facts = read_json(folder / "data.json")
    arrays = read_npz(folder / "data.npz")
    train, validation, test = (
        Part(
            arrays[f"x_{name}"],
            arrays[f"y_{name}"],
            {key: arrays[f"{key}_{name}"] for key in facts["raw"]},
        )
        for name in ("train", "validation", "test")
    )
    return DataSet(facts["source"], facts["task"], facts["classes"], train, validation, test)


def shuffled_parts(
    x: NDArray[Any],
    y: NDArray[Any],
    *,
    seed: int,
    test: float,
    stratify: bool,
    raw: Mapping[str, NDArray[np.int64]] | None = None,
) -> tuple[Part, Part, Part]:
    """Seeded split into training, validation (a tenth of the rest) and test parts.

    Args:
        test: fraction of the rows in the test part, 0 < test < 1.
        stratify: keep the class proportions of `y` in every part.
        raw: the parts' `raw`, whole.
    """
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(x))
    if stratify:
        # Sorted by class, every k-th row keeps the proportions.
        order = order[np.argsort(y[order], kind="stable")]
    held = _every(len(x), test)
    rest = order[~held]
    checked = _every(len(rest), 0.1)
    rows = [rng.permutation(part) for part in (rest[~checked], rest[checked], order[held])]
    first, second, third = (
        Part(np.ascontiguousarray(x[row]), y[row], {k: v[row] for k, v in (raw or {}).items()})
        for row in rows
    )
    return first, second, third


def _every(count: int, fraction: float) -> NDArray[np.bool_]:
    steps = np.floor(np.arange(count + 1) * fraction)
    return np.asarray(np.diff(steps) > 0, dtype=np.bool_)
