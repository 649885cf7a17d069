"""The boundary where every exception becomes a message and an exit code."""

from __future__ import annotations

import os
import platform
import sys
import tempfile
import traceback
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Final

from hwflow import __version__
from hwflow.cli.console import Console, error_record
from hwflow.errors import INTERRUPTED, HwflowError, InternalError, ToolMissing

__all__ = ["BROKEN_PIPE", "CRASH_FILE", "Guard"]

CRASH_FILE: Final = "crash.txt"
BROKEN_PIPE: Final = 141
"""128 + SIGPIPE: the program that read our output went away."""


class Guard:
    """A context manager that ends every command; `exit_code` is what the process returns."""

    def __init__(self, console: Console, words: Sequence[str]) -> None:
        self._console = console
        self._words = words
        self.exit_code = 0

    def __enter__(self) -> Guard:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool:
        try:
            if error is not None:
                self.exit_code = self._tell(error)
            # What is still buffered must fail here, not at the interpreter's end.
            sys.stdout.flush()
        except BrokenPipeError:
            self.exit_code = _close_stdout()
        return True

    def _tell(self, error: BaseException) -> int:
        match error:
            case SystemExit():  # argparse, after --help and --version
                return 0
            case KeyboardInterrupt():
                self._console.note("\ninterrupted; finished stages are kept")
                self._console.result({"errors": [], "exit_code": INTERRUPTED})
                return INTERRUPTED
            case BrokenPipeError():
                return _close_stdout()
        known = self._known(error)
        self._console.error(known)
        self._console.result({"errors": error_record(known), "exit_code": known.exit_code})
        return known.exit_code

    def _known(self, error: BaseException) -> HwflowError:
        if isinstance(error, HwflowError) and not isinstance(error, InternalError):
            return error
        if isinstance(error, ModuleNotFoundError) and _is_foreign(error.name):
            return ToolMissing(
                "tool.missing",
                f"the Python package {error.name} is not installed",
                hint="run `make setup`; `hwflow doctor` lists what is needed",
            )
        saved = self._save(error)
        where = f"the details are in {saved}; please report this" if saved else "please report this"
        if isinstance(error, InternalError):
            return InternalError(error.code, f"internal error: {error.message}", hint=where)
        text = str(error).strip().partition("\n")[0][:300]
        return InternalError(
            "internal.error", f"internal error: {type(error).__name__}: {text}", hint=where
        )

    def _save(self, error: BaseException) -> Path | None:
        """Write the traceback into the build folder, or a temporary file."""
        text = (
            f"hwflow {__version__}, Python {platform.python_version()}\n"
            f"arguments: {list(self._words)}\n\n"
            f"{''.join(traceback.format_exception(error))}"
        )
        folder = self._console.build_folder
        if folder is not None and folder.is_dir():
            path = folder / CRASH_FILE
            if _write(path, text):
                return path
        descriptor, name = tempfile.mkstemp(prefix="hwflow-crash-", suffix=".txt")
        os.close(descriptor)
        return Path(name) if _write(Path(name), text) else None


def _write(path: Path, text: str) -> bool:
    try:
        path.write_text(text, encoding="utf-8", errors="backslashreplace")
    except OSError:
        return False
    return True


def _is_foreign(name: str | None) -> bool:
    return name is not None and name.partition(".")[0] != "hwflow"


def _close_stdout() -> int:
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    return BROKEN_PIPE
