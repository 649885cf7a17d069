"""What earlier syntheses teach: medians by kind, and only where the store can be read."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hwflow.explore.correction import NO_CORRECTION, Seen, kind_of, learned
from hwflow.plan.folding import Candidate, Cost, Folding
from hwflow.plan.targets import target
from hwflow.stages.history import SEEN, learned_from, write_seen


def test_kinds() -> None:
    assert kind_of(Folding()) == kind_of(Folding(pos=1)) == "constant"
    assert kind_of(Folding(pe=2, simd=1)) == "mac-lut"
    assert kind_of(Folding(pe=2, simd=1, multiplier="dsp")) == "mac-dsp"
    assert kind_of(Folding(pe=2, simd=1, multiplier="serial")) == "mac-serial"


def test_the_median_of_each_kind() -> None:
    seen = [Seen("mac-lut", 100, n) for n in (90, 120, 400)] + [Seen("constant", 200, 150)]
    correction = learned(seen)
    assert correction.as_json() == {
        "constant": {"factor": 0.75, "layers": 1},
        "mac-lut": {"factor": 1.2, "layers": 3},
    }
    mac = Candidate("l", Folding(2, 2), 5, Cost(luts=200, ffs=7, dsps=1))
    assert correction.of(mac).cost == Cost(luts=240, ffs=7, dsps=1)
    dsp = Candidate("l", Folding(2, 2, multiplier="dsp"), 5, Cost(luts=200))
    assert correction.of(dsp) == dsp


def test_nothing_planned_or_counted_teaches_nothing() -> None:
    assert learned([Seen("constant", 0, 5), Seen("constant", 5, 0)]) == NO_CORRECTION
    assert learned([Seen("constant", 1, 1000)]).factors == {"constant": 4.0}


def _planned(name: str, luts: int, pe: int | str, multiplier: str | None) -> dict[str, object]:
    folding = {"pe": pe, "simd": pe, "pos": 1}
    return {"name": name, "luts": luts, "folding": folding, "multiplier": multiplier}


def _artifact(store: Path, key: str, device: str, counted: int) -> None:
    folder = store / f"synth-{key}"
    folder.mkdir(parents=True)
    planned = [_planned("a", 100, 2, "lut"), _planned("b", 50, "all", None)]
    write_seen(folder, target(device), planned, {"a": counted, "b": 25, "top": 9})


def test_the_store_is_read_for_the_family(tmp_path: Path) -> None:
    _artifact(tmp_path, "1", "ecp5-25k", 110)
    _artifact(tmp_path, "2", "ecp5-85k", 130)
    _artifact(tmp_path, "3", "ice40-up5k", 300)
    found = learned_from(tmp_path, target("ecp5-45k"))
    assert found.factors == {"mac-lut": 1.2, "constant": 0.5}
    assert found.layers == {"mac-lut": 2, "constant": 2}
    assert learned_from(tmp_path, target("xc7-a35t")) == NO_CORRECTION
    assert learned_from(None, target("ecp5-45k")) == NO_CORRECTION


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": 1, "family": "ecp5"}'])
def test_what_cannot_be_read_teaches_nothing(tmp_path: Path, text: str) -> None:
    (tmp_path / "synth-1").mkdir()
    (tmp_path / "synth-1" / SEEN).write_text(text)
    assert learned_from(tmp_path, target("ecp5-45k")) == NO_CORRECTION


def test_estimates_stand_beside_counts(tmp_path: Path) -> None:
    _artifact(tmp_path, "1", "ecp5-25k", 110)
    record = json.loads((tmp_path / "synth-1" / SEEN).read_text())
    assert record["layers"] == [
        {"layer": "a", "kind": "mac-lut", "planned": 100, "counted": 110},
        {"layer": "b", "kind": "constant", "planned": 50, "counted": 25},
    ]
