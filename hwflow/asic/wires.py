"""The wire model: what a net's wiring adds to its load, before there is a placement."""

from __future__ import annotations

from typing import Final

from hwflow.asic.kit import Kit
from hwflow.asic.liberty import Library

__all__ = ["WIRE_LOADS", "wire_pf"]

WIRE_LOADS: Final = 2.0
"""Wiring to one load, in input capacitances of the library's NAND2: 6 fF on sg13g2, some 50 um."""


def wire_pf(library: Library, kit: Kit) -> float:
    """Capacitance in pF of the wire to one load of a net."""
    gate = library.cells[kit.gate]
    return round(WIRE_LOADS * gate.pins[gate.inputs[0]].capacitance, 6)
