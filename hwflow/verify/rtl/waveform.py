"""Waveforms of single vectors, and reading from them when each bus settles."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from hwflow.errors import InputError
from hwflow.plan.streams import Interface
from hwflow.verify.rtl.replay import Replay, build_replay

__all__ = ["settle_cycles", "trace", "trace_vector"]

_HARNESS_SCOPE: Final = "TOP.hwflow_replay"
_DESIGN_SCOPE: Final = f"{_HARNESS_SCOPE}.dut"
_Changes = Sequence[tuple[int, int]]


def trace(
    rtl: Path,
    interface: Interface,
    vectors: Mapping[str, npt.NDArray[np.uint8]],
    index: int,
    work: Path,
    *,
    jobs: int = 1,
) -> Path:
    """Builds the design with tracing and runs vector `index`; see `trace_vector`.

    Raises:
        InputError: `trace.index` where there is no such vector.
        CheckFailed, ToolMissing, ToolFailed: as `build_replay` and `Replay.run`.
    """
    _chosen(interface, vectors, index)
    replay = build_replay(rtl, interface, work, trace=True, jobs=jobs)
    return trace_vector(replay, interface, vectors, index)


def trace_vector(
    replay: Replay,
    interface: Interface,
    vectors: Mapping[str, npt.NDArray[np.uint8]],
    index: int,
) -> Path:
    """Runs vector `index` alone, after reset, and returns the path of its VCD.

    `replay` was built with `trace=True`; `vectors` hold beats per input tensor as for `Replay.run`.
    After its last beat the input data stay, so that a pipeline without state settles. A time step
    is half a clock cycle; the file is reproducible to the byte.

    Raises:
        InputError: `trace.index` where there is no such vector.
        CheckFailed: as `Replay.run`; the VCD of the failing run is kept, too.
    """
    name = f"vector_{index}.vcd"
    replay.run_traced(_chosen(interface, vectors, index), name)
    return replay.work / name


def settle_cycles(vcd: Path, signals: Mapping[str, int]) -> dict[str, int | None]:
    """Tells when each bus takes its expected value, for the last time if it does so repeatedly.

    `signals` maps a path below the design's top (`u_conv.out_data_o`) to the expected integer
    (negative ones in two's complement of the bus). The result counts clock cycles from the edge
    that accepts the first input beat, as a latency does: 0 for a function of the inputs alone, 1
    behind one register; None where the bus never takes that value. Behind a line buffer the value
    does not stay: the buffer already moves on to the next tensor's padding.

    Raises:
        InputError: `trace.file` or `trace.signal` where there is no such waveform or path.
    """
    import pywellen  # starts threads on import; needed for traces only

    if not vcd.is_file():
        raise InputError(
            "trace.file", f"found no waveform {vcd.name}", hint="run the trace of a vector first"
        )
    variables = {str(v.full_name): v for v in pywellen.Waveform(str(vcd)).all_vars()}
    start = _accept_cycle(variables)
    result: dict[str, int | None] = {}
    for path, expected in signals.items():
        variable = variables.get(f"{_DESIGN_SCOPE}.{path}")
        if variable is None:
            raise InputError(
                "trace.signal",
                f"{vcd.name}: found no signal {path} in the design",
                hint="give the path below the top module, instance names joined by dots",
            )
        bits = int(variable.bitwidth)
        settled = _settled(_changes(variable), expected % (1 << bits))
        # Edge c is written at time 2c + 1, and what it writes is seen by the next one.
        result[path] = None if settled is None else max(0, (settled + 1) // 2 - start)
    return result


def _chosen(
    interface: Interface, vectors: Mapping[str, npt.NDArray[np.uint8]], index: int
) -> dict[str, npt.NDArray[np.uint8]]:
    chosen: dict[str, npt.NDArray[np.uint8]] = {}
    for group in interface.inputs:
        beats, size = vectors[group.tensor], group.stream.beats
        if not 0 <= index < len(beats) // size:
            raise InputError(
                "trace.index",
                f"{group.tensor}: found vector index {index}, expected 0..{len(beats) // size - 1}",
                hint="count vectors from 0",
            )
        chosen[group.tensor] = beats[index * size : (index + 1) * size]
    return chosen


def _settled(changes: _Changes, expected: int) -> int | None:
    """When the bus last began to hold the expected value."""
    since: int | None = None
    holds = False
    for time, value in changes:
        if value == expected and not holds:
            since = time
        holds = value == expected
    return since


def _accept_cycle(variables: Mapping[str, Any]) -> int:
    """The cycle of the first handshake on any input."""
    found: list[int] = []
    index = 0
    while f"{_HARNESS_SCOPE}.held_in{index}_valid" in variables:
        valid = _changes(variables[f"{_HARNESS_SCOPE}.held_in{index}_valid"])
        ready = _changes(variables[f"TOP.in{index}_ready"])
        cycles = sorted({(time + 1) // 2 for time, _ in (*valid, *ready)})
        found += [c for c in cycles if _at(valid, 2 * c) and _at(ready, 2 * c)][:1]
        index += 1
    assert found, "a trace contains at least one accepted beat"
    return min(found)


def _at(changes: _Changes, time: int) -> int:
    index = bisect_right(changes, time, key=lambda change: change[0]) - 1
    return changes[index][1] if index >= 0 else 0


def _changes(variable: Any) -> _Changes:
    # One-bit signals come as integers, wide ones too; four-state text does not occur here.
    return [(int(time), int(value)) for time, value in variable.tv]
