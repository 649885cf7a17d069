"""Verilator as hwflow uses it: lint, and compiling a wrapped design with the replay harness."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Final

from hwflow.errors import CheckFailed, ToolFailed
from hwflow.tools import find, run

__all__ = ["PREFIX", "WRAPPER_TOP", "compile_harness", "lint"]

WRAPPER_TOP: Final = "hwflow_replay"
PREFIX: Final = f"V{WRAPPER_TOP}"
_HARNESS: Final = Path(__file__).with_name("harness.cpp")
_SHOWN: Final = 10
_LINT_SECONDS: Final = 300.0
_BUILD_SECONDS: Final = 1800.0
# Split finely so that the C++ compiler's superlinear passes see small functions: a fully parallel
# net of 33k LUTs builds in seconds instead of minutes.
_FLAGS: Final = (
    "-O3",
    "--x-assign",
    "fast",
    "--output-split",
    "5000",
    "--output-split-cfuncs",
    "500",
    # Wider words than this many times 32 bits are copied by a call, not statement by statement: a
    # third of the C++ text for the contents of ROMs, and replays as fast.
    "--expand-limit",
    "2",
)
# GCC on x86 computes 16-bit values with 16-bit instructions; the constants in them stall the
# instruction decoder, and straight-line code of this size is decoded anew in every cycle. Without
# them a model runs 1.5 times as fast.
_NO_16_BIT: Final = "-mtune-ctrl=^himode_math"
# What runs once (the contents of ROMs, one statement a word) is compiled without optimization:
# of a net of a million weights it was 95% of the compiler's time.
_COLD: Final = """\
#include <verilatedos.h>
#undef VL_ATTR_COLD
#define VL_ATTR_COLD __attribute__((cold, optimize("O0")))
"""


def lint(rtl: Path, top: str, work: Path) -> None:
    """Checks that Verilator finds nothing to say about a design with `-Wall`.

    One file holding many modules is intended, so the rule that a file be named after its module is
    left out.

    Raises:
        CheckFailed: `rtl.lint` with the first warnings.
    """
    argv = (find("verilator"), "--lint-only", "-Wall", "-Wno-DECLFILENAME", "--top-module", top)
    log = work / "lint.log"
    try:
        run(
            (*argv, rtl.name),
            cwd=rtl.parent.resolve(),
            log=log.resolve(),
            timeout=_LINT_SECONDS,
            tool="verilator",
        )
    except ToolFailed as error:
        if error.code != "tool.failed":
            raise
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
        found = [line for line in lines if line.startswith("%") and ": " in line]
        warnings = [line for line in found if "Exiting due to" not in line]
        if not warnings:
            raise
        more = len(warnings) - _SHOWN
        raise CheckFailed(
            "rtl.lint",
            f"{rtl.name}: found {len(warnings)} Verilator warnings, expected none:\n"
            + "\n".join(f"  {line}" for line in warnings[:_SHOWN])
            + (f"\n  and {more} more" if more > 0 else ""),
            hint=f"the whole text is in {log.name}",
        ) from None


def _compiler() -> tuple[str, str]:
    """The compiler whose identity is known, not whatever `c++` leads to."""
    compiler = find("g++")
    return f"CXX={compiler}", f"LINK={compiler}"


def _compiler_flags(work: Path) -> str:
    """Flags for every file, the one for x86 where the compiler knows it."""
    common = "-include cold.h -O1"
    compiler = find("g++")
    log = work / "flags.log"
    try:
        run(
            (compiler, _NO_16_BIT, "-x", "c++", "-fsyntax-only", os.devnull),
            cwd=work.resolve(),
            log=log.resolve(),
            timeout=_LINT_SECONDS,
            tool="g++",
        )
    except ToolFailed as error:
        if error.code != "tool.failed":
            raise
        return common
    return f"{common} {_NO_16_BIT}"


def compile_harness(
    rtl: Path, wrapper: str, constants: str, work: Path, *, trace: bool, jobs: int = 1
) -> Path:
    """Compiles a wrapper module around `rtl` with the C++ replay harness.

    Takes the texts of the wrapper (module `hwflow_replay`) and of `constants.h`; returns the
    program's path inside `work`.

    Raises:
        ToolMissing, ToolFailed: from the tools.
    """
    objects = work / "obj"
    if objects.exists():
        shutil.rmtree(objects)
    objects.mkdir(parents=True)
    (objects / "wrapper.v").write_text(wrapper, encoding="utf-8")
    (objects / "constants.h").write_text(constants, encoding="utf-8")
    (objects / "cold.h").write_text(_COLD, encoding="utf-8")
    shutil.copyfile(_HARNESS, objects / "harness.cpp")
    shutil.copyfile(rtl, objects / "design.v")
    for needed in ("g++", "perl"):
        find(needed)
    options = ("--trace-vcd",) if trace else ()
    run(
        (
            *(find("verilator"), "--cc", "--exe", "--Mdir", ".", "-Wno-fatal", "-Wno-lint"),
            *("--prefix", PREFIX, "--top-module", WRAPPER_TOP, "-o", "replay"),
            *(*_FLAGS, "-CFLAGS", _compiler_flags(work), *options),
            *("wrapper.v", "design.v", "harness.cpp"),
        ),
        cwd=objects.resolve(),
        log=(work / "verilate.log").resolve(),
        timeout=_BUILD_SECONDS,
        tool="verilator",
    )
    # One translation unit: on one core it compiles in 60% of the time that many files with their
    # precompiled headers take, and Verilator's makefile breaks on those with some compilers.
    run(
        (find("make"), "-j", str(jobs), "-f", f"{PREFIX}.mk", "VM_PARALLEL_BUILDS=0", *_compiler()),
        cwd=objects.resolve(),
        log=(work / "compile.log").resolve(),
        timeout=_BUILD_SECONDS,
        tool="make",
    )
    return objects / "replay"
