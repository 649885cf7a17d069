"""hwflow doctor: the tools on this machine."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from hwflow.cli.console import Console
from hwflow.cli.table import table
from hwflow.errors import ToolMissing

if TYPE_CHECKING:
    from hwflow.tools import Check

__all__ = ["arguments", "execute"]

_OPTIONAL = "place and route"
"""Tools for this are used only where a design asks for it."""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command's options."""
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout")


def execute(options: argparse.Namespace, console: Console) -> int:
    """Check every tool: version found, version needed, and what to do where it is missing.

    Exit code 3 if a tool is missing or too old; those for place and route are optional.
    """
    from hwflow.tools import checks

    found = checks()
    rows = [
        (check.name, _state(check), check.found_version or "-", check.minimum or "-",
         check.needed_for)
        for check in found
    ]  # fmt: skip
    console.table(table(("tool", "state", "found", "needed", "used for"), rows))
    lacking = [check for check in found if not check.ok]
    needed = [check for check in lacking if _needed(check)]
    for check in lacking:
        console.show(f"{check.name}: {check.fix}", "red" if _needed(check) else "")
    code = ToolMissing.exit_code if needed else 0
    console.show("everything needed is here" if not needed else f"{len(needed)} to be installed")
    console.result(
        {
            "tools": [
                {
                    "name": check.name,
                    "found": check.found_version,
                    "minimum": check.minimum,
                    "needed_for": check.needed_for,
                    "ok": check.ok,
                    "optional": not _needed(check),
                    "fix": check.fix,
                }
                for check in found
            ],
            "exit_code": code,
        }
    )
    return code


def _needed(check: Check) -> bool:
    return not check.needed_for.startswith(_OPTIONAL)


def _state(check: Check) -> str:
    if check.ok:
        return "ok"
    word = "missing" if check.found_version is None else "too old"
    return word if _needed(check) else f"{word} (optional)"
