"""Watching a build: a live table on a terminal, one line per stage elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hwflow.cli.console import Console, coloured
from hwflow.cli.table import duration

if TYPE_CHECKING:
    from rich.table import Table

    from hwflow.flow import Listener, StageResult

__all__ = ["STATES", "LineProgress", "watching"]

STATES = {
    "hit": "up to date",
    "kept": "kept",
    "ran": "done",
    "failed": "FAILED",
    "pending": "not run",
}
"""The engine's word for how a stage went, and ours."""

_COLOURS = {
    "up to date": "dim",
    "kept": "dim",
    "done": "green",
    "FAILED": "bold red",
    "stopped": "red",
}


@contextmanager
def watching(console: Console, names: Sequence[str]) -> Iterator[Listener]:
    """A listener on stderr for a build of the stages `names`."""
    stream = sys.stderr
    if not (stream.isatty() and coloured(stream)):
        progress = LineProgress(console, len(names))
        try:
            yield progress
        finally:
            progress.end_line()
        return
    from rich.console import Console as Terminal
    from rich.live import Live

    live = LiveProgress(console, names)
    terminal = Terminal(file=stream, highlight=False)
    with Live(console=terminal, get_renderable=live.table, refresh_per_second=8) as display:
        live.terminal = terminal
        try:
            yield live
        finally:
            live.stop()
            display.refresh()


@dataclass(slots=True)
class LineProgress:
    """One line per stage: its start at once, its end when it is known."""

    console: Console
    total: int
    seen: int = 0
    opened: bool = False

    def stage_started(self, name: str, index: int, total: int) -> None:
        self._write(f"[{index + 1:2}/{total}] {name:10} ")
        self.opened = True

    def stage_progress(self, name: str, fraction: float, text: str) -> None: ...

    def stage_finished(self, result: StageResult) -> None:
        self.seen += 1
        if result.status == "pending":
            self.end_line()
            return
        if not self.opened:
            self._write(f"[{self.seen:2}/{self.total}] {result.name:10} ")
        took = f" {duration(result.seconds)}" if result.status in ("ran", "failed") else ""
        because = f"  ({', '.join(result.because)} changed)" if result.because else ""
        self._write(f"{STATES[result.status]}{took}{because}")
        self.opened = True
        self.end_line()

    def warning(self, text: str) -> None:
        self.end_line()
        self.console.warn(text)

    def end_line(self) -> None:
        """Finish a line that is still open."""
        if self.opened:
            self._write("\n")
            self.opened = False

    def _write(self, text: str) -> None:
        sys.stderr.write(text)
        sys.stderr.flush()


@dataclass(slots=True)
class _Row:
    state: str = "waiting"
    seconds: float | None = None
    text: str = ""


@dataclass(slots=True)
class LiveProgress:
    """A table of all stages, drawn again several times a second."""

    console: Console
    names: Sequence[str]
    rows: dict[str, _Row] = field(default_factory=dict)
    running: str | None = None
    since: float = 0.0
    terminal: object = None

    def __post_init__(self) -> None:
        self.rows = {name: _Row() for name in self.names}

    def stage_started(self, name: str, index: int, total: int) -> None:
        self.running, self.since = name, time.monotonic()
        self.rows[name].state = "running"

    def stage_progress(self, name: str, fraction: float, text: str) -> None:
        percent = f"{100 * fraction:3.0f}%  " if fraction > 0 else ""
        self.rows[name].text = f"{percent}{text}"

    def stage_finished(self, result: StageResult) -> None:
        row = self.rows[result.name]
        self.running = None
        row.state = STATES[result.status]
        row.seconds = result.seconds if result.status in ("ran", "failed") else None
        row.text = f"{', '.join(result.because)} changed" if result.because else ""

    def warning(self, text: str) -> None:
        from rich.console import Console as Terminal

        if isinstance(self.terminal, Terminal):
            self.terminal.print(f"warning: {text}", style="yellow", markup=False)

    def stop(self) -> None:
        """Nothing runs any more, whatever was running."""
        if self.running is not None:
            row = self.rows[self.running]
            row.state, row.seconds = "stopped", time.monotonic() - self.since
            self.running = None

    def table(self) -> Table:
        """The table as it is now."""
        from rich.table import Table
        from rich.text import Text

        table = Table(box=None, pad_edge=False, show_header=False, expand=True)
        # Widths are fixed: a long text must not squeeze the other columns.
        table.add_column(no_wrap=True, width=max(map(len, self.names)))
        table.add_column(no_wrap=True, width=len("up to date"))
        table.add_column(no_wrap=True, width=len("99 min 59 s"), justify="right")
        table.add_column(no_wrap=True, overflow="ellipsis", ratio=1)
        for name, row in list(self.rows.items()):
            running = name == self.running
            seconds = time.monotonic() - self.since if running else row.seconds
            style = "bold" if running else _COLOURS.get(row.state, "dim")
            table.add_row(
                Text(name, style="bold" if running else ""),
                Text(row.state, style=style),
                duration(seconds) if seconds is not None else "",
                Text(row.text, style="" if running else "dim"),
            )
        return table
