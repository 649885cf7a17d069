"""The cell library of a design for target: asic, and the planning target it makes."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from hwflow.asic.libraries import library_file
from hwflow.config import DesignConfig
from hwflow.errors import HwflowError, ToolMissing
from hwflow.plan.targets import Target, target
from hwflow.tools import find

if TYPE_CHECKING:
    from hwflow.asic.liberty import Library

__all__ = ["SDC", "check_power", "chosen_target", "corner_files", "library_path", "timed"]

SDC = Path(__file__).resolve().parents[2] / "constraints" / "asic.sdc"
"""What lies outside of the design, for timing."""


def library_path(config: DesignConfig) -> Path:
    """The Liberty file that the design's cells come from.

    Raises:
        ToolMissing: `library.missing` for a known library that is not on this machine.
    """
    chosen = config.hardware.library
    assert chosen is not None, "only for target: asic"
    if isinstance(chosen, Path):
        return chosen
    try:
        return library_file(chosen)
    except HwflowError as error:
        error.place = config.place("hardware.library")
        raise


def timed() -> bool:
    """Whether the program that times cells is on this machine."""
    try:
        find("sta")
    except ToolMissing:
        return False
    return True


def corner_files(config: DesignConfig) -> tuple[Path, ...]:
    """The Liberty files of the other corners that are given."""
    corners = config.hardware.corners
    return tuple(path for path in (corners.slow, corners.fast) if path is not None)


def chosen_target(config: DesignConfig) -> Target:
    """The target with its delays; those of cells come from the slowest library given.

    Raises:
        InputError: "target.unknown"; `liberty.*` or `library.*` for a library that cannot be used.
        ToolMissing: `library.missing`.
    """
    if not config.hardware.asic:
        return target(config.hardware.target)
    try:
        library = config.hardware.corners.slow or library_path(config)
        found = _cells(library, config.hardware.clock_gating, config.hardware.dont_use)
    except HwflowError as error:
        unused = error.code == "library.cell"
        place = config.place("hardware.dont_use" if unused else "hardware.library")
        error.place = error.place or place
        raise
    return found


def check_power(config: DesignConfig) -> None:
    """Refuse the design's cell library where it has no power tables.

    Raises:
        InputError: "power.tables".
    """
    from hwflow.asic.power_data import check_power_tables

    try:
        check_power_tables(_library(library_path(config)))
    except HwflowError as error:
        error.place = error.place or config.place("hardware.library")
        raise


def _library(path: Path) -> Library:
    """The library, read once for as long as the file stays as it is."""
    try:
        state = path.stat()
    except OSError:
        return _load(path, 0, 0)  # which tells what is wrong with it
    return _load(path, state.st_mtime_ns, state.st_size)


@cache
def _load(path: Path, _mtime: int, _size: int) -> Library:
    from hwflow.asic.liberty import load_library

    return load_library(path)


def _cells(library: Path, clock_gating: bool, avoid: tuple[str, ...]) -> Target:
    from hwflow.asic.delays import library_delays
    from hwflow.asic.kit import check_cells, kit_of
    from hwflow.plan.asic import asic_target

    found = _library(library)
    check_cells(found, avoid)
    kit = kit_of(found, avoid)
    gates = clock_gating and kit.clock_gate is not None
    return asic_target(library_delays(found, kit), clock_gates=gates)
