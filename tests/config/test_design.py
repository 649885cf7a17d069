"""design.yaml: what is accepted, and how every mistake is told."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import jschon
import pytest

from hwflow.config import (
    BudgetConfig,
    DesignConfig,
    FoldConfig,
    LayerFoldConfig,
    as_json,
    json_schema,
    load_design,
)
from hwflow.config.names import KEYWORDS
from hwflow.errors import ErrorList, HwflowError, InputError

MINIMAL = "design: net\nmodel: {builder: model.py:net}\ndata: {source: digits}\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "model.py").write_text("def net(): ...\n")
    (tmp_path / "graph.hwf").write_text("")
    (tmp_path / "mine.csv").write_text("")
    return tmp_path


def load(folder: Path, text: str, overrides: Sequence[str] = ()) -> DesignConfig:
    (folder / "design.yaml").write_text(text)
    return load_design(folder / "design.yaml", overrides)


def mistakes(folder: Path, text: str, overrides: Sequence[str] = ()) -> list[HwflowError]:
    with pytest.raises(HwflowError) as caught:
        load(folder, text, overrides)
    error = caught.value
    assert error.exit_code == 2
    return list(error.errors) if isinstance(error, ErrorList) else [error]


def test_defaults(folder: Path) -> None:
    config = load(folder, MINIMAL)
    assert config.design == "net"
    assert config.model.builder is not None
    assert config.model.builder.function == "net"
    assert config.hardware.clock == Fraction(40_000_000)
    assert config.verify.rungs == ("training", "amaranth", "rtl", "netlist")
    assert config.limits == ()
    assert str(config.place("data.source")).endswith("design.yaml:3:8")
    assert config.place("hardware.clock") is None


def test_machine_sounds_are_rebuilt(folder: Path) -> None:
    config = load(folder, MINIMAL.replace("digits", "machine_sound"))
    assert config.data is not None
    assert (config.data.samples, config.train.loss) == (20_000, "mse")
    text = MINIMAL.replace("digits", "machine_sound") + "train: {loss: categorical_crossentropy}\n"
    with pytest.raises(HwflowError) as caught:
        load(folder, text)
    assert "whose samples are normal ones to be rebuilt" in caught.value.render()
    assert "write loss: mse" in caught.value.render()


def test_everything_written(folder: Path) -> None:
    (folder / "limits.yaml").write_text("synth.lut: {max: 5000}\naccuracy: {min: 0.9}\n")
    config = load(
        folder,
        "design: net\n"
        "model: {file: graph.hwf}\n"
        "data: {source: hgcal_toy, split: 0.5, seed: 3}\n"
        "hardware:\n"
        "  {target: lut6, clock: 25 ns, fold: {pos: {conv: 1, top: all}}, interface: valid_ready}\n"
        "verify: {vectors: 10, dataset: 0, rungs: [netlist, rtl]}\n"
        "synth: {place_and_route: true}\n"
        "report: {title: null, top_paths: 3}\n"
        "limits: limits.yaml\n",
    )
    assert config.data is not None
    assert config.data.samples == 12_000
    assert config.train.loss == "telescope"
    assert config.hardware.clock == Fraction(40_000_000)
    assert config.hardware.fold.pos == (("conv", "1"), ("top", "all"))
    assert config.verify.rungs == ("rtl", "netlist")
    assert [(limit.metric, limit.min, limit.max) for limit in config.limits] == [
        ("accuracy", 0.9, None),
        ("synth.lut", None, 5000.0),
    ]


@pytest.mark.parametrize(
    ("text", "hertz"),
    [
        ("40 MHz", Fraction(40_000_000)),
        ("3 ns", Fraction(10**9, 3)),
        ("0.5GHz", Fraction(500_000_000)),
        ("100 us", Fraction(10_000)),
    ],
)
def test_clock_is_exact(folder: Path, text: str, hertz: Fraction) -> None:
    assert load(folder, MINIMAL + f"hardware: {{clock: {text}}}\n").hardware.clock == hertz


def fold_of(folder: Path, text: str) -> FoldConfig:
    return load(folder, MINIMAL + f"hardware: {{fold: {text}}}\n").hardware.fold


def test_foldings(folder: Path) -> None:
    assert not fold_of(folder, "{}").solved
    assert fold_of(folder, "{target_ii: 4}").solved
    given = fold_of(folder, "{budget: {lut: 900, dsp: 0}, learn: false}")
    assert given.solved
    assert given.budget == BudgetConfig(lut=900, dsp=0)
    assert not given.learn
    assert fold_of(folder, "{budget: device}").budget == BudgetConfig(device=True)
    assert fold_of(folder, "{layers: {conv: {pe: 2, multiplier: dsp}}}").layers == (
        ("conv", LayerFoldConfig(pe=2, multiplier="dsp")),
    )
    assert fold_of(folder, "{layers: {conv: {simd: 2, multiplier: serial}}}").layers == (
        ("conv", LayerFoldConfig(simd=2, multiplier="serial")),
    )


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("{budget: all}", "config.type"),
        ("{budget: {luts: 4}}", "config.unknown-key"),
        ("{budget: {lut: -1}}", "config.range"),
        ("{target_ii: 0}", "config.range"),
        ("{layers: {conv: {pe: 0}}}", "config.range"),
        ("{layers: {conv: {multiplier: logic}}}", "config.choice"),
    ],
)
def test_mistakes_in_foldings(folder: Path, text: str, code: str) -> None:
    (found,) = mistakes(folder, MINIMAL + f"hardware: {{fold: {text}}}\n")
    assert found.code == code
    assert found.place is not None


def test_all_mistakes_at_once_with_places(folder: Path) -> None:
    found = mistakes(
        folder,
        "design: wire\n"
        "model: {builder: ../model.py:f, file: x.h5}\n"
        "data: {sorce: digits, split: 3}\n"
        "train: {epochs: ten, los: mse}\n"
        "hardware:\n"
        "  clock: 40\n"
        "  fold: {target_ii: 4, pos: {conv: 2}}\n"
        "  weights: loaded\n"
        "  backend: hls5ml\n"
        "verify: {rungs: [rtl, rtk]}\n"
        "limits: {lut: {max: 5, min: 9}, fmax: {}}\n",
    )
    short = [(e.code.partition(".")[2], e.place.line, e.place.column) for e in found if e.place]
    assert short == [
        ("name", 1, 9),
        ("combination", 2, 8),
        ("path", 2, 18),
        ("missing", 2, 39),
        ("missing", 3, 7),
        ("unknown-key", 3, 8),
        ("range", 3, 30),
        ("type", 4, 17),
        ("unknown-key", 4, 22),
        ("type", 6, 10),
        ("choice", 7, 36),
        ("choice", 8, 12),
        ("choice", 9, 12),
        ("choice", 10, 23),
        ("combination", 11, 15),
        ("missing", 11, 39),
    ]
    assert all(e.hint for e in found)
    assert found[5].hint == "did you mean 'source'?"


@pytest.mark.parametrize(
    ("lines", "code"),
    [
        ("data: {source: digits, path: mine.csv}\n", "config.combination"),
        ("data: {source: file}\n", "config.combination"),
        ("data: {source: file, path: no.csv}\n", "file.missing"),
        ("data: {source: file, path: mine.txt}\n", "config.path"),
        ("data: {source: digits, samples: 100}\n", "config.combination"),
        ("data: {source: digits}\ntrain: {loss: telescope}\n", "config.combination"),
        (
            "data: {source: hgcal_toy}\ntrain: {loss: categorical_crossentropy}\n",
            "config.combination",
        ),
        ("data: {source: machine_sound}\ntrain: {loss: telescope}\n", "config.combination"),
        ("data: {source: machine_sound, path: mine.csv}\n", "config.combination"),
        (
            "data: {source: digits}\nhardware: {backend: hls4ml, interface: axi_stream}\n",
            "config.combination",
        ),
        (
            "data: {source: digits}\n"
            "hardware: {hls4ml: {strategy: distributed_arithmetic, reuse: 2}}\n",
            "config.combination",
        ),
        (
            "data: {source: digits}\n"
            "hardware: {hls4ml: {strategy: distributed_arithmetic, reuse: x}}\n",
            "config.type",
        ),
        (
            "data: {source: digits}\nhardware: {backend: hls4ml}\nverify: {rungs: [rtl]}\n",
            "config.combination",
        ),
        ("data: {source: digits}\nhardware: {clock: 9 GHz}\n", "config.range"),
        ("data: {source: digits}\nhardware: {clock: 0 ns}\n", "config.range"),
        ("data: {source: digits}\nhardware: {clock: 40 mHz}\n", "config.value"),
        ("data: {source: digits}\nverify: {rungs: [rtl, rtl]}\n", "config.value"),
        ("data: {source: digits}\nlimits: no.yaml\n", "file.missing"),
        ("data: {source: digits}\ntrain:\n", "config.type"),
        ("data: {source: digits}\ntrain: {seed: 99999999999999999999999}\n", "config.range"),
        ("data: {source: digits}\ntrain: {learning_rate: 0}\n", "config.range"),
        ("data: {source: digits}\ntrain: {float_twin: yes}\n", "config.type"),
        ("", "config.missing"),
    ],
)
def test_one_mistake(folder: Path, lines: str, code: str) -> None:
    text = "design: net\nmodel: {builder: model.py:net}\n" + lines
    assert [e.code for e in mistakes(folder, text)] == [code]


@pytest.mark.parametrize(
    ("model", "code"),
    [
        ("{}", "config.combination"),
        ("{builder: model.py}", "config.value"),
        ("{builder: none.py:net}", "file.missing"),
        ("{builder: /etc/model.py:net}", "config.path"),
        ("{builder: link.py:net}", "config.path"),
        ("{file: net.keras}", "file.missing"),
        ("{file: net.txt}", "config.path"),
        ("[a]", "config.type"),
    ],
)
def test_model_source(folder: Path, model: str, code: str) -> None:
    (folder / "link.py").symlink_to("/etc/hostname")
    text = f"design: net\nmodel: {model}\ndata: {{source: digits}}\n"
    assert [e.code for e in mistakes(folder, text)] == [code]


@pytest.mark.parametrize("rungs", ["", "verify: {vectors: 3}\n"])
def test_a_graph_has_no_training_rung(folder: Path, rungs: str) -> None:
    config = load(folder, "design: net\nmodel: {file: graph.hwf}\n" + rungs)
    assert config.verify.rungs == ("amaranth", "rtl", "netlist")
    text = "design: net\nmodel: {file: graph.hwf}\ntrain: {}\nverify: {rungs: [training]}\n"
    assert [e.code for e in mistakes(folder, text)] == ["config.combination"] * 2


@pytest.mark.parametrize(
    "name", ["module", "Module", "ENTITY", "always_ff", "puts", "1net", "a-b", "a" * 64, "é", "a.b"]
)
def test_names_that_tools_would_misread(folder: Path, name: str) -> None:
    found = mistakes(folder, MINIMAL.replace("net\nmodel", f"{name}\nmodel"))
    assert [e.code for e in found] == ["config.name"]


def test_keywords_are_lower_case_words() -> None:
    assert all(word == word.lower() for word in KEYWORDS)
    assert {"assign", "logic", "signal", "foreach", "wire"} <= KEYWORDS


def test_overrides(folder: Path) -> None:
    config = load(folder, MINIMAL, ["hardware.target=lut6", "train.epochs=3", "train.epochs=4"])
    assert (config.hardware.target, config.train.epochs) == ("lut6", 4)
    found = mistakes(folder, MINIMAL, ["train.epochs=many", "hardware.tagret=lut6"])
    assert sorted((e.code, str(e.place)) for e in found) == [
        ("config.type", "--set"),
        ("config.unknown-key", "--set"),
    ]
    for bad in ("epochs", "=3", "design.x=3", "a..b=1"):
        assert [e.code for e in mistakes(folder, MINIMAL, [bad])] == ["config.override"]


def test_config_is_json_and_independent_of_the_folder(folder: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "model.py").write_text("")
    here, there = load(folder, MINIMAL), load(other, "# moved\n" + MINIMAL)
    texts = {json.dumps(as_json(c, c.folder), sort_keys=True) for c in (here, there)}
    assert len(texts) == 1
    assert '"clock": "40000000"' in texts.pop()
    with pytest.raises(dataclasses.FrozenInstanceError):
        here.design = "x"  # type: ignore[misc]


@pytest.mark.filterwarnings("ignore::DeprecationWarning:rfc3986")
def test_schema_accepts_what_the_reader_accepts(folder: Path) -> None:
    jschon.create_catalog("2020-12")
    schema = jschon.JSONSchema(json_schema())  # type: ignore[arg-type]
    assert schema.validate().valid
    good: dict[str, object] = {
        "design": "net",
        "model": {"builder": "model.py:net"},
        "hardware": {"clock": "40 MHz", "fold": {"pos": {"conv": "all"}}},
        "limits": {"lut": {"max": 3}},
    }
    assert schema.evaluate(jschon.JSON(good)).valid
    for change in ({"desing": 1}, {"train": {"epochs": 0}}, {"hardware": {"clock": "40"}}):
        assert not schema.evaluate(jschon.JSON({**good, **change})).valid
    text = json.dumps(json_schema())
    assert "description" in text
    assert '"default": "axi_stream"' in text


def test_a_folded_layer_needs_back_pressure(folder: Path) -> None:
    text = f"{MINIMAL}hardware:\n  fold: {{pos: {{conv: 1}}}}\n  interface: valid_only\n"
    (found,) = mistakes(folder, text)
    line = text.splitlines().index("  interface: valid_only") + 1
    assert (found.code, str(found.place)) == (
        "config.combination",
        f"{folder / 'design.yaml'}:{line}:3",
    )
    assert load(folder, text.replace("conv: 1", "conv: all")).hardware.interface == "valid_only"


def test_a_list_is_no_design(folder: Path) -> None:
    with pytest.raises(InputError) as caught:
        load(folder, "- a\n")
    assert caught.value.code == "yaml.empty"
