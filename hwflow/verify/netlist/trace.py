"""What a replay of a netlist gives: outputs, timing, watched nets, toggles, mutants."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["Beats", "MutantRun", "Replay", "Toggles", "Trace"]

Beats = npt.NDArray[np.uint8]
Words = npt.NDArray[np.uint64]


@dataclass(frozen=True, slots=True)
class Trace:
    """Watched nets: words of shape (cycles, bits), bit j of a word belonging to stream j.

    Cycle 0 is the first after reset; values are those sampled by the clock edge that ends a cycle.
    Vector i is fed to stream i % 64.
    """

    words: Mapping[str, Words]

    def values(self, net: str, stream: int) -> Beats:
        """Return a net in every cycle as rows of bytes (cycles, ceil(bits / 8)), LSB first."""
        bits = (self.words[net] >> np.uint64(stream)).astype(np.uint8) & np.uint8(1)
        return np.packbits(bits, axis=1, bitorder="little")

    def settled(self, net: str) -> Beats:
        """Return a net in the last cycle for every stream: (64, ceil(bits / 8)) bytes.

        With one vector repeated in each stream, this is that vector's value of any net in a
        pipeline, whatever its latency.
        """
        last = self.words[net][-1]
        shifts = np.arange(64, dtype=np.uint64)[:, None]
        bits = (last[None, :] >> shifts).astype(np.uint8) & np.uint8(1)
        return np.packbits(bits, axis=1, bitorder="little")

    def beats(self, data: str, valid: str, ready: str | None, stream: int) -> Beats:
        """Return the beats that crossed a watched port, in order: (n, ceil(bits / 8)) bytes."""
        taken = (self.words[valid][:, 0] >> np.uint64(stream)) & np.uint64(1)
        if ready is not None:
            taken &= self.words[ready][:, 0] >> np.uint64(stream)
        crossed: Beats = self.values(data, stream)[taken.astype(bool)]
        return crossed


@dataclass(frozen=True, slots=True)
class Toggles:
    """Toggles of each net (Yosys' bit number) summed over 64 streams, clock edge to clock edge.

    Every net that leads to an output or a register has its count, behind buffers too. Glitches are
    not seen. Divide by `cycles * 64` for the toggle rate.
    """

    cycles: int
    counts: Mapping[int, int]


@dataclass(frozen=True, slots=True)
class Replay:
    """Outputs by tensor name, rows as in the inputs: (n * beats, bytes), and the timing measured.

    `latency` and `initiation_interval` count as in `Interface`; the latter is None when fewer
    than three tensors ran in each stream.
    """

    outputs: Mapping[str, Beats]
    latency: int
    initiation_interval: int | None
    cycles: int
    trace: Trace | None = None
    toggles: Toggles | None = None


@dataclass(frozen=True, slots=True)
class MutantRun:
    """What one flipped LUT bit gives: outputs as in Replay, and whether all of them arrived."""

    fault: int
    outputs: Mapping[str, Beats]
    complete: bool
