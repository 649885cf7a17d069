"""Finding commands, exit codes, and what is imported for help."""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from hwflow.cli import main as entry
from hwflow.cli.console import Console
from hwflow.cli.guard import CRASH_FILE, Guard
from hwflow.cli.main import COMMANDS, main
from hwflow.errors import (
    CheckFailed,
    ErrorList,
    HwflowError,
    InputError,
    InternalError,
    Place,
    ToolFailed,
    ToolMissing,
)
from tests.cli.conftest import Call

HEAVY = {"numpy", "tensorflow", "amaranth", "rich", "yaml", "typer"}


@pytest.mark.parametrize("words", [["--help"], ["build", "--help"], ["run", "--help"], ["explain"]])
def test_light_commands_import_nothing_heavy(words: list[str]) -> None:
    code = (
        "import sys; from hwflow.cli.main import main; code = main(sys.argv[1:]);"
        f"sys.stderr.write(','.join(sorted(set(sys.modules) & {HEAVY!r}))); sys.exit(code)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *words], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout


def test_every_command_is_in_the_help_and_has_its_own(call: Call) -> None:
    text = call("--help").out
    for command in COMMANDS:
        assert f"\n    {command.name} " in text
        helped = call(command.name, "--help")
        assert helped.code == 0
        assert helped.out.startswith(f"usage: hwflow {command.name}")


def test_version(call: Call) -> None:
    assert call("--version").out.startswith("hwflow ")


def test_without_a_command_the_help_goes_to_stderr(call: Call) -> None:
    called = call()
    assert called.code == 2
    assert called.out == ""
    assert "usage: hwflow" in called.err


def test_a_misspelled_command_gets_a_suggestion(call: Call) -> None:
    called = call("biuld", "x.yaml")
    assert called.code == 2
    assert "did you mean `hwflow build`?" in called.err


@pytest.mark.parametrize("words", [("build",), ("build", "a", "b"), ("targets", "--wrong")])
def test_usage_errors(call: Call, words: tuple[str, ...]) -> None:
    called = call(*words)
    assert called.code == 2
    assert "usage: hwflow" in called.err


def test_usage_error_with_json_is_json(call: Call) -> None:
    called = call("plan", "--json")
    assert called.code == 2
    assert called.json["exit_code"] == 2
    assert called.json["errors"][0]["code"] == "cli.usage"
    assert "DESIGN.yaml" in called.json["errors"][0]["message"]


def _failing(monkeypatch: pytest.MonkeyPatch, error: BaseException, folder: Path | None) -> None:
    def execute(options: object, console: Console) -> int:
        console.build_folder = folder
        raise error

    def arguments(parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true")

    fake = SimpleNamespace(arguments=arguments, execute=execute)
    monkeypatch.setattr(entry.importlib, "import_module", lambda name: fake)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (CheckFailed("rung.mismatch", "m", hint="h"), 1),
        (InputError("run.input", "m", hint="h"), 2),
        (ToolMissing("tool.missing", "m", hint="h"), 3),
        (ToolFailed("tool.failed", "m", hint="h"), 4),
    ],
)
def test_exit_codes(
    call: Call, monkeypatch: pytest.MonkeyPatch, error: HwflowError, code: int
) -> None:
    _failing(monkeypatch, error, None)
    called = call("targets")
    assert called.code == code
    assert f"error[{error.code}]: m\n  h\n" in called.err


def test_an_error_list_shows_all(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    first = InputError("config.type", "one", place=Place("design.yaml", 3, 5))
    _failing(monkeypatch, ErrorList([first, InputError("config.range", "two")]), None)
    called = call("targets")
    assert called.code == 2
    assert "design.yaml:3:5: error[config.type]: one" in called.err
    assert "error[config.range]: two" in called.err
    assert "2 errors" in called.err


@pytest.mark.parametrize(
    "error", [ZeroDivisionError("a / 0"), InternalError("internal.x", "a / 0")]
)
def test_our_bug_leaves_its_traceback_in_the_build(
    call: Call, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, error: Exception
) -> None:
    _failing(monkeypatch, error, tmp_path)
    called = call("targets")
    assert called.code == 5
    assert "internal error" in called.err
    assert "a / 0" in called.err
    assert str(tmp_path / CRASH_FILE) in called.err
    saved = (tmp_path / CRASH_FILE).read_text()
    assert "Traceback" in saved
    assert "['targets']" in saved


def test_our_bug_without_a_build_uses_a_temporary_file(
    call: Call, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    _failing(monkeypatch, RuntimeError("x"), tmp_path / "absent")
    assert call("targets").code == 5
    (saved,) = tmp_path.glob("hwflow-crash-*.txt")
    assert "RuntimeError: x" in saved.read_text()


def test_a_missing_package_is_a_missing_tool(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    _failing(monkeypatch, ModuleNotFoundError("no", name="amaranth.hdl"), None)
    called = call("targets")
    assert called.code == 3
    assert "amaranth" in called.err


def test_interrupt_is_one_line(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    _failing(monkeypatch, KeyboardInterrupt(), None)
    called = call("targets")
    assert called.code == 130
    assert called.err == "\ninterrupted; finished stages are kept\n"


def test_json_errors_are_one_object(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    place = Place("d.yaml", 2, 7)
    _failing(monkeypatch, InputError("run.input", "m", hint="h", place=place), None)
    called = call("targets", "--json")
    assert called.json == {
        "errors": [
            {"code": "run.input", "message": "m", "hint": "h", "file": "d.yaml", "line": 2,
             "column": 7}
        ],
        "exit_code": 2,
    }  # fmt: skip


def test_control_characters_of_others_are_shown_escaped(
    call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    _failing(monkeypatch, InputError("run.input", "key \x1b[2J"), None)
    called = call("targets")
    assert "\x1b" not in called.err
    assert "\\x1b[2J" in called.err


def test_a_closed_pipe_is_no_error() -> None:
    script = f"{sys.executable} -c 'from hwflow.cli.main import main; import sys; " + (
        'sys.exit(main(["schema"]))\' | head -1'
    )
    done = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=False)
    assert done.stdout == "{\n"
    assert "Traceback" not in done.stderr
    assert "BrokenPipe" not in done.stderr


def test_colour_only_on_a_terminal(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR")
    monkeypatch.setenv("TERM", "xterm")
    assert "\x1b" not in call("targets").out
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    assert "\x1b[1mtarget" in call("targets").out
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b" not in call("targets").out


def test_guard_returns_the_code_given() -> None:
    with Guard(Console(), []) as guard:
        guard.exit_code = 1
    assert guard.exit_code == 1
    assert main(["--help"]) == 0
