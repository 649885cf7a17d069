"""Data sets for anomaly detectors: trained on normal samples, tested on labelled ones."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwflow.errors import InputError, Place
from hwflow.train.data.dataset import DataSet, Part, shuffled_parts
from hwflow.train.data.machine_sound import FAULTS, MACHINES, sounds

__all__ = ["ARRAYS", "anomaly_set", "machine_labels", "machine_sound"]

ARRAYS = frozenset({"x_test", "x_train", "y_test"})
"""Names of the arrays by which a user's npz file is taken for an anomaly detector's."""

_HINT = (
    "give an npz with x_train of shape (n, ...), normal samples only, x_test of shape (m, ...) and "
    "y_test of shape (m,), 0 for normal and 1 for anomalous"
)
_LEAST = 20


def machine_labels(samples: int, test: float) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Machine and fault (0: none) of each of `samples` windows, the faulty ones last.

    Faulty are half of the test part, so a fraction of ``test / 2``. Machines alternate, and so
    do the faults of each machine.
    """
    faulty = round(samples * test / 2)
    number = np.arange(samples)
    late = number - (samples - faulty)
    fault = np.where(late < 0, 0, late // MACHINES % len(FAULTS) + 1)
    return number % MACHINES, fault


def machine_sound(*, samples: int = 20000, seed: int = 1, test: float = 0.2) -> DataSet:
    """Synthetic machine sounds (see the module of that name); `samples` counts all parts.

    Half of the test part is anomalous.
    """
    machine, fault = machine_labels(samples, test)
    x = sounds(machine, fault, seed)
    normal, faulty = x[fault == 0], x[fault > 0]
    share = len(faulty) / len(normal)
    first, second, held = shuffled_parts(
        normal, np.zeros(len(normal), np.int64), seed=seed, test=share, stratify=False
    )
    both = np.concatenate([held.x, faulty])
    labels = np.repeat(np.arange(2), [len(held.x), len(faulty)])
    order = np.random.default_rng([seed, 3]).permutation(len(both))
    return DataSet(
        "machine_sound", "anomaly", None, first, second, Part(both[order], labels[order])
    )


def anomaly_set(path: Path, arrays: dict[str, NDArray[Any]], *, seed: int = 1) -> DataSet:
    """A user's samples, for example ToyADMOS features: `ARRAYS` of an npz file, as they stand.

    A tenth of x_train, drawn by `seed`, becomes the validation part.

    Raises:
        InputError: data.format, data.row, data.few.
    """
    name = path.name
    x_train, x_test, y_test = (arrays[key] for key in ("x_train", "x_test", "y_test"))
    for key in sorted(ARRAYS):
        if arrays[key].dtype.kind not in "iufb":
            raise _bad(name, f"{key} of {arrays[key].dtype}; expected numbers")
    if x_train.ndim < 2 or x_test.ndim < 2 or x_train.shape[1:] != x_test.shape[1:]:
        raise _bad(name, f"x_train of shape {x_train.shape} and x_test of shape {x_test.shape}")
    if y_test.shape != x_test.shape[:1]:
        raise _bad(name, f"y_test of shape {y_test.shape} and x_test of shape {x_test.shape}")
    if min(len(x_train), len(x_test)) < _LEAST:
        raise InputError(
            "data.few",
            f"found {len(x_train)} rows to train and {len(x_test)} to test, expected at least "
            f"{_LEAST} of each",
            hint=_HINT,
            place=Place(name),
        )
    _check_values(name, arrays)
    values = np.asarray(x_train, dtype=np.float32)
    zeros = np.zeros(len(values), np.int64)
    # The test part is the user's own: the rows that a split would hold back train as well.
    first, second, rest = shuffled_parts(values, zeros, seed=seed, test=1e-9, stratify=False)
    assert not len(rest.x)
    test = Part(np.asarray(x_test, dtype=np.float32), y_test.astype(np.int64))
    return DataSet(name, "anomaly", None, first, second, test)


def _check_values(name: str, arrays: dict[str, NDArray[Any]]) -> None:
    for key in ("x_train", "x_test"):
        good = np.isfinite(arrays[key]).reshape(len(arrays[key]), -1).all(1)
        if not good.all():
            raise _row(name, f"row {int(np.flatnonzero(~good)[0])} of {key} is not finite")
    labels = arrays["y_test"]
    odd = np.flatnonzero((labels != 0) & (labels != 1))
    if len(odd):
        raise _row(name, f"row {odd[0]} of y_test is {labels[odd[0]]}; expected 0 or 1")
    if len(np.unique(labels)) < 2:
        raise _row(name, f"every row of y_test is {labels[0]}; expected both 0 and 1")


def _bad(name: str, found: str) -> InputError:
    return InputError("data.format", f"found {found}", hint=_HINT, place=Place(name))


def _row(name: str, message: str) -> InputError:
    return InputError("data.row", message, hint=_HINT, place=Place(name))
