"""A gate-level netlist of library cells, as power needs it: gates, registers, loads."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from hwflow.asic.liberty import Cell, Function, Library
from hwflow.asic.liberty.model import Floats
from hwflow.errors import InputError
from hwflow.power.waves import MOST_PINS, Gate, Network

__all__ = ["ClockGate", "Flop", "GateCell", "GateNetlist", "expanded", "read_gates"]


@dataclass(frozen=True, slots=True)
class GateCell:
    """One output of a combinational cell: gate `number` of the network, on nets of its own.

    `ins` are the nets of all the cell's input pins, in the library's order, which is also that of
    the states counted for it. `first` marks the output that what happens at the inputs alone is
    charged to.
    """

    name: str
    cell: Cell
    pin: str
    out: int
    ins: tuple[int, ...]
    first: bool


@dataclass(frozen=True, slots=True)
class Flop:
    """A flip-flop or latch.

    `ins` are the nets of `pins`, its inputs but for the clock; `q` is its output.

    `inverted` says that `q` is the complement of the state, as an output QN is. `clocked` is the
    net on its clock pin, `enable` that which opens its clock gate (1: it has none).
    """

    name: str
    cell: Cell
    clock: str
    pins: tuple[str, ...]
    ins: tuple[int, ...]
    output: str
    q: int
    inverted: bool
    clocked: int
    enable: int = 1


@dataclass(frozen=True, slots=True)
class ClockGate:
    """An integrated clock gate on the clock itself; its test pins stay 0.

    `pins` and `ins` are its inputs but for the clock; `enable` is the net that opens it, `out` the
    gated clock.
    """

    name: str
    cell: Cell
    clock: str
    pins: tuple[str, ...]
    ins: tuple[int, ...]
    clocked: int
    enable: int
    output: str
    out: int


@dataclass(frozen=True, slots=True, eq=False)
class GateNetlist:
    """Cells by their nets; the network's flops are `flops` and after them `clock_gates`.

    `inputs` are the nets of the input ports but for the clock. A net has `pins` pF of input pins
    and `sinks` of them; the wire to each adds `wire` pF, which is a stated assumption.
    """

    gates: tuple[GateCell, ...]
    flops: tuple[Flop, ...]
    clock_gates: tuple[ClockGate, ...]
    inputs: tuple[int, ...]
    network: Network
    pins: Floats
    sinks: Floats
    wire: float

    @property
    def loads(self) -> Floats:
        """Each net's capacitance in pF."""
        return self.pins + self.wire * self.sinks


def read_gates(module: Mapping[str, Any], library: Library, clock: str, wire: float) -> GateNetlist:
    """Read a flat module (Yosys' JSON) of cells of `library`; every sink adds `wire` pF.

    Raises:
        InputError: "power.cell": a cell that the library lacks or whose function is not known.
    """
    gates: list[GateCell] = []
    flops: list[Flop] = []
    clock_gates: list[ClockGate] = []
    cells: list[tuple[str, Cell]] = []
    for name, raw in module["cells"].items():
        cell = library.cells.get(raw["type"])
        if cell is None:
            raise _refused(name, raw["type"], f"is not in library {library.name}")
        nets = {pin: _net(bits[0]) for pin, bits in raw["connections"].items()}
        cells.append((name, cell))
        if cell.ff is not None or cell.transparent is not None:
            flops.append(_flop(name, cell, nets))
        elif cell.combinational:
            gates += _gates(name, cell, nets)
        elif cell.clock_gate and cell.clocks:
            clock_gates.append(_clock_gate(name, cell, nets))
        else:
            raise _refused(name, cell.name, "is neither a gate nor a flip-flop or latch")
    ordered = _ordered(gates)
    clock_nets = set(module["ports"][clock]["bits"])
    flops = _gated(flops, clock_gates, clock_nets)
    inputs = [
        bit
        for port in module["ports"].values()
        if port["direction"] == "input"
        for bit in port["bits"]
        if bit not in clock_nets
    ]
    count = 1 + max(_bits(module), default=1)
    network = Network(
        count,
        tuple(
            Gate(g.out, g.ins, expanded(_function(g.cell, g.pin), g.cell.inputs)) for g in ordered
        ),
        (*(f.q for f in flops), *inputs),
        (
            *((*f.ins, f.q, f.enable) for f in flops),
            *((*g.ins, g.enable) for g in clock_gates),
        ),
    )
    pins, sinks = _loads(module, cells, count)
    return GateNetlist(
        tuple(ordered), tuple(flops), tuple(clock_gates), tuple(inputs), network, pins, sinks, wire
    )


def expanded(function: Function, pins: Sequence[str]) -> int:
    """The table of `function` over all of `pins`, pin 0 in the lowest bit of a state."""
    table = 0
    for state in range(1 << len(pins)):
        values = {pin: state >> p & 1 for p, pin in enumerate(pins)}
        table |= function.value(values) << state
    return table


def _refused(name: str, kind: str, why: str) -> InputError:
    return InputError(
        "power.cell",
        f"cell {name!r} of type {kind} {why}",
        hint="use the netlist and the library of one build",
    )


def _net(bit: object) -> int:
    return bit if isinstance(bit, int) else int(bit == "1")


def _bits(module: Mapping[str, Any]) -> Iterator[int]:
    for cell in module["cells"].values():
        for bits in cell["connections"].values():
            yield from (b for b in bits if isinstance(b, int))
    for port in module["ports"].values():
        yield from (b for b in port["bits"] if isinstance(b, int))


def _function(cell: Cell, pin: str) -> Function:
    function = cell.pins[pin].function
    assert function is not None
    return function


def _gates(name: str, cell: Cell, nets: Mapping[str, int]) -> Iterator[GateCell]:
    if len(cell.inputs) > MOST_PINS:
        raise _refused(name, cell.name, f"has more than {MOST_PINS} inputs")
    ins = tuple(nets.get(pin, 0) for pin in cell.inputs)
    driven = [pin for pin in cell.outputs if nets.get(pin, 0) > 1]
    for pin in driven:
        yield GateCell(name, cell, pin, nets[pin], ins, pin == driven[0])


def _flop(name: str, cell: Cell, nets: Mapping[str, int]) -> Flop:
    ff = cell.ff or cell.transparent
    assert ff is not None
    clocks = cell.clocks
    driven = [p for p in cell.outputs if nets.get(p, 0) > 1 and cell.pins[p].function is not None]
    if len(clocks) != 1 or len(driven) != 1:
        raise _refused(name, cell.name, "has several clocks or outputs in use")
    function = _function(cell, driven[0])
    pins = tuple(pin for pin in cell.inputs if pin not in clocks)
    inverted = function.value({ff.state: 1, ff.inverse: 0}) == 0
    ins = tuple(nets.get(pin, 0) for pin in pins)
    clocked = nets.get(clocks[0], 0)
    return Flop(name, cell, clocks[0], pins, ins, driven[0], nets[driven[0]], inverted, clocked)


def _clock_gate(name: str, cell: Cell, nets: Mapping[str, int]) -> ClockGate:
    (clock,) = cell.clocks
    pins = tuple(pin for pin in cell.inputs if pin != clock)
    enable = next(pin for pin in pins if cell.pins[pin].gating == "enable")
    (out,) = cell.outputs
    ins = tuple(nets.get(pin, 0) for pin in pins)
    clocked, opened = nets.get(clock, 0), nets.get(enable, 0)
    return ClockGate(name, cell, clock, pins, ins, clocked, opened, out, nets[out])


def _gated(flops: Sequence[Flop], gates: Sequence[ClockGate], clocks: Container[int]) -> list[Flop]:
    """The flops with the enable of the gate before each."""
    enables = {gate.out: gate.enable for gate in gates}
    found = [(f.name, f.cell.name, f.clocked in clocks or f.clocked in enables) for f in flops]
    found += [(g.name, g.cell.name, g.clocked in clocks) for g in gates]
    for name, kind, good in found:
        if not good:
            raise _refused(name, kind, "is clocked by neither the clock nor a gate on it")
    return [replace(flop, enable=enables.get(flop.clocked, 1)) for flop in flops]


def _ordered(gates: Sequence[GateCell]) -> list[GateCell]:
    """Each gate after those that it reads."""
    driver = {gate.out: gate for gate in gates}
    waiting = {g.out: sum(n in driver for n in set(g.ins)) for g in gates}
    readers: dict[int, list[GateCell]] = defaultdict(list)
    for gate in gates:
        for net in set(gate.ins) & driver.keys():
            readers[net].append(gate)
    ready = [gate for gate in gates if not waiting[gate.out]]
    for gate in ready:
        for reader in readers[gate.out]:
            waiting[reader.out] -= 1
            if not waiting[reader.out]:
                ready.append(reader)
    if len(ready) < len(gates):
        raise InputError("power.loop", "the netlist has a combinational loop")
    return ready


def _loads(
    module: Mapping[str, Any], cells: Sequence[tuple[str, Cell]], nets: int
) -> tuple[Floats, Floats]:
    """Capacitance and number of the pins that each net drives; an output port is a sink too."""
    loads, sinks = np.zeros(nets), np.zeros(nets)
    for name, cell in cells:
        for pin, bits in module["cells"][name]["connections"].items():
            if cell.pins[pin].direction == "input" and isinstance(bits[0], int):
                loads[bits[0]] += cell.pins[pin].capacitance
                sinks[bits[0]] += 1
    for port in module["ports"].values():
        if port["direction"] == "output":
            for bit in port["bits"]:
                if isinstance(bit, int):
                    sinks[bit] += 1
    return loads, sinks
