"""Energy of a gate-level netlist from Liberty tables and counted activity.

Per cycle of the clock and averaged over the streams:

- switching: C V^2 / 2 for every toggle of a net, C being pins and the stated wire;
- internal: each output toggle charged to the pin that caused it in the state it was in, from that
  pin's table at its slew and the output's load; changes of an input that move no output from the
  pin's own table;
- registers: output toggles, changes of data pins (taken while the clock is high, behind a closed
  clock gate while it is low), clock pins by the joint state of data and output at each edge that
  their gate lets through;
- clock gates: the clock pin at every edge, the output where the gate is open, and the enable;
- clock tree: one buffer for every 16 sinks, level by level up to one root, each sink with the
  stated wire; a gate is a sink of the tree and drives a tree of its own, where more than 16 sinks
  need one;
- leakage by the state that each cell is in.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from hwflow.asic.liberty import Cell, Library
from hwflow.asic.liberty.model import Floats
from hwflow.asic.power_data import check_power_tables
from hwflow.power.clock import ClockPower, clock_power, register_values
from hwflow.power.delays import Timing
from hwflow.power.gates import Flop, GateCell, GateNetlist
from hwflow.power.states import energy_of, leakage_of, matching, values_of, with_outputs
from hwflow.power.waves import STREAMS, Activity

__all__ = ["KINDS", "CyclePower", "cycle_power"]

KINDS: Final = ("logic", "registers", "clock", "inputs", "leakage")
_FJ = 1000.0

LayerOf = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class CyclePower:
    """Energy in fJ of one clock cycle, by kind and by layer; leakage is in no layer."""

    kinds: Mapping[str, float]
    layers: Mapping[str, float]
    leakage_nw: float
    clock: ClockPower

    @property
    def total(self) -> float:
        """Everything, in fJ a cycle."""
        return sum(self.kinds.values())


def cycle_power(
    netlist: GateNetlist,
    timing: Timing,
    activity: Activity,
    library: Library,
    period: float,
    layer_of: LayerOf,
) -> CyclePower:
    """Energy a clock cycle of `period` ns.

    Raises:
        InputError: "power.tables": no cell of the library has power tables, or no clock buffer.
    """
    check_power_tables(library)
    sums = _Sums(netlist, timing, activity, library, layer_of)
    sums.nets()
    sums.gates()
    sums.flops()
    clock = clock_power(netlist, timing, activity, library)
    sums.add("clock", [name for name, _ in clock.energy], np.array([e for _, e in clock.energy]))
    leakage = sums.leakage_nw + clock.leakage_nw
    sums.kinds["leakage"] = leakage * period / 1000.0
    return CyclePower(dict(sums.kinds), dict(sums.layers), leakage, clock)


class _Sums:
    def __init__(
        self,
        netlist: GateNetlist,
        timing: Timing,
        activity: Activity,
        library: Library,
        layer_of: LayerOf,
    ) -> None:
        self.netlist, self.timing, self.activity = netlist, timing, activity
        self.library, self.layer_of = library, layer_of
        self.cycles = activity.cycles * STREAMS
        self.kinds = dict.fromkeys(KINDS, 0.0)
        self.layers: dict[str, float] = defaultdict(float)
        self.leakage_nw = 0.0

    def add(self, kind: str, names: Sequence[str], energy: Floats) -> None:
        self.kinds[kind] += float(energy.sum())
        for name, part in zip(names, energy.tolist(), strict=True):
            self.layers[self.layer_of(name)] += part

    def nets(self) -> None:
        """Switching energy of every net, charged to the cell that drives it."""
        each = 0.5 * self.library.voltage**2 * _FJ * self.netlist.loads
        energy = each * self.activity.toggles / self.cycles
        gates, flops = self.netlist.gates, self.netlist.flops
        self.add("logic", [g.name for g in gates], energy[[g.out for g in gates]])
        self.add("registers", [f.name for f in flops], energy[[f.q for f in flops]])
        self.kinds["inputs"] += float(energy[list(self.netlist.inputs)].sum())

    def gates(self) -> None:
        """Internal energy and leakage of combinational cells."""
        groups: dict[tuple[str, str, bool], list[int]] = defaultdict(list)
        for number, gate in enumerate(self.netlist.gates):
            groups[gate.cell.name, gate.pin, gate.first].append(number)
        for numbers in groups.values():
            gates = [self.netlist.gates[n] for n in numbers]
            names = [g.name for g in gates]
            cause = np.array([self.activity.cause[n] for n in numbers]) / self.cycles
            self.add("logic", names, self._caused(gates, cause))
            if gates[0].first:
                idle = np.array([self.activity.idle[n] for n in numbers]) / self.cycles
                dwell = np.array([self.activity.dwell[n] for n in numbers]) / self.cycles
                self.add("logic", names, self._idle(gates, idle))
                self._leak(gates[0].cell, dwell)

    def _caused(self, gates: Sequence[GateCell], cause: Floats) -> Floats:
        cell, out = gates[0].cell, np.array([g.out for g in gates])
        function = cell.pins[gates[0].pin].function
        assert function is not None
        energy = np.zeros(len(gates))
        for p, pin in enumerate(cell.inputs):
            entries = [e for e in cell.pins[gates[0].pin].internal_power if pin in e.related_pins]
            slews = self._slews([g.ins[p] for g in gates])
            for state in np.flatnonzero(cause[:, p].any(axis=0)).tolist():
                values = values_of(cell.inputs, state)
                rising = not function.value(values)
                slew = slews[values[pin]]  # a pin that was 1 falls
                for entry, share in matching(entries, values):
                    each = energy_of(
                        entry.rise if rising else entry.fall, slew, self.netlist.loads[out]
                    )
                    energy += share * each * cause[:, p, state]
        return energy

    def _idle(self, gates: Sequence[GateCell], idle: Floats) -> Floats:
        cell = gates[0].cell
        energy = np.zeros(len(gates))
        for p, pin in enumerate(cell.inputs):
            entries = [e for e in cell.pins[pin].internal_power if not e.related_pins]
            if not entries:
                continue
            slews = self._slews([g.ins[p] for g in gates])
            for state in np.flatnonzero(idle[:, p].any(axis=0)).tolist():
                values = values_of(cell.inputs, state)
                for entry, share in matching(entries, values):
                    each = energy_of(
                        entry.fall if values[pin] else entry.rise, slews[values[pin]], None
                    )
                    energy += share * each * idle[:, p, state]
        return energy

    def _slews(self, nets: Sequence[int]) -> tuple[Floats, Floats]:
        """Slews of nets that were 0 (they rise) and that were 1."""
        return self.timing.rise[list(nets)], self.timing.fall[list(nets)]

    def _leak(self, cell: Cell, dwell: Floats) -> None:
        """`dwell` (cells, states) is the share of time in each state of the inputs."""
        states = dwell.sum(axis=0)
        for state in np.flatnonzero(states).tolist():
            values = with_outputs(cell, values_of(cell.inputs, state))
            self.leakage_nw += leakage_of(cell, values) * float(states[state])

    def flops(self) -> None:
        """Internal energy and leakage of registers, but for their clock pins."""
        groups: dict[tuple[str, str], list[int]] = defaultdict(list)
        for number, flop in enumerate(self.netlist.flops):
            groups[flop.cell.name, flop.output].append(number)
        for numbers in groups.values():
            flops = [self.netlist.flops[n] for n in numbers]
            edges = np.array([self.activity.edges[n] for n in numbers]) / self.cycles
            held = np.array([self.activity.held[n] for n in numbers]) / self.cycles
            names = [f.name for f in flops]
            self.add("registers", names, self._outputs(flops) + self._data(flops, held))
            states = edges.sum(axis=0)
            for state in np.flatnonzero(states).tolist():
                values = register_values(flops[0], state)
                self.leakage_nw += leakage_of(flops[0].cell, values) * float(states[state])

    def _outputs(self, flops: Sequence[Flop]) -> Floats:
        cell, nets = flops[0].cell, [f.q for f in flops]
        toggles = self.activity.toggles[nets] / self.cycles
        energy = np.zeros(len(flops))
        slew = np.full(len(flops), self.timing.edge)
        for entry in cell.pins[flops[0].output].internal_power:
            if flops[0].clock in entry.related_pins and entry.when is None:
                for table in (entry.rise, entry.fall):
                    energy += energy_of(table, slew, self.netlist.loads[nets]) * toggles / 2
        return energy

    def _data(self, flops: Sequence[Flop], held: Floats) -> Floats:
        """`held` (flops, pins) are changes while the clock stays low behind a closed gate."""
        cell, energy = flops[0].cell, np.zeros(len(flops))
        for p, pin in enumerate(flops[0].pins):
            nets = [f.ins[p] for f in flops]
            toggles = self.activity.toggles[nets] / self.cycles
            rise, fall = self._slews(nets)
            entries = [e for e in cell.pins[pin].internal_power if not e.related_pins]
            for clock, moved in ((1, toggles - held[:, p]), (0, held[:, p])):
                for entry, share in matching(entries, {flops[0].clock: clock}):
                    both = energy_of(entry.rise, rise, None) + energy_of(entry.fall, fall, None)
                    energy += share * both * moved / 2
        return energy
