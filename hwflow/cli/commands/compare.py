"""hwflow compare: two builds side by side."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from hwflow.cli.console import Console
from hwflow.cli.places import build_at
from hwflow.cli.summaries import number, read_metrics
from hwflow.cli.table import table

__all__ = ["arguments", "compared", "execute"]


def arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command's options."""
    parser.add_argument("a", metavar="A", type=Path, help="a build folder")
    parser.add_argument("b", metavar="B", type=Path, help="another one")
    parser.add_argument("--all", action="store_true", help="equal figures and layers as well")
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout")


def execute(options: argparse.Namespace, console: Console) -> int:
    """Show the figures of two builds side by side; the ratio is B over A."""
    first, second = build_at(options.a), build_at(options.b)
    rows = list(compared(read_metrics(first), read_metrics(second)))
    shown = [row for row in rows if options.all or ("/" not in row[0] and row[1] != row[2])]
    console.show(f"A  {first.design} in {first.folder}")
    console.show(f"B  {second.design} in {second.folder}")
    console.show()
    if shown:
        headings = ("figure", "A", "B", "B/A", "unit", "kind")
        console.table(table(headings, [_texts(*row) for row in shown], "lrrr"))
    else:
        console.show("no figure differs")
    hidden = len(rows) - len(shown)
    if hidden:
        console.show(f"({hidden} figures equal or of single layers; --all shows them)")
    figures = {row[0]: {"a": row[1], "b": row[2], "unit": row[3]} for row in rows}
    console.result({"a": str(first.folder), "b": str(second.folder), "figures": figures,
                    "exit_code": 0})  # fmt: skip
    return 0


Row = tuple[str, float | None, float | None, str, str]


def compared(first: Mapping[str, Any], second: Mapping[str, Any]) -> Iterator[Row]:
    """Every figure of either: name, the two values, unit and kind (of both, where they differ)."""
    ours, theirs = _flat(first), _flat(second)
    for name in sorted({*ours, *theirs}, key=lambda name: ("/" in name, name)):
        a, b = ours.get(name), theirs.get(name)
        known = [figure for figure in (a, b) if figure is not None]
        kinds = "/".join(dict.fromkeys(figure["kind"] for figure in known))
        values = (figure["value"] if figure else None for figure in (a, b))
        yield (name, *values, known[0]["unit"], kinds)


def _flat(record: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Figures by name; those of a layer as name/layer."""
    figures = dict(record["figures"])
    for layer in record.get("layers", ()):
        for name, figure in layer.get("figures", {}).items():
            figures[f"{name}/{layer['name']}"] = figure
    return figures


def _texts(name: str, a: float | None, b: float | None, unit: str, kind: str) -> tuple[str, ...]:
    shown = [number(value) if value is not None else "-" for value in (a, b)]
    ratio = f"{b / a:.3f}" if a and b is not None else ""
    return (name, *shown, ratio, unit, kind)
