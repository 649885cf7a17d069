"""hwflow targets: the devices a design can be built for."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from typing import TYPE_CHECKING

from hwflow.cli.console import Console
from hwflow.cli.table import table

if TYPE_CHECKING:
    from hwflow.plan.targets import Target

__all__ = ["arguments", "execute"]

_ROUTED = ("ice40", "ecp5")


def arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command's options."""
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout")


def execute(options: argparse.Namespace, console: Console) -> int:
    """List the targets for `hardware.target`, and what each device holds."""
    from hwflow.plan.targets import TARGETS

    headings = ("target", "family", "LUTs", "inputs", "flip-flops", "DSP", "block RAM", "Fmax")
    console.table(table(headings, [_row(target) for target in TARGETS], "llrrrrr"))
    console.result({"targets": [asdict(target) for target in TARGETS], "exit_code": 0})
    return 0


def _row(target: Target) -> tuple[str, ...]:
    if target.family == "asic":
        return target.name, "cells", *("-",) * 5, "static timing"
    held = target.resources
    counts = (held.lut, held.ff, held.dsp, held.bram) if held else ()
    lut, ff, dsp, bram = (f"{count:,}" for count in counts) if counts else ("any",) * 4
    clock = "place and route" if target.family in _ROUTED else "estimated"
    return target.name, target.family, lut, str(target.lut_inputs), ff, dsp, bram, clock
