"""Xilinx 7-series and UltraScale+: LUTs, carries, wide multiplexers, FD*E (UG953, UG974)."""

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
_OR: Final = table_of(2, lambda a, b: a | b)
_NOT: Final = 0b01
# Pin, reset value, asynchronous.
_RESETS: Final = {
    "FDRE": ("R", 0, False),
    "FDSE": ("S", 1, False),
    "FDCE": ("CLR", 0, True),
    "FDPE": ("PRE", 1, True),
}


def _lut(cell: Cell) -> Parts:
    inputs = int(cell.kind.removeprefix("LUT"))
    return lut(cell, tuple(f"I{n}" for n in range(inputs)), "O")


def _lut6_2(cell: Cell) -> Parts:
    init = cell.number("INIT")
    ins = tuple(cell.pin(f"I{n}") for n in range(6))
    low = Table(cell.out("O5"), ins[:5], init & 0xFFFF_FFFF, cell.name, 0)
    return Parts((low, Table(cell.out("O6"), ins, init, cell.name, 0)))


def _inverter(cell: Cell) -> Parts:
    return Parts((Table(cell.out("O"), (cell.pin("I"),), _NOT, cell.name),))


def _wide_mux(cell: Cell) -> Parts:
    return Parts((mux(cell, cell.out("O"), cell.pin("I0"), cell.pin("I1"), cell.pin("S")),))


def _carry(cell: Cell) -> Parts:
    bits = int(cell.kind.removeprefix("CARRY"))
    if cell.text("CARRY_TYPE", "SINGLE_CY8") != "SINGLE_CY8":
        refuse(cell, "CARRY_TYPE")
    carry = cell.fresh()
    tables = [Table(carry, (cell.pin("CI"), cell.pin("CYINIT")), _OR, cell.name)]
    data, select = cell.bits("DI", bits), cell.bits("S", bits)
    sums, carries = cell.outs("O", bits), cell.outs("CO", bits)
    for n in range(bits):
        tables.append(Table(sums[n], (select[n], carry), _XOR, cell.name))
        tables.append(mux(cell, carries[n], data[n], carry, select[n]))
        carry = carries[n]
    return Parts(tuple(tables))


def _flip_flop(cell: Cell) -> Parts:
    pin, value, asynchronous = _RESETS[cell.kind]
    for parameter in sorted(cell.parameters):
        if parameter.startswith("IS_") and cell.number(parameter):
            refuse(cell, parameter)
    control = Control(
        clock=cell.pin("C"),
        enable=cell.pin("CE", ONE),
        reset=cell.pin(pin, ZERO),
        value=value,
        asynchronous=asynchronous,
        init=cell.number("INIT"),
    )
    return register(cell, control)


MODELS: Final[dict[str, Model]] = {
    **{f"LUT{n}": _lut for n in range(1, 7)},
    "LUT6_2": _lut6_2,
    "INV": _inverter,
    "MUXF7": _wide_mux,
    "MUXF8": _wide_mux,
    "CARRY4": _carry,
    "CARRY8": _carry,
    **dict.fromkeys(_RESETS, _flip_flop),
}
