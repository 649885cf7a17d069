"""The process that runs a compiled emulation: `python -m hwflow.backends.hls4ml.emulate JOB.json`.

Doubles in and out, one vector at a time: float32 would lose codes past 24 bits. inputs.npz beside
the job holds an array (n, elements) for each input, in hls4ml's order; found.npz gets one for
each output (out0, out1, ...) and for each layer traced, by hls4ml's name.
"""

from __future__ import annotations

import ctypes
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["main"]

Reals = npt.NDArray[np.float64]


class _Traced(ctypes.Structure):
    """hls4ml's `struct trace_data`."""

    _fields_ = (("name", ctypes.c_char_p), ("data", ctypes.c_void_p))


def main(arguments: list[str]) -> int:
    """Runs one job; returns 0."""
    job_path = Path(arguments[0])
    job = json.loads(job_path.read_text(encoding="utf-8"))
    with np.load(job_path.with_name("inputs.npz"), allow_pickle=False) as arrays:
        given = [np.ascontiguousarray(arrays[f"in{k}"]) for k in range(job["inputs"])]
    np.savez(job_path.with_name("found.npz"), **_run(job, given))  # type: ignore[arg-type]
    return 0


def _run(job: dict[str, Any], given: list[Reals]) -> dict[str, Reals]:
    library = ctypes.CDLL(job["library"])
    top = getattr(library, f"{job['top']}_double")
    top.restype, count = None, len(given[0])
    outputs = [np.zeros((count, size)) for size in job["outputs"]]
    traced = {name: np.zeros((count, size)) for name, size in job["traced"].items()}
    library.allocate_trace_storage.argtypes = (ctypes.c_size_t,)
    library.allocate_trace_storage(8)
    slots = (_Traced * max(1, job["layers"]))()
    library.collect_trace_output(slots)
    kept = [
        (traced[slot.name.decode()], slot.data)
        for slot in slots[: job["layers"]]
        if slot.name.decode() in traced
    ]
    for row in range(count):
        top(*(_at(array, row) for array in (*given, *outputs)))
        for array, data in kept:
            ctypes.memmove(array[row].ctypes.data, data, 8 * array.shape[1])
    library.free_trace_storage()
    return {**{f"out{k}": array for k, array in enumerate(outputs)}, **traced}


def _at(array: Reals, row: int) -> ctypes.c_void_p:
    return ctypes.c_void_p(array.ctypes.data + row * array.strides[0])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
