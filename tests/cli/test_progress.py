"""Progress on a terminal and elsewhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from hwflow.cli.commands.build import arguments
from hwflow.cli.console import Console
from hwflow.cli.main import COMMANDS
from hwflow.cli.progress import LineProgress, LiveProgress, watching
from hwflow.cli.table import duration, engineering, shortened, table
from hwflow.errors import CheckFailed
from hwflow.flow import StageResult

ROOT = Path(__file__).resolve().parents[2]


def _story(listener: LineProgress | LiveProgress) -> None:
    listener.stage_finished(StageResult("one", "hit"))
    listener.stage_started("two", 1, 4)
    listener.stage_progress("two", 0.5, "half")
    listener.warning("odd")
    listener.stage_finished(StageResult("two", "ran", 1.25, because=("code",)))
    listener.stage_started("three", 2, 4)
    error = CheckFailed("rung.mismatch", "m")
    listener.stage_finished(StageResult("three", "failed", 90.0, error=error))
    listener.stage_finished(StageResult("four", "pending"))


def test_one_line_per_stage(capsys: pytest.CaptureFixture[str]) -> None:
    _story(LineProgress(Console(), 4))
    assert capsys.readouterr().err == (
        "[ 1/4] one        up to date\n"
        "[ 2/4] two        \n"
        "warning: odd\n"
        "[ 2/4] two        done 1.25 s  (code changed)\n"
        "[ 3/4] three      FAILED 1 min 30 s\n"
    )


def _drawn(live: LiveProgress, width: int = 60) -> list[str]:
    from rich.console import Console as Terminal

    terminal = Terminal(width=width, color_system=None)
    with terminal.capture() as capture:
        terminal.print(live.table())
    return [line.rstrip() for line in capture.get().splitlines()]


def test_the_live_table() -> None:
    live = LiveProgress(Console(), ("one", "two", "three", "four"))
    _story(live)
    assert [line.split() for line in _drawn(live)] == [
        ["one", "up", "to", "date"],
        ["two", "done", "1.25", "s", "code", "changed"],
        ["three", "FAILED", "1", "min", "30", "s"],
        ["four", "not", "run"],
    ]


def test_the_live_table_while_running_and_stopped() -> None:
    live = LiveProgress(Console(), ("one",))
    live.stage_started("one", 0, 1)
    live.stage_progress("one", 0.25, "epoch 1 of 4 [loss] " + "x" * 80)
    (line,) = _drawn(live)
    assert line.split()[:2] == ["one", "running"]
    assert " 25%  epoch 1 of 4 [loss]" in line
    assert len(line) <= 60
    live.stop()
    assert _drawn(live)[0].split()[1] == "stopped"


def test_live_only_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    with watching(Console(), ("one",)) as listener:
        assert isinstance(listener, LineProgress)
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    with watching(Console(), ("one",)) as listener:
        assert isinstance(listener, LiveProgress)


def test_wording() -> None:
    assert [duration(s) for s in (0.004, 9.5, 12.34, 119.6)] == [
        "0.00 s", "9.50 s", "12.3 s", "2 min 00 s"
    ]  # fmt: skip
    assert [engineering(v, "Hz") for v in (40e6, 1.25e9, 12)] == ["40 MHz", "1.25 GHz", "12 Hz"]
    assert shortened("abcdefgh", 6) == "abc..."
    assert table(("a", "bb"), [("xyz", "1")], "lr") == ("a    bb", "xyz   1")


def test_the_page_on_commands_names_every_command_and_option_of_build() -> None:
    import argparse

    text = (ROOT / "docs" / "commands.md").read_text()
    for command in COMMANDS:
        assert f"hwflow {command.name}" in text
    parser = argparse.ArgumentParser(add_help=False)
    arguments(parser)
    for action in parser._actions:
        assert all(option in text for option in action.option_strings)
