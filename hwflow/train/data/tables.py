"""Users' npz files: `x` and `y` of any network, or the parts of an anomaly detector."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwflow.errors import InputError, Place
from hwflow.train.data.anomaly import ARRAYS, anomaly_set
from hwflow.train.data.dataset import DataSet, shuffled_parts
from hwflow.train.data.npz import load_npz_file

__all__ = ["user_npz"]

_HINT = (
    "give an npz with x of shape (n, ...) and y: whole class numbers of shape (n,) to train a "
    "classifier, or real values of shape (n, ...) to train a regression"
)


def user_npz(path: Path, *, seed: int = 1, test: float = 0.2) -> DataSet:
    """A data set from an npz file: `x` and `y`, or x_train, x_test and y_test.

    The latter train an anomaly detector (see `anomaly_set`) and have no use for `test`.

    Raises:
        InputError: data.missing, data.format, data.row, data.few.
    """
    arrays = load_npz_file(path)
    if set(arrays) == ARRAYS:
        return anomaly_set(path, arrays, seed=seed)
    if set(arrays) != {"x", "y"}:
        found = ", ".join(sorted(arrays)) or "none"
        raise _bad(path, f"arrays {found}; expected x and y, or {', '.join(sorted(ARRAYS))}")
    x, y = arrays["x"], arrays["y"]
    if x.dtype.kind not in "iufb" or y.dtype.kind not in "iufb":
        raise _bad(path, f"x of {x.dtype} and y of {y.dtype}; expected numbers")
    if x.ndim < 2 or y.ndim < 1 or len(x) != len(y):
        raise _bad(path, f"x of shape {x.shape} and y of shape {y.shape}")
    if len(x) < 20:
        raise InputError(
            "data.few",
            f"found {len(x)} rows, expected at least 20",
            hint=_HINT,
            place=Place(path.name),
        )
    _finite(path, "x", x)
    _finite(path, "y", y)
    values = x.astype(np.float32)
    if y.ndim == 1 and y.dtype.kind in "iu":
        classes = _classes(path, y)
        parts = shuffled_parts(values, y.astype(np.int64), seed=seed, test=test, stratify=True)
        return DataSet(path.name, "classification", classes, *parts)
    parts = shuffled_parts(values, y.astype(np.float32), seed=seed, test=test, stratify=False)
    return DataSet(path.name, "regression", None, *parts)


def _classes(path: Path, y: NDArray[Any]) -> int:
    if y.min() < 0:
        row = int(np.flatnonzero(y < 0)[0])
        raise _row(path, f"row {row} of y is {y[row]}; class numbers start at 0")
    return int(y.max()) + 1


def _finite(path: Path, name: str, values: NDArray[Any]) -> None:
    good = np.isfinite(values).reshape(len(values), -1).all(1)
    if not good.all():
        raise _row(path, f"row {int(np.flatnonzero(~good)[0])} of {name} is not finite")


def _bad(path: Path, found: str) -> InputError:
    return InputError("data.format", f"found {found}", hint=_HINT, place=Place(path.name))


def _row(path: Path, message: str) -> InputError:
    return InputError("data.row", message, hint=_HINT, place=Place(path.name))
