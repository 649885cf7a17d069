"""Which cells of a library can be given a power figure."""

from __future__ import annotations

from collections.abc import Iterable

from hwflow.asic.liberty import Cell, Library

__all__ = ["without_power_data"]


def without_power_data(library: Library, kinds: Iterable[str]) -> tuple[str, ...]:
    """The cells among `kinds` that lack internal energy or leakage, by name.

    A cell without inputs (a tie cell) needs no internal energy.
    """
    return tuple(sorted(kind for kind in kinds if not _complete(library.cells[kind])))


def _complete(cell: Cell) -> bool:
    energy = any(pin.internal_power for pin in cell.pins.values()) or not cell.inputs
    return energy and (cell.leakage_nw is not None or bool(cell.leakage))
