"""Where text goes: results to stdout, the rest to stderr; with --json stdout holds JSON alone."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from hwflow.errors import ErrorList, HwflowError

__all__ = ["Console", "coloured", "error_record"]

_STYLES = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33"}
_PLAIN = ("cli.", "explain.", "init.", "internal.")
"""Errors whose text says it all."""


@dataclass(slots=True)
class Console:
    """The output of one command.

    `build_folder` is set by commands that work on a build: a crash report is kept there. `done`
    says that the JSON result was printed.
    """

    json: bool = False
    build_folder: Path | None = None
    done: bool = False

    def show(self, text: str = "", style: str = "") -> None:
        """A line of the result for people; goes to stderr with --json."""
        self._write(sys.stderr if self.json else sys.stdout, text, style)

    def lines(self, lines: Sequence[str]) -> None:
        """Several lines of the result; the first one of a table is its heading."""
        for line in lines:
            self.show(line)

    def table(self, lines: Sequence[str]) -> None:
        """A table made by `hwflow.cli.table`: its heading bold."""
        for index, line in enumerate(lines):
            self.show(line, "" if index else "bold")

    def note(self, text: str, style: str = "") -> None:
        """A line beside the result."""
        self._write(sys.stderr, text, style)

    def warn(self, text: str) -> None:
        """Something worth a look that stops nothing."""
        self.note(f"warning: {_safe(text)}", "yellow")

    def error(self, error: HwflowError) -> None:
        """All that an error says, and where to read more."""
        sys.stdout.flush()
        for each in error.errors if isinstance(error, ErrorList) else (error,):
            head, newline, hint = _safe(each.render()).partition("\n")
            self.note(head, "red")
            if newline:
                self.note(hint)
        if isinstance(error, ErrorList) and len(error.errors) > 1:
            self.note(f"{len(error.errors)} errors")
        if not error.code.startswith(_PLAIN):
            self.note(f"(`hwflow explain {error.code}` tells more)", "dim")

    def result(self, record: object) -> None:
        """The one JSON object of --json; nothing otherwise."""
        if self.json and not self.done:
            self.done = True
            text = json.dumps(record, indent=1, sort_keys=True, allow_nan=False)
            sys.stdout.write(text + "\n")
            sys.stdout.flush()

    def _write(self, stream: TextIO, text: str, style: str) -> None:
        if style and text and coloured(stream):
            text = f"\x1b[{_STYLES[style]}m{text}\x1b[0m"
        stream.write(text + "\n")
        stream.flush()


def coloured(stream: TextIO) -> bool:
    """Colour only on a terminal that takes it, and not where the user asks for none."""
    wanted = not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    return wanted and stream.isatty()


def error_record(error: HwflowError) -> list[dict[str, object]]:
    """An error, or each of a list, as plain data."""
    errors = error.errors if isinstance(error, ErrorList) else (error,)
    return [
        {
            "code": each.code,
            "message": each.message,
            "hint": each.hint,
            "file": each.place.file if each.place else None,
            "line": each.place.line if each.place else None,
            "column": each.place.column if each.place else None,
        }
        for each in errors
    ]


def _safe(text: str) -> str:
    """Control characters of a user's file or of a tool must not steer the terminal."""
    return "".join(
        c if c in "\n\t" or c.isprintable() else c.encode("unicode_escape").decode() for c in text
    )
