"""What `hwflow doctor` shows: each tool, the version found, the version needed, the fix."""

from __future__ import annotations

from dataclasses import dataclass

from hwflow.errors import HwflowError
from hwflow.tools.identities import installed, older
from hwflow.tools.table import TOOLS, Tool

__all__ = ["Check", "checks"]


@dataclass(frozen=True, slots=True)
class Check:
    """One line of `hwflow doctor`; `fix` is what to do when `ok` is false."""

    name: str
    needed_for: str
    found_version: str | None
    minimum: str | None
    ok: bool
    fix: str
    optional: bool = False


def checks() -> tuple[Check, ...]:
    """Every tool of the table, in its order. Nothing heavy is imported."""
    return tuple(_check(tool) for tool in TOOLS)


def _check(tool: Tool) -> Check:
    try:
        found: str | None = installed(tool).version
    except HwflowError:  # absent, or it does not tell its version
        found = None
    ok = found is not None and not older(found, tool.minimum)
    return Check(tool.name, tool.needed_for, found, tool.minimum, ok, tool.fix, tool.optional)
