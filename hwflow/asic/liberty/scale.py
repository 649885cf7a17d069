"""Whether a library's values can be in the units that it states."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from statistics import median
from typing import Final

import numpy as np

from hwflow.asic.liberty.model import Cell, Table
from hwflow.asic.liberty.syntax import Group
from hwflow.asic.liberty.tables import wrong

__all__ = ["check_scale"]

_PF: Final = (2e-5, 0.5)
"""Between these lies the typical input capacitance of every standard-cell library since 1980."""
_NS: Final = (0.002, 50.0)
"""The same of the middle of a gate's delay table."""
_SWINGS: Final = (0.02, 100.0)
"""And of an output's internal energy, in swings of a typical input pin (C V^2): 1.3 to 1.9 in the
libraries at hand."""


def check_scale(group: Group, cells: Sequence[Cell], voltage: float) -> None:
    """Refuse a library of `group` whose capacitances, delays or energies are off by a unit.

    Raises:
        InputError: `liberty.unit`.
    """
    pins = [pin for cell in cells for pin in cell.pins.values()]
    loads = [p.capacitance for p in pins if p.direction == "input" and p.capacitance > 0]
    if not loads:
        return
    load = median(loads)
    _check(group, "input pin has", load, "pF", _PF, "capacitive_load_unit")
    arcs = [arc for pin in pins for arc in pin.timing]
    delay = _middle(table for arc in arcs for table in (arc.cell_rise, arc.cell_fall))
    if delay:
        _check(group, "delay is", delay, "ns", _NS, "time_unit")
    entries = [e for pin in pins if pin.direction == "output" for e in pin.internal_power]
    energy = _middle(table for entry in entries for table in (entry.rise, entry.fall))
    if energy:
        swing = 1000.0 * load * voltage**2
        expected = (_SWINGS[0] * swing, _SWINGS[1] * swing)
        units = "capacitive_load_unit and voltage_unit"
        _check(group, "internal energy is", energy, "fJ", expected, units)


def _middle(tables: Iterable[Table | None]) -> float:
    found = [float(np.median(np.abs(table.values))) for table in tables if table is not None]
    return median(found) if found else 0.0


def _check(
    group: Group, what: str, value: float, unit: str, bounds: tuple[float, float], key: str
) -> None:
    if not bounds[0] <= value <= bounds[1]:
        raise wrong(
            group,
            "liberty.unit",
            f"its typical {what} {value:.3g} {unit} by its {key}, expected {bounds[0]:.3g} to "
            f"{bounds[1]:.3g} {unit}",
            f"the unit stated is not that of the values; correct {key}",
        )
