"""Compiling a generated circuit with its harness, and calling it through ctypes."""

from __future__ import annotations

import ctypes
import hashlib
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from hwflow.errors import ToolFailed
from hwflow.tools import find, run

__all__ = ["DONE", "SPLIT", "STREAMS", "Bench", "Library", "Port", "compile_library"]

STREAMS: Final = 64
DONE: Final = 1
SPLIT: Final = 2
_HARNESS: Final = Path(__file__).with_name("harness.c")
_OPTIMIZED_STATEMENTS: Final = 12_000
"""Up to this many statements the optimizer pays: 3x the speed for a few seconds of compiling."""

Words = npt.NDArray[np.uint64]


class Port(ctypes.Structure):
    """Mirror of `port` in harness.c."""

    _fields_ = (
        ("rows", ctypes.c_void_p),
        ("vectors", ctypes.c_int64),
        ("vector_step", ctypes.c_int64),
        ("stream_step", ctypes.c_int64),
        ("beats", ctypes.c_int32),
        ("bytes", ctypes.c_int32),
        ("bits", ctypes.c_int32),
        ("valid", ctypes.c_int32),
        ("ready", ctypes.c_int32),
        ("last", ctypes.c_int32),
        ("data", ctypes.c_void_p),
        ("position", ctypes.c_int64 * STREAMS),
        ("first_beat", ctypes.c_void_p),
        ("late_last", ctypes.c_int64),
    )


class Bench(ctypes.Structure):
    """Mirror of `bench` in harness.c."""

    _fields_ = (
        ("inputs", ctypes.c_void_p),
        ("outputs", ctypes.c_void_p),
        ("n_inputs", ctypes.c_int32),
        ("n_outputs", ctypes.c_int32),
        ("reset", ctypes.c_int32),
        ("reset_level", ctypes.c_int32),
        ("reset_cycles", ctypes.c_int32),
        ("strict", ctypes.c_int32),
        ("cycle", ctypes.c_int64),
        ("limit", ctypes.c_int64),
        ("watched", ctypes.c_void_p),
        ("n_watched", ctypes.c_int32),
        ("trace", ctypes.c_void_p),
        ("toggles", ctypes.c_void_p),
        ("before", ctypes.c_void_p),
        ("split_output", ctypes.c_int32),
        ("split_port", ctypes.c_int32),
        ("load", ctypes.c_void_p),
        ("n_load", ctypes.c_int64),
        ("load_slots", ctypes.c_void_p),
        ("n_load_slots", ctypes.c_int32),
        ("spacing", ctypes.c_int64),
    )


class Library:
    """A compiled circuit. Its nets are static: one replay at a time."""

    def __init__(self, path: Path, faults: int) -> None:
        try:
            self.calls = ctypes.CDLL(str(path))
        except OSError:
            raise ToolFailed(
                "netlist.library",
                f"the compiled simulator {path.name} cannot be loaded",
                hint="delete it and run again",
            ) from None
        self.calls.hw_faults.restype = ctypes.POINTER(ctypes.c_uint64)
        self.calls.hw_step.argtypes = (ctypes.POINTER(Bench), ctypes.c_int64)
        self._faults = faults
        self.size = int(self.calls.hw_size())

    def set_faults(self, masks: Words) -> None:
        """Activate faults: bit j of `masks[i]` puts fault i into stream j."""
        assert masks.shape == (self._faults,)
        assert masks.dtype == np.uint64
        for index in range(self._faults):
            self.calls.hw_faults()[index] = int(masks[index])

    def run(self, bench: Bench, steps_per_call: int = 20_000) -> int:
        """Reset, then run to the end or the limit; returns the harness' status.

        Python is entered again every few thousand cycles, so that Ctrl-C works.
        """
        self.calls.hw_begin(ctypes.byref(bench))
        status = 0
        while status == 0 and bench.cycle < bench.limit:
            status = int(self.calls.hw_step(ctypes.byref(bench), steps_per_call))
        return status


def compile_library(
    source: str, statements: int, faults: int, work: Path, more: str = ""
) -> Library:
    """Compile generated C and the harness, with `more` behind it, into `work`; load the result.

    The file is named by the digest of what it was made from: an equal one is not built again.

    Raises:
        ToolMissing, ToolFailed: gcc is absent or failed.
    """
    work.mkdir(parents=True, exist_ok=True)
    level = "-O1" if statements <= _OPTIMIZED_STATEMENTS else "-O0"
    harness = _HARNESS.read_text(encoding="utf-8") + more
    digest = hashlib.sha256("\0".join((source, harness, level)).encode()).hexdigest()[:16]
    library = work / f"netlist_{digest}.so"
    if not library.is_file():
        (work / "circuit.c").write_text(source, encoding="utf-8")
        (work / "harness.c").write_text(harness, encoding="utf-8")
        _gcc(work, "circuit", level, "-c", "circuit.c", "-o", "circuit.o")
        _gcc(work, "harness", "-O2", "-c", "harness.c", "-o", "harness.o")
        partial = library.with_suffix(".partial")
        _gcc(work, "link", "-shared", "circuit.o", "harness.o", "-o", partial.name)
        partial.replace(library)
    return Library(library, faults)


def _gcc(work: Path, step: str, *arguments: str) -> None:
    run(
        (find("gcc"), "-fPIC", "-w", *arguments),
        cwd=work,
        log=work / f"gcc_{step}.log",
        timeout=1800.0,
        tool="gcc",
    )
