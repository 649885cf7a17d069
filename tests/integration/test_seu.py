"""`hwflow seu` on a finished build, and its refusals."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

from tests.integration.conftest import Call

pytestmark = pytest.mark.tool


def test_a_campaign_of_a_build(reference: Path, call: Call, tmp_path: Path) -> None:
    folder = tmp_path / "build"
    shutil.copytree(reference / "build", folder, symlinks=True)
    called = call("seu", folder / "duo", "--samples", 20, "--json")
    assert called.code == 0, called.err
    kept = json.loads((folder / "duo" / "seu.json").read_text(encoding="utf-8"))
    assert {**kept, "exit_code": 0} == called.json
    assert kept["protect"] == "none"
    assert "flip-flop: class data" in called.err
    again = call("seu", folder / "duo", "--samples", 20)
    assert "Placement separation is not covered" in again.out
    assert "not triplicated" in again.out
    page = (folder / "duo" / "seu.html").read_text(encoding="utf-8")
    assert "Placement separation is not covered" in page
    assert not re.search(r"https?:|<script", page)
    for row in kept["rows"]:
        assert page.count(f"<th>{row['fault']}</th><td>{row['where']}</td>") == 2
        interval = row["recovery_cycles"]
        if interval["mean_low"] is not None:
            assert interval["mean_low"] <= interval["mean"] <= interval["mean_high"]
    assert {"missed edge", "added edge", "reset", "pulse"} < {r["fault"] for r in kept["rows"]}
    assert json.loads((folder / "duo" / "seu.json").read_text(encoding="utf-8")) == kept


@pytest.mark.parametrize("words", [("--samples", 0), ("--seed", -1), ("--samples", "many")])
def test_refused_numbers(reference: Path, call: Call, words: tuple[object, ...]) -> None:
    called = call("seu", reference / "build" / "duo", *words)
    assert called.code == 2
    assert "[cli.usage]" in called.err


def test_a_build_without_a_netlist(reference: Path, call: Call, tmp_path: Path) -> None:
    folder = tmp_path / "half"
    design = reference / "design" / "design.yaml"
    assert call("build", design, "--to", "golden", "--build-dir", folder).code == 0
    called = call("seu", folder)
    assert called.code == 2
    assert "[build.missing]" in called.err
