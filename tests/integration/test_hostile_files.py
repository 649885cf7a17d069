"""Hostile files of every format: exit code 2, one clear message, nothing executed or written."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hwflow.archives import npz_arrays
from hwflow.catalogue import CATALOGUE
from hwflow.stages.models import read_model
from tests.integration.conftest import Call
from tests.integration.hostile import CASES, STOLEN, Case, hgq, npy, npz, write_design


def _snapshot(folder: Path) -> dict[Path, bytes | None]:
    return {p: p.read_bytes() if p.is_file() else None for p in folder.rglob("*")}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One store for all builds: what it remembers of our sources makes each quick."""
    return tmp_path_factory.mktemp("store")


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.format} {case.threat}")
def test_a_hostile_file_is_refused(
    case: Case, tmp_path: Path, store: Path, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, elsewhere = tmp_path / "a" / "b", tmp_path / "elsewhere"
    folder.mkdir(parents=True)
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    monkeypatch.setenv("HWFLOW_STORE", str(store))
    design = write_design(case, folder)
    before = _snapshot(tmp_path / "a")
    calls = [("build", design, "--build-dir", elsewhere / "build")]
    if case.is_model:
        calls.append(("check", folder / case.file))
    for words in calls:
        answer = call(*words, "--json")
        assert answer.code == 2, answer.err
        assert [error["code"] for error in answer.json["errors"]] == [case.code]
        assert case.code in CATALOGUE
        assert _snapshot(tmp_path / "a") == before
        assert not Path(STOLEN).exists()
    assert {p.name for p in elsewhere.iterdir()} <= {"build"}


def test_the_files_to_be_spoilt_are_accepted(tmp_path: Path) -> None:
    """So that each refusal above is due to its own fault."""
    hgq()(tmp_path / "net.keras")
    assert read_model(tmp_path / "net.keras", "net").graph.outputs
    for name, member in (("w", npy(np.ones((3, 2), np.int64))), ("x", None)):
        npz(name, member)(tmp_path / "net.npz")
        arrays = npz_arrays(tmp_path / "net.npz")
        assert arrays[name].shape == ((3, 2) if name == "w" else (40, 4))
