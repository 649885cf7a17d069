"""Ports of the interface as the compiled harness wants them: memory, slots, pointers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hwflow.plan.loading import Clocks, loader_inputs
from hwflow.plan.streams import Interface, PortGroup
from hwflow.verify.netlist.library import Bench, Port
from hwflow.verify.netlist.trace import Beats

__all__ = ["Feed", "Layout", "Loading", "feed"]

_NONE = -1
Slots = Callable[[str], tuple[int, ...]]


@dataclass(frozen=True, slots=True)
class Layout:
    """Where a stream's vectors lie: vector v of stream s is row v * vector_step + s * stream_step.

    `vectors` counts per stream.
    """

    vectors: int
    vector_step: int
    stream_step: int


@dataclass(frozen=True, slots=True)
class Feed:
    """Port structures and the arrays they point to (which must outlive the run)."""

    groups: tuple[PortGroup, ...]
    ports: tuple[Port, ...]
    rows: tuple[Beats, ...]
    first_beats: tuple[npt.NDArray[np.int64], ...]
    slots: tuple[npt.NDArray[np.int32], ...]


class Loading:
    """The weight loader's pins, clock by clock after reset, as the harness wants them.

    `clocks` is what `load_clocks` of hwflow.plan.loading gives; None loads nothing.
    """

    def __init__(self, interface: Interface, clocks: Clocks | None, slots_of: Slots) -> None:
        pins = loader_inputs(interface.store) if interface.store and clocks is not None else {}
        self._slots = np.array([slot for pin in pins for slot in slots_of(pin)], np.int32)
        self._clocks = np.zeros(0, np.uint64) if clocks is None else np.ascontiguousarray(clocks)

    def into(self, bench: Bench) -> None:
        """Point `bench` at it; this object must outlive the run."""
        bench.load, bench.n_load = self._clocks.ctypes.data, len(self._clocks)
        bench.load_slots, bench.n_load_slots = self._slots.ctypes.data, len(self._slots)


def feed(
    groups: Sequence[PortGroup], rows: Sequence[Beats], layout: Layout, slots_of: Slots
) -> Feed:
    """Describe one direction's ports; `rows` are contiguous (vectors * beats, bytes) arrays."""
    first = tuple(np.full(layout.vectors, _NONE, dtype=np.int64) for _ in groups)
    slots = tuple(np.array(slots_of(group.data), dtype=np.int32) for group in groups)
    ports = tuple(
        _port(group, rows[k], layout, slots_of, slots[k], first[k])
        for k, group in enumerate(groups)
    )
    return Feed(tuple(groups), ports, tuple(rows), first, slots)


def _port(
    group: PortGroup,
    rows: Beats,
    layout: Layout,
    slots_of: Slots,
    slots: npt.NDArray[np.int32],
    first: npt.NDArray[np.int64],
) -> Port:
    assert rows.flags.c_contiguous
    assert rows.shape[1] == group.data_bytes
    return Port(
        rows=rows.ctypes.data,
        vectors=layout.vectors,
        vector_step=layout.vector_step,
        stream_step=layout.stream_step,
        beats=group.stream.beats,
        bytes=group.data_bytes,
        bits=group.data_bits,
        valid=slots_of(group.valid)[0],
        ready=slots_of(group.ready)[0] if group.ready else _NONE,
        last=slots_of(group.last)[0] if group.last else _NONE,
        data=slots.ctypes.data,
        first_beat=first.ctypes.data,
    )
