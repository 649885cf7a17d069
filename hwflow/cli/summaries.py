"""A build's figures on the terminal, as the stage report wrote them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from hwflow.cli.console import Console
from hwflow.cli.table import table
from hwflow.errors import InputError
from hwflow.flow import Build, open_build

if TYPE_CHECKING:
    from hwflow.config import DesignConfig

__all__ = ["HTML", "number", "read_metrics", "show_summary", "summary_lines"]

HTML: Final = "report.html"
_METRICS: Final = "metrics.json"
_SUMMARY: Final = "summary.txt"


def read_metrics(build: Build) -> dict[str, Any]:
    """The figures of a build.

    Raises:
        InputError: "build.missing" where there is no report, "build.report" if it is not readable.
    """
    path = build.artifact("report") / _METRICS
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        if isinstance(record, dict) and isinstance(record["figures"], dict):
            return record
    except (OSError, ValueError, KeyError):
        pass
    raise InputError(
        "build.report",
        f"{build.folder / 'report' / _METRICS} cannot be read",
        hint="run `hwflow build --force report`",
    )


def show_summary(console: Console, folder: Path, config: DesignConfig | None = None) -> None:
    """The summary's lines and where the HTML page is; `config` is the design's, where known."""
    build = open_build(folder)
    head, *rest = summary_lines(build) if config is None else _summarized(build, config)
    console.show(head, "bold")
    console.lines(rest)
    console.show(f"report      {folder / 'report' / HTML}")


def _summarized(build: Build, config: DesignConfig) -> tuple[str, ...]:
    from hwflow.report import collect, summary

    # What the report was made of, not whatever an earlier pipeline left in the folder.
    parts = build.stages["report"].parts if "report" in build.stages else {}
    stages = [name.removeprefix("input ") for name in parts if name.startswith("input ")]
    return summary(collect({name: build.artifact(name) for name in stages}, config))


def summary_lines(build: Build) -> tuple[str, ...]:
    """The text that the report keeps; all figures where it keeps none."""
    text = build.artifact("report") / _SUMMARY
    if text.is_file():
        return tuple(text.read_text(encoding="utf-8").splitlines())
    record = read_metrics(build)
    rows = [_row(name, figure) for name, figure in sorted(record["figures"].items())]
    head = f"{build.design}: {record.get('verdict', 'not verified')}"
    return (head, *table(("figure", "value", "unit", "kind"), rows, "lrll"))


def number(value: float) -> str:
    """A figure as people read it: whole numbers in groups, others to four digits."""
    return f"{value:,}" if isinstance(value, int) else f"{value:,.4g}"


def _row(name: str, figure: Mapping[str, Any]) -> tuple[str, str, str, str]:
    return name, number(figure["value"]), figure["unit"], figure["kind"]
