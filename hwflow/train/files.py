"""Deterministic npz and JSON files: the same content gives the same bytes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Arrays", "read_json", "read_npz", "write_json", "write_npz"]

Arrays = Mapping[str, NDArray[Any]]


def write_npz(path: Path, arrays: Arrays) -> None:
    """Write `arrays` uncompressed, keys sorted (zip entries carry a fixed date)."""
    ordered: dict[str, Any] = {key: np.asarray(arrays[key], order="C") for key in sorted(arrays)}
    np.savez(path, **ordered)


def read_npz(path: Path) -> dict[str, NDArray[Any]]:
    """Read every array of an npz file; pickled objects are refused by numpy (ValueError)."""
    with np.load(path, allow_pickle=False) as file:
        return {key: file[key] for key in file.files}


def write_json(path: Path, value: object) -> None:
    """Write JSON with sorted keys, two-space indent and a final newline; NaN is refused."""
    text = json.dumps(value, indent=2, sort_keys=True, allow_nan=False)
    path.write_text(text + "\n", encoding="utf-8")


def read_json(path: Path) -> Any:
    """Read a JSON file."""
    return json.loads(path.read_text(encoding="utf-8"))
