"""Every error a user can meet: a code, what was found, what to do, and where.

The exit code of the command line is the error's `exit_code`; the longer explanation of each
code is in `hwflow.catalogue` (kept apart so that rewording it does not rebuild artifacts).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

__all__ = [
    "INTERRUPTED",
    "CheckFailed",
    "DiskFull",
    "ErrorList",
    "HwflowError",
    "InputError",
    "InternalError",
    "Place",
    "ToolFailed",
    "ToolMissing",
]

INTERRUPTED = 130
"""Exit code after Ctrl-C or SIGTERM (both arrive as KeyboardInterrupt)."""


@dataclass(frozen=True, slots=True)
class Place:
    """A position in a user's file; line and column count from 1, None where unknown."""

    file: str
    line: int | None = None
    column: int | None = None

    def __str__(self) -> str:
        numbers = [str(n) for n in (self.line, self.column) if n is not None]
        return ":".join([self.file, *numbers])


class HwflowError(Exception):
    """A failure with a name, a place, what was found and what to do about it."""

    exit_code: ClassVar[int] = 5

    def __init__(
        self, code: str, message: str, *, hint: str = "", place: Place | None = None
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.hint = hint
        self.place = place

    def __str__(self) -> str:
        return self.render()

    def render(self) -> str:
        """The error as text: `place: error[code]: message`, the hint on lines of its own."""
        where = f"{self.place}: " if self.place else ""
        text = f"{where}error[{self.code}]: {self.message}"
        return f"{text}\n  {self.hint}" if self.hint else text


class CheckFailed(HwflowError):  # noqa: N818
    """A verification rung or a limit of the design did not hold."""

    exit_code = 1


class InputError(HwflowError):
    """Something the user gave cannot be used."""

    exit_code = 2


class ToolMissing(HwflowError):  # noqa: N818
    """An external tool is absent or too old."""

    exit_code = 3


class ToolFailed(HwflowError):  # noqa: N818
    """An external tool returned an error, was killed or ran out of time."""

    exit_code = 4


class DiskFull(ToolFailed):
    """No space was left where hwflow or one of its tools was writing."""


class InternalError(HwflowError):
    """A mistake of ours; the message asks the user to report it."""

    exit_code = 5


class ErrorList(HwflowError):  # noqa: N818
    """Several errors found in one go, lists among them taken apart; exits like the first."""

    def __init__(self, errors: Sequence[HwflowError]) -> None:
        assert errors, "an ErrorList holds at least one error"
        first = errors[0]
        super().__init__(first.code, first.message, hint=first.hint, place=first.place)
        self.errors: tuple[HwflowError, ...] = tuple(
            each
            for error in errors
            for each in (error.errors if isinstance(error, ErrorList) else (error,))
        )

    @property
    def exit_code(self) -> int:  # type: ignore[override]
        """The exit code of the first error."""
        return self.errors[0].exit_code

    def render(self) -> str:
        """Every error, one after another, and their number."""
        lines = [error.render() for error in self.errors]
        if len(lines) > 1:
            lines.append(f"{len(lines)} errors")
        return "\n".join(lines)
