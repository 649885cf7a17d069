"""Splitting, saving and reading data sets, and users' files with mistakes in them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from hwflow.config.design import DataConfig
from hwflow.errors import InputError
from hwflow.train import load_dataset, open_dataset, save_dataset
from hwflow.train.data.digits import digits
from hwflow.train.data.wafer import rearrange
from hwflow.train.data.wafers import hgcal_toy, read_charges


def test_digits() -> None:
    data = digits(seed=3)
    parts = (data.train, data.validation, data.test)
    assert sum(len(part.x) for part in parts) == 1797
    assert data.input_shape == (8, 8, 1)
    assert len(data.test.x) == 359
    for part in parts:
        assert np.array_equal(part.x * 16, np.round(part.x * 16))
        counts = np.bincount(part.y, minlength=10)
        assert counts.min() > 0.75 * counts.max()
        # In random order, so that the first vectors are not all of one class.
        assert len(set(part.y[:20].tolist())) > 5
    seen = np.concatenate([part.x.reshape(len(part.x), -1) for part in parts])
    assert len(np.unique(seen, axis=0)) == 1797


def test_saved_bytes_do_not_change(tmp_path: Path) -> None:
    bytes_of = []
    for name in ("a", "b"):
        folder = tmp_path / name
        folder.mkdir()
        save_dataset(hgcal_toy(samples=200, seed=5), folder)
        bytes_of.append([path.read_bytes() for path in sorted(folder.iterdir())])
    assert bytes_of[0] == bytes_of[1]


def test_load_gives_what_was_saved(tmp_path: Path) -> None:
    data = hgcal_toy(samples=100, seed=5)
    save_dataset(data, tmp_path)
    again = load_dataset(tmp_path)
    assert (again.source, again.task, again.classes) == ("hgcal_toy", "wafers", None)
    assert np.array_equal(again.validation.x, data.validation.x)
    assert np.array_equal(again.test.y, rearrange(data.test.x))


def write_csv(path: Path, rows: list[list[object]], heading: str = "") -> Path:
    lines = [",".join(str(value) for value in row) for row in rows]
    path.write_text(heading + "\n".join(lines) + "\n", encoding="utf-8")
    return path


def good_rows(count: int = 30) -> list[list[object]]:
    return [list(row) for row in np.random.default_rng(0).integers(1, 99, (count, 48)).tolist()]


def test_csv_and_npz_of_charges(tmp_path: Path) -> None:
    rows = np.array(good_rows(), dtype=float)
    plain = write_csv(tmp_path / "a.csv", good_rows())
    headed = write_csv(
        tmp_path / "b.csv", good_rows(), ",".join(f"cell{i}" for i in range(48)) + "\n"
    )
    np.savez(tmp_path / "c.npz", charges=rows.astype(np.int32))
    for path in (plain, headed, tmp_path / "c.npz"):
        assert np.array_equal(read_charges(path), rows)


@pytest.mark.parametrize(
    ("change", "line", "message"),
    [
        (lambda rows: rows[6].pop(), 7, "found 47 values, expected 48"),
        (lambda rows: rows[6].append(1), 7, "found 49 values"),
        (lambda rows: rows[6].__setitem__(2, "abc"), 7, "value 3 is 'abc', not a number"),
        (lambda rows: rows[6].__setitem__(2, "nan"), 7, "not finite"),
        (lambda rows: rows[6].__setitem__(2, "-1"), 7, "negative"),
        (lambda rows: rows.__setitem__(6, [0] * 48), 7, "no charge at all"),
        (lambda rows: rows.__setitem__(6, []), 7, "found 1 values"),
    ],
)
def test_bad_rows_are_named(tmp_path: Path, change, line, message) -> None:  # type: ignore[no-untyped-def]
    rows = good_rows()
    change(rows)
    for heading, shift in (("", 0), (",".join("a" * 48) + "\n", 1)):
        path = write_csv(tmp_path / "bad.csv", rows, heading)
        with pytest.raises(InputError, match=message) as caught:
            read_charges(path)
        assert caught.value.code == "data.row"
        assert str(caught.value.place) == f"bad.csv:{line + shift}"


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"a": np.ones((30, 47))}, r"shape \(30, 47\), expected \(n, 48\)"),
        ({"a": np.ones((30, 48)), "b": np.ones(3)}, "2 arrays"),
        ({"a": np.full((30, 48), "x")}, "expected numbers"),
        ({"a": np.array([{}] * 30, dtype=object)}, "holds Python objects"),
    ],
)
def test_bad_npz(tmp_path: Path, arrays: dict[str, np.ndarray], message: str) -> None:
    np.savez(tmp_path / "bad.npz", **arrays)  # type: ignore[arg-type]
    with pytest.raises(InputError, match=message) as caught:
        read_charges(tmp_path / "bad.npz")
    assert caught.value.code == "data.format"


def test_other_bad_files(tmp_path: Path) -> None:
    (tmp_path / "binary.csv").write_bytes(bytes(range(256)))
    (tmp_path / "cut.npz").write_bytes(b"PK\x03\x04 and no more")
    write_csv(tmp_path / "short.csv", good_rows(3))
    expected = {"binary.csv": "data.format", "cut.npz": "data.format", "short.csv": "data.few"}
    for name, code in (expected | {"none.csv": "data.missing"}).items():
        with pytest.raises(InputError) as caught:
            read_charges(tmp_path / name)
        assert caught.value.code == code


def open_file(path: Path, loss: str = "categorical_crossentropy") -> object:
    return open_dataset(DataConfig("file", path), loss)


def test_user_npz(tmp_path: Path) -> None:
    x = np.arange(400.0).reshape(100, 4)
    np.savez(tmp_path / "d.npz", x=x, y=np.arange(100) % 3)
    data = open_dataset(DataConfig("file", tmp_path / "d.npz"), "categorical_crossentropy")
    assert (data.task, data.classes, data.input_shape) == ("classification", 3, (4,))
    np.savez(tmp_path / "r.npz", x=x, y=x[:, :2])
    assert open_dataset(DataConfig("file", tmp_path / "r.npz"), "mse").task == "regression"


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        (np.ones((30, 2)), np.zeros(29, int), "shape"),
        (np.ones((30, 2)), np.full(30, -1), "class numbers start at 0"),
        (np.full((30, 2), np.nan), np.zeros(30, int), "row 0 of x is not finite"),
        (np.ones((3, 2)), np.zeros(3, int), "expected at least 20"),
        (np.full((30, 2), "a"), np.zeros(30, int), "expected numbers"),
    ],
)
def test_bad_user_npz(tmp_path: Path, x: np.ndarray, y: np.ndarray, message: str) -> None:
    np.savez(tmp_path / "d.npz", x=x, y=y)
    with pytest.raises(InputError, match=message):
        open_file(tmp_path / "d.npz")


def test_file_and_loss_must_fit(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "a.csv", good_rows())
    with pytest.raises(InputError, match=r"train\.loss: telescope"):
        open_file(path)
    with pytest.raises(InputError, match="data source"):
        open_dataset(DataConfig("nowhere"), "mse")


def test_package_does_not_import_tensorflow() -> None:
    code = (
        "import sys, hwflow.train, hwflow.train.data.sources, hwflow.train.emd;"
        "sys.exit(bool({'tensorflow', 'tf_keras', 'qkeras', 'ot', 'sklearn'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
