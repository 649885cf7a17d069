"""hwflow doctor: the tools and cell libraries on this machine."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from hwflow.cli.console import Console
from hwflow.cli.table import table
from hwflow.errors import ToolMissing

if TYPE_CHECKING:
    from hwflow.tools import Check

__all__ = ["arguments", "execute"]


def arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command's options."""
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout")
    parser.add_argument(
        "--fix", action="store_true", help="fetch the known cell libraries that are missing"
    )


def execute(options: argparse.Namespace, console: Console) -> int:
    """Check every tool: version found, version needed, and what to do where it is missing.

    Exit code 3 if a tool is missing or too old, optional ones apart; `--fix` fetches libraries into
    the user's cache and installs nothing.
    """
    from hwflow.tools import checks

    if options.fix:
        _fetch(console)
    found = (*checks(), *_libraries())
    rows = [
        (check.name, _state(check), check.found_version or "-", check.minimum or "-",
         check.needed_for)
        for check in found
    ]  # fmt: skip
    console.table(table(("tool", "state", "found", "needed", "used for"), rows))
    lacking = [check for check in found if not check.ok]
    needed = [check for check in lacking if not check.optional]
    for check in lacking:
        console.show(f"{check.name}: {check.fix}", "" if check.optional else "red")
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
                    "optional": check.optional,
                    "fix": check.fix,
                }
                for check in found
            ],
            "exit_code": code,
        }
    )
    return code


def _fetch(console: Console) -> None:
    from hwflow.asic.libraries import KNOWN, fetch, installed

    for known in KNOWN:
        if installed(known) is None:
            console.show(f"{known.name}: fetching the package {known.package}")
            fetch(known.name)


def _libraries() -> tuple[Check, ...]:
    """The cell libraries known by name."""
    from hwflow.asic.libraries import KNOWN, installed
    from hwflow.tools import Check

    return tuple(
        Check(
            known.name,
            f"target: asic ({known.what})",
            None if installed(known) is None else "library",
            None,
            installed(known) is not None,
            "hwflow doctor --fix",
            optional=True,
        )
        for known in KNOWN
    )


def _state(check: Check) -> str:
    if check.ok:
        return "ok"
    word = "missing" if check.found_version is None else "too old"
    return f"{word} (optional)" if check.optional else word
