"""Energy of the clock: pins of registers, clock gates, and the tree before and behind them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from hwflow.asic.liberty import Cell, Library
from hwflow.errors import InputError
from hwflow.power.delays import Timing
from hwflow.power.gates import ClockGate, Flop, GateNetlist
from hwflow.power.states import (
    Values,
    energy_of,
    leakage_of,
    matching,
    values_of,
    with_outputs,
)
from hwflow.power.waves import STREAMS, Activity

__all__ = ["SINKS", "ClockPower", "clock_power", "clock_tree", "register_values"]

SINKS: Final = 16
"""Sinks of a buffer of the clock tree, and of a clock gate."""
_FJ: Final = 1000.0


@dataclass(frozen=True, slots=True)
class ClockPower:
    """`energy` are pairs of a cell's name and fJ a clock cycle, the tree shared by its sinks.

    `opened` is the mean share of clock edges that gates let through to the flip-flops behind them
    (1 without any).
    """

    energy: tuple[tuple[str, float], ...]
    leakage_nw: float
    buffers: int
    gates: int
    gated: int
    opened: float


def clock_power(
    netlist: GateNetlist, timing: Timing, activity: Activity, library: Library
) -> ClockPower:
    """What the clock of `netlist` costs a cycle.

    Raises:
        InputError: "power.tables": the library has no buffer for the tree.
    """
    sums = _Clock(netlist, timing, activity, library)
    sums.registers()
    behind: dict[int, list[int]] = defaultdict(list)
    for number, flop in enumerate(netlist.flops):
        behind[flop.clocked].append(number)
    loads = sums.gates(behind)
    gated = {number for gate in netlist.clock_gates for number in behind[gate.out]}
    for number, flop in enumerate(netlist.flops):
        if number not in gated:
            loads.append((flop.name, flop.cell.pins[flop.clock].capacitance + netlist.wire))
    sums.tree(loads)
    return ClockPower(
        tuple(sums.energy.items()),
        sums.leakage_nw,
        sums.buffers,
        len(netlist.clock_gates),
        len(gated),
        float(np.mean([sums.opened[number] for number in gated])) if gated else 1.0,
    )


def clock_tree(sinks: int, *, rooted: bool = True) -> tuple[int, ...]:
    """Buffers on each level, from the sinks up to the root; not `rooted`: up to a clock gate."""
    levels: list[int] = []
    while sinks > SINKS or (rooted and sinks > 0 and not (levels and sinks == 1)):
        levels.append(-(-sinks // SINKS))
        sinks = levels[-1]
    return tuple(levels)


class _Clock:
    def __init__(
        self, netlist: GateNetlist, timing: Timing, activity: Activity, library: Library
    ) -> None:
        self.netlist, self.timing, self.activity = netlist, timing, activity
        self.library, self.slew = library, np.array([timing.edge])
        self.cycles = activity.cycles * STREAMS
        self.volts = library.voltage**2 * _FJ
        self.energy: dict[str, float] = defaultdict(float)
        self.opened = [1.0] * len(netlist.flops)
        self.leakage_nw = 0.0
        self.buffers = 0

    def registers(self) -> None:
        """Clock pins of registers, at the edges that reach them."""
        groups: dict[tuple[str, str], list[int]] = defaultdict(list)
        for number, flop in enumerate(self.netlist.flops):
            groups[flop.cell.name, flop.output].append(number)
        for numbers in groups.values():
            flop = self.netlist.flops[numbers[0]]
            edges = np.array([self.activity.edges[n] for n in numbers]) / self.cycles
            half = edges.shape[1] // 2  # states from here on: the gate is open
            opened = edges[:, half:].sum(axis=1)
            load = flop.cell.pins[flop.clock].capacitance + self.netlist.wire
            energy = load * self.volts * opened
            for state in (np.flatnonzero(edges[:, half:].any(axis=0)) + half).tolist():
                each = self._pin(flop.cell, flop.clock, register_values(flop, state))
                energy += each * edges[:, state]
            for number, fj, share in zip(numbers, energy.tolist(), opened.tolist(), strict=True):
                self.energy[self.netlist.flops[number].name] += fj
                self.opened[number] = share

    def gates(self, behind: dict[int, list[int]]) -> list[tuple[str, float]]:
        """Gates and the trees behind them; returns each gate as a sink and its load in pF."""
        for number, gate in enumerate(self.netlist.clock_gates, len(self.netlist.flops)):
            edges = self.activity.edges[number] / self.cycles
            share = float(edges[len(edges) // 2 :].sum())
            flops = [self.netlist.flops[n] for n in behind[gate.out]]
            loads = [f.cell.pins[f.clock].capacitance + self.netlist.wire for f in flops]
            names = [flop.name for flop in flops]
            load = self._levels(clock_tree(len(flops), rooted=False), names, sum(loads), share)
            self.energy[gate.name] += share * self._moved(gate.cell, gate.clock, gate.output, load)
            self._enables(gate, number)
            for state in np.flatnonzero(edges).tolist():
                values = values_of(gate.pins, state)
                each = self._pin(gate.cell, gate.clock, values)
                self.energy[gate.name] += each * float(edges[state])
                opened = state >> len(gate.pins)
                for clock in (0, 1):
                    known = values | {gate.clock: clock, gate.output: clock & opened}
                    self.leakage_nw += leakage_of(gate.cell, known) * float(edges[state]) / 2
        sinks = [(g.name, g.cell.pins[g.clock].capacitance) for g in self.netlist.clock_gates]
        for name, pin in sinks:
            self.energy[name] += (pin + self.netlist.wire) * self.volts
        return [(name, pin + self.netlist.wire) for name, pin in sinks]

    def tree(self, sinks: Sequence[tuple[str, float]]) -> None:
        """Buffers from the clock's port to `sinks`: names, and loads in pF."""
        total = sum(load for _, load in sinks)
        self._levels(clock_tree(len(sinks)), [name for name, _ in sinks], total, 1.0)

    def _levels(
        self, levels: Sequence[int], names: Sequence[str], load: float, share: float
    ) -> float:
        """Buffers level by level, moving in a `share` of the cycles; returns what drives them."""
        if not levels:
            return load
        buffer = _buffer(self.library, SINKS * load / len(names))
        (source,), (output,) = buffer.inputs, buffer.outputs
        energy = 0.0
        for number in levels:
            energy += number * self._moved(buffer, source, output, load / number)
            load = number * (buffer.pins[source].capacitance + self.netlist.wire)
            energy += load * self.volts
            low, high = (leakage_of(buffer, with_outputs(buffer, {source: v})) for v in (0, 1))
            self.leakage_nw += number * (low + share * (high - low) / 2)
            self.buffers += number
        for name in names:
            self.energy[name] += share * energy / len(names)
        return load

    def _moved(self, cell: Cell, clock: str, output: str, load: float) -> float:
        """Internal energy of a rise and a fall of a clock output."""
        entries = [e for e in cell.pins[output].internal_power if clock in e.related_pins]
        return sum(
            share * float(energy_of(table, self.slew, np.array([load]))[0])
            for entry, share in matching(entries, {})
            for table in (entry.rise, entry.fall)
        )

    def _pin(self, cell: Cell, clock: str, known: Values) -> float:
        """Energy of a rise and a fall of a clock pin in a state of the other pins."""
        entries = [e for e in cell.pins[clock].internal_power if not e.related_pins]
        return sum(
            share * float(energy_of(table, self.slew, None)[0])
            for entry, share in matching(entries, known)
            for table in (entry.rise, entry.fall)
        )

    def _enables(self, gate: ClockGate, number: int) -> None:
        """Changes of a gate's enable, taken while the clock is high."""
        for pin, net in zip(gate.pins, gate.ins, strict=True):
            toggles = float(self.activity.toggles[net]) / self.cycles
            rise, fall = self.timing.rise[[net]], self.timing.fall[[net]]
            entries = [e for e in gate.cell.pins[pin].internal_power if not e.related_pins]
            for entry, share in matching(entries, {gate.clock: 1}):
                both = energy_of(entry.rise, rise, None) + energy_of(entry.fall, fall, None)
                self.energy[gate.name] += share * float(both[0]) * toggles / 2


def register_values(flop: Flop, state: int) -> Values:
    """Inputs and all outputs of a register in a state counted by `edges`; the clock is left out
    where it moves."""
    ff = flop.cell.ff or flop.cell.transparent
    assert ff is not None
    kept = (state >> len(flop.pins) & 1) ^ flop.inverted
    known = values_of(flop.pins, state) | {ff.state: kept, ff.inverse: 1 - kept}
    if not state >> len(flop.pins) + 1:
        known[flop.clock] = 0  # its clock gate is closed
    return with_outputs(flop.cell, known)


def _buffer(library: Library, load: float) -> Cell:
    """The smallest buffer that drives `load` pF, else the largest."""
    found = [
        cell
        for cell in library.cells.values()
        if cell.combinational
        and not cell.dont_use
        and len(cell.inputs) == len(cell.outputs) == 1
        and (function := cell.pins[cell.outputs[0]].function) is not None
        and function.table == 0b10
    ]
    if not found:
        raise InputError(
            "power.tables",
            f"library {library.name} has no buffer for the clock tree",
            hint="use a library with buffers and power tables",
        )
    found.sort(key=lambda cell: cell.area)
    able = [c for c in found if (c.pins[c.outputs[0]].max_capacitance or 0.0) >= load]
    return (able or found[-1:])[0]
