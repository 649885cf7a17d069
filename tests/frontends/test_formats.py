"""The formats that design.yaml takes are those that are read."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import pytest

from hwflow.config import load_design
from hwflow.config.values import MODEL_FILES
from hwflow.errors import ErrorList, InputError
from hwflow.stages.models import READERS, REBUILT, is_rebuilt, read_model
from hwflow.stages.pipeline import pipeline


def test_every_format_of_the_design_file_has_a_reader() -> None:
    assert {*READERS, *REBUILT} == set(MODEL_FILES)
    assert all(callable(import_module(module).read) for module in READERS.values())


def test_another_format_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"net\.pb: \.pb is no model's format") as caught:
        read_model(tmp_path / "net.pb", "net")
    assert caught.value.code == "model.format"


@pytest.mark.parametrize(
    ("name", "start", "found"),
    [
        ("net.onnx", b"\x89HDF\r\n\x1a\n", "an HDF5 file"),
        ("net.keras", b"\x89HDF\r\n\x1a\n", "an HDF5 file"),
        ("net.h5", b"PK\x03\x04", "a zip archive"),
        ("net.json", b"hwf 1\n", "an integer graph"),
        ("net.onnx", b"", "the file is empty"),
    ],
)
def test_a_suffix_that_lies_is_told(tmp_path: Path, name: str, start: bytes, found: str) -> None:
    (tmp_path / name).write_bytes(start)
    with pytest.raises(InputError, match=found) as caught:
        is_rebuilt(tmp_path / name)
    assert caught.value.code == "model.format"


def test_a_misspelled_limit_is_told_before_anything_runs(tmp_path: Path) -> None:
    (tmp_path / "net.hwf").write_bytes(b"hwf 1\n")
    design = tmp_path / "design.yaml"
    design.write_text("design: net\nmodel: {file: net.hwf}\nlimits: {luts: {max: 3}}\n")
    with pytest.raises(InputError, match="no metric is called 'luts'") as caught:
        pipeline(load_design(design))
    assert (caught.value.code, caught.value.hint) == ("limit.unknown", "did you mean 'lut'?")


def test_the_rungs_proposed_are_those_that_an_integer_file_has(tmp_path: Path) -> None:
    (tmp_path / "net.hwf").write_bytes(b"hwf 1\n")
    design = tmp_path / "design.yaml"
    design.write_text(
        "design: net\nmodel: {file: net.hwf}\nhardware: {backend: hls4ml, target: xc7-z020}\n"
        "verify: {rungs: [rtl]}\n"
    )
    with pytest.raises(ErrorList) as caught:
        load_design(design)
    assert caught.value.errors[0].hint == "write rungs: [hls4ml]"


def test_a_model_in_the_place_of_a_design_is_told(tmp_path: Path) -> None:
    model = tmp_path / "net.h5"
    model.write_bytes(b"\x89HDF\r\n\x1a\n")
    with pytest.raises(InputError) as caught:
        load_design(model)
    assert "model: {file: ...}" in caught.value.hint
