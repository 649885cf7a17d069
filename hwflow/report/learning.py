"""What training left: accuracy at each rung and the training curves."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from hwflow.report.artifacts import Record, read
from hwflow.report.figures import NAMES, Figure, metric

__all__ = ["Curve", "accuracy_figures", "read_curves", "training_figures"]

_RUNGS = {"float": "_float", "quantized": "_quantized", "integer": ""}


@dataclass(frozen=True, slots=True)
class Curve:
    """One quantity over the epochs of one training ("float" or "quantized")."""

    training: str
    quantity: str
    values: tuple[float, ...]

    def as_json(self) -> dict[str, object]:
        """Plain data; JSON has no infinity and no NaN, so those become null."""
        values = [value if math.isfinite(value) else None for value in self.values]
        return {"quantity": self.quantity, "training": self.training, "values": values}


def accuracy_figures(artifacts: Mapping[str, Path]) -> dict[str, Figure]:
    """The task's metric in float, quantized and in integers; the first two at least if trained."""
    record = read(artifacts, "accuracy", "accuracy.json")
    if record is not None:
        return _scores(record, record.integer("samples"))
    record = read(artifacts, "train", "metrics.json") or read(artifacts, "load", "metrics.json")
    return _scores(record, record.integer("test_samples")) if record else {}


def _scores(record: Record, samples: int) -> dict[str, Figure]:
    name, unit = record.text("metric"), record.text("unit")
    if name not in NAMES:
        raise record.wrong("metric", "a metric of the report's table")
    scope = f"{samples} test samples"
    found = {
        name + suffix: Figure(value, unit, "measured", scope, record.source)
        for rung, suffix in _RUNGS.items()
        if (value := record.number_or_none(rung)) is not None
    }
    unit = metric("test_samples").unit
    found["test_samples"] = Figure(samples, unit, "counted", "test split", record.source)
    return found


def training_figures(artifacts: Mapping[str, Path]) -> dict[str, Figure]:
    """Epochs of the quantized training."""
    longest = [len(c.values) for c in read_curves(artifacts) if c.training == "quantized"]
    if not longest:
        return {}
    source = "train/history.json"
    return {"epochs": Figure(max(longest), "epochs", "counted", "quantized training", source)}


def read_curves(artifacts: Mapping[str, Path]) -> tuple[Curve, ...]:
    """Every training curve, sorted by training and quantity."""
    record = read(artifacts, "train", "history.json")
    if record is None:
        return ()
    found = []
    for training in sorted(record.data):
        inner = record.inner(training)
        for quantity in sorted(inner.data):
            values = inner.data[quantity]
            if not isinstance(values, list) or not all(isinstance(v, int | float) for v in values):
                raise inner.wrong(quantity, "a list of numbers")
            found.append(Curve(training, quantity, tuple(values)))
    return tuple(found)
