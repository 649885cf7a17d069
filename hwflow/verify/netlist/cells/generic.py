"""Yosys' own cells: $lut, $_NOT_ and the $_DFF_/$_DFFE_/$_SDFF*_ family (simcells.v)."""

from __future__ import annotations

import re
from typing import Final

from hwflow.verify.netlist.cells.shared import Control, register
from hwflow.verify.netlist.parts import ONE, ZERO, Cell, Parts, Table

__all__ = ["flip_flop", "is_flip_flop", "lut", "not_gate"]

# Clock edge, then reset polarity and value, then enable polarity, as Yosys spells them.
_NAME: Final = re.compile(
    r"\$_(?:(?P<plain>DFF_P_)|(?P<enabled>DFFE_PP_)|(?P<async>DFFE?)_PP(?P<avalue>[01])P?_"
    r"|(?P<sync>SDFF|SDFFE|SDFFCE)_PP(?P<svalue>[01])P?_)\Z"
)


def lut(cell: Cell) -> Parts:
    """`$lut`: as many inputs as its A pin is wide."""
    return Parts((Table(cell.out("Y"), cell.pins["A"], cell.number("LUT"), cell.name, 0),))


def not_gate(cell: Cell) -> Parts:
    """`$_NOT_`."""
    return Parts((Table(cell.out("Y"), (cell.pin("A"),), 0b01, cell.name),))


def is_flip_flop(kind: str) -> bool:
    """Whether `flip_flop` has a model of this kind (rising edge, active-high controls)."""
    return _NAME.match(kind) is not None


def flip_flop(cell: Cell, init: int) -> Parts:
    """A Yosys flip-flop; its start value is an attribute of the net it drives."""
    found = _NAME.match(cell.kind)
    assert found is not None, cell.kind
    value = found["avalue"] or found["svalue"]
    control = Control(
        clock=cell.pin("C"),
        enable=cell.pin("E", ONE),
        reset=cell.pin("R", ZERO) if value else ZERO,
        value=int(value or 0),
        asynchronous=found["async"] is not None,
        reset_needs_enable=found["sync"] == "SDFFCE",
        init=init,
    )
    return register(cell, control)
