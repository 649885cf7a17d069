"""build, plan and status on a small design without training."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from hwflow.errors import CheckFailed
from hwflow.flow import Stage, StageContext
from tests.cli.conftest import Call

Golden = Callable[[str, str], None]


@pytest.mark.parametrize("command", ["build", "plan", "status"])
def test_a_design_file_that_is_not_there(call: Call, command: str, tmp_path: Path) -> None:
    called = call(command, tmp_path / "none.yaml")
    assert called.code == 2
    assert "file.missing" in called.err


@pytest.mark.parametrize("command", ["build", "plan", "status"])
def test_mistakes_in_the_design_come_all_at_once(call: Call, command: str, design: Path) -> None:
    design.write_text("design: tiny\nmodle: {file: graph.hwf}\nhardware: {clock: fast}\n")
    called = call(command, design, "--json")
    assert called.code == 2
    codes = {error["code"]: error for error in called.json["errors"]}
    assert codes["config.unknown-key"]["line"] == 2
    assert codes["config.value"]["line"] == 3
    assert "did you mean" in called.err


@pytest.mark.parametrize("option", ["--from", "--to", "--force"])
def test_unknown_stage(call: Call, design: Path, option: str) -> None:
    called = call("build", design, option, "generat")
    assert called.code == 2
    assert "did you mean 'generate'?" in called.err


def test_unknown_target_and_bad_override(call: Call, design: Path) -> None:
    called = call("plan", design, "--set", "hardware.target=ecp5-85")
    assert called.code == 2
    assert "'ecp5-85k'" in called.err
    assert "lower" not in called.err, "a stage ran before the target was looked at"
    assert call("plan", design, "--set", "nonsense").code == 2


def test_a_target_without_place_and_route(call: Call, design: Path) -> None:
    options = ("--set", "hardware.target=lut6", "--set", "synth.place_and_route=true")
    called = call("build", design, *options, "--dry-run")
    assert called.code == 2
    assert "error[pnr.family]" in called.err


def test_refusals_of_the_plan_point_at_the_file(call: Call, design: Path) -> None:
    text = design.read_text()
    assert text.splitlines()[2].startswith("hardware: {target: lut6, clock: 100 MHz,")
    folds = "fold: {pos: {frist: 1, third: all}}"
    design.write_text(text.replace("valid_ready}", "valid_ready,\n  " + folds + "}"))
    called = call("plan", design, "--json")
    assert called.code == 2
    found = [(e["code"], e["line"], e["column"]) for e in called.json["errors"]]
    assert found == [("plan.fold", 4, 16), ("plan.fold", 4, 26)]
    assert "did you mean 'first'?" in called.err
    design.write_text(text.replace("100 MHz", "2 GHz"))
    (error,) = call("plan", design, "--json").json["errors"]
    assert (error["code"], error["line"], error["column"]) == ("plan.clock", 3, 26)


def test_dry_run_writes_nothing(call: Call, design: Path, tmp_path: Path) -> None:
    called = call("build", design, "--dry-run", "--to", "plan")
    assert called.code == 0
    rows = dict(line.split(None, 1) for line in called.out.splitlines()[1:])
    assert rows["lower"] == "would run (not built yet)"
    assert rows["plan"] == "would run (after lower)"
    assert rows["report"] == "left out"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["tiny"]


def test_build_goes_as_far_as_told(call: Call, design: Path, tmp_path: Path) -> None:
    called = call("build", design, "--to", "vectors", "--json")
    assert called.code == 0
    record = called.json
    assert [s["name"] for s in record["stages"] if s["status"] == "ran"] == [
        "lower",
        "plan",
        "generate",
        "vectors",
    ]
    assert (record["build"], record["report"], record["errors"]) == ("build/tiny", None, [])
    assert (tmp_path / "build" / "tiny" / "vectors" / "inputs" / "x.npy").is_file()
    lines = called.err.splitlines()
    assert lines[0].split()[2:4] == ["lower", "done"]
    assert lines[-1].startswith("tiny: up to date as far as vectors (4 of ")
    again = call("build", design, "--to", "vectors")
    assert again.out == ""
    assert [line.split(None, 2)[2] for line in again.err.splitlines()[:-1]] == [
        "lower      up to date",
        "plan       up to date",
        "generate   up to date",
        "vectors    up to date",
    ]


def test_what_changed_is_said(call: Call, design: Path) -> None:
    call("build", design, "--to", "vectors")
    called = call("build", design, "--to", "vectors", "--set", "verify.seed=7")
    assert "(configuration changed)" in called.err
    shown = call("build", design, "--dry-run", "--set", "verify.seed=8").out
    assert "vectors" in shown
    assert "would run (configuration changed)" in shown


def test_plan_table(call: Call, design: Path, golden: Golden) -> None:
    called = call("plan", design)
    assert called.code == 0
    golden("plan.txt", called.out)


def test_plan_json(call: Call, design: Path) -> None:
    called = call("plan", design, "--json")
    assert [layer["name"] for layer in called.json["plan"]["layers"]] == ["first", "second"]


def test_plan_refuses_what_cannot_fit(call: Call, design: Path) -> None:
    called = call("plan", design, "--set", "hardware.fold.pos={first: 1}", "--json")
    assert called.code == 2
    assert called.json["errors"][0]["code"] == "plan.fold"
    assert "failed/plan" in called.err


def _pipeline(monkeypatch: pytest.MonkeyPatch, run: Callable[[StageContext], None]) -> None:
    stages = (Stage("one", lambda context: None), Stage("two", run, inputs=("one",)))
    monkeypatch.setattr("hwflow.stages.pipeline.pipeline", lambda config: stages)


def test_a_failed_check_is_exit_code_1(
    call: Call, design: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(context: StageContext) -> None:
        raise CheckFailed("rung.mismatch", "layer first differs")

    _pipeline(monkeypatch, run)
    called = call("build", design, "--json")
    assert called.code == 1
    assert [s["status"] for s in called.json["stages"]] == ["ran", "failed"]
    assert "[ 2/2] two        FAILED" in called.err
    assert "error[rung.mismatch]: layer first differs" in called.err
    assert "tiny: stage two failed" in called.err
    assert "two    failed" in call("status", "build/tiny").out


def test_a_crash_is_kept_with_the_build(
    call: Call, design: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def run(context: StageContext) -> None:
        raise ZeroDivisionError("oh")

    _pipeline(monkeypatch, run)
    called = call("build", design)
    assert called.code == 5
    assert "ZeroDivisionError: oh" in called.err
    assert "ZeroDivisionError" in (tmp_path / "build" / "tiny" / "crash.txt").read_text()


def test_status_of_a_build(call: Call, built: Path) -> None:
    called = call("status", built)
    assert called.code == 0
    lines = called.out.splitlines()
    assert lines[1].split() == ["stage", "state", "key", "last", "run"]
    rows = {line.split()[0]: line.split()[1] for line in lines[2:]}
    assert rows == dict.fromkeys(("lower", "plan", "generate", "vectors", "golden"), "done")
    record = call("status", built, "--json").json
    assert {stage["name"]: stage["state"] for stage in record["stages"]} == rows


def test_status_of_a_design(call: Call, design: Path) -> None:
    call("build", design, "--to", "vectors")
    called = call("status", design, "--set", "verify.seed=3")
    assert called.code == 0
    rows = {line.split()[0]: line for line in called.out.splitlines()[2:]}
    assert rows["lower"].endswith("up to date")
    assert rows["vectors"].endswith("would run (configuration changed)")
    assert "not run" in rows["synth"]
    assert call("status", design, "--json").json["now"]["vectors"] == "up to date"


def test_status_lists_builds(call: Call, design: Path) -> None:
    assert call("status").code == 2
    call("build", design, "--to", "lower")
    called = call("status")
    assert called.out.splitlines()[1].split() == ["tiny", "build/tiny", "1", "done"]
    assert call("status", "tiny").code == 0  # a build below ./build by its name alone


def test_status_of_a_damaged_build(call: Call, tmp_path: Path) -> None:
    (tmp_path / "build.json").write_text("{")
    called = call("status", tmp_path)
    assert called.code == 2
    assert "build.corrupt" in called.err


def test_ctrl_c_ends_a_build_with_one_line(design: Path, tmp_path: Path) -> None:
    code = (
        "import sys, time; from hwflow.flow import Stage; import hwflow.stages.pipeline as p;"
        "p.pipeline = lambda config: (Stage('one', lambda c: time.sleep(60)),);"
        "from hwflow.cli.main import main; sys.exit(main(['build', sys.argv[1]]))"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(design)], stderr=subprocess.PIPE, text=True, cwd=tmp_path
    )
    lock = tmp_path / "build" / ".store" / ".tmp"
    for _ in range(200):
        if lock.is_dir() and any(lock.iterdir()):
            break
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=20)
    assert process.returncode == 130
    assert err.splitlines() == [
        "[ 1/1] one        ", "", "interrupted; finished stages are kept"
    ]  # fmt: skip
    state = json.loads((tmp_path / "build" / "tiny" / "build.json").read_text())
    assert state["stages"] == {}
