"""Waveforms of gate-level netlists: what toggles in a clock cycle, with glitches or without.

The engine (waves.c) runs 64 streams at a time. With delays it is an inertial-delay simulation of
each cycle; without, every net changes at most once a cycle.
"""

from __future__ import annotations

import ctypes
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from hwflow.errors import InputError, InternalError
from hwflow.tools import find, run

__all__ = ["MOST_PINS", "STREAMS", "Activity", "Delays", "Gate", "Network", "run_waves"]

MOST_PINS: Final = 6
STREAMS: Final = 64
_ENGINE: Final = Path(__file__).with_name("waves.c")

Ints = npt.NDArray[np.int32]
Longs = npt.NDArray[np.int64]
Words = npt.NDArray[np.uint64]


@dataclass(frozen=True, slots=True)
class Gate:
    """One output of a combinational cell: bit s of `table` is its value in state s of the pins.

    Pin 0 is the lowest bit of a state. Nets 0 and 1 are the constants.
    """

    out: int
    ins: tuple[int, ...]
    table: int


@dataclass(frozen=True, slots=True)
class Network:
    """Gates (each after those that it reads), sources (registers, inputs) and flops.

    Nets are numbered below `nets`. A flop is the tuple of nets that its clock energy depends on,
    the last one the enable of its clock gate (1 without one).
    """

    nets: int
    gates: tuple[Gate, ...]
    sources: tuple[int, ...]
    flops: tuple[tuple[int, ...], ...]


@dataclass(frozen=True, slots=True)
class Delays:
    """Delays in picoseconds: of each pin of each gate, in order, and of each source.

    `rise` and `fall` are directions of the output.
    """

    rise: Ints
    fall: Ints
    source_rise: Ints
    source_fall: Ints


@dataclass(frozen=True, slots=True)
class Activity:
    """Counts over `cycles` clock cycles of 64 streams.

    `toggles` by net. By gate: `dwell[state]` settled cycles in each state of its pins;
    `cause[pin, state]` output toggles that this pin caused in the state before it changed;
    `idle[pin, state]` changes of the pin that left the output alone. By flop: `edges[state]` clock
    edges, also those that its gate keeps back; `held[pin]` changes of the pin in the cycles after
    those. `late` are net toggles after the clock period.
    """

    cycles: int
    toggles: Words
    dwell: tuple[Words, ...]
    cause: tuple[Words, ...]
    idle: tuple[Words, ...]
    edges: tuple[Words, ...]
    held: tuple[Words, ...]
    late: int


class _Netlist(ctypes.Structure):
    """Mirror of `netlist` in waves.c."""

    _fields_ = (
        *((name, ctypes.c_int32) for name in ("nets", "gates", "sources", "flops")),
        *(
            (name, ctypes.c_void_p)
            for name in (
                "out", "first", "ins", "table", "rise", "fall", "source_net", "source_rise",
                "source_fall", "flop_first", "flop_pins", "dwell_at", "cause_at", "flop_at",
                "toggles", "dwell", "cause", "idle", "edges", "held",
            )
        ),
        ("late", ctypes.c_int64),
        ("period", ctypes.c_int32),
    )  # fmt: skip


def run_waves(
    network: Network,
    rows: Words,
    work: Path,
    *,
    delays: Delays | None = None,
    period: int = 2**31 - 1,
    ahead: int = 1,
) -> Activity:
    """Count activity while the sources take the values `rows` (cycles, sources), a word each.

    The first `ahead` rows (at least one) only set the state. `period` is the clock's, in ps.

    Raises:
        InputError: "power.cell": a cell of more than 6 inputs.
        ToolMissing, ToolFailed: gcc is absent or failed.
    """
    if any(len(pins) > MOST_PINS for pins in (*(g.ins for g in network.gates), *network.flops)):
        raise InputError("power.cell", f"a cell has more than {MOST_PINS} inputs")
    pins = np.array([len(g.ins) for g in network.gates], dtype=np.int64)
    first = _starts(pins)
    states = np.int64(1) << pins
    dwell_at, cause_at = _starts(states), _starts(states * pins)
    flop_pins = np.array([len(f) for f in network.flops], dtype=np.int64)
    flop_first, flop_at = _starts(flop_pins), _starts(np.int64(1) << flop_pins)
    zero, none = np.zeros(int(first[-1]), np.int32), np.zeros(len(network.sources), np.int32)
    delays = delays or Delays(zero, zero, none, none)
    counts = [
        np.zeros(int(size), np.uint64)
        for size in (
            network.nets,
            dwell_at[-1],
            cause_at[-1],
            cause_at[-1],
            flop_at[-1],
            flop_first[-1],
        )
    ]
    arrays: list[npt.NDArray[Any]] = [
        _ints([g.out for g in network.gates]),
        first.astype(np.int32),
        _ints([n for g in network.gates for n in g.ins]),
        np.array([g.table for g in network.gates], dtype=np.uint64),
        np.ascontiguousarray(delays.rise, np.int32),
        np.ascontiguousarray(delays.fall, np.int32),
        _ints(network.sources),
        np.ascontiguousarray(delays.source_rise, np.int32),
        np.ascontiguousarray(delays.source_fall, np.int32),
        flop_first.astype(np.int32),
        _ints([n for flop in network.flops for n in flop]),
        dwell_at,
        cause_at,
        flop_at,
        *counts,
    ]
    rows = np.ascontiguousarray(rows, np.uint64)
    sizes = (network.nets, len(network.gates), len(network.sources), len(network.flops))
    netlist = _Netlist(*sizes, *(a.ctypes.data for a in arrays), 0, min(period, 2**31 - 1))
    engine = _engine(work)
    if not engine.hw_waves(ctypes.byref(netlist), rows.ctypes.data, len(rows), ahead):
        raise InternalError("internal.memory", "no memory for the waveforms")
    shapes = [(int(p), 1 << int(p)) for p in pins]
    caused, idle = (
        tuple(part.reshape(shape) for part, shape in zip(_cut(c, cause_at), shapes, strict=True))
        for c in counts[2:4]
    )
    return Activity(
        len(rows) - ahead,
        counts[0],
        _cut(counts[1], dwell_at),
        caused,
        idle,
        _cut(counts[4], flop_at),
        _cut(counts[5], flop_first),
        int(netlist.late),
    )


def _cut(counts: Words, starts: Longs) -> tuple[Words, ...]:
    return tuple(counts[begin:end] for begin, end in pairwise(starts.tolist()))


def _starts(sizes: Longs) -> Longs:
    return np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)


def _ints(values: Sequence[int]) -> Ints:
    return np.array(values, dtype=np.int32)


def _engine(work: Path) -> ctypes.CDLL:
    """The compiled engine; an equal one in `work` is not built again."""
    work.mkdir(parents=True, exist_ok=True)
    text = _ENGINE.read_text(encoding="utf-8")
    library = work / f"waves_{hashlib.sha256(text.encode()).hexdigest()[:16]}.so"
    if not library.is_file():
        (work / "waves.c").write_text(text, encoding="utf-8")
        partial = library.with_suffix(".partial")
        run(
            (find("gcc"), "-O2", "-fPIC", "-shared", "-w", "waves.c", "-o", partial.name),
            cwd=work,
            log=work / "gcc_waves.log",
            timeout=600.0,
            tool="gcc",
        )
        partial.replace(library)
    engine = ctypes.CDLL(str(library))
    engine.hw_waves.argtypes = (
        ctypes.POINTER(_Netlist), ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64,
    )  # fmt: skip
    return engine
