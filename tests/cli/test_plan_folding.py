"""hwflow plan with a goal: foldings solved, recorded and used again; the curve."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
from hwflow.stages.history import SEEN

from hwflow.config import load_design
from hwflow.stages.planned import load_plan
from tests.cli.conftest import Call

pytestmark = pytest.mark.usefixtures("design")
BUILD = Path("build/tiny")


def _folded(call: Call, design: Path, fold: str, *more: str) -> dict[str, object]:
    called = call("plan", design, "--json", "--set", f"hardware.fold={fold}", *more)
    assert called.code == 0, called.err
    record = called.json["plan"]
    assert isinstance(record, dict)
    return record


def test_an_interval_is_kept_and_the_choice_recorded(call: Call, design: Path) -> None:
    plan = _folded(call, design, "{target_ii: 12}", "--set", "hardware.target=ecp5-25k")
    assert plan["initiation_interval"] <= 12  # type: ignore[operator]
    solver = plan["solver"]
    assert isinstance(solver, dict)
    assert solver["target_ii"] == 12
    assert solver["limits"]["luts"] == 24288
    assert solver["interval"] == plan["initiation_interval"]
    assert solver["correction"] == {}


def test_later_stages_use_the_recorded_foldings(
    call: Call, design: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    change = "hardware.fold={target_ii: 12}"
    assert call("build", design, "--to", "generate", "--set", change).code == 0
    artifacts = {name: BUILD / name for name in ("lower", "plan")}
    written = json.loads((BUILD / "plan" / "foldings.json").read_text())
    assert written
    monkeypatch.setattr("hwflow.explore.solve.milp", None)
    plan = load_plan(load_design(design, [change]), artifacts)
    assert {n: [f.pe, f.simd, f.pos, f.multiplier] for n, f in plan.options.fold.items()} == written


def test_the_word_device_keeps_a_margin(call: Call, design: Path) -> None:
    change = ("--set", "hardware.target=ice40-up5k", "--set", "hardware.clock=12 MHz")
    plan = _folded(call, design, "{budget: device}", *change)
    solver = plan["solver"]
    assert isinstance(solver, dict)
    assert solver["limits"] == {"luts": 4488, "ffs": 4488, "dsps": 8, "brams": 30}
    assert solver["target_ii"] is None


@pytest.mark.parametrize(
    ("fold", "code", "column"),
    [
        ("{budget: {lut: 10}}", "plan.budget", "hardware.fold"),
        ("{target_ii: 2, layers: {first: {pe: 1, simd: 1}}}", "plan.interval", "hardware.fold"),
        ("{target_ii: 9, layers: {first: {pe: 2}}}", "plan.fold", "hardware.fold"),
        ("{layers: {first: {pe: 1, multiplier: dsp}}}", "plan.dsp", "hardware.fold"),
    ],
)
def test_refusals_come_before_any_synthesis(
    call: Call, design: Path, fold: str, code: str, column: str
) -> None:
    called = call("plan", design, "--json", "--set", f"hardware.fold={fold}")
    assert called.code == 2
    (error,) = called.json["errors"]
    assert error["code"] == code
    assert error["hint"]


def _seen(folder: Path, ratio: float) -> None:
    rows = [
        {"layer": f"l{i}", "kind": kind, "planned": 100, "counted": round(100 * ratio)}
        for i, kind in enumerate(("constant", "mac-lut", "mac-lut"))
    ]
    folder.mkdir(parents=True)
    (folder / SEEN).write_text(json.dumps({"format": 1, "family": "generic", "layers": rows}))


def test_estimates_are_corrected_by_earlier_syntheses(call: Call, design: Path) -> None:
    _seen(Path("build/.store/synth-0123456789abcdef"), 1.5)
    called = call("plan", design, "--set", "hardware.fold={target_ii: 12}")
    assert "mac-lut LUTs times 1.5, from 2 earlier syntheses of such layers" in called.out
    assert "constant LUTs times 1.5, from 1 earlier synthesis of such layers" in called.out
    off = call("plan", design, "--set", "hardware.fold={target_ii: 12, learn: false}")
    assert "earlier" not in off.out


def test_a_plan_stays_when_the_store_learns(call: Call, design: Path) -> None:
    change = ("--set", "hardware.fold={target_ii: 12}")
    before = call("plan", design, "--json", *change).json["plan"]
    _seen(Path("build/.store/synth-0123456789abcdef"), 2.0)
    again = call("plan", design, "--json", *change).json["plan"]
    assert again == before


def test_the_curve(call: Call, design: Path) -> None:
    called = call("plan", design, "--curve", "--set", "hardware.target=ecp5-25k")
    assert called.code == 0
    heading, *rows = called.out.splitlines()[1:]
    assert heading.split() == ["interval", "inferences/s", "LUT", "FF", "DSP", "BRAM", "fits"]
    assert rows[0].split()[0] == "1"
    page = (BUILD / "tradeoff.html").read_text()
    assert "http" not in page
    svg = ElementTree.fromstring(page[page.index("<svg") : page.index("</svg>") + 6])
    assert len(svg.findall("circle")) == rows.index("")


def test_the_curve_for_scripts(call: Call, design: Path) -> None:
    called = call("plan", design, "--curve", "--json", "--set", "hardware.target=ecp5-25k")
    points = called.json["curve"]
    assert [p["interval"] for p in points] == sorted(p["interval"] for p in points)
    assert [p["luts"] for p in points] == sorted((p["luts"] for p in points), reverse=True)
    assert all(p["fits"] for p in points)
    assert points[0]["inferences_per_second"] == 100_000_000


def test_the_curve_refuses_as_the_plan_does(call: Call, design: Path) -> None:
    change = "hardware.fold.layers={first: {pe: 2}}"
    called = call("plan", design, "--curve", "--json", "--set", change)
    assert called.code == 2
    assert called.json["errors"][0]["code"] == "plan.fold"
