"""doctor, targets, explain, schema, init and compare."""

from __future__ import annotations

import ast
import json
from collections.abc import Callable
from pathlib import Path
from string import Template

import pytest

from hwflow.catalogue import CATALOGUE
from hwflow.cli.commands.compare import compared
from hwflow.cli.commands.init import EXAMPLES
from hwflow.config import json_schema, load_design
from hwflow.plan.targets import TARGETS
from hwflow.tools import Check
from tests.cli.conftest import Call

Golden = Callable[[str, str], None]


def test_targets_table(call: Call, golden: Golden) -> None:
    golden("targets.txt", call("targets").out)


def test_targets_json(call: Call) -> None:
    called = call("targets", "--json")
    assert [entry["name"] for entry in called.json["targets"]] == [t.name for t in TARGETS]


def test_explain_one(call: Call) -> None:
    called = call("explain", "plan.too-large")
    assert called.code == 0
    assert CATALOGUE["plan.too-large"].action in called.out


def test_explain_without_a_code_lists_all(call: Call) -> None:
    out = call("explain").out
    assert [line.split()[0] for line in out.splitlines()[1:]] == sorted(CATALOGUE)


def test_explain_suggests(call: Call) -> None:
    called = call("explain", "plan.too-larg")
    assert called.code == 2
    assert "plan.too-large" in called.err


def test_explain_json(call: Call) -> None:
    assert call("explain", "run.input", "--json").json["code"] == "run.input"
    assert set(call("explain", "--json").json["codes"]) == set(CATALOGUE)


def test_schema_is_json_alone_on_stdout(call: Call) -> None:
    called = call("schema")
    assert called.json == json_schema()
    assert "yaml-language-server" in called.err


def _checks(*lacking: str) -> Callable[[], tuple[Check, ...]]:
    def made() -> tuple[Check, ...]:
        return (
            Check("gcc", "the netlist rung", "12.2", "8.0", "gcc" not in lacking, "get gcc"),
            Check("nextpnr", "place and route on ECP5", None, "0.9", False, "get nextpnr", True),
        )

    return made


def test_doctor_good_in_spite_of_optional_tools(
    call: Call, monkeypatch: pytest.MonkeyPatch, golden: Golden
) -> None:
    monkeypatch.setattr("hwflow.tools.checks", _checks())
    monkeypatch.setattr("hwflow.asic.libraries.installed", lambda known: None)
    called = call("doctor")
    assert called.code == 0
    golden("doctor.txt", called.out)


def test_doctor_names_what_to_do(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hwflow.tools.checks", _checks("gcc"))
    called = call("doctor", "--json")
    assert called.code == 3
    assert "gcc: get gcc" in called.err
    assert called.json["exit_code"] == 3
    assert [tool["optional"] for tool in called.json["tools"]] == [False, True, True]


def test_doctor_fetches_libraries_only_when_asked(
    call: Call, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    fetched: list[str] = []
    monkeypatch.setattr("hwflow.tools.checks", _checks())
    monkeypatch.setattr("hwflow.asic.libraries.fetch", fetched.append)
    monkeypatch.setattr(
        "hwflow.asic.libraries.installed", lambda known: tmp_path if fetched else None
    )
    assert "hwflow doctor --fix" in call("doctor").out
    assert fetched == []
    called = call("doctor", "--fix")
    assert fetched == ["osu018"]
    assert called.code == 0
    assert "osu018   ok" in called.out


@pytest.mark.parametrize("example", EXAMPLES)
def test_init_writes_a_design_that_loads(
    call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, example: str
) -> None:
    monkeypatch.chdir(tmp_path)
    called = call("init", "my_net", "--example", example)
    assert called.code == 0
    config = load_design(tmp_path / "my_net" / "design.yaml")
    assert config.design == "my_net"
    assert config.model.builder is not None
    functions = {
        node.name
        for node in ast.parse((tmp_path / "my_net" / "model.py").read_text()).body
        if isinstance(node, ast.FunctionDef)
    }
    assert config.model.builder.function in functions
    assert ("decoder" in functions) == (example == "autoencoder")


def test_init_commented_limits_are_metrics(call: Call, tmp_path: Path) -> None:
    for example in EXAMPLES:
        call("init", tmp_path / example, "--example", example)
        path = tmp_path / example / "design.yaml"
        text = path.read_text()
        head, limits = text.split("# limits:", 1)
        bare = "\n".join(line.removeprefix("#") for line in limits.splitlines()[1:])
        path.write_text(f"{head}limits:\n{bare}\n")
        from hwflow.report import check_names

        check_names(load_design(path).limits)


def test_init_without_a_name(call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert call("init", "--example", "cnn").code == 0
    assert load_design(tmp_path / "my_cnn" / "design.yaml").design == "my_cnn"


def test_init_here(call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    assert call("init", ".").code == 0
    assert load_design(folder / "design.yaml").design == "here"


def test_init_never_overwrites(call: Call, tmp_path: Path) -> None:
    folder = tmp_path / "net"
    folder.mkdir()
    (folder / "model.py").write_text("mine")
    called = call("init", folder)
    assert called.code == 2
    assert "model.py" in called.err
    assert [p.name for p in folder.iterdir()] == ["model.py"]
    assert (folder / "model.py").read_text() == "mine"


@pytest.mark.parametrize("name", ["always", "Entity", "9lives", "a-b", "a b", "x" * 64])
def test_init_checks_the_name(call: Call, tmp_path: Path, name: str) -> None:
    called = call("init", tmp_path / name)
    assert called.code == 2
    assert "config.name" in called.err
    assert list(tmp_path.iterdir()) == []


def test_init_where_nothing_can_be_written(call: Call, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    called = call("init", tmp_path / "file" / "net")
    assert called.code == 2
    assert "init.folder" in called.err


def test_init_unknown_example(call: Call) -> None:
    called = call("init", "net", "--example", "autoencodr")
    assert called.code == 2
    assert "did you mean 'autoencoder'?" in called.err


def test_templates_hold_one_placeholder() -> None:
    folder = Path(__file__).resolve().parents[2] / "hwflow" / "cli" / "examples"
    for path in sorted(folder.rglob("*.txt")):
        names = Template(path.read_text()).get_identifiers()
        assert names == (["name"] if path.name.startswith("design") else [])


def _metrics(**figures: float) -> dict[str, object]:
    record = {name: {"value": v, "unit": "u", "kind": "counted"} for name, v in figures.items()}
    return {"figures": record, "layers": [{"name": "conv", "figures": record}], "verdict": "equal"}


def test_compared_figures() -> None:
    rows = list(compared(_metrics(lut=10, ff=4), _metrics(lut=15, dsp=1)))
    assert rows[:3] == [
        ("dsp", None, 1, "u", "counted"),
        ("ff", 4, None, "u", "counted"),
        ("lut", 10, 15, "u", "counted"),
    ]
    assert [row[0] for row in rows[3:]] == ["dsp/conv", "ff/conv", "lut/conv"]


def _reported(folder: Path, metrics: object) -> Path:
    (folder / "report").mkdir(parents=True)
    text = metrics if isinstance(metrics, str) else json.dumps(metrics)
    (folder / "report" / "metrics.json").write_text(text)
    (folder / "report" / "report.html").write_text("<html>")
    entry = {"artifact": "report-0", "key": "0" * 64, "parts": {}, "state": "done"}
    state = {"design": folder.name, "format": 1, "stages": {"report": entry}}
    (folder / "build.json").write_text(json.dumps(state))
    return folder


def test_compare(call: Call, tmp_path: Path) -> None:
    a = _reported(tmp_path / "a", _metrics(lut=1000, ff=4))
    b = _reported(tmp_path / "b", _metrics(lut=1500, ff=4))
    called = call("compare", a, b)
    assert called.code == 0
    (line,) = (line for line in called.out.splitlines() if line.startswith("lut"))
    assert line.split() == ["lut", "1,000", "1,500", "1.500", "u", "counted"]
    assert "(3 figures equal or of single layers" in called.out
    assert "lut/conv" in call("compare", a, b, "--all").out


def test_compare_needs_two_builds(call: Call, tmp_path: Path) -> None:
    a = _reported(tmp_path / "a", _metrics(lut=1))
    called = call("compare", a, tmp_path / "none")
    assert called.code == 2
    assert "build.missing" in called.err


def test_report(call: Call, tmp_path: Path) -> None:
    folder = _reported(tmp_path / "net", _metrics(lut=1234))
    called = call("report", folder)
    assert called.code == 0
    assert called.out.splitlines()[0] == "net: equal"
    assert "1,234" in called.out
    assert called.out.splitlines()[-1].split() == ["report", str(folder / "report/report.html")]
    assert call("report", folder, "--json").json["metrics"] == _metrics(lut=1234)


def test_report_prints_the_kept_summary(call: Call, tmp_path: Path) -> None:
    folder = _reported(tmp_path / "net", _metrics(lut=1234))
    (folder / "report" / "summary.txt").write_text("net on lut6\nverdict equal\n")
    assert call("report", folder).out.splitlines()[:2] == ["net on lut6", "verdict equal"]


def test_report_opens_a_browser(
    call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = _reported(tmp_path / "net", _metrics(lut=1))
    opened: list[str] = []
    monkeypatch.setattr("webbrowser.open", lambda uri: bool(opened.append(uri)))
    called = call("report", folder, "--open")
    assert opened == [(folder / "report" / "report.html").as_uri()]
    assert "no browser" in called.err


@pytest.mark.parametrize("metrics", ["not json", "[]", '{"figures": 3}'])
def test_report_damaged(call: Call, tmp_path: Path, metrics: str) -> None:
    called = call("report", _reported(tmp_path / "net", metrics))
    assert called.code == 2
    assert "build.report" in called.err


def test_report_without_a_build(call: Call, tmp_path: Path) -> None:
    called = call("report", tmp_path / "none")
    assert called.code == 2
    assert "build.missing" in called.err
    (tmp_path / "empty").mkdir()
    assert call("report", tmp_path / "empty").code == 2
