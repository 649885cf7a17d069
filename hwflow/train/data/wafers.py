"""Wafer data sets: synthetic ones and users' own files of 48 charges a row."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from hwflow.errors import InputError, Place
from hwflow.train.data.dataset import DataSet, shuffled_parts
from hwflow.train.data.hgcal_toy import ELECTRONS, TTBAR, toy_wafers
from hwflow.train.data.npz import load_npz_file
from hwflow.train.data.wafer import CELLS, arrange, codes_4e3m, normalise

__all__ = ["Sample", "hgcal_toy", "read_charges", "toy_counts", "user_wafers", "wafer_dataset"]

Sample = Literal["electrons", "ttbar", "mixed"]

_FORMAT_HINT = (
    "give 48 non-negative charges a row (cell 0 first), as CSV with commas and at most one "
    "heading line, or as an npz with one array of shape (n, 48)"
)


def toy_counts(*, samples: int, seed: int, sample: Sample = "mixed") -> NDArray[np.int64]:
    """(samples, 48) charges in counts; `mixed` is half electrons, half ttbar with pile-up."""
    if sample != "mixed":
        return toy_wafers(samples, seed, ELECTRONS if sample == "electrons" else TTBAR)
    half = samples // 2
    # A wide stride keeps the two samples' generators apart for any pair of seeds in use.
    other = toy_wafers(samples - half, seed + (1 << 32), TTBAR)
    return np.concatenate([toy_wafers(half, seed, ELECTRONS), other])


def hgcal_toy(
    *, samples: int = 20000, seed: int = 1, sample: Sample = "mixed", test: float = 0.2
) -> DataSet:
    """Synthetic wafers; `samples` counts all parts together."""
    counts = toy_counts(samples=samples, seed=seed, sample=sample)
    return wafer_dataset(counts, "hgcal_toy", seed=seed, test=test)


def user_wafers(path: Path, *, seed: int = 1, test: float = 0.2) -> DataSet:
    """A user's own charges; see `read_charges` for the format and the errors."""
    return wafer_dataset(read_charges(path), path.name, seed=seed, test=test)


def wafer_dataset(counts: NDArray[np.generic], source: str, *, seed: int, test: float) -> DataSet:
    """Charges (n, 48) as encoder inputs (n, 8, 8, 1) and targets (n, 48), both normalised.

    Kept beside them: the charges, taken as counts, as the 4E+3M codes that a chip receives.
    """
    cells = normalise(counts).astype(np.float32)
    image = np.asarray(arrange(cells), dtype=np.float32)
    raw = {"codes": codes_4e3m(counts)}
    parts = shuffled_parts(image, cells, seed=seed, test=test, stratify=False, raw=raw)
    return DataSet(source, "wafers", None, *parts)


def read_charges(path: Path) -> NDArray[np.float64]:
    """(n, 48) charges from CSV or npz.

    Raises:
        InputError: data.missing, data.format, data.row (with the row number), data.few.
    """
    if not path.is_file():
        raise InputError(
            "data.missing", f"no file {path.name}", hint=_FORMAT_HINT, place=Place(path.name)
        )
    if path.suffix == ".npz":
        charges = _from_npz(path)
        first_line = 0
    else:
        charges, first_line = _from_csv(path)
    _check_rows(charges, path.name, first_line)
    return charges


def _from_npz(path: Path) -> NDArray[np.float64]:
    arrays = load_npz_file(path)
    if len(arrays) != 1:
        raise _bad(path.name, f"{len(arrays)} arrays ({', '.join(sorted(arrays))}), expected one")
    name, value = next(iter(arrays.items()))
    if value.dtype.kind not in "iuf":
        raise _bad(path.name, f"array {name!r} holds {value.dtype}, expected numbers")
    if value.ndim != 2 or value.shape[1] != CELLS:
        raise _bad(path.name, f"array {name!r} has shape {value.shape}, expected (n, {CELLS})")
    return value.astype(np.float64)


def _from_csv(path: Path) -> tuple[NDArray[np.float64], int]:
    """The rows and the line number of the first of them."""
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise _bad(path.name, "bytes that are not UTF-8 text") from error
    start = 1 if lines and _heading(lines[0]) else 0
    rows = [
        _row(line, path.name, number)
        for number, line in enumerate(lines[start:], start=start + 1)
        if line.strip() or number < len(lines)
    ]
    return np.array(rows, dtype=np.float64).reshape(-1, CELLS), start + 1


def _heading(line: str) -> bool:
    return all(_number(field) is None for field in line.split(","))


def _number(field: str) -> float | None:
    try:
        return float(field)
    except ValueError:
        return None


def _row(line: str, file: str, number: int) -> list[float]:
    fields = line.split(",")
    if len(fields) != CELLS:
        raise _bad_row(file, number, f"found {len(fields)} values, expected {CELLS}")
    values: list[float] = []
    for column, field in enumerate(fields, start=1):
        value = _number(field)
        if value is None:
            raise _bad_row(file, number, f"value {column} is {field.strip()!r}, not a number")
        values.append(value)
    return values


def _check_rows(charges: NDArray[np.float64], file: str, first_line: int) -> None:
    """Refuse the first row that is not finite, is negative somewhere or sums to zero."""
    if len(charges) < 20:
        raise InputError(
            "data.few",
            f"found {len(charges)} wafers, expected at least 20",
            hint="training, validation and test parts are cut from the file",
            place=Place(file),
        )
    faults = (
        (~np.isfinite(charges).all(1), "a charge that is not finite"),
        ((charges < 0).any(1), "a negative charge"),
        (charges.sum(1) == 0, "no charge at all, so the wafer cannot be normalised"),
    )
    for mask, what in faults:
        rows = np.flatnonzero(mask)
        if len(rows):
            raise _bad_row(file, int(rows[0]) + first_line, f"found {what}")


def _bad(file: str, found: str) -> InputError:
    return InputError("data.format", f"found {found}", hint=_FORMAT_HINT, place=Place(file))


def _bad_row(file: str, number: int, message: str) -> InputError:
    return InputError(
        "data.row", f"row {number}: {message}", hint=_FORMAT_HINT, place=Place(file, number)
    )
