"""Slews and delays of every gate from the library's tables and the nets' loads.

One pass in topological order: each net takes its slowest slew, each pin its slowest arc, as static
timing does. Inputs and the clock have a stated slew.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt

from hwflow.asic.liberty import Cell, Table, TimingArc
from hwflow.asic.liberty.model import Floats
from hwflow.power.gates import GateCell, GateNetlist
from hwflow.power.waves import Delays

__all__ = ["INPUT_SLEW", "Timing", "delays_of"]

INPUT_SLEW: Final = 0.1
"""Slew in ns of inputs and of the clock at every register: a stated assumption."""

Longs = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Timing:
    """Slews by net in ns, `edge` that of the clock; delays of gates and sources in ps."""

    rise: Floats
    fall: Floats
    edge: float
    delays: Delays

    def steeper(self, factor: float) -> Timing:
        """The same delays with every slew times `factor`."""
        return replace(
            self, rise=self.rise * factor, fall=self.fall * factor, edge=self.edge * factor
        )


def delays_of(netlist: GateNetlist) -> Timing:
    """Slews and delays of `netlist`; inputs change at the clock edge."""
    rise = np.full(netlist.network.nets, INPUT_SLEW)
    fall = rise.copy()
    source_rise = np.zeros(len(netlist.network.sources))
    source_fall = source_rise.copy()
    for group in _alike((f.cell.name, f.output) for f in netlist.flops):
        flops = [netlist.flops[i] for i in group]
        nets = np.array([f.q for f in flops])
        arcs = [
            a for a in _arcs(flops[0].cell, flops[0].output) if flops[0].clock in a.related_pins
        ]
        clock = np.full(len(nets), INPUT_SLEW)
        timed = _worst(arcs, clock, clock, netlist.loads[nets])
        source_rise[group], source_fall[group], rise[nets], fall[nets] = timed
    first = np.concatenate([[0], np.cumsum([len(g.ins) for g in netlist.gates])]).astype(np.int64)
    pin_rise, pin_fall = np.zeros(int(first[-1])), np.zeros(int(first[-1]))
    levels = _levels(netlist.gates, netlist.network.nets)
    keys = ((levels[g.out], g.cell.name, g.pin) for g in netlist.gates)
    for group in sorted(_alike(keys), key=lambda group: levels[netlist.gates[group[0]].out]):
        gates = [netlist.gates[i] for i in group]
        out = np.array([g.out for g in gates])
        slowest = np.zeros((2, len(group)))
        for place, pin in enumerate(gates[0].cell.inputs):
            arcs = [a for a in _arcs(gates[0].cell, gates[0].pin) if pin in a.related_pins]
            ins = np.array([g.ins[place] for g in gates])
            up, down, up_slew, down_slew = _worst(arcs, rise[ins], fall[ins], netlist.loads[out])
            pin_rise[first[group] + place], pin_fall[first[group] + place] = up, down
            slowest = np.maximum(slowest, [up_slew, down_slew])
        rise[out], fall[out] = slowest
    parts = (pin_rise, pin_fall, source_rise, source_fall)
    return Timing(rise, fall, INPUT_SLEW, Delays(*(_picoseconds(part) for part in parts)))


def _alike(keys: Iterable[object]) -> list[Longs]:
    """Places of equal keys together."""
    groups: dict[object, list[int]] = defaultdict(list)
    for place, key in enumerate(keys):
        groups[key].append(place)
    return [np.array(group) for group in groups.values()]


def _levels(gates: Sequence[GateCell], nets: int) -> list[int]:
    levels = [0] * nets
    for gate in gates:
        levels[gate.out] = 1 + max((levels[net] for net in gate.ins), default=0)
    return levels


def _arcs(cell: Cell, pin: str) -> list[TimingArc]:
    """Arcs on which `pin` moves: not those of clear and preset."""
    kinds = ("", "combinational", "combinational_rise", "combinational_fall")
    wanted = ("rising_edge", "falling_edge") if cell.clocks else kinds
    return [arc for arc in cell.pins[pin].timing if arc.kind in wanted]


def _worst(
    arcs: Sequence[TimingArc], rise: Floats, fall: Floats, loads: Floats
) -> tuple[Floats, Floats, Floats, Floats]:
    """The longest delays and slews (rise, fall) of any arc for input slews and loads."""
    result = np.zeros((4, len(loads)))
    for arc in arcs:
        either = np.maximum(rise, fall)
        up = {"positive_unate": rise, "negative_unate": fall}.get(arc.sense, either)
        down = {"positive_unate": fall, "negative_unate": rise}.get(arc.sense, either)
        tables = (
            (arc.cell_rise, up),
            (arc.cell_fall, down),
            (arc.rise_transition, up),
            (arc.fall_transition, down),
        )
        for row, (table, slew) in enumerate(tables):
            result[row] = np.maximum(result[row], _read(table, slew, loads))
    return result[0], result[1], result[2], result[3]


def _read(table: Table | None, slew: Floats, load: Floats) -> Floats:
    return np.zeros(len(load)) if table is None else table.at(slew=slew, load=load)


def _picoseconds(values: Floats) -> npt.NDArray[np.int32]:
    return np.asarray(np.rint(1000 * values), dtype=np.int32)
