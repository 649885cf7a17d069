"""The formats that design.yaml takes are those that are read."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import pytest

from hwflow.config.values import MODEL_FILES
from hwflow.errors import InputError
from hwflow.stages.models import READERS, REBUILT, read_model


def test_every_format_of_the_design_file_has_a_reader() -> None:
    assert {*READERS, *REBUILT} == set(MODEL_FILES)
    assert all(callable(import_module(module).read) for module in READERS.values())


def test_another_format_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"net\.pb: \.pb is no model's format") as caught:
        read_model(tmp_path / "net.pb", "net")
    assert caught.value.code == "model.format"
