"""iCE40: SB_LUT4, SB_CARRY and the SB_DFF family (iCE40 technology library, Lattice)."""

from __future__ import annotations

import re
from typing import Final

from hwflow.verify.netlist.cells.shared import Control, register
from hwflow.verify.netlist.parts import ONE, ZERO, Cell, Model, Parts, Table, table_of

__all__ = ["MODELS"]

_MAJORITY: Final = table_of(3, lambda a, b, c: int(a + b + c >= 2))
_NAME: Final = re.compile(r"SB_DFF(?P<enable>E?)(?P<reset>|SR|SS|R|S)\Z")


def _lut(cell: Cell) -> Parts:
    ins = tuple(cell.pin(f"I{n}") for n in range(4))
    return Parts((Table(cell.out("O"), ins, cell.number("LUT_INIT"), cell.name, 0),))


def _carry(cell: Cell) -> Parts:
    ins = (cell.pin("I0"), cell.pin("I1"), cell.pin("CI"))
    return Parts((Table(cell.out("CO"), ins, _MAJORITY, cell.name),))


def _flip_flop(cell: Cell) -> Parts:
    """SR/SS are synchronous (and gated by the enable), R/S asynchronous."""
    found = _NAME.match(cell.kind)
    assert found is not None, cell.kind
    kind = found["reset"]
    return register(
        cell,
        Control(
            clock=cell.pin("C"),
            enable=cell.pin("E", ONE) if found["enable"] else ONE,
            reset=cell.pin("S" if kind.endswith("S") else "R") if kind else ZERO,
            value=int(kind.endswith("S")),
            asynchronous=len(kind) == 1,
            reset_needs_enable=len(kind) == 2,
        ),
    )


MODELS: Final[dict[str, Model]] = {
    "SB_LUT4": _lut,
    "SB_CARRY": _carry,
    **{
        f"SB_DFF{enable}{reset}": _flip_flop
        for enable in ("", "E")
        for reset in ("", "R", "S", "SR", "SS")
    },
}
