"""Keras 2 files: what is read, and every hostile file refused with nothing run or written."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from hwflow.cli.main import main
from hwflow.config import load_design
from hwflow.errors import ErrorList, HwflowError
from hwflow.frontends.keras import keras_generation, read_keras
from hwflow.stages.pipeline import pipeline
from tests.frontends.keras_files import (
    BIAS,
    KERNEL,
    bits,
    layer,
    layers,
    model,
    weights_bytes,
    write_h5,
    write_keras,
)


def test_both_forms_of_a_file_hold_the_same_network(tmp_path: Path) -> None:
    write_h5(tmp_path / "m.h5").file.close()
    write_keras(tmp_path / "m.keras")
    found = [read_keras(tmp_path / name) for name in ("m.h5", "m.keras")]
    assert found[0].record() == found[1].record()
    assert [item.name for item in found[0].layers] == ["x", "q", "dense"]
    assert found[0].layers[1].quantizers["activation"] == {
        "class": "quantized_bits",
        "config": {"bits": 6, "integer": 1, "alpha": 1},
    }
    for read in found:
        assert np.array_equal(read.arrays()["dense/kernel"], KERNEL)
        assert np.array_equal(read.arrays()["dense/bias"], BIAS)
    assert [keras_generation(tmp_path / n) for n in ("m.h5", "m.keras")] == [2, 2]


def test_a_chain_of_layers_gets_its_input(tmp_path: Path) -> None:
    first, *rest = layers()
    rest[0]["config"]["batch_input_shape"] = first["config"]["batch_input_shape"]
    chain = {"class_name": "Sequential", "config": {"name": "m", "layers": rest}}
    write_h5(tmp_path / "m.h5", chain).file.close()
    read = read_keras(tmp_path / "m.h5")
    assert (read.inputs, read.outputs) == (("q_input",), ("dense",))
    assert [item.inputs for item in read.layers] == [(), ("q_input",), ("q",)]


def _changed(index: int, **config: Any) -> list[dict[str, Any]]:
    changed = layers()
    changed[index]["config"].update(config)
    return changed


def _registered() -> list[dict[str, Any]]:
    changed = layers()
    changed[2] |= {"module": "os", "registered_name": "evil>QDense"}
    return changed


def _used_twice() -> list[dict[str, Any]]:
    changed = layers()
    changed[1]["inbound_nodes"] *= 2
    return changed


_SIX = {"class_name": "quantized_bits", "config": {"bits": 6, "evil": 1}}
_LAMBDA = layer("Lambda", "f", "dense", function=["4wEAAAAA", None, None], module="os")


@pytest.mark.parametrize(
    ("listed", "code", "words"),
    [
        ([*layers(), _LAMBDA], "lower.layer", "layer 'f': Lambda"),
        (_registered(), "lower.layer", "os.QDense"),
        ([*layers(), layer("Functional", "inner", "dense")], "lower.layer", "Functional"),
        (_changed(2, evil=1), "lower.layer", "the option 'evil' of QDense"),
        (_changed(2, units=1 << 40), "lower.layer", "units is '1099511627776'"),
        (_changed(2, dtype="float16"), "lower.layer", "float16"),
        (_changed(2, kernel_quantizer=_SIX), "lower.layer", "evil=1"),
        (_changed(1, activation="__import__('os').system('true')"), "lower.layer", "no quantizer"),
        (_changed(1, activation="eval()"), "lower.layer", "'eval' is none of"),
        (_changed(1, activation={"class_name": "open", "config": {}}), "lower.layer", "'open'"),
        (_changed(0, batch_input_shape=[None, 1 << 30, 1 << 30]), "lower.shape", "1073741824"),
        (_changed(0, batch_input_shape=[None, None]), "lower.shape", "open shape"),
        (_changed(2, use_bias=False), "model.format", "expected kernel"),
        (_used_twice(), "train.export", "more than once"),
        ([*layers(), layer("Add", "a", "b"), layer("Add", "b", "a")], "model.format", "cycle"),
        ([*layers(), layer("Add", "a", "none")], "model.format", "no layer 'none'"),
        ([*layers(), layers()[2]], "model.format", "same name"),
    ],
)
def test_networks_that_are_refused(
    tmp_path: Path, listed: list[dict[str, Any]], code: str, words: str
) -> None:
    write_h5(tmp_path / "m.h5", model(*listed)).file.close()
    write_keras(tmp_path / "m.keras", config_json=json.dumps(model(*listed)))
    for path in (tmp_path / "m.h5", tmp_path / "m.keras"):
        with pytest.raises(HwflowError) as caught:
            read_keras(path)
        assert caught.value.code == code
        assert caught.value.exit_code == 2
        if path.suffix == ".h5":
            assert words in caught.value.message


def test_everything_wrong_is_told_at_once(tmp_path: Path) -> None:
    listed = [*_changed(1, activation="quantized_po2(4)"), _LAMBDA]
    write_h5(tmp_path / "m.h5", model(*listed)).file.close()
    with pytest.raises(ErrorList) as caught:
        read_keras(tmp_path / "m.h5")
    assert [error.message.split(":")[0] for error in caught.value.errors] == [
        "layer 'q'", "layer 'f'",
    ]  # fmt: skip
    assert "no hardware meaning" in caught.value.errors[1].hint


def _external_link(group: h5py.Group) -> None:
    del group["kernel:0"]
    group["kernel:0"] = h5py.ExternalLink("other.h5", "/secret")


def _soft_link(group: h5py.Group) -> None:
    del group["kernel:0"]
    group["kernel:0"] = h5py.SoftLink("/model_weights/dense/dense/bias:0")


def _outside(group: h5py.Group) -> None:
    del group["kernel:0"]
    group.create_dataset("kernel:0", (3, 2), "f4", external=[("/etc/passwd", 0, 24)])


def _virtual(group: h5py.Group) -> None:
    del group["kernel:0"]
    layout = h5py.VirtualLayout((3, 2), "f4")
    layout[:] = h5py.VirtualSource("other.h5", "secret", (3, 2))
    group.create_virtual_dataset("kernel:0", layout)


def _packed(group: h5py.Group) -> None:
    del group["kernel:0"]
    group.create_dataset("kernel:0", data=np.zeros((1000, 1000), np.float32), compression="gzip")


def _huge(group: h5py.Group) -> None:
    del group["kernel:0"]
    group.create_dataset("kernel:0", (1 << 20, 1 << 9), "f4", chunks=(1024, 512))


def _doubles(group: h5py.Group) -> None:
    del group["kernel:0"]
    group["kernel:0"] = KERNEL.astype(np.float64)


def _not_a_number(group: h5py.Group) -> None:
    group["kernel:0"][1, 1] = np.nan


def _objects(group: h5py.Group) -> None:
    del group["kernel:0"]
    group.create_dataset("kernel:0", (3, 2), h5py.string_dtype())


@pytest.mark.parametrize(
    ("mischief", "code", "words"),
    [
        (_external_link, "model.unsafe", "link to somewhere else"),
        (_soft_link, "model.unsafe", "link to somewhere else"),
        (_outside, "model.unsafe", "lie in another file"),
        (_virtual, "model.unsafe", "lie in another file"),
        (_packed, "model.unsafe", "compressed"),
        (_huge, "model.unsafe", "(1048576, 512) are larger than the file"),
        (_doubles, "model.format", "float64"),
        (_objects, "model.format", "expected float32"),
        (_not_a_number, "lower.weights", "1 NaN"),
    ],
)
def test_hostile_weights(
    tmp_path: Path, mischief: Callable[[h5py.Group], None], code: str, words: str
) -> None:
    (tmp_path / "m").mkdir()
    group = write_h5(tmp_path / "m" / "m.h5")
    mischief(group)
    group.file.close()
    with h5py.File(tmp_path / "m" / "other.h5", "w") as other:
        other["secret"] = KERNEL
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(HwflowError) as caught:
        read_keras(tmp_path / "m" / "m.h5")
    assert (caught.value.code, caught.value.exit_code) == (code, 2)
    assert words in caught.value.message
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "no JSON"),
        ("[" * 100_000, "no JSON"),
        ("[]", "no JSON object"),
        ('{"class_name": "Functional", "config": {"layers": [NaN]}}', "no class"),
        ('{"class_name": "Functional", "config": {}}', "no list of layers"),
        ('{"class_name": "Evil", "config": {"layers": [1]}}', "'Evil'"),
        ('{"class_name": "Functional", "config": {"layers": [1]}}', "no class"),
    ],
)
def test_broken_descriptions(tmp_path: Path, text: str, words: str) -> None:
    write_keras(tmp_path / "m.keras", config_json=text)
    with pytest.raises(HwflowError, match=words) as caught:
        read_keras(tmp_path / "m.keras")
    assert caught.value.code == "model.format"


def test_other_files_are_told(tmp_path: Path) -> None:
    (tmp_path / "m.h5").write_bytes(b"\x80\x04cos\nsystem\n")
    (tmp_path / "m.keras").write_bytes(b"\x80\x04cos\nsystem\n")
    with h5py.File(tmp_path / "w.h5", "w") as file:
        file.attrs["layer_names"] = ["dense"]
    write_keras(tmp_path / "old.keras", version="1.2")
    for name, words in (
        ("m.h5", "no HDF5 file"), ("m.keras", "no zip archive"), ("w.h5", "weights only"),
    ):  # fmt: skip
        with pytest.raises(HwflowError, match=words):
            read_keras(tmp_path / name)
    with pytest.raises(HwflowError, match=r"Keras '1\.2'"):
        keras_generation(tmp_path / "old.keras")


def _with_member(name: str) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        write_keras(path)
        with zipfile.ZipFile(path, "a") as archive:
            archive.writestr(name, b"evil")

    return write


def _with_link(path: Path) -> None:
    write_keras(path)
    info = zipfile.ZipInfo("assets")
    info.external_attr = 0o120777 << 16
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(info, "/etc")


def _bomb(path: Path) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("metadata.json", '{"keras_version": "2.21.0"}')
        archive.writestr("config.json", json.dumps(model()) + " " * (1 << 23))
        archive.writestr("model.weights.h5", weights_bytes())


@pytest.mark.parametrize(
    ("write", "words"),
    [
        (_with_member("../../evil.py"), "leads outside"),
        (_with_member("/etc/evil"), "leads outside"),
        (_with_member("..\\evil"), "leads outside"),
        (_with_member("C:/evil"), "leads outside"),
        (_with_link, "leads outside"),
        (_bomb, "unpacks to"),
    ],
)
def test_hostile_archives(tmp_path: Path, write: Callable[[Path], None], words: str) -> None:
    path = tmp_path / "m.keras"
    write(path)
    with pytest.raises(HwflowError, match=words) as caught:
        read_keras(path)
    assert (caught.value.code, caught.value.exit_code) == ("model.unsafe", 2)
    assert [p.name for p in tmp_path.iterdir()] == ["m.keras"]


def test_a_design_of_a_hostile_file_ends_with_code_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    group = write_h5(tmp_path / "m.h5")
    _external_link(group)
    group.file.close()
    (tmp_path / "design.yaml").write_text("design: net\nmodel: {file: m.h5}\n")
    build = ["build", str(tmp_path / "design.yaml"), "--build-dir", str(tmp_path / "out")]
    assert main([*build, "--json"]) == 2
    (error,) = json.loads(capsys.readouterr().out)["errors"]
    assert error["code"] == "model.unsafe"


def test_an_integer_model_has_no_training_rung_to_ask_for(tmp_path: Path) -> None:
    write_keras(tmp_path / "m.keras", version="3.15.1")
    (tmp_path / "design.yaml").write_text(
        "design: net\nmodel: {file: m.keras}\nverify: {rungs: [training, rtl]}\n"
    )
    with pytest.raises(HwflowError, match="no training rung"):
        pipeline(load_design(tmp_path / "design.yaml"))


def test_an_unknown_quantizer_argument_in_text_is_not_lost(tmp_path: Path) -> None:
    listed = _changed(1, activation="quantized_bits(6, 1, 0, True, 1, False, None, 1.0, None)")
    listed[2]["config"]["kernel_quantizer"] = bits(4, 0)
    write_h5(tmp_path / "m.h5", model(*listed)).file.close()
    config = read_keras(tmp_path / "m.h5").layers[1].quantizers["activation"]["config"]
    assert config == {
        "bits": 6, "integer": 1, "symmetric": 0, "keep_negative": True, "alpha": 1,
        "use_stochastic_rounding": False, "scale_axis": None, "qnoise_factor": 1.0,
        "var_name": None,
    }  # fmt: skip
