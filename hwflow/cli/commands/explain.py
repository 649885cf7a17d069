"""hwflow explain: what an error code means."""

from __future__ import annotations

import argparse
from dataclasses import asdict

from hwflow.cli.console import Console
from hwflow.cli.table import table

__all__ = ["arguments", "execute"]


def arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command's options."""
    parser.add_argument(
        "code", metavar="CODE", nargs="?", help="the code between the brackets of an error message"
    )
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout")


def execute(options: argparse.Namespace, console: Console) -> int:
    """Explain an error code: what happened, the usual cause, what to do; all codes without one."""
    from hwflow.catalogue import CATALOGUE, explain

    if options.code is None:
        rows = [(code, CATALOGUE[code].what) for code in sorted(CATALOGUE)]
        console.table(table(("code", "what happened"), rows))
        codes = {code: asdict(entry) for code, entry in CATALOGUE.items()}
        console.result({"codes": codes, "exit_code": 0})
        return 0
    entry = explain(options.code)
    console.show(options.code, "bold")
    console.show(f"  what    {entry.what}")
    console.show(f"  cause   {entry.cause}")
    console.show(f"  action  {entry.action}")
    console.result({"code": options.code, **asdict(entry), "exit_code": 0})
    return 0
