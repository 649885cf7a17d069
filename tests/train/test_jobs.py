"""Whole jobs in the worker process: byte equality, progress, and users' mistakes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hwflow.config import load_design
from hwflow.config.design import DataConfig, TrainConfig
from hwflow.errors import HwflowError, InputError, ToolFailed
from hwflow.train import jobs, open_dataset, predict, progress, save_dataset, train
from hwflow.train.auc import error_auc
from hwflow.train.data.digits import digits
from hwflow.train.data.wafers import hgcal_toy
from hwflow.train.files import read_json, read_npz
from hwflow.train.jobs import LOG

pytestmark = pytest.mark.train

DESIGNS = Path(__file__).resolve().parents[2] / "designs"


def folders(base: Path) -> tuple[Path, Path, Path]:
    made = base / "data", base / "output", base / "work"
    for folder in made:
        folder.mkdir(parents=True)
    return made


def train_econ_t(base: Path, hash_seed: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setitem(jobs._ENVIRONMENT, "PYTHONHASHSEED", hash_seed)
    data, output, work = folders(base)
    save_dataset(hgcal_toy(samples=400, seed=2), data)
    train(
        builder=DESIGNS / "econ_t" / "model.py",
        function="encoder",
        data=data,
        options=TrainConfig(epochs=2, batch=50, loss="telescope", patience=1),
        output=output,
        work=work,
    )
    return output


def all_files(folder: Path) -> dict[str, bytes]:
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


@pytest.mark.long
def test_training_is_reproducible_to_the_byte(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = all_files(train_econ_t(tmp_path / "a", "1", monkeypatch))
    second = all_files(train_econ_t(tmp_path / "elsewhere" / "b", "2", monkeypatch))
    assert set(first) == {
        "network.json", "weights.npz", "history.json", "metrics.json",
        "decoder/network.json", "decoder/weights.npz",
    }  # fmt: skip
    assert first == second
    for content in first.values():
        assert str(tmp_path).encode() not in content


def test_digits_train_and_predict(tmp_path: Path) -> None:
    data, output, work = folders(tmp_path)
    samples = digits()
    save_dataset(samples, data)
    train(
        builder=DESIGNS / "digits_mlp" / "model.py",
        function="classifier",
        data=data,
        options=TrainConfig(epochs=6, batch=32, learning_rate=5e-3),
        output=output,
        work=work,
    )
    metrics = read_json(output / "metrics.json")
    assert metrics["quantized"] > 0.9
    assert metrics["float"] > 0.9
    assert metrics["test_samples"] == len(samples.test.x)
    history = read_json(output / "history.json")
    assert {len(curve) for curve in history["quantized"].values()} == {6}
    events = list(progress(work / LOG))
    assert [event["event"] for event in events] == ["start", *["epoch"] * 12, "trained", "done"]
    assert events[1]["phase"] == "float"

    (tmp_path / "predict").mkdir()
    layers = predict(
        network=output,
        inputs={"pixels": samples.test.x},
        work=tmp_path / "predict",
        wide=("logits",),
    )
    right = layers["logits"].argmax(1) == samples.test.y
    assert round(float(right.mean()), 6) == metrics["quantized"]
    assert layers["logits"].dtype == np.float64
    assert layers["relu1"].dtype == np.float32
    # The last layer once more, in integers: 6-bit weights with 5 fraction bits, 4 of the inputs'.
    arrays = read_npz(output / "weights.npz")
    kernel, bias = arrays["logits/kernel_q"] * 2**5, arrays["logits/bias_q"] * 2**5
    whole = (layers["relu2"] * 2**4).astype(np.int64) @ kernel.astype(np.int64)
    whole += bias.astype(np.int64) * 2**4
    assert np.array_equal(layers["logits"] * 2**9, whole)


BUILDER = """\
def classifier(input_shape, classes):
    raise ValueError("width must be\\nsomething else")
"""


def failure(tmp_path: Path, source: str, function: str = "classifier") -> HwflowError:
    data, output, work = folders(tmp_path)
    save_dataset(digits(), data)
    builder = tmp_path / "model.py"
    builder.write_text(source, encoding="utf-8")
    with pytest.raises(HwflowError) as caught:
        train(
            builder=builder,
            function=function,
            data=data,
            options=TrainConfig(epochs=1),
            output=output,
            work=work,
        )
    assert list(output.iterdir()) == []
    assert "Traceback" not in caught.value.render()
    return caught.value


def test_builder_that_raises(tmp_path: Path) -> None:
    error = failure(tmp_path, BUILDER)
    assert isinstance(error, InputError)
    expected = "model.py:2: error[train.builder]: ValueError: width must be\n"
    assert error.render().startswith(expected)


def test_diverging_loss(tmp_path: Path) -> None:
    source = (DESIGNS / "digits_mlp" / "model.py").read_text(encoding="utf-8")
    nan = source.replace(
        "return Model(", 'x = layers.Rescaling(float("nan"))(x)\n    return Model('
    )
    error = failure(tmp_path, nan)
    assert error.code == "train.diverged", error.render()


def test_missing_builder_and_dying_worker(tmp_path: Path) -> None:
    data, output, work = folders(tmp_path)
    arguments = {"function": "f", "data": data, "output": output, "work": work}
    with pytest.raises(InputError, match="no file"):
        train(builder=tmp_path / "none.py", options=TrainConfig(), **arguments)  # type: ignore[arg-type]
    (tmp_path / "model.py").write_text("import os\nos._exit(7)\n", encoding="utf-8")
    with pytest.raises(ToolFailed):
        train(builder=tmp_path / "model.py", options=TrainConfig(), **arguments)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["econ_t", "digits_mlp", "digits_cnn"])
def test_shipped_designs_are_read(name: str) -> None:
    design = load_design(DESIGNS / name / "design.yaml")
    assert design.design == name
    assert design.model.builder is not None
    assert design.model.builder.file.name == "model.py"
    assert design.data is not None
    assert len(open_dataset(design.data, design.train.loss).test.x) > 300


AUTOENCODER = """\
from qkeras import QActivation, QDense, quantized_bits, quantized_relu
from tf_keras import Input, Model


def net(input_shape, classes):
    def dense(units):
        return QDense(units, kernel_quantizer=quantized_bits(6, 0, alpha=1),
                      bias_quantizer=quantized_bits(6, 0, alpha=1))

    assert classes is None
    x = inputs = Input(input_shape, name="x")
    x = QActivation(quantized_bits(8, 2, alpha=1))(x)
    x = QActivation(quantized_relu(8, 3))(dense(4)(x))
    x = QActivation(quantized_bits(8, 2, alpha=1), name="rebuilt")(dense(UNITS)(x))
    return Model(inputs, x)
"""


def anomalies(folder: Path) -> Path:
    """Normal rows lie on a line, anomalous ones beside it."""
    rng = np.random.default_rng(0)
    line = rng.normal(size=(500, 1)) * np.linspace(-1, 1, 6)
    x = line + rng.normal(0, 0.05, (500, 6))
    y = np.arange(100) % 2
    test = x[400:] + 0.5 * y[:, None] * rng.normal(size=(100, 6))
    np.savez(folder / "a.npz", x_train=x[:400], x_test=test, y_test=y)
    return folder / "a.npz"


def test_anomaly_detector_rebuilds_its_input(tmp_path: Path) -> None:
    data, output, work = folders(tmp_path)
    samples = open_dataset(DataConfig("file", anomalies(tmp_path)), "mse")
    save_dataset(samples, data)
    builder = tmp_path / "model.py"
    builder.write_text(AUTOENCODER.replace("UNITS", "input_shape[0]"), encoding="utf-8")
    options = TrainConfig(epochs=40, batch=32, learning_rate=1e-2, loss="mse")
    train(
        builder=builder, function="net", data=data, options=options, output=output, work=work
    )  # fmt: skip
    metrics = read_json(output / "metrics.json")
    assert (metrics["metric"], metrics["unit"], metrics["test_samples"]) == ("auc", "1", 100)
    assert metrics["quantized"] > 0.9
    assert metrics["float"] > 0.9
    layers = predict(network=output, inputs={"x": samples.test.x}, work=work)
    again = error_auc(samples.test.x, layers["rebuilt"], samples.test.y)
    assert again == metrics["quantized"]


def test_anomaly_detector_of_another_shape(tmp_path: Path) -> None:
    data, output, work = folders(tmp_path)
    save_dataset(open_dataset(DataConfig("file", anomalies(tmp_path)), "mse"), data)
    builder = tmp_path / "model.py"
    builder.write_text(AUTOENCODER.replace("UNITS", "5"), encoding="utf-8")
    job = {"builder": builder, "function": "net", "data": data, "output": output, "work": work}
    with pytest.raises(InputError, match=r"expected one output of \(6,\)"):
        train(options=TrainConfig(epochs=1, loss="mse"), **job)  # type: ignore[arg-type]
