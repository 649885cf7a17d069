"""Standard cells: what Liberty's `function`, `ff` and `latch` say, never a Verilog model.

Flip-flops have no start value; here each starts as a bit of its name's checksum, so that a design
that needs more than its reset does not pass.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from hwflow.asic.liberty import Function, function_of
from hwflow.errors import InputError, ToolFailed
from hwflow.verify.netlist.parts import ONE, ZERO, Cell, ClockGate, Parts, Register, Table

__all__ = ["StandardCell", "standard_cells"]

_BUFFER: Final = 0b10
_SET_AND_CLEAR: Final = {
    # Inputs: the state, clear, preset; clear wins. Synthesis ties both to their passive level.
    (True, False): 0b0010,
    (False, True): 0b1110,
    (True, True): 0b00110010,
}


@dataclass(frozen=True, slots=True)
class _FlipFlop:
    state: str
    inverse: str
    clock: str
    next_state: Function
    clear: Function | None
    preset: Function | None
    latch: bool = False


@dataclass(frozen=True, slots=True)
class _Gate:
    clock: str
    enable: Function
    out: str


@dataclass(frozen=True, slots=True)
class StandardCell:
    """The functions of a library cell's outputs, over its inputs and its state."""

    outputs: Mapping[str, Function]
    flip_flop: _FlipFlop | None = None
    gate: _Gate | None = None

    def parts(self, cell: Cell) -> Parts:
        """Tables and registers, or the clock gate, of one instance."""
        if self.gate is not None:
            table, enable = self.gate.enable, cell.fresh()
            opened = Table(enable, _nets(cell, table, {}), table.table, cell.name)
            found = ClockGate(cell.out(self.gate.out), cell.pin(self.gate.clock), enable)
            return Parts((opened,), gates=(found,))
        if self.flip_flop is None:
            return Parts(tuple(self._table(cell, name, {}) for name in self.outputs))
        return self._register(cell, self.flip_flop)

    def _table(self, cell: Cell, name: str, state: Mapping[str, int]) -> Table:
        function = self.outputs[name]
        return Table(cell.out(name), _nets(cell, function, state), function.table, cell.name)

    def _register(self, cell: Cell, found: _FlipFlop) -> Parts:
        """Clear and preset act at once on what is seen, and at the edge on what is stored."""
        state, wanted = cell.fresh(), cell.fresh()
        table = found.next_state
        tables = [Table(wanted, _nets(cell, table, {found.state: state}), table.table, cell.name)]
        seen, stored, always = state, wanted, ZERO
        forces: list[int] = []
        for function in (found.clear, found.preset):
            if function is not None:
                force = cell.fresh()
                tables.append(Table(force, _nets(cell, function, {}), function.table, cell.name))
                forces.append(force)
        if forces:
            seen, stored, always = cell.fresh(), cell.fresh(), cell.fresh()
            anyone = (1 << (1 << len(forces))) - 2
            tables.append(Table(always, tuple(forces), anyone, cell.name))
            forced = _SET_AND_CLEAR[found.clear is not None, found.preset is not None]
            tables.append(Table(seen, (state, *forces), forced, cell.name))
            tables.append(Table(stored, (wanted, *forces), forced, cell.name))
        inverse = cell.fresh()
        tables.append(Table(inverse, (seen,), 0b01, cell.name))
        held = {found.state: seen, found.inverse: inverse}
        tables += [self._table(cell, name, held) for name in self.outputs]
        clock = cell.pin(found.clock)
        init = zlib.crc32(cell.name.encode()) & 1
        register = Register(state, stored, ONE, ZERO, 0, init, clock, cell.name, always=always)
        if found.latch:
            return Parts(tuple(tables), latches=(register,))
        return Parts(tuple(tables), (register,))


def _nets(cell: Cell, function: Function, state: Mapping[str, int]) -> tuple[int, ...]:
    return tuple(state[n] if n in state else cell.pin(n) for n in function.inputs)


def standard_cells(record: Any) -> dict[str, StandardCell]:
    """The cells of a netlist's "liberty" entry, by type; none for a netlist without one.

    Raises:
        InputError: `netlist.read`.
        ToolFailed: `netlist.mode` for a register that is not clocked by the rising edge of a pin,
            and for a latch that is not open while a pin is high, or that has a clear or preset.
    """
    if record is None:
        return {}
    try:
        return {name: _cell(name, entry) for name, entry in record["cells"].items()}
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise InputError(
            "netlist.read",
            f"the netlist's Liberty functions cannot be read: {error}",
            hint="use the netlist.json that synthesis wrote",
        ) from None


def _cell(name: str, entry: Any) -> StandardCell:
    outputs = {pin: function_of(text) for pin, text in entry["outputs"].items()}
    if gate := entry.get("gate"):
        return StandardCell(
            outputs, gate=_Gate(gate["clock"], function_of(gate["enable"]), gate["out"])
        )
    if latch := entry.get("latch"):
        return StandardCell(outputs, _latch(name, latch))
    found = entry.get("ff")
    if found is None:
        return StandardCell(outputs)
    clock = function_of(found["clocked_on"])
    if len(clock.inputs) != 1 or clock.table != _BUFFER:
        raise ToolFailed(
            "netlist.mode",
            f"cell type {name!r} is clocked on {clock.text!r}, a mode without a model",
            hint="designs use the rising edge of one clock",
        )
    return StandardCell(
        outputs,
        _FlipFlop(
            found["state"],
            found["inverse"],
            clock.inputs[0],
            function_of(found["next_state"]),
            _optional(found.get("clear")),
            _optional(found.get("preset")),
        ),
    )


def _latch(name: str, found: Mapping[str, str]) -> _FlipFlop:
    enable = function_of(found["enable"])
    if enable.table != _BUFFER or found.keys() & {"clear", "preset"}:
        raise ToolFailed(
            "netlist.mode",
            f"latches of type {name!r} are open while {enable.text!r} or have a clear or preset, a "
            "mode without a model",
            hint="designs use latches that are open while their clock is high",
        )
    data = function_of(found["data_in"])
    return _FlipFlop(
        found["state"], found["inverse"], enable.inputs[0], data, None, None, latch=True
    )


def _optional(text: str | None) -> Function | None:
    return None if text is None else function_of(text)
