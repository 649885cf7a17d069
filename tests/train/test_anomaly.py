"""Data sets of anomaly detectors: the synthetic one, users' files, ToyADMOS recordings."""

from __future__ import annotations

import importlib.util
import json
import wave
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from hwflow.config import load_design
from hwflow.config.design import DataConfig
from hwflow.errors import InputError
from hwflow.train import open_dataset
from hwflow.train.data.anomaly import machine_sound
from hwflow.train.data.mel import RATE, band_centres

DESIGN = Path(__file__).resolve().parents[2] / "designs" / "anomaly_ae"


def test_parts_of_the_synthetic_set() -> None:
    data = machine_sound(samples=400, seed=2, test=0.25)
    assert (data.source, data.task, data.classes) == ("machine_sound", "anomaly", None)
    assert [len(p.x) for p in (data.train, data.validation, data.test)] == [270, 30, 100]
    assert np.bincount(data.test.y).tolist() == [50, 50]
    assert not data.train.y.any()
    assert not data.validation.y.any()
    assert data.input_shape == (640,)
    assert 3 < data.test.y[:20].sum() < 17  # shuffled
    rows = np.concatenate([p.x for p in (data.train, data.validation, data.test)])
    assert len(np.unique(rows, axis=0)) == 400
    again = open_dataset(DataConfig("machine_sound", split=0.25, samples=400, seed=2), "mse")
    assert np.array_equal(again.test.x, data.test.x)
    assert np.array_equal(again.test.y, data.test.y)


def arrays() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    return {
        "x_train": rng.random((200, 6)),
        "x_test": rng.random((40, 6)),
        "y_test": np.arange(40) % 2,
    }


def test_users_features(tmp_path: Path) -> None:
    given = arrays()
    np.savez(tmp_path / "f.npz", **given)  # type: ignore[arg-type]
    data = open_dataset(DataConfig("file", tmp_path / "f.npz", split=0.5), "mse")
    assert (data.source, data.task, data.input_shape) == ("f.npz", "anomaly", (6,))
    assert np.array_equal(data.test.x, given["x_test"].astype(np.float32))
    assert np.array_equal(data.test.y, given["y_test"])
    assert (len(data.train.x), len(data.validation.x)) == (180, 20)
    trained = np.concatenate([data.train.x, data.validation.x])
    assert np.array_equal(np.sort(trained[:, 0]), np.sort(given["x_train"][:, 0].astype("f4")))


@pytest.mark.parametrize(
    ("change", "code", "message"),
    [
        ({"x_test": np.ones((40, 5))}, "data.format", "x_test of shape"),
        ({"y_test": np.zeros(39)}, "data.format", "y_test of shape"),
        ({"y_test": np.full(40, "a")}, "data.format", "expected numbers"),
        ({"y_test": np.arange(40)}, "data.row", "row 2 of y_test is 2; expected 0 or 1"),
        ({"y_test": np.zeros(40)}, "data.row", "expected both 0 and 1"),
        ({"x_train": np.full((200, 6), np.nan)}, "data.row", "row 0 of x_train is not finite"),
        ({"x_train": np.ones((19, 6))}, "data.few", "19 rows to train"),
        ({"x_more": np.ones(3)}, "data.format", "x_more"),
    ],
)
def test_bad_features(
    tmp_path: Path, change: dict[str, np.ndarray], code: str, message: str
) -> None:
    np.savez(tmp_path / "f.npz", **(arrays() | change))  # type: ignore[arg-type]
    with pytest.raises(InputError, match=message) as caught:
        open_dataset(DataConfig("file", tmp_path / "f.npz"), "mse")
    assert caught.value.code == code


def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("toyadmos", DESIGN / "toyadmos.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def record(path: Path, hertz: float, rate: int = RATE) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    samples = 8000 * np.sin(2 * np.pi * hertz * np.arange(2 * RATE) / RATE)
    samples += np.random.default_rng(0).normal(0, 50, len(samples))
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(samples.astype("<i2").tobytes())


def test_toyadmos_recordings(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for number in range(8):
        record(tmp_path / "ToyCar" / "train" / f"normal_id_01_{number}.wav", 1000)
        record(tmp_path / "ToyCar" / "test" / f"normal_id_01_{number}.wav", 1000)
        record(tmp_path / "ToyCar" / "test" / f"anomaly_id_01_{number}.wav", 3000)
    output = tmp_path / "features.npz"
    script().main([str(tmp_path / "ToyCar"), str(output)])
    assert "windows to train" in capsys.readouterr().out
    data = open_dataset(DataConfig("file", output), "mse")
    assert data.input_shape == (640,)
    assert abs(data.train.x.mean()) < 0.1
    scaling = json.loads(output.with_suffix(".json").read_text(encoding="utf-8"))
    assert scaling["decibels_deviation"] > 1
    for label, hertz in ((0, 1000), (1, 3000)):
        loudest = data.test.x[data.test.y == label].reshape(-1, 5, 128).argmax(2)
        assert (np.abs(band_centres()[loudest] - hertz) < 0.03 * hertz).all()


def test_toyadmos_of_another_rate_is_refused(tmp_path: Path) -> None:
    record(tmp_path / "a.wav", 1000, rate=48000)
    with pytest.raises(SystemExit, match="expected 16-bit mono at 16000 Hz"):
        script().windows(tmp_path / "a.wav")


def test_shipped_design_is_read() -> None:
    design = load_design(DESIGN / "design.yaml")
    assert design.data is not None
    assert (design.data.source, design.data.samples) == ("machine_sound", 20_000)
    assert design.train.loss == "mse"
    assert [limit.metric for limit in design.limits] == ["auc"]
