"""Loads that are in less of a hurry move behind a buffer, so that the gate sees fewer of them.

For each net of the worst paths the loads stand in the order of their slack; behind each of the
library's buffers go all but the first 0, 1, 2, 4, ... of them. What leaves the load in the greatest
hurry the most slack is done, if it is worth a buffer.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from hwflow.asic.kit import Kit
from hwflow.asic.liberty import Library
from hwflow.asic.liberty.model import Floats
from hwflow.synth.asic.arcs import Longs, Stack
from hwflow.synth.asic.buffers import Load, Trees
from hwflow.synth.asic.paths import LATER, Netlist, Slacks
from hwflow.synth.netlist import layer_of

__all__ = ["isolate"]

_BAND: Final = 0.3
"""Nets whose slack is within this share of the worst are looked at."""
_SHARE: Final = 0.15
_GAIN: Final = 0.02
"""A buffer must bring the worst of its net's loads this share of what is missing, and in ns."""
_FEWEST: Final = 3
"""Loads behind a buffer."""
_KEPT: Final = (0, 1, 2, 4, 8, 16)

# A module of Yosys' JSON.
Json = Any


def isolate(
    module: Json,
    layers: Sequence[str],
    netlist: Netlist,
    found: Slacks,
    library: Library,
    kit: Kit,
    tables: Stack,
) -> int:
    """Insert buffers, in place; returns how many. `module` is what `netlist` was read from."""
    trees = Trees(module, library, kit)
    order = np.lexsort((found.pin_slack, netlist.pin_net))
    nets = len(found.load)
    first = np.searchsorted(netlist.pin_net[order], np.arange(nets + 1))
    slack = found.slack.reshape(-1, 2)
    for net in np.flatnonzero(slack.min(axis=1) < found.worst * (1 - _BAND)).tolist():
        node = 2 * net + int(np.argmin(slack[net]))
        pins = order[first[net] : first[net + 1]]
        if found.through[node] < 0 or len(pins) < _FEWEST:
            continue
        chosen = _choice(netlist, found, library, kit, tables, node, pins)
        if chosen is not None:
            loads = [_load(module, layers, netlist, library, pin) for pin in pins[chosen[0] :]]
            inside = {load.layer for load in loads}
            driver = netlist.names[netlist.cell[found.through[node]]]
            layer = inside.pop() if len(inside) == 1 else layer_of(driver, layers)
            trees.insert(net, layer, loads, library.cells[chosen[1]])
    return trees.made


def _choice(
    netlist: Netlist,
    found: Slacks,
    library: Library,
    kit: Kit,
    tables: Stack,
    node: int,
    pins: Longs,
) -> tuple[int, str] | None:
    """How many of the loads `pins`, the most urgent first, stay, and the buffer for the others."""
    cells = [library.cells[name] for name in kit.buffers]
    # Their tables for this edge: a buffer has one arc for each.
    passing = np.array([2 * (tables.first[cell.name] + (node & 1)) for cell in cells])
    own = np.array([cell.pins[cell.inputs[0]].capacitance for cell in cells]) + netlist.wire
    slack = found.pin_slack[pins]
    kept = np.array([count for count in _KEPT if len(pins) - count >= _FEWEST])
    sums = np.cumsum(netlist.pf(pins)[::-1] + netlist.wire)[::-1]
    behind = sums[kept][:, None]
    arc = found.through[node]
    table, slew = netlist.table(arc), found.slew[netlist.source[arc]]
    near: Floats = found.load[node >> 1] - behind + own
    saved = found.delay[arc] - tables.at(table, slew, near)
    edge = tables.at(table + 1, slew, near)
    later = LATER * (tables.at(passing + 1, edge, behind) - found.slew[node])
    moved = slack[kept][:, None] + saved - tables.at(passing, edge, behind) - later
    worst = np.where(kept[:, None] > 0, np.minimum(slack[0] + saved, moved), moved)
    # The smallest buffer of those that do all that is needed.
    row, column = np.unravel_index(int(np.argmax(np.minimum(worst, 0).T)), worst.shape[::-1])[::-1]
    if worst[row, column] < slack[0] + max(_GAIN, -_SHARE * found.worst):
        return None
    return int(kept[row]), cells[column].name


def _load(
    module: Json, layers: Sequence[str], netlist: Netlist, library: Library, pin: int
) -> Load:
    name = netlist.names[netlist.pin_cell[pin]]
    cell = module["cells"][name]
    inputs = library.cells[cell["type"]].inputs
    bits = cell["connections"][inputs[netlist.pin_place[pin]]]
    return Load(layer_of(name, layers), bits, 0, 0.0)
