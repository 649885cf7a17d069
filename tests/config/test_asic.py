"""Keys of target: asic."""

from __future__ import annotations

from pathlib import Path

import pytest

from hwflow.config import CornersConfig
from tests.config.test_design import MINIMAL, load, mistakes


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "model.py").write_text("def net(): ...\n")
    for name in ("cells.lib", "slow.lib"):
        (tmp_path / name).write_text("")
    return tmp_path


def test_known_library_by_default(folder: Path) -> None:
    assert load(folder, MINIMAL).hardware.library is None
    hardware = load(folder, MINIMAL + "hardware: {target: asic}\n").hardware
    assert (hardware.asic, hardware.library, hardware.corners) == (True, "osu018", CornersConfig())


def test_a_library_and_its_corners(folder: Path) -> None:
    text = "hardware: {target: asic, library: cells.lib, corners: {slow: slow.lib}}\n"
    hardware = load(folder, MINIMAL + text).hardware
    assert hardware.library == folder / "cells.lib"
    assert hardware.corners == CornersConfig(slow=folder / "slow.lib")


def test_pdk_root(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = MINIMAL + "hardware: {target: asic, library: $PDK_ROOT/cells.lib}\n"
    monkeypatch.setenv("PDK_ROOT", str(folder))
    assert load(folder, text).hardware.library == folder / "cells.lib"
    monkeypatch.delenv("PDK_ROOT")
    (found,) = mistakes(folder, text)
    assert (found.code, "PDK_ROOT is not set" in found.message) == ("config.path", True)


@pytest.mark.parametrize(
    ("hardware", "code", "words"),
    [
        ("{target: asic, library: osu81}", "config.path", "expected osu018 or a Liberty file"),
        ("{target: lut4, clock_gating: false}", "config.combination", "target: asic"),
        ("{target: asic, dont_use: [3]}", "config.type", "name of a cell"),
        ("{dont_use: [INV]}", "config.combination", "ecp5-85k"),
        ("{flatten: true}", "config.combination", "ecp5-85k"),
        ("{target: asic, library: none.lib}", "file.missing", "none.lib"),
        ("{target: asic, library: 3}", "config.type", "text"),
        ("{target: asic, corners: {slow: a.txt}}", "config.path", "a.txt"),
        ("{target: asic, corners: {slow: no.lib}}", "file.missing", "no.lib"),
        ("{target: asic, corners: {typical: cells.lib}}", "config.unknown-key", "typical"),
        ("{target: asic, fold: {budget: {lut: 9}}}", "config.combination", "budget"),
        ("{target: lut4, library: osu018}", "config.combination", "target: asic"),
        ("{corners: {slow: slow.lib}}", "config.combination", "ecp5-85k"),
    ],
)
def test_mistakes(folder: Path, hardware: str, code: str, words: str) -> None:
    (found,) = mistakes(folder, MINIMAL + f"hardware: {hardware}\n")
    assert found.code == code
    assert words in found.message
    assert found.place is not None
    assert found.place.line == 4
