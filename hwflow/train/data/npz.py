"""Reading users' npz files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from hwflow.archives import npz_arrays
from hwflow.errors import InputError, Place

__all__ = ["load_npz_file"]

_HINT = (
    "give an npz with x and y (classifier, regression), x_train, x_test and y_test (anomaly "
    "detector), or one array of (n, 48) charges (wafers)"
)


def load_npz_file(path: Path) -> dict[str, NDArray[Any]]:
    """Every array of a user's npz file.

    Raises:
        InputError: data.missing, data.format (not an npz, damaged, or with Python objects).
    """
    if not path.is_file():
        raise InputError("data.missing", f"no file {path.name}", hint=_HINT, place=Place(path.name))
    try:
        return npz_arrays(path)
    except (ValueError, OSError) as error:
        raise _bad(path, f"a file that cannot be read: {error}") from error


def _bad(path: Path, found: str) -> InputError:
    return InputError("data.format", f"found {found}", hint=_HINT, place=Place(path.name))
