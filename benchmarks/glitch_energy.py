"""Energy of a mapped netlist on given values of its registers and inputs, and its longest path."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from hwflow.asic.kit import kit_of
from hwflow.asic.liberty import Library
from hwflow.asic.wires import wire_pf
from hwflow.power.asic import CyclePower, cycle_power
from hwflow.power.delays import Timing, delays_of
from hwflow.power.gates import GateNetlist, read_gates
from hwflow.power.waves import run_waves
from hwflow.synth.netlist import layer_of

__all__ = ["Energy", "energy_of"]

Words = npt.NDArray[np.uint64]
_KINDS = ("logic", "registers", "clock", "inputs")


@dataclass(frozen=True, slots=True)
class Energy:
    """Of a wafer of `interval` clocks, without leakage; `path` is the longest one in ns."""

    still: CyclePower
    timed: CyclePower
    interval: int
    path: float

    def figures(self, layers: Sequence[str]) -> dict[str, object]:
        """pJ a wafer; `layers` are the instances of trees, with the registers in them."""
        trees = sum(self.timed.layers.get(layer, 0.0) for layer in layers)
        return {
            "pJ, zero-delay": self._pj(sum(self.still.kinds[k] for k in _KINDS)),
            "pJ, with glitches": self._pj(sum(self.timed.kinds[k] for k in _KINDS)),
            "trees, pJ": self._pj(trees) if layers else "",
            "registers and clock, pJ": self._pj(
                self.timed.kinds["registers"] + self.timed.kinds["clock"]
            ),
            "longest path, ns": round(self.path, 2),
        }

    def _pj(self, fj: float) -> float:
        return round(fj * self.interval / 1000, 2)


def energy_of(
    file: Path,
    top: str,
    library: Library,
    states: Callable[[Sequence[int]], Words],
    interval: int,
    layers: Sequence[str],
    work: Path,
) -> Energy:
    """Of the netlist `file`; `states` gives what numbered nets are, clock by clock.

    The first row of them only sets the state.
    """
    module = json.loads(file.read_text(encoding="utf-8"))["modules"][top]
    netlist = read_gates(module, library, "clk", wire_pf(library, kit_of(library)))
    rows, timing = states(netlist.network.sources), delays_of(netlist)
    still, timed = (
        cycle_power(
            netlist,
            timing,
            run_waves(netlist.network, rows, work, delays=delays),
            library,
            25.0,
            lambda cell: layer_of(cell, layers),
        )
        for delays in (None, timing.delays)
    )
    return Energy(still, timed, interval, _path(netlist, timing))


def _path(netlist: GateNetlist, timing: Timing) -> float:
    """When the last net settles, in ns after the clock edge."""
    arrival = np.zeros(netlist.network.nets)
    delays, place = timing.delays, 0
    first = np.maximum(delays.source_rise, delays.source_fall)
    arrival[list(netlist.network.sources)] = first
    slowest = np.maximum(delays.rise, delays.fall)
    for gate in netlist.network.gates:
        pins = len(gate.ins)
        times = arrival[list(gate.ins)] + slowest[place : place + pins]
        arrival[gate.out] = times.max(initial=0)
        place += pins
    return float(arrival.max()) / 1000
