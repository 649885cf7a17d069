"""ECP5: LUT4, CCU2C, PFUMX, L6MUX21 and TRELLIS_FF (Project Trellis names)."""

from __future__ import annotations

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


def _lut4(cell: Cell) -> Parts:
    return lut(cell, ("A", "B", "C", "D"), "Z")


def _carry(cell: Cell) -> Parts:
    """Two LUT4s on a carry chain; the lower two inputs' LUT2 is what a bit generates."""
    tables: list[Table] = []
    carry = cell.pin("CIN")
    for half, carry_out in (("0", cell.fresh()), ("1", cell.out("COUT"))):
        init = cell.number(f"INIT{half}")
        injected = cell.text(f"INJECT1_{half}", "YES") == "YES"
        ins = tuple(cell.pin(f"{pin}{half}", ONE if pin in "CD" else ZERO) for pin in "ABCD")
        base = 16 * int(half)
        propagate, generate = cell.fresh(), ZERO
        tables.append(Table(propagate, ins, init, cell.name, base))
        if not injected:
            generate = cell.fresh()
            tables.append(Table(generate, ins[:2], init & 15, cell.name, base))
        sum_carry = ZERO if injected else carry
        tables.append(Table(cell.out(f"S{half}"), (propagate, sum_carry), _XOR, cell.name))
        tables.append(mux(cell, carry_out, generate, carry, propagate))
        carry = carry_out
    return Parts(tuple(tables))


def _pfumx(cell: Cell) -> Parts:
    return Parts((mux(cell, cell.out("Z"), cell.pin("BLUT"), cell.pin("ALUT"), cell.pin("C0")),))


def _l6mux(cell: Cell) -> Parts:
    return Parts((mux(cell, cell.out("Z"), cell.pin("D0"), cell.pin("D1"), cell.pin("SD")),))


def _flip_flop(cell: Cell) -> Parts:
    for parameter, expected in (("CLKMUX", "CLK"), ("LSRMUX", "LSR"), ("LSRMODE", "LSR")):
        if cell.text(parameter, expected) != expected:
            refuse(cell, parameter)
    enable_mux = cell.text("CEMUX", "1")
    if enable_mux not in ("1", "CE"):
        refuse(cell, "CEMUX")
    value = int(cell.text("REGSET", "RESET") == "SET")
    control = Control(
        clock=cell.pin("CLK"),
        enable=cell.pin("CE", ONE) if enable_mux == "CE" else ONE,
        reset=cell.pin("LSR"),
        value=value,
        asynchronous=cell.text("SRMODE", "LSR_OVER_CE") == "ASYNC",
        init=value,
    )
    return register(cell, control, data="DI")


MODELS: Final[dict[str, Model]] = {
    "LUT4": _lut4,
    "CCU2C": _carry,
    "PFUMX": _pfumx,
    "L6MUX21": _l6mux,
    "TRELLIS_FF": _flip_flop,
}
