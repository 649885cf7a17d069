"""Gowin: LUT1..4, MUX2_LUT5..8, ALU in adder modes and the DFF family (UG288)."""

from __future__ import annotations

import re
from typing import Final

from hwflow.verify.netlist.cells.shared import Control, lut, register
from hwflow.verify.netlist.parts import (
    ONE,
    ZERO,
    Cell,
    Model,
    Parts,
    Table,
    mux,
    refuse,
    table_of,
)

__all__ = ["MODELS"]

_XOR: Final = table_of(2, lambda a, b: a ^ b)
# Per ALU_MODE: what a bit propagates, of (I0, I1, I3). All three generate I0.
_PROPAGATE: Final = {
    0: table_of(3, lambda a, b, add: a ^ b),
    1: table_of(3, lambda a, b, add: a ^ b ^ 1),
    2: table_of(3, lambda a, b, add: a ^ b ^ add ^ 1),
}
_NAME: Final = re.compile(r"DFF(?P<reset>|R|S|P|C)(?P<enable>E?)\Z")


def _lut(cell: Cell) -> Parts:
    inputs = int(cell.kind.removeprefix("LUT"))
    return lut(cell, tuple(f"I{n}" for n in range(inputs)), "F")


def _mux(cell: Cell) -> Parts:
    return Parts((mux(cell, cell.out("O"), cell.pin("I0"), cell.pin("I1"), cell.pin("S0")),))


def _alu(cell: Cell) -> Parts:
    mode = cell.number("ALU_MODE")
    if mode not in _PROPAGATE:
        refuse(cell, "ALU_MODE")
    a, carry, propagate = cell.pin("I0"), cell.pin("CIN"), cell.fresh()
    ins = (a, cell.pin("I1"), cell.pin("I3"))
    return Parts(
        (
            Table(propagate, ins, _PROPAGATE[mode], cell.name),
            Table(cell.out("SUM"), (propagate, carry), _XOR, cell.name),
            mux(cell, cell.out("COUT"), a, carry, propagate),
        )
    )


def _flip_flop(cell: Cell) -> Parts:
    """R/S are synchronous, C (clear) and P (preset) asynchronous; reset wins over enable."""
    found = _NAME.match(cell.kind)
    assert found is not None, cell.kind
    kind = found["reset"]
    pin = {"R": "RESET", "S": "SET", "C": "CLEAR", "P": "PRESET", "": ""}[kind]
    value = int(kind in ("S", "P"))
    control = Control(
        clock=cell.pin("CLK"),
        enable=cell.pin("CE", ONE) if found["enable"] else ONE,
        reset=cell.pin(pin) if pin else ZERO,
        value=value,
        asynchronous=kind in ("C", "P"),
        init=value,
    )
    return register(cell, control)


def _constant(cell: Cell) -> Parts:
    high = cell.kind == "VCC"
    return Parts((Table(cell.out("V" if high else "G"), (), int(high), cell.name),))


MODELS: Final[dict[str, Model]] = {
    **{f"LUT{n}": _lut for n in range(1, 5)},
    **{f"MUX2_LUT{n}": _mux for n in range(5, 9)},
    "ALU": _alu,
    **{f"DFF{reset}{e}": _flip_flop for reset in ("", "R", "S", "P", "C") for e in ("", "E")},
    "VCC": _constant,
    "GND": _constant,
}
