"""What a flow needs of a library: its gates by role, checked before any tool starts."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Container, Iterable
from dataclasses import dataclass
from typing import Final

from hwflow.asic.liberty import Cell, Function, Library
from hwflow.errors import InputError

__all__ = ["ClockGate", "FullAdder", "Kit", "Latch", "Tie", "check_cells", "kit_of"]

_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_NAND2: Final = 0b0111
_NOT: Final = 0b01
_SAME: Final = 0b10
_SUM: Final = 0b10010110
_CARRY: Final = 0b11101000
_GATE_PINS: Final = ("clock", "enable", "test", "out")


@dataclass(frozen=True, slots=True)
class Tie:
    """A cell whose output `pin` is constant."""

    cell: str
    pin: str


@dataclass(frozen=True, slots=True)
class FullAdder:
    """A cell with the sum and the carry of three bits, by its pins."""

    cell: str
    inputs: tuple[str, ...]
    sum: str
    carry: str


@dataclass(frozen=True, slots=True)
class ClockGate:
    """An integrated clock gate by its pins: a latch, open while the clock is low, and an AND.

    `tests` are enables for production tests, which stay 0.
    """

    cell: str
    clock: str
    enable: str
    out: str
    tests: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Latch:
    """A latch by its pins, transparent while `clock` is high."""

    cell: str
    clock: str
    data: str
    out: str


@dataclass(frozen=True, slots=True)
class Kit:
    """Cells by role.

    `buffers` stand from the weakest to the strongest, the smaller one where two are equal.
    `full_adder` is the smallest one, None where there is none.
    `gate` is the smallest two-input NAND, the unit of gate equivalents; `flip_flop` the smallest
    rising-edge flip-flop. `tie_low` and `tie_high` are None where the library has none: constants
    are then connected to the supply rails. `clock_gate` is the smallest integrated clock gate for
    rising edges, None where there is none; `latch` the smallest plain latch that is smaller than
    `flip_flop`, None where there is none or where it has no area. `unused` are cells that logic
    must not be mapped to.
    """

    gate: str
    gate_area: float
    inverter: str
    full_adder: FullAdder | None
    flip_flop: str
    buffers: tuple[str, ...]
    tie_low: Tie | None
    tie_high: Tie | None
    clock_gate: ClockGate | None
    latch: Latch | None
    unused: tuple[str, ...]

    def equivalents(self, area: float) -> float:
        """An area in um2 as gate equivalents."""
        return area / self.gate_area


def kit_of(library: Library, avoid: Container[str] = ()) -> Kit:
    """Find the cells by what they do, whatever they are called, without those to `avoid`.

    The unit of gate equivalents does not depend on these.

    Raises:
        InputError: `library.no-flip-flop`, `library.no-gate` or `library.area`.
    """
    usable = [cell for cell in library.cells.values() if _usable(cell)]
    gate = _smallest(usable, lambda cell: _computes(cell, 2, _NAND2))
    buffered = bool(_buffers(usable))
    allowed = [cell for cell in library.cells.values() if cell.name not in avoid]
    usable = [cell for cell in allowed if _usable(cell)]
    inverter = _smallest(usable, lambda cell: _computes(cell, 1, _NOT))
    buffers = _buffers(usable)
    if gate is None or inverter is None or (buffered and not buffers):
        what = "two-input NAND" if gate is None else "buffer" if inverter else "inverter"
        raise InputError(
            "library.no-gate",
            f"the library {library.name} has no {what} that may be used",
            hint="logic cannot be mapped without it; is this the library of the standard cells?",
        )
    register = _smallest(usable, _is_flip_flop)
    if register is None:
        raise InputError(
            "library.no-flip-flop",
            f"the library {library.name} has no rising-edge flip-flop that may be used",
            hint="expected a cell with an ff group, clocked_on and next_state each one plain pin",
        )
    if not gate.area > 0:
        raise InputError(
            "library.area",
            f"the library {library.name} gives {gate.name} no area",
            hint="area is counted in its NAND2; correct the library",
        )
    used = {cell.name for cell in usable if cell.combinational or _is_flip_flop(cell)}
    return Kit(
        gate=gate.name,
        gate_area=gate.area,
        inverter=inverter.name,
        full_adder=_full_adder(usable),
        flip_flop=register.name,
        buffers=buffers,
        tie_low=_tie(usable, 0),
        tie_high=_tie(usable, 1),
        clock_gate=_clock_gate(allowed),
        latch=_latch(usable, register.area),
        unused=tuple(sorted(set(library.cells) - used)),
    )


def check_cells(library: Library, names: Iterable[str]) -> None:
    """Refuse names that are no cells of the library.

    Raises:
        InputError: `library.cell`.
    """
    for name in names:
        if name not in library.cells:
            near = difflib.get_close_matches(name, library.cells, n=1)
            raise InputError(
                "library.cell",
                f"the library {library.name} has no cell {name!r}",
                hint=f"did you mean {near[0]!r}?" if near else "cells are named as in its .lib",
            )


def _buffers(cells: Iterable[Cell]) -> tuple[str, ...]:
    """By what they drive; one that is larger than a stronger one (a delay cell) is left out."""
    found = [cell for cell in cells if _computes(cell, 1, _SAME)]
    found.sort(key=lambda cell: (cell.pins[cell.outputs[0]].max_capacitance or 0, -cell.area))
    kept: list[Cell] = []
    for cell in reversed(found):
        if not kept or cell.area < kept[-1].area:
            kept.append(cell)
    return tuple(cell.name for cell in reversed(kept))


def _usable(cell: Cell) -> bool:
    """Whether synthesis may use a cell; names are checked, as they stand in scripts."""
    known = not (cell.dont_use or cell.scan or cell.unread or cell.clock_gate)
    plain = all(p.three_state is None and p.direction != "inout" for p in cell.pins.values())
    return known and plain and bool(cell.outputs) and _named(cell)


def _named(cell: Cell) -> bool:
    return all(_NAME.match(name) for name in (cell.name, *cell.pins))


def _clock_gate(cells: Iterable[Cell]) -> ClockGate | None:
    """The one with the fewest test pins, then the smallest.

    Its `dont_use` does not count: libraries set it to keep logic from being mapped to it.
    """
    found = []
    for cell in cells:
        pins = {k: tuple(n for n, p in cell.pins.items() if p.gating == k) for k in _GATE_PINS}
        whole = sorted(cell.inputs) == sorted(
            (*pins["clock"], *pins["enable"], *pins["test"])
        ) and all(len(pins[k]) == 1 for k in ("clock", "enable", "out"))
        if whole and cell.clock_gate.startswith("latch_posedge") and _named(cell):
            gate = ClockGate(
                cell.name, pins["clock"][0], pins["enable"][0], pins["out"][0], pins["test"]
            )
            found.append((len(gate.tests), cell.area, cell.name, gate))
    return min(found)[-1] if found else None


def _full_adder(cells: Iterable[Cell]) -> FullAdder | None:
    found = []
    for cell in cells:
        if not cell.combinational or len(cell.inputs) != 3 or len(cell.outputs) != 2:
            continue
        computed = {}
        for name in cell.outputs:
            function = cell.pins[name].function
            if function is not None and len(function.inputs) == 3:
                computed[function.table] = name
        if computed.keys() == {_SUM, _CARRY}:
            adder = FullAdder(cell.name, cell.inputs, computed[_SUM], computed[_CARRY])
            found.append((cell.area, cell.name, adder))
    return min(found)[-1] if found else None


def _latch(cells: Iterable[Cell], below: float) -> Latch | None:
    """Without clear, preset or other inputs; its output is what it holds."""
    found = []
    for cell in cells:
        kept = cell.transparent
        if cell.ff or kept is None or kept.clear or kept.preset or not 0 < cell.area < below:
            continue
        plain = [_pin(kept.enable), _pin(kept.data_in)]
        outs = [name for name in cell.outputs if _pin(cell.pins[name].function) == kept.state]
        if outs and sorted(cell.inputs) == sorted(plain):
            latch = Latch(cell.name, plain[0], plain[1], outs[0])
            found.append((cell.area, cell.name, latch))
    return min(found)[-1] if found else None


def _pin(function: Function | None) -> str:
    """The pin or state that it is, "" for any other function."""
    plain = function is not None and len(function.inputs) == 1 and function.table == _SAME
    return function.inputs[0] if function and plain else ""


def _is_flip_flop(cell: Cell) -> bool:
    found = cell.ff
    if found is None or cell.latch is not None:
        return False
    plain = all(
        f.table == 0b10 and len(f.inputs) == 1 for f in (found.clocked_on, found.next_state)
    )
    return plain and any(
        function is not None and function.inputs == (found.state,) and function.table == 0b10
        for function in (cell.pins[name].function for name in cell.outputs)
    )


def _computes(cell: Cell, inputs: int, table: int) -> bool:
    if not cell.combinational or len(cell.outputs) != 1 or len(cell.inputs) != inputs:
        return False
    function = cell.pins[cell.outputs[0]].function
    assert function is not None
    return len(function.inputs) == inputs and function.table == table


def _smallest(cells: Iterable[Cell], wanted: Callable[[Cell], bool]) -> Cell | None:
    found = [cell for cell in cells if wanted(cell)]
    return min(found, key=lambda cell: (cell.area, cell.name), default=None)


def _tie(cells: Iterable[Cell], value: int) -> Tie | None:
    found = _smallest(cells, lambda cell: _computes(cell, 0, value))
    return None if found is None else Tie(found.name, found.outputs[0])
