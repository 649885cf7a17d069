"""The worker's user errors: sent to the parent as a JSON record, never as a traceback."""

from __future__ import annotations

__all__ = ["RefusalError"]


class RefusalError(Exception):
    """A mistake in the user's model, data or settings, found inside the worker.

    Attributes:
        code: slug in the error catalogue.
        message: what was found and what was expected.
        hint: what to do.
        file: name of the user's file, when the mistake has a place in it.
        line: line in that file, from 1.
    """

    def __init__(
        self,
        code: str,
        message: str,
        *,
        hint: str = "",
        file: str | None = None,
        line: int | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.hint = hint
        self.file = file
        self.line = line

    def record(self) -> dict[str, object]:
        """The JSON record the parent reads."""
        return {
            "code": self.code,
            "message": self.message,
            "hint": self.hint,
            "file": self.file,
            "line": self.line,
        }
