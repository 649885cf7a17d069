"""What the families share: LUTs of n inputs and the general register."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from hwflow.verify.netlist.parts import ONE, ZERO, Cell, Parts, Register, Table, table_of

__all__ = ["Control", "lut", "register"]

_CLEARED: Final = table_of(2, lambda state, reset: 0 if reset else state)
_PRESET: Final = table_of(2, lambda state, reset: 1 if reset else state)


@dataclass(frozen=True, slots=True)
class Control:
    """How a register is controlled, all levels active high."""

    clock: int
    enable: int = ONE
    reset: int = ZERO
    value: int = 0
    asynchronous: bool = False
    reset_needs_enable: bool = False
    init: int = 0


def lut(cell: Cell, inputs: tuple[str, ...], output: str, parameter: str = "INIT") -> Parts:
    """A LUT whose input pins are listed from the least significant."""
    ins = tuple(cell.pin(name) for name in inputs)
    return Parts((Table(cell.out(output), ins, cell.number(parameter), cell.name, 0),))


def register(cell: Cell, control: Control, data: str = "D", output: str = "Q") -> Parts:
    """A register; an asynchronous reset also forces the output between clock edges."""
    q = cell.out(output)
    forced = control.asynchronous and control.reset != ZERO
    state = cell.fresh() if forced else q
    stored = Register(
        q=state,
        d=cell.pin(data),
        enable=control.enable,
        reset=control.reset,
        value=control.value,
        init=control.init,
        clock=control.clock,
        cell=cell.name,
        reset_needs_enable=control.reset_needs_enable,
    )
    if not forced:
        return Parts((), (stored,))
    seen = Table(q, (state, control.reset), _PRESET if control.value else _CLEARED, cell.name)
    return Parts((seen,), (stored,))
