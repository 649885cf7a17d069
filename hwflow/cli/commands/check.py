"""hwflow check: what a model's file would become."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hwflow.cli.console import Console, error_record
from hwflow.cli.table import shortened, table

if TYPE_CHECKING:
    from hwflow.frontends.lowered import Finding
    from hwflow.stages.inspect import Inspection

__all__ = ["arguments", "execute"]

_HEADINGS = (
    "layer", "operations", "in", "weight", "accumulator", "range", "step", "out", "LUT parallel",
    "LUT least", "clocks",
)  # fmt: skip
_OPERATIONS_WIDTH = 26


def arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command's options."""
    parser.add_argument("model", metavar="MODEL", type=Path, help="a model's file")
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout")


def execute(options: argparse.Namespace, console: Console) -> int:
    """Show whether a model's file is exact in integers, its bit widths and estimated cost.

    Nothing is built. Every layer that has no exact integer form is told, with what to use instead.
    """
    from hwflow.frontends.lowered import RefusedError
    from hwflow.stages.inspect import inspect_model

    try:
        found = inspect_model(options.model, console.note)
    except RefusedError as refused:
        _show_refused(options.model.name, refused.findings, console)
        console.error(refused)
        layers = [_finding(finding) for finding in refused.findings]
        console.result({"errors": error_record(refused), "exit_code": refused.exit_code,
                        "exact": False, "layers": layers})  # fmt: skip
        return refused.exit_code
    _show(options.model.name, found, console)
    console.result({**found.record(), "errors": [], "exact": True, "exit_code": 0})
    return 0


def _show_refused(name: str, findings: Sequence[Finding], console: Console) -> None:
    refused = sum(1 for finding in findings if finding.errors)
    console.show(f"{name}: {refused} of {len(findings)} layers are refused", "bold")
    rows = [(f.layer, f.kind, _verdict(f)) for f in findings]
    console.table(table(("layer", "class", ""), rows))
    console.show()


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "class": finding.kind,
        "errors": [error.code for error in finding.errors],
        "layer": finding.layer,
        "verdict": _verdict(finding),
    }


def _verdict(finding: Finding) -> str:
    if finding.errors:
        return "refused"
    return "exact" if finding.reached else "not reached"


def _show(name: str, found: Inspection, console: Console) -> None:
    layers = "1 layer" if len(found.layers) == 1 else f"{len(found.layers)} layers"
    console.show(f"{name}: {layers}, all exact in integers", "bold")
    for kind, ends in (("input", found.inputs), ("output", found.outputs)):
        console.lines([f"{kind:8} {end}: {type}" for end, type in ends])
    console.show()
    rows = [_row(layer) for layer in found.layers]
    console.table(table(_HEADINGS, rows, "llrrrrrrrrr"))
    console.show()
    console.lines(tuple(_notes(found)))


def _notes(found: Inspection) -> list[str]:
    notes = [
        "bits of the widest element; the range of the accumulator is by interval analysis, in "
        "units of its step",
        f"LUTs are estimates for {found.target} before synthesis; the clocks are those of the form "
        "with the fewest",
    ]
    if found.certificates:
        notes.append(
            f"float functions replaced by integer forms, each proven at all its steps: "
            f"{found.certificates}"
        )
    if found.wide:
        notes.append(f"float32 could round in {', '.join(found.wide)}: checked in float64")
    return notes


def _row(layer: Mapping[str, Any]) -> tuple[str, ...]:
    cost = layer["cost"]
    parallel, least, clocks = "-", "-", "-"
    if cost:
        parallel, least = (f"{cost[kind]['luts']:,}" for kind in ("parallel", "smallest"))
        clocks = f"{cost['smallest']['cycles']:,}"
    bounds = layer["range"]
    return (
        layer["layer"],
        shortened(" ".join(dict.fromkeys(layer["operations"])), _OPERATIONS_WIDTH),
        str(layer["inputs"]),
        str(layer["weights"] or "-"),
        str(layer["accumulator"] or "-"),
        f"[{bounds[0]}, {bounds[1]}]" if bounds else "-",
        f"2^{layer['step']}" if bounds else "-",
        str(layer["outputs"]),
        parallel,
        least,
        clocks,
    )
