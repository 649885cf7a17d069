"""A user's Python file: imported and called so that a mistake in it is one line with its place.

Worker process only.
"""

from __future__ import annotations

import difflib
import importlib.util
import sys
import traceback
from pathlib import Path
from types import ModuleType, TracebackType
from typing import Any

from hwflow.errors import HwflowError
from hwflow.train.refusal import RefusalError

__all__ = ["UserFile"]


class UserFile:
    """The functions of one file.

    Args:
        path: the file.
        code: the error code of what goes wrong in it.
        role: what its functions are, as in "the model builder".

    Raises:
        RefusalError: `code`, when the file cannot be imported.
    """

    def __init__(self, path: Path, code: str, role: str) -> None:
        self._path, self._code, self._role = path, code, role
        with _UserCode(self):
            self._module = _import(path)

    @property
    def name(self) -> str:
        """The file's name."""
        return self._path.name

    def has(self, function: str) -> bool:
        """Whether the file defines `function`."""
        return callable(getattr(self._module, function, None))

    def call(self, function: str, *arguments: object) -> Any:
        """What `function(*arguments)` returns.

        Raises:
            RefusalError: when there is no such function, or it raises.
        """
        if not self.has(function):
            raise self._unknown(function)
        with _UserCode(self):
            return getattr(self._module, function)(*arguments)

    def refusal(self, message: str, hint: str = "", line: int | None = None) -> RefusalError:
        """A mistake in the file, ready to be raised."""
        return RefusalError(self._code, message, hint=hint, file=self.name, line=line)

    def raised(self, error: BaseException, trace: TracebackType | None) -> RefusalError:
        """What its code raised, with the line; an error of hwflow keeps its code and hint."""
        line = self._line(error, trace)
        if isinstance(error, HwflowError):
            return RefusalError(
                error.code, error.message, hint=error.hint, file=self.name, line=line
            )
        text = f"{type(error).__name__}: {_first_line(error)}"
        return self.refusal(text, f"{self._role} raised this while hwflow was calling it", line)

    def _line(self, error: BaseException, trace: TracebackType | None) -> int | None:
        if isinstance(error, SyntaxError) and error.filename == str(self._path):
            return error.lineno
        frames = traceback.extract_tb(trace)
        lines = [frame.lineno for frame in frames if frame.filename == str(self._path)]
        return lines[-1] if lines else None

    def _unknown(self, function: str) -> RefusalError:
        names = sorted(name for name in vars(self._module) if self.has(name))
        local = [name for name in names if self._is_local(name)]
        close = difflib.get_close_matches(function, local, n=1)
        hint = f"did you mean {close[0]!r}?" if close else f"it defines {', '.join(local)}"
        return self.refusal(f"no function {function!r}", hint)

    def _is_local(self, name: str) -> bool:
        return getattr(getattr(self._module, name), "__module__", "") == self._module.__name__


def _import(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("hwflow_user_model", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    sys.dont_write_bytecode = True
    spec.loader.exec_module(module)
    return module


class _UserCode:
    """Turns whatever the user's code raises into a RefusalError with file and line."""

    def __init__(self, file: UserFile) -> None:
        self._file = file

    def __enter__(self) -> None:
        return None

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is None or isinstance(error, KeyboardInterrupt):
            return
        raise self._file.raised(error, trace) from None


def _first_line(error: BaseException) -> str:
    lines = [line for line in str(error).splitlines() if line.strip()]
    return lines[0] if lines else "(no message)"
