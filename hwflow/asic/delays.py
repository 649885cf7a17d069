"""Two delays that planning needs of a library: its gate's and its flip-flop's."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from hwflow.asic.kit import Kit
from hwflow.asic.liberty import Library, Pin, Table, TimingArc
from hwflow.errors import InputError

__all__ = ["FAN_OUT", "LibraryDelays", "library_delays"]

FAN_OUT: Final = 4
_STEPS: Final = 8
"""Gates of a chain after which the transition time has settled."""


@dataclass(frozen=True, slots=True)
class LibraryDelays:
    """Nanoseconds: `gate` of a NAND2 in a chain, each driving FAN_OUT of its inputs, mean of both
    edges; `register` a flip-flop's clock to output at the same load plus its longer setup."""

    gate: float
    register: float


def library_delays(library: Library, kit: Kit) -> LibraryDelays:
    """Look the delays up in the library's tables.

    Raises:
        InputError: `library.no-timing` where the tables are missing.
    """
    gate = library.cells[kit.gate]
    output = gate.pins[gate.outputs[0]]
    load = FAN_OUT * gate.pins[gate.inputs[0]].capacitance
    arc = _arc(library, gate.name, output, ("combinational",))
    slew = delay = 0.0
    for _ in range(_STEPS):
        delay = _mean(_given(library, gate.name, (arc.cell_rise, arc.cell_fall)), slew, load)
        slew = _mean(
            _given(library, gate.name, (arc.rise_transition, arc.fall_transition)), slew, load
        )
    register = library.cells[kit.flip_flop]
    assert register.ff is not None
    state = next(
        pin
        for name in register.outputs
        if (pin := register.pins[name]).function and pin.function.text == register.ff.state
    )
    launch = _arc(library, register.name, state, ("rising_edge",))
    data = register.pins[register.ff.next_state.inputs[0]]
    check = _arc(library, register.name, data, ("setup_rising",))
    clocked = _mean(
        _given(library, register.name, (launch.cell_rise, launch.cell_fall)), slew, load
    )
    setups = _given(library, register.name, (check.rise_constraint, check.fall_constraint))
    setup = max(float(t.at(related_slew=slew, constrained_slew=slew)) for t in setups)
    return LibraryDelays(round(delay, 4), round(clocked + setup, 4))


def _arc(library: Library, cell: str, pin: Pin, kinds: tuple[str, ...]) -> TimingArc:
    found = next((arc for arc in pin.timing if arc.kind in kinds), None)
    if found is None:
        raise _absent(library, cell, f"{kinds[0]} timing of pin {pin.name}")
    return found


def _given(library: Library, cell: str, tables: Iterable[Table | None]) -> tuple[Table, ...]:
    found = tuple(table for table in tables if table is not None)
    if not found:
        raise _absent(library, cell, "timing tables")
    return found


def _absent(library: Library, cell: str, what: str) -> InputError:
    return InputError(
        "library.no-timing",
        f"the library {library.name} has no {what} for {cell}",
        hint="pipelines are planned by its delays; ask for a characterized library (NLDM)",
    )


def _mean(tables: tuple[Table, ...], slew: float, load: float) -> float:
    return sum(float(table.at(slew=slew, load=load)) for table in tables) / len(tables)
