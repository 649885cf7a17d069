"""metrics.json: every figure, its kind and source; nothing invented."""

from __future__ import annotations

import json
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from hwflow.errors import InternalError
from hwflow.ir import save_graph
from hwflow.passes import layer_widths
from hwflow.plan.plan import Options, make_plan
from hwflow.plan.record import plan_record
from hwflow.plan.targets import target
from hwflow.report import METRICS, collect, summary, write_report
from hwflow.report.figures import compact, show
from tests.report.samples import break_rung, design, graph, put, sample

ROUTED = "synth: {place_and_route: true}\n"


_NOT_HERE = (
    "auc",
    "emd",
    "mean_squared",
    "logic_cell",
    "dsp_used",
    "bram_used",
    "energy_floor",
    "tmr_",
)
"""Figures of other networks and devices; shares of blocks that a design does not use."""


def test_golden(tmp_path: Path, golden: Callable[[str, str], None]) -> None:
    found = sample(tmp_path / "build")
    write_report(found, design(tmp_path, ROUTED), {"pyosys": "0.70"}, tmp_path / "out")
    golden("metrics.json", (tmp_path / "out" / "metrics.json").read_text())


def test_names_are_stable(golden: Callable[[str, str], None]) -> None:
    golden("metrics.txt", "".join(f"{m.name} [{m.unit}] {m.better}\n" for m in METRICS))


def test_every_figure_of_a_whole_build_is_there(tmp_path: Path) -> None:
    metrics = collect(sample(tmp_path / "build"), design(tmp_path, ROUTED))
    # A classifier has no distance, and CCU2C of ECP5 needs no logic-cell count in this sample.
    absent = {m.name for m in METRICS if m.design and m.applies(asic=False)} - set(metrics.figures)
    assert absent == set(metrics.missing)
    assert all(n.startswith(_NOT_HERE) for n in absent), absent
    names = {m.name for m in METRICS if m.layers and m.applies(asic=False)}
    assert {name for row in metrics.layers for name in row.figures} == names


def test_folders_and_order_do_not_show(tmp_path: Path) -> None:
    texts = []
    for place in ("a", "b/c"):
        found = sample(tmp_path / place / "build")
        turned = dict(reversed(found.items())) if place == "a" else found
        tools = {"yosys": "1", "gcc": "2"} if place == "a" else {"gcc": "2", "yosys": "1"}
        out = tmp_path / place / "out"
        write_report(turned, design(tmp_path / place, ROUTED), tools, out)
        texts.append([(out / n).read_bytes() for n in ("metrics.json", "report.html")])
    assert texts[0] == texts[1]
    assert all(str(tmp_path).encode() not in text for text in texts[0])


def test_counts_come_from_the_graph(tmp_path: Path) -> None:
    metrics = collect(sample(tmp_path / "build"), design(tmp_path))
    hidden, logits = metrics.layers
    assert hidden.figures["weights"].value == 12 + 3
    assert hidden.figures["weights_nonzero"].value == 9 + 3
    assert logits.figures["weights"].value == 3 * 2
    assert metrics.figures["weights"].value == 21
    assert metrics.figures["lut_cells"].value == 13  # 12 LUT4 and one inverter, no CCU2C
    assert metrics.figures["input_bits"].value == 20
    assert metrics.figures["output_bits"].value == 22


def test_throughput_and_latency_follow_the_clock(tmp_path: Path) -> None:
    found = sample(tmp_path / "build")
    figures = {"latency_cycles": 10, "initiation_interval": 3}
    _edit(found["rtl"] / "rung.json", {"figures": figures})
    config = design(tmp_path, text=_design_at("30 MHz"))
    metrics = collect(found, config)
    assert metrics.figures["latency_ns"].value == round(10 * 1000 / 30, 3)
    assert metrics.figures["throughput"].value == 10_000_000
    assert metrics.figures["throughput"].kind == "simulated"
    assert metrics.figures["throughput"].source == "rtl/rung.json"


def test_without_a_simulation_cycles_are_estimates(tmp_path: Path) -> None:
    found = sample(tmp_path / "build")
    for rung in ("amaranth", "rtl", "netlist"):
        del found[rung]
    metrics = collect(found, design(tmp_path, "verify: {rungs: [training]}\n"))
    assert metrics.figures["latency_cycles"].kind == "estimated"
    assert metrics.figures["latency_cycles"].source == "plan/plan.json"
    assert [r.reason for r in metrics.ladder.rungs[2:]] == ["not asked for in verify.rungs"] * 3
    assert metrics.ladder.verdict == "equal"


def test_nothing_is_invented(tmp_path: Path) -> None:
    metrics = collect({}, design(tmp_path))
    assert metrics.figures == {}
    assert metrics.layers == ()
    assert metrics.ladder.verdict == "unchecked"
    assert set(metrics.missing) == {m.name for m in METRICS if m.design and m.applies(asic=False)}
    assert metrics.missing["fmax_routed_mhz"] == "not run: synth.place_and_route is off"
    assert metrics.missing["lut"] == "not run: the build has no stage synth"
    json.loads(metrics.to_json())
    assert any("not run" in line for line in summary(metrics))


@pytest.mark.parametrize("name", ["toy.hwf", "toy.keras"])
@pytest.mark.parametrize(
    ("data", "reason"),
    [
        ("", "the design has no data"),
        ("data: {source: digits}\n", "of models from files only QKeras networks are scored"),
    ],
)
def test_an_imported_graph_was_not_trained(
    tmp_path: Path, name: str, data: str, reason: str
) -> None:
    save_graph(graph(), tmp_path / name)
    found = sample(tmp_path / "build")
    for stage in ("data", "train", "accuracy", "training"):
        del found[stage]
    config = design(tmp_path, text=f"design: toy\nmodel: {{file: {name}}}\n{data}")
    metrics = collect(found, config)
    assert metrics.missing["accuracy"] == f"not run: {reason}"
    assert metrics.ladder.rungs[0].reason == "an imported integer graph has no training graph"
    assert metrics.ladder.verdict == "equal"
    assert metrics.curves == ()


def test_trained_but_not_yet_lowered(tmp_path: Path) -> None:
    found = sample(tmp_path / "build")
    metrics = collect({"train": found["train"]}, design(tmp_path))
    assert metrics.figures["accuracy_quantized"].source == "train/metrics.json"
    assert "accuracy" not in metrics.figures


@pytest.mark.parametrize("rung", ["training", "amaranth", "rtl", "netlist"])
def test_a_mismatch_is_the_verdict(tmp_path: Path, rung: str) -> None:
    found = sample(tmp_path / "build")
    break_rung(found, rung)
    metrics = collect(found, design(tmp_path))
    assert metrics.ladder.verdict == "different"
    assert metrics.figures["rungs_equal"].value == 3
    assert json.loads(metrics.to_json())["verdict"] == "different"
    text = "\n".join(summary(metrics))
    assert f"{rung}: layer logits, y[1] of vector 13 (random): expected -7, found -8" in text


def test_a_rung_that_was_not_reached_is_incomplete(tmp_path: Path) -> None:
    found = sample(tmp_path / "build")
    del found["netlist"]
    assert collect(found, design(tmp_path)).ladder.verdict == "incomplete"


def test_a_real_plan_is_read(tmp_path: Path) -> None:
    """The planner's own record, so that its keys and those read here cannot part."""
    options = Options(target("ecp5-25k"), Fraction(50_000_000))
    folder = tmp_path / "plan"
    folder.mkdir()
    put(folder / "plan.json", plan_record(make_plan(graph(), options)))
    (tmp_path / "lower").mkdir()
    widths = [row.record() for row in layer_widths(graph())]
    put(tmp_path / "lower" / "lowering.json", {"probes": [], "wide": [], "widths": widths})
    metrics = collect({"plan": folder, "lower": tmp_path / "lower"}, design(tmp_path / "d"))
    assert [row.name for row in metrics.layers] == ["hidden", "logits"]
    assert metrics.figures["lut_planned"].value > 0
    assert metrics.dataflow is not None
    assert [box.kind for box in metrics.dataflow.boxes] == ["input", "layer", "layer", "output"]
    assert [(s.start, s.stop) for s in metrics.dataflow.streams] == [(0, 1), (1, 2), (2, 3)]


@pytest.mark.parametrize(
    ("stage", "name", "content"),
    [
        ("synth", "synth.json", "{"),
        ("synth", "synth.json", {"layers": []}),
        ("plan", "plan.json", {"layers": "no"}),
        ("rtl", "rung.json", {"vectors": "many"}),
        ("rtl", "rung.json", {"vectors": 1.5}),
        ("accuracy", "accuracy.json", {"metric": "luck", "unit": "", "samples": 1}),
        ("train", "history.json", {"float": {"loss": "low"}}),
    ],
)
def test_a_strange_artifact_is_named(
    tmp_path: Path, stage: str, name: str, content: object
) -> None:
    found = sample(tmp_path / "build")
    put(found[stage] / name, content)
    with pytest.raises(InternalError, match=f"{stage}/{name}") as error:
        collect(found, design(tmp_path))
    assert error.value.code == "report.artifact"


@pytest.mark.parametrize(
    ("value", "text", "short"),
    [
        (0, "0", "0"),
        (1234567, "1,234,567", "1.235 M"),
        (40_000_000, "40,000,000", "40 M"),
        (0.977716, "0.9777", "0.9777"),
        (1234.5, "1,234", "1,234"),
        (2.0, "2", "2"),
        (3e9, "3,000,000,000", "3 G"),
    ],
)
def test_numbers_are_shown_for_people(value: float, text: str, short: str) -> None:
    assert (show(value), compact(value)) == (text, short)


def _edit(path: Path, change: dict[str, Any]) -> None:
    put(path, {**json.loads(path.read_text()), **change})


def _design_at(clock: str) -> str:
    return (
        "design: toy\nmodel: {builder: model.py:net}\ndata: {source: digits}\n"
        f"hardware: {{target: ecp5-25k, clock: {clock}}}\n"
    )
