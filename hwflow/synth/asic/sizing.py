"""Gates sized for their loads: cells on paths that miss the clock get another drive strength.

abc maps to the smallest cell of each function and sees neither what a layer's outputs lead to nor
the fan-out trees. Here the whole netlist is timed (`paths`); then, again and again, cells of the
worst paths change to the variant with the shortest way through them, its larger inputs charged to
the gate before. Where that is not enough, loads in less of a hurry move behind a buffer
(`isolation`), and so on. A netlist that meets its clock stays as it is.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Any, Final

import numpy as np

from hwflow.asic.kit import Kit
from hwflow.asic.liberty import Cell, Function, Library, load_library
from hwflow.asic.liberty.model import Floats
from hwflow.asic.wires import wire_pf
from hwflow.errors import InputError
from hwflow.synth.asic.arcs import Longs, Stack, holds, stack
from hwflow.synth.asic.isolation import isolate
from hwflow.synth.asic.names import Names
from hwflow.synth.asic.paths import LATER, Netlist, Slacks, read_netlist, slacks
from hwflow.synth.asic.words import word_registers
from hwflow.synth.netlist import layer_of

__all__ = ["Sizing", "Speed", "size_gates"]

_ROUNDS: Final = 10
"""How often cells are resized and loads then moved, at the most."""
_STEPS: Final = 40
_PATIENCE: Final = 3
"""Steps of resizing in a round, and how many of them may bring nothing."""
_BAND: Final = 0.15
"""A step changes cells whose slack is within this share of the worst."""
_GAIN: Final = 0.002
"""ns that a change must bring."""
_PROBE: Final = 0.003
"""pF, to see what load costs."""

# A module of Yosys' JSON.
Json = Any


@dataclass(frozen=True, slots=True)
class Speed:
    """What the netlist must reach: a period in ns of the clock on port `clock`.

    At the corner `slow` where that is given.
    """

    clock: str
    period: float
    slow: Path | None = None


@dataclass(frozen=True, slots=True)
class Sizing:
    """Cells with another drive strength and buffers added; worst slack in ns `before`, `after`.

    None for a design without a path.
    """

    resized: int
    buffers: int
    before: float | None
    after: float | None


def size_gates(
    module: Json,
    layers: Sequence[str],
    library: Library,
    kit: Kit,
    speed: Speed,
) -> Sizing:
    """Change a flat module in place until it meets its clock, as far as that goes.

    Cells that the kit leaves unused are not chosen; `library` is that of the kit.

    Raises:
        InputError: `liberty.*`; `library.corner` for a corner that lacks a cell of the netlist.
    """
    corner = load_library(speed.slow) if speed.slow else library
    cells = module["cells"]
    usable = [name for name in library.cells if name not in kit.unused and name in corner.cells]
    kinds = {*usable, *kit.buffers, *(cell["type"] for cell in cells.values())}
    _check_corner(corner, kinds)
    tables = stack(corner, sorted(kinds))
    variants = _variants(corner, tables, usable)
    words = word_registers(module, {name for name in kinds if holds(corner.cells[name])})
    wire = wire_pf(library, kit)
    types = {name: cell["type"] for name, cell in cells.items()}
    before: float | None = None
    buffers = 0
    for _ in range(_ROUNDS):
        netlist = read_netlist(module, corner, tables, speed.clock, wire, frozenset(words))
        start, found = _resize(netlist, corner, tables, variants, speed.period)
        before = start if before is None else before
        for name, kind in zip(netlist.names, netlist.kind.tolist(), strict=True):
            cells[name]["type"] = netlist.kinds[kind]
        made = 0
        if found.worst < 0:
            made = isolate(module, layers, netlist, found, corner, kit, tables)
        if not made:
            break
        buffers += made
    changed = [name for name, kind in types.items() if cells[name]["type"] != kind]
    _rename(cells, layers, changed)
    first, last = (round(x, 4) if x is not None and isfinite(x) else None
                   for x in (before, found.worst))  # fmt: skip
    return Sizing(len(changed), buffers, first, last)


def _check_corner(corner: Library, kinds: Collection[str]) -> None:
    for kind in sorted(kinds):
        if kind not in corner.cells:
            raise InputError(
                "library.corner",
                f"the corner {corner.name} has no cell {kind!r}, which the netlist uses",
                hint="give the same library at another corner in hardware.corners",
            )


def _variants(library: Library, tables: Stack, usable: Sequence[str]) -> Longs:
    """By kind: the kinds that do the same, smallest first; filled up with -1."""
    kinds = list(tables.first)
    alike: dict[object, list[str]] = defaultdict(list)
    for name in sorted(usable, key=lambda name: (library.cells[name].area, name)):
        cell = library.cells[name]
        if tables.arcs[name]:
            alike[_does(cell), tables.arcs[name]].append(name)
    found = np.full((len(kinds), max((len(row) for row in alike.values()), default=1)), -1)
    for row in alike.values():
        for name in row:
            found[kinds.index(name), : len(row)] = [kinds.index(other) for other in row]
    return found


def _does(cell: Cell) -> object:
    """What a cell computes, by the names of its pins."""
    outputs = tuple((name, _table(cell.pins[name].function)) for name in cell.outputs)
    if cell.ff is None:
        return cell.inputs, outputs
    ff = cell.ff
    parts = (ff.clocked_on, ff.next_state, ff.clear, ff.preset)
    return cell.inputs, outputs, ff.state, ff.inverse, ff.both, *(_table(part) for part in parts)


def _table(function: Function | None) -> object:
    return function and (function.inputs, function.table)


def _resize(
    netlist: Netlist, library: Library, tables: Stack, variants: Longs, period: float
) -> tuple[float, Slacks]:
    """Change kinds of cells in `netlist`; slack before, and slacks with the best found."""
    best = slacks(netlist, library, tables, period)
    before, kinds = best.worst, netlist.kind.copy()
    found, idle = best, 0
    for _ in range(_STEPS):
        if found.worst >= 0 or not _step(netlist, library, tables, variants, found):
            break
        found = slacks(netlist, library, tables, period)
        idle = 0 if found.worst > best.worst + _GAIN else idle + 1
        if found.worst > best.worst:
            best, kinds = found, netlist.kind.copy()
        if idle == _PATIENCE:
            break
    netlist.kind[:] = kinds
    return before, best


def _step(
    netlist: Netlist, library: Library, tables: Stack, variants: Longs, found: Slacks
) -> bool:
    """Change cells of the worst paths to what is best for each; False where nothing changes.

    What is best for a cell alone is left if it is no gain once all others on the same net have
    changed, too.
    """
    arcs = _worst_arcs(netlist, found)
    cell = netlist.cell[arcs]
    kind = netlist.kind[cell]
    pf = netlist.capacitance
    place = netlist.pin_place[netlist.pin[arcs]]
    best, chosen = np.full(len(arcs), _GAIN), kind.copy()
    for column in variants[kind].T:
        other = np.where(column >= 0, column, kind)
        gain = _gain(netlist, tables, found, arcs, other, pf[other, place] - pf[kind, place])
        chosen = np.where(gain > best, other, chosen)
        best = np.maximum(gain, best)
    change = np.zeros((len(netlist.names), pf.shape[1]))
    change[cell] = pf[chosen] - pf[kind]
    added = np.bincount(
        netlist.pin_net, change[netlist.pin_cell, netlist.pin_place], minlength=len(found.load)
    )
    together = added[netlist.source[arcs] >> 1]
    worth = _gain(netlist, tables, found, arcs, chosen, together) > _GAIN
    netlist.kind[cell] = np.where(worth, chosen, kind)
    return bool((worth & (chosen != kind)).any())


def _worst_arcs(netlist: Netlist, found: Slacks) -> Longs:
    """Of each cell on the worst paths the arc by which its output is last."""
    late = (found.slack < (1 - _BAND) * found.worst) & (found.through >= 0)
    arcs = found.through[np.flatnonzero(late)]
    order = np.lexsort((arcs, found.slack[netlist.target[arcs]], netlist.cell[arcs]))
    arcs = arcs[order]
    return arcs[np.flatnonzero(np.diff(netlist.cell[arcs], prepend=-1))]


def _gain(
    netlist: Netlist, tables: Stack, found: Slacks, arcs: Longs, kinds: Longs, more: Floats
) -> Floats:
    """ns that paths through `arcs` save if their cells become `kinds`.

    The gate before then has `more` pF to drive.
    """
    source, target = netlist.source[arcs], netlist.target[arcs]
    load, slew = found.load[target >> 1], found.slew[source]
    before = found.through[source]
    table, given = netlist.table(before), found.slew[netlist.source[before]]
    driven = found.load[source >> 1]
    slower, longer = (
        np.where(
            before >= 0,
            tables.at(table + i, given, driven + _PROBE) - tables.at(table + i, given, driven),
            0.0,
        )
        * (more / _PROBE)
        for i in (1, 0)
    )
    old = netlist.table(arcs)
    new = netlist.table(arcs, kinds)
    saved = found.delay[arcs] - tables.at(new, slew + slower, load) - longer
    steeper = tables.at(old + 1, slew, load) - tables.at(new + 1, slew + slower, load)
    total: Floats = saved + LATER * steeper
    return total


def _rename(cells: Json, layers: Sequence[str], changed: Sequence[str]) -> None:
    """A cell is called by its type."""
    names = Names(cells)
    for name in sorted(changed):
        cell = cells.pop(name)
        cells[names.fresh(layer_of(name, layers), cell["type"])] = cell
