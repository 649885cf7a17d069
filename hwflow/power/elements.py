"""What toggling an FPGA's elements costs: published measurements and their projections.

The one open set of element measurements known to us is of an iCE40UP5K (40 nm, core at 1.219 V,
12 MHz): 104 uW static, about 0.2 pJ for each toggling logic cell, 53.6 pJ a cycle for the clocked
base, 24.1 pJ a cycle for a multiply-accumulate with one DSP (35.7 pJ in LUTs). Other families are
projected from it by feature size and the square of the core voltage; ranges say how far that may be
off, and no constant of them is measured.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from hwflow.plan.targets import Family, Target

__all__ = ["Elements", "Range", "elements_of"]


@dataclass(frozen=True, slots=True)
class Range:
    """A value with the bounds that it is believed to lie between."""

    value: float
    low: float
    high: float

    def times(self, count: float) -> Range:
        """All three times `count`."""
        return Range(self.value * count, self.low * count, self.high * count)

    def __add__(self, other: Range) -> Range:
        return Range(self.value + other.value, self.low + other.low, self.high + other.high)


@dataclass(frozen=True, slots=True)
class Elements:
    """Energies in pJ: of a toggle of a LUT's or register's output with its wire, of a toggle of a
    carry, of a clock cycle for `clock_cells` logic cells' worth of clock network, of a cycle in
    which a DSP or a block RAM works. `static` is in uW, None where it is not known.
    """

    logic: Range
    carry: Range
    clock: Range
    clock_cells: int
    dsp: Range
    bram: Range
    static: Range | None
    source: str


_NODE, _VOLTS = 40.0, 1.219
_LOGIC, _CLOCK, _DSP = 0.2, 53.6, 24.1
_CARRY_SHARE, _BRAM_SHARE = 0.25, 1.0
"""Not measured by anyone we know of: a carry as part of a logic cell, a block RAM as a DSP."""
_CELLS = 5280
_PROCESS: Final[dict[Family, tuple[float, float]]] = {
    "ice40": (40, 1.2),
    "ecp5": (40, 1.1),
    "gowin": (55, 1.0),
    "xc7": (28, 1.0),
    "xcup": (16, 0.85),
    "generic": (_NODE, _VOLTS),
}
"""Feature size in nm and core voltage of each family, from the makers' data sheets."""


def elements_of(target: Target) -> Elements:
    """The element energies of a target's family."""
    measured = target.name == "ice40-up5k"
    node, volts = (_NODE, _VOLTS) if measured else _PROCESS[target.family]
    scale = node / _NODE * (volts / _VOLTS) ** 2
    wide = 2.0 if measured else 3.0

    def element(value: float, more: float = 1.0) -> Range:
        return Range(value * scale, value * scale / (wide * more), value * scale * wide * more)

    return Elements(
        element(_LOGIC),
        Range(_CARRY_SHARE * _LOGIC * scale, 0.0, _LOGIC * scale * wide),
        element(_CLOCK),
        _CELLS,
        element(_DSP),
        element(_BRAM_SHARE * _DSP, 2.0),
        Range(104.0, 104.0 / wide, 104.0 * wide) if measured else None,
        "measured on an iCE40UP5K (published)"
        if measured
        else f"projected from an iCE40UP5K to {node:g} nm, {volts:g} V (x{scale:.2f})",
    )
