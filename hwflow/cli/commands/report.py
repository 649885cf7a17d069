"""hwflow report: a build's summary again."""

from __future__ import annotations

import argparse
import webbrowser
from pathlib import Path

from hwflow.cli.console import Console
from hwflow.cli.places import build_at
from hwflow.cli.summaries import HTML, read_metrics, show_summary

__all__ = ["arguments", "execute"]


def arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command's options."""
    parser.add_argument("build", metavar="BUILD", type=Path, help="the build folder")
    parser.add_argument("--open", action="store_true", help="open the HTML page in a browser")
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout")


def execute(options: argparse.Namespace, console: Console) -> int:
    """Print the summary of a build and where its HTML page is."""
    build = build_at(options.build)
    console.build_folder = build.folder
    record = read_metrics(build)
    if build.stages["report"].state == "stale":
        console.warn("the report is of an earlier build: something changed since")
    show_summary(console, build.folder)
    page = build.artifact("report") / HTML
    if options.open and not webbrowser.open(page.as_uri()):
        console.warn("no browser could be started; open the file yourself")
    path = str(build.folder / "report" / HTML)
    console.result({"metrics": record, "report": path, "exit_code": 0})
    return 0
