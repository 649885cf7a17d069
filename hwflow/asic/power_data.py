"""Which cells of a library can be given a power figure."""

from __future__ import annotations

from collections.abc import Iterable

from hwflow.asic.liberty import Cell, Library
from hwflow.errors import InputError

__all__ = ["check_power_tables", "without_power_data"]


def check_power_tables(library: Library) -> None:
    """Refuse a library that says nothing of power.

    Raises:
        InputError: "power.tables".
    """
    if not any(p.internal_power for c in library.cells.values() for p in c.pins.values()):
        raise InputError(
            "power.tables",
            f"library {library.name} has no internal_power tables",
            hint="use a corner's Liberty file with power tables, or set synth.energy to false",
        )


def without_power_data(library: Library, kinds: Iterable[str]) -> tuple[str, ...]:
    """The cells among `kinds` that lack internal energy or leakage, by name.

    A cell without inputs (a tie cell) needs no internal energy.
    """
    return tuple(sorted(kind for kind in kinds if not _complete(library.cells[kind])))


def _complete(cell: Cell) -> bool:
    energy = any(pin.internal_power for pin in cell.pins.values()) or not cell.inputs
    return energy and (cell.leakage_nw is not None or bool(cell.leakage))
