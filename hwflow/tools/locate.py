"""Finding a tool on this machine."""

from __future__ import annotations

import importlib.metadata
import shutil
import sys
import sysconfig
from pathlib import Path

from hwflow.errors import ToolMissing
from hwflow.tools.table import Tool, tool_named

__all__ = ["distribution_of", "find", "missing"]


def find(tool: str) -> Path:
    """The program to start for a tool of the table.

    For wheels without a program of their own (pyosys) this is the Python interpreter.

    Raises:
        ToolMissing: "tool.missing", with the command that installs it.
    """
    entry = tool_named(tool)
    if entry.kind == "interpreter":
        return Path(sys.executable)
    found = _wheel_program(entry) if entry.kind == "wheel" else _on_path(entry.name)
    if found is None:
        raise missing(entry)
    return found


def missing(entry: Tool) -> ToolMissing:
    """The error that says what the absent tool is for and how to install it."""
    return ToolMissing(
        "tool.missing",
        f"{entry.name} is not installed; found none, expected {entry.minimum} or newer",
        hint=f"it is needed for {entry.needed_for}: {entry.fix}",
    )


def distribution_of(entry: Tool) -> importlib.metadata.Distribution | None:
    """The installed distribution of a wheel, read from its metadata without importing it."""
    try:
        return importlib.metadata.distribution(entry.distribution)
    except importlib.metadata.PackageNotFoundError:
        return None


def _wheel_program(entry: Tool) -> Path | None:
    distribution = distribution_of(entry)
    if distribution is None:
        return None
    if not entry.program:
        return Path(sys.executable)
    if "/" in entry.program:
        path = Path(str(distribution.locate_file(entry.program)))
        return path if path.is_file() else None
    script = Path(sysconfig.get_path("scripts")) / entry.program
    return script if script.is_file() else _on_path(entry.program)


def _on_path(name: str) -> Path | None:
    found = shutil.which(name)
    return Path(found) if found else None
