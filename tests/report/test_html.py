"""The HTML page: complete, self-contained, and safe with hostile names."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from hwflow.report import collect
from hwflow.report.charts import chart, flow_picture
from hwflow.report.dataflow import Box, Dataflow, Stream
from hwflow.report.html import page
from hwflow.report.learning import Curve
from tests.report.samples import DESIGN, Artifacts, break_rung, design, put, sample

ROUTED = "synth: {place_and_route: true}\n"
HOSTILE = "<script>alert('x')</script>"
VOID = {"meta", "link", "br", "img", "input", "hr"}


class Checker(HTMLParser):
    """Collects tags and attributes, and checks that tags nest."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += [(name, value or "") for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, self.getpos()


def checked(text: str) -> Checker:
    checker = Checker()
    checker.feed(text)
    checker.close()
    assert checker.open == []
    return checker


def html(tmp_path: Path, found: Artifacts, more: str = ROUTED) -> str:
    config = design(tmp_path, more)
    return page(collect(found, config), config)


@pytest.mark.parametrize("kept", ["all", "trained", "none"])
def test_self_contained(tmp_path: Path, kept: str) -> None:
    found = sample(tmp_path / "build")
    keep = {"all": set(found), "trained": {"train", "data"}, "none": set()}[kept]
    text = html(tmp_path, {name: path for name, path in found.items() if name in keep})
    checker = checked(text)
    assert checker.tags.isdisjoint({"script", "link", "img", "iframe", "object", "base"})
    loading = {"src", "href", "srcset", "data", "xlink:href"}
    assert not [name for name, _ in checker.attributes if name in loading or name[:2] == "on"]
    assert not re.search(r"https?:|@import|url\((?!#)", text)


def test_what_it_shows(tmp_path: Path) -> None:
    text = html(tmp_path, sample(tmp_path / "build"), ROUTED + "limits: {lut: {max: 9}}\n")
    for part in (
        "Verdict: equal on every vector compared",
        "96 of 712 vectors",
        "12 corner, 500 random, 200 dataset.",
        "training: float64 twice",
        "bulk (712 vectors, 730 cycles)",
        "<small>MHz</small>",
        "design in a serial wrapper, nextpnr, seed 1",
        "hidden.CCU2C_3",
        "3.62",  # ns of the critical path
        "at most 9",
        "✗ no",
        "line buffer, 1 cycles a tensor",
        "every LUT and inverter counts 1",
        "hwflow build design.yaml",
        "ab" * 32,
    ):
        assert part in text, part
    assert "not asked for" not in text


def test_triplication_says_what_it_leaves_out(tmp_path: Path) -> None:
    found = sample(tmp_path / "build")
    words = "Placement separation is not covered"
    assert words not in html(tmp_path, found)
    tmr = design(tmp_path, text=DESIGN.replace("clock:", "protect: tmr, clock:"))
    assert words in page(collect(found, tmr), tmr)


def test_a_mismatch_is_shown_in_full(tmp_path: Path) -> None:
    found = sample(tmp_path / "build")
    break_rung(found, "rtl")
    text = html(tmp_path, found)
    assert "DIFFERENT" in text
    assert "rtl differs from the integer graph first in layer logits" in text
    for part in ("y[1]", "13 (random)", "<dd>-7</dd>", "<dd>-8</dd>", "5 of 712", "≠"):
        assert part in text, part


def test_hostile_names_are_escaped(tmp_path: Path) -> None:
    found = sample(tmp_path / "build")
    for stage, name in (
        ("plan", "plan.json"),
        ("lower", "lowering.json"),
        ("synth", "synth.json"),
        ("rtl", "rung.json"),
        ("pnr", "pnr.json"),
        ("vectors", "classes.json"),
    ):
        path = found[stage] / name
        for word in ("hidden", "corner", "y", "bulk", "logits.LUT4_1"):
            path.write_text(path.read_text().replace(f'"{word}"', f'"{HOSTILE}"'))
    text = html(tmp_path, found, ROUTED + f'report: {{title: "{HOSTILE}"}}\n')
    assert "script" not in checked(text).tags
    assert text.count("&lt;script&gt;") >= 10


def test_hostile_tools_are_escaped(tmp_path: Path) -> None:
    config = design(tmp_path)
    metrics = replace(collect({}, config), tools={HOSTILE: HOSTILE})
    assert "script" not in checked(page(metrics, config)).tags


def test_top_paths_only_limits_the_list(tmp_path: Path) -> None:
    found = sample(tmp_path / "build")
    section = "Longest paths by the delay model"
    assert section not in html(tmp_path, found, ROUTED + "report: {top_paths: 0}\n")
    text = html(tmp_path, found, ROUTED + "report: {top_paths: 1, title: A title}\n")
    assert "<h1>A title</h1>" in text
    listed = text[text.index(section) : text.index("Critical path after")]
    assert "9.5" in listed
    assert "7.25" not in listed


def test_a_training_that_diverged_is_drawn(tmp_path: Path) -> None:
    found = sample(tmp_path / "build")
    path = found["train"] / "history.json"
    put(path, '{"quantized": {"loss": [1.0, NaN, Infinity]}}')
    checked(html(tmp_path, found))
    text = collect(found, design(tmp_path)).to_json()
    assert json.loads(text, parse_constant=pytest.fail)["curves"]["series"][0]["values"] == [
        1.0,
        None,
        None,
    ]


def test_chart_scales() -> None:
    wide = chart("loss", [Curve("float", "loss", (1.0, 0.1, 0.01))])
    assert wide.logarithmic
    assert [tick.label for tick in wide.y] == ["0.01", "0.02", "0.05", "0.1", "0.2", "0.5", "1"]
    flat = chart("accuracy", [Curve("float", "val_accuracy", (0.5,))])
    assert not flat.logarithmic
    assert flat.lines[0].style == "float val"
    assert chart("loss", []).lines == ()
    for picture in (wide, flat):
        for line in picture.lines:
            for point in line.points.split():
                x, y = (int(number) for number in point.split(","))
                assert picture.left <= x <= picture.right
                assert picture.top <= y <= picture.bottom


def test_streams_that_skip_boxes_run_beside_them() -> None:
    boxes = tuple(Box("layer", name, ("add",), 0) for name in "abc")
    flow = Dataflow(boxes, (Stream(0, 1, "x"), Stream(1, 2, "x"), Stream(0, 2, "x")))
    picture = flow_picture(flow)
    assert [s.path.count("H") for s in picture.streams] == [0, 0, 2]
    assert len(picture.frames) == 1
    last = picture.boxes[-1]
    assert last.y + last.height <= picture.height
