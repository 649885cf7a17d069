"""Energy of a gate-level netlist from Liberty tables and counted activity.

Per cycle of the clock and averaged over the streams:

- switching: C V^2 / 2 for every toggle of a net, C being pins and the stated wire;
- internal: each output toggle charged to the pin that caused it in the state it was in, from that
  pin's table at its slew and the output's load; changes of an input that move no output from the
  pin's own table;
- registers: output toggles, changes of data pins (taken while the clock is high), clock pins by
  the joint state of data and output at each edge;
- clock tree: one buffer for every 16 sinks, level by level up to one root, each sink with the
  stated wire;
- leakage by the state that each cell is in.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from hwflow.asic.liberty import Cell, Function, InternalPower, Library, Table
from hwflow.asic.liberty.model import Floats
from hwflow.errors import InputError
from hwflow.power.delays import Timing
from hwflow.power.gates import Flop, GateCell, GateNetlist
from hwflow.power.waves import STREAMS, Activity

__all__ = ["KINDS", "SINKS", "CyclePower", "clock_tree", "cycle_power"]

KINDS: Final = ("logic", "registers", "clock", "inputs", "leakage")
SINKS: Final = 16
_FJ = 1000.0

LayerOf = Callable[[str], str]
Values = dict[str, int]


@dataclass(frozen=True, slots=True)
class CyclePower:
    """Energy in fJ of one clock cycle, by kind and by layer; `leakage` in nW is in neither sum of
    `layers`."""

    kinds: Mapping[str, float]
    layers: Mapping[str, float]
    leakage_nw: float
    tree_buffers: int

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
    _check_tables(library)
    sums = _Sums(netlist, timing, activity, library, layer_of)
    sums.nets()
    sums.gates()
    sums.flops()
    buffers = sums.tree()
    sums.kinds["leakage"] = sums.leakage_nw * period / 1000.0
    return CyclePower(dict(sums.kinds), dict(sums.layers), sums.leakage_nw, buffers)


def clock_tree(sinks: int) -> tuple[int, ...]:
    """Buffers on each level, from the sinks up to the root."""
    levels: list[int] = []
    while sinks > 0 and (not levels or levels[-1] > 1):
        levels.append(-(-sinks // SINKS))
        sinks = levels[-1]
    return tuple(levels)


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

    def _add(self, kind: str, names: Sequence[str], energy: Floats) -> None:
        self.kinds[kind] += float(energy.sum())
        for name, part in zip(names, energy.tolist(), strict=True):
            self.layers[self.layer_of(name)] += part

    def nets(self) -> None:
        """Switching energy of every net, charged to the cell that drives it."""
        each = 0.5 * self.library.voltage**2 * _FJ * self.netlist.loads
        energy = each * self.activity.toggles / self.cycles
        gates, flops = self.netlist.gates, self.netlist.flops
        self._add("logic", [g.name for g in gates], energy[[g.out for g in gates]])
        self._add("registers", [f.name for f in flops], energy[[f.q for f in flops]])
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
            self._add("logic", names, self._caused(gates, cause))
            if gates[0].first:
                idle = np.array([self.activity.idle[n] for n in numbers]) / self.cycles
                dwell = np.array([self.activity.dwell[n] for n in numbers]) / self.cycles
                self._add("logic", names, self._idle(gates, idle))
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
                values = _values(cell.inputs, state)
                rising = not function.value(values)
                slew = slews[values[pin]]  # a pin that was 1 falls
                for entry, share in _matching(entries, values):
                    each = _energy(
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
                values = _values(cell.inputs, state)
                for entry, share in _matching(entries, values):
                    each = _energy(
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
            values = _with_outputs(cell, _values(cell.inputs, state))
            self.leakage_nw += _leakage(cell, values) * float(states[state])

    def flops(self) -> None:
        """Internal energy and leakage of registers, and their clock pins."""
        groups: dict[tuple[str, str], list[int]] = defaultdict(list)
        for number, flop in enumerate(self.netlist.flops):
            groups[flop.cell.name, flop.output].append(number)
        for numbers in groups.values():
            flops = [self.netlist.flops[n] for n in numbers]
            edges = np.array([self.activity.edges[n] for n in numbers]) / self.cycles
            names = [f.name for f in flops]
            self._add("registers", names, self._outputs(flops) + self._data(flops))
            self._add("clock", names, self._clocked(flops, edges))
            states = edges.sum(axis=0)
            for state in np.flatnonzero(states).tolist():
                values = _register_values(flops[0], state)
                self.leakage_nw += _leakage(flops[0].cell, values) * float(states[state])

    def _outputs(self, flops: Sequence[Flop]) -> Floats:
        cell, nets = flops[0].cell, [f.q for f in flops]
        toggles = self.activity.toggles[nets] / self.cycles
        energy = np.zeros(len(flops))
        slew = np.full(len(flops), self.timing.edge)
        for entry in cell.pins[flops[0].output].internal_power:
            if flops[0].clock in entry.related_pins and entry.when is None:
                for table in (entry.rise, entry.fall):
                    energy += _energy(table, slew, self.netlist.loads[nets]) * toggles / 2
        return energy

    def _data(self, flops: Sequence[Flop]) -> Floats:
        cell, energy = flops[0].cell, np.zeros(len(flops))
        for p, pin in enumerate(flops[0].pins):
            nets = [f.ins[p] for f in flops]
            toggles = self.activity.toggles[nets] / self.cycles
            rise, fall = self._slews(nets)
            entries = [e for e in cell.pins[pin].internal_power if not e.related_pins]
            for entry, share in _matching(entries, {flops[0].clock: 1}):
                both = _energy(entry.rise, rise, None) + _energy(entry.fall, fall, None)
                energy += share * both * toggles / 2
        return energy

    def _clocked(self, flops: Sequence[Flop], edges: Floats) -> Floats:
        flop, energy = flops[0], np.zeros(len(flops))
        pin = flop.cell.pins[flop.clock]
        entries = [e for e in pin.internal_power if not e.related_pins]
        slew = np.full(len(flops), self.timing.edge)
        for state in np.flatnonzero(edges.any(axis=0)).tolist():
            values = _register_values(flop, state)
            for entry, share in _matching(entries, values):
                both = _energy(entry.rise, slew, None) + _energy(entry.fall, slew, None)
                energy += share * both * edges[:, state]
        return energy

    def tree(self) -> int:
        """Clock pins, wires and buffers; returns how many buffers there are."""
        flops, wire = self.netlist.flops, self.netlist.wire
        if not flops:
            return 0
        volts = self.library.voltage**2 * _FJ
        pins = sum(f.cell.pins[f.clock].capacitance + wire for f in flops)
        self._add("clock", [f.name for f in flops], np.full(len(flops), pins * volts / len(flops)))
        buffer = _buffer(self.library, SINKS * pins / len(flops))
        (source,), (output,) = buffer.inputs, buffer.outputs
        load = pins
        energy = 0.0
        count = 0
        for number in clock_tree(len(flops)):
            each = np.array([load / number])
            for entry in buffer.pins[output].internal_power:
                for table in (entry.rise, entry.fall):
                    energy += number * float(_energy(table, np.array([self.timing.edge]), each)[0])
            load = number * (buffer.pins[source].capacitance + wire)
            energy += load * volts
            self.leakage_nw += number * sum(_leakage(buffer, {source: v}) for v in (0, 1)) / 2
            count += number
        self.kinds["clock"] += energy
        for flop in flops:
            self.layers[self.layer_of(flop.name)] += energy / len(flops)
        return count


def _values(pins: Sequence[str], state: int) -> Values:
    return {pin: state >> p & 1 for p, pin in enumerate(pins)}


def _with_outputs(cell: Cell, values: Values) -> Values:
    """`values` of inputs and state, and those of the outputs that they determine."""
    functions = {pin: cell.pins[pin].function for pin in cell.outputs}
    return values | {pin: f.value(values) for pin, f in functions.items() if f is not None}


def _register_values(flop: Flop, state: int) -> Values:
    """Inputs but the clock, and all outputs of a register, in a state counted by `edges`."""
    ff = flop.cell.ff
    assert ff is not None
    kept = (state >> len(flop.pins) & 1) ^ flop.inverted
    known = _values(flop.pins, state) | {ff.state: kept, ff.inverse: 1 - kept}
    return _with_outputs(flop.cell, known)


def _share(when: Function, values: Values) -> float:
    """How much of the unknown pins' states satisfies `when`: they are 0 and 1 equally often."""
    unknown = [name for name in when.inputs if name not in values]
    hits = sum(when.value(values | _values(unknown, state)) for state in range(1 << len(unknown)))
    return float(hits) / (1 << len(unknown))


def _matching(
    entries: Sequence[InternalPower], values: Values
) -> list[tuple[InternalPower, float]]:
    """Entries with the share of each; an unconditional one takes what no condition covers."""
    found = [(e, _share(e.when, values)) for e in entries if e.when is not None]
    found = [(entry, share) for entry, share in found if share]
    rest = 1.0 - sum(share for _, share in found)
    default = next((e for e in entries if e.when is None), None)
    if default is not None and rest > 0:
        found.append((default, rest))
    return found


def _leakage(cell: Cell, values: Values) -> float:
    total: dict[str, float] = defaultdict(float)
    covered: dict[str, float] = defaultdict(float)
    for entry in cell.leakage:
        if entry.when is not None:
            share = _share(entry.when, values)
            total[entry.supply] += share * entry.nw
            covered[entry.supply] += share
    for entry in cell.leakage:
        if entry.when is None:
            total[entry.supply] += max(0.0, 1.0 - covered[entry.supply]) * entry.nw
            covered[entry.supply] = 1.0
    if not cell.leakage or not any(covered.values()):
        return cell.leakage_nw or 0.0
    return sum(total.values())


def _energy(table: Table | None, slew: Floats, load: Floats | None) -> Floats:
    if table is None:
        return np.zeros(len(slew))
    where = {"slew": slew} if load is None else {"slew": slew, "load": load}
    return table.at(**where)


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


def _check_tables(library: Library) -> None:
    if not any(p.internal_power for c in library.cells.values() for p in c.pins.values()):
        raise InputError(
            "power.tables",
            f"library {library.name} has no internal_power tables",
            hint="use a corner's Liberty file with power tables, or set synth.energy to false",
        )
