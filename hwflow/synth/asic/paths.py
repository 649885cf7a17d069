"""Setup slack at every net of a netlist of cells, in arrays, as `timing` has OpenSTA find it.

The clock is ideal; inputs change at its edge, outputs are sampled at the next one. A node is an
edge of a net: `2 * net + RISE` or `2 * net + FALL`. Words of the weight loader begin no path, nor
does any latch; their data have more than a clock.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

import numpy as np

from hwflow.asic.liberty import Cell, Library
from hwflow.asic.liberty.model import Floats
from hwflow.synth.asic.arcs import FALL, RISE, Longs, Stack, holds

__all__ = ["INPUT_SLEW", "LATER", "OUTPUT_LOAD", "Netlist", "Slacks", "read_netlist", "slacks"]

INPUT_SLEW: Final = 0.1
"""ns, as in `constraints/asic.sdc`."""
OUTPUT_LOAD: Final = 0.02
"""pF, as in `constraints/asic.sdc`."""
LATER: Final = 0.2
"""What a slower slew adds to the delay of the gates that it drives, about: ns for each ns."""
_NEVER: Final = 0
"""The net of constants, on which nothing arrives: Yosys counts nets from 2."""
_CLOCK: Final = 1
"""The ideal clock: edges without a slew at 0 ns."""
_NETS: Final = 2

# A module of Yosys' JSON.
Json = Any


@dataclass(frozen=True, slots=True, eq=False)
class Netlist:
    """Cells by number and the arcs through them, sorted by the level of the node they lead to.

    `kind` tells each cell's type as a place in `kinds` and may change to one with the same arcs.
    An arc leads from node `source` to node `target` through `cell`, where it is number `local`,
    from pin `pin`. `begins` are the first arcs to each node, `levels` the first of `begins` on each
    level. Pins load nets: `pin_net`, `pin_cell`, and `pin_place` among the inputs of its kind.
    `ends` are inputs of registers: kind, pin of the kind, and its pins. `rest` is the load of wires
    and ports, `wire` that of the wire to one load, in pF. `capacitance` has a row for each of
    `kinds`, `first_arc` the place of its first arc in the tables.
    """

    names: tuple[str, ...]
    kinds: tuple[str, ...]
    kind: Longs
    inputs: Longs
    outputs: Longs
    source: Longs
    target: Longs
    cell: Longs
    local: Longs
    pin: Longs
    begins: Longs
    levels: Longs
    ends: tuple[tuple[str, str, Longs], ...]
    pin_net: Longs
    pin_cell: Longs
    pin_place: Longs
    rest: Floats
    wire: float
    capacitance: Floats
    first_arc: Longs

    def table(self, arcs: Longs, kinds: Longs | None = None) -> Longs:
        """The delay tables of `arcs`, their cells of other `kinds`; those of slews come next."""
        kinds = self.kind[self.cell[arcs]] if kinds is None else kinds
        return 2 * (self.first_arc[kinds] + self.local[arcs])

    def pf(self, pins: Longs) -> Floats:
        """The capacitance of each of `pins`."""
        return self.capacitance[self.kind[self.pin_cell[pins]], self.pin_place[pins]]


@dataclass(frozen=True, slots=True, eq=False)
class Slacks:
    """By node: arrival, slew and slack in ns, and the arc by which it arrives last (-1: none).

    `delay` in ns by arc; `load` in pF by net; `pin_slack` in ns by pin.
    """

    arrival: Floats
    slew: Floats
    slack: Floats
    through: Longs
    delay: Floats
    load: Floats
    pin_slack: Floats

    @property
    def worst(self) -> float:
        """The slack of the whole; endless without a path."""
        return float(self.slack.min(initial=np.inf))


def read_netlist(
    module: Json, library: Library, tables: Stack, clock: str, wire: float, words: Collection[str]
) -> Netlist:
    """Read a flat module of cells of `library`; each load adds `wire` pF.

    `words` are registers that begin no path.
    """
    names = tuple(sorted(module["cells"]))
    kinds = tuple(tables.first)
    number = {name: place for place, name in enumerate(kinds)}
    cells = [module["cells"][name] for name in names]
    kind = np.array([number[cell["type"]] for cell in cells], dtype=np.int64)
    still = np.array([name in words for name in names], dtype=np.bool_)
    arcs, pins, ends = [], [], []
    count = 0
    for place, name in enumerate(kinds):
        who = np.flatnonzero(kind == place)
        cell = library.cells[name]
        on = {
            pin: np.array([_net(cells[i]["connections"].get(pin)) for i in who], dtype=np.int64)
            for pin in (*cell.inputs, *cell.outputs)
        }
        place_of = {}
        for at, pin in enumerate(cell.inputs):
            place_of[pin] = count + np.arange(len(who))
            count += len(who)
            pins.append((on[pin], who, np.full(len(who), at)))
            checks = () if cell.transparent else cell.pins[pin].timing
            if any(arc.kind.startswith("setup") for arc in checks):
                ends.append((name, pin, place_of[pin]))
        begin = np.where(still[who] | (cell.ff is None), _NEVER, _CLOCK)
        for at, (pin, edge, out, out_edge) in enumerate(tables.arcs[name]):
            source = 2 * (begin if holds(cell) else on[pin]) + edge
            target = 2 * on[out] + out_edge
            arcs.append((source, target, who, np.full(len(who), at), place_of[pin]))
    inputs, outputs = _ports(module, clock)
    source, target, owner, local, pin_of = _joined(arcs, 5)
    pin_net, pin_cell, pin_place = _joined(pins, 3)
    nets = 1 + max(_NETS, *(int(row.max(initial=0)) for row in (target >> 1, pin_net, outputs)))
    rest = np.bincount(np.concatenate([pin_net, outputs]), minlength=nets).astype(np.float64) * wire
    np.add.at(rest, outputs, OUTPUT_LOAD)
    level = _levels(source >> 1, target >> 1, nets)
    used = np.flatnonzero(target >= 2 * _NETS)
    order = used[np.lexsort((target[used], level[target[used] >> 1]))]
    source, target, owner, local, pin_of = (
        row[order] for row in (source, target, owner, local, pin_of)
    )
    begins = _changes(target)
    return Netlist(
        names, kinds, kind, inputs, outputs, source, target, owner, local, pin_of,
        begins, _changes(level[target[begins] >> 1]), tuple(ends),
        pin_net, pin_cell, pin_place, rest, wire,
        _capacitance(library, kinds), np.array(list(tables.first.values()), np.int64),
    )  # fmt: skip


def _net(bits: Sequence[Any] | None) -> int:
    return bits[0] if bits and isinstance(bits[0], int) else _NEVER


def _joined(rows: Iterable[Sequence[Longs]], count: int) -> list[Longs]:
    columns = list(zip(*rows, strict=True)) or [()] * count
    return [np.concatenate([np.zeros(0, np.int64), *column]) for column in columns]


def _changes(values: Longs) -> Longs:
    """Where a run of equal values begins."""
    return np.flatnonzero(np.diff(values, prepend=-1))


def _ports(module: Json, clock: str) -> tuple[Longs, Longs]:
    """Nets of the inputs but for the clock, and of the outputs."""
    found: dict[str, list[int]] = {"input": [], "output": []}
    for name, port in sorted(module["ports"].items()):
        if name != clock:
            found[port["direction"]] += [bit for bit in port["bits"] if isinstance(bit, int)]
    return np.array(found["input"], np.int64), np.array(found["output"], np.int64)


def _levels(source: Longs, target: Longs, nets: int) -> Longs:
    """Each net one above the highest that it depends on."""
    level = np.zeros(nets, dtype=np.int64)
    order = np.argsort(source, kind="stable")
    first = np.searchsorted(source[order], np.arange(nets + 1))
    waiting = np.bincount(target, minlength=nets)
    ready = np.flatnonzero(waiting == 0)
    while len(ready):
        size = first[ready + 1] - first[ready]
        skipped = np.repeat(first[ready] - np.cumsum(size) + size, size)
        reached = target[order[np.arange(size.sum()) + skipped]]
        np.maximum.at(level, reached, np.repeat(level[ready] + 1, size))
        waiting -= np.bincount(reached, minlength=nets)
        reached = np.unique(reached)
        ready = reached[waiting[reached] == 0]
    return level


def slacks(netlist: Netlist, library: Library, tables: Stack, period: float) -> Slacks:
    """Slack of each node at a clock of `period` ns."""
    every = np.arange(len(netlist.source))
    table = netlist.table(every)
    pf = netlist.pf(np.arange(len(netlist.pin_net)))
    load = netlist.rest + np.bincount(netlist.pin_net, pf, minlength=len(netlist.rest))
    arrival = np.full(2 * len(load), -np.inf)
    arrival[2 * _CLOCK : 2 * _CLOCK + 2] = 0
    slew = np.zeros(2 * len(load))
    for edge in (RISE, FALL):
        arrival[2 * netlist.inputs + edge] = 0
        slew[2 * netlist.inputs + edge] = INPUT_SLEW
    delay = np.zeros(len(every))
    spans = list(_spans(netlist))
    for lo, hi, starts in spans:
        source, target = netlist.source[lo:hi], netlist.target[lo:hi]
        on = load[target >> 1]
        delay[lo:hi] = tables.at(table[lo:hi], slew[source], on)
        node = target[starts]
        arrival[node] = np.maximum.reduceat(arrival[source] + delay[lo:hi], starts)
        slew[node] = np.maximum.reduceat(tables.at(table[lo:hi] + 1, slew[source], on), starts)
    needed = np.full(len(arrival), np.inf)
    pin_slack = np.full(len(pf), np.inf)
    for edge in (RISE, FALL):
        needed[2 * netlist.outputs + edge] = period
        for kind, pin, pins in netlist.ends:
            node = 2 * netlist.pin_net[pins] + edge
            by = period - _setup(library.cells[kind], pin, edge, slew[node])
            np.minimum.at(needed, node, by)
            pin_slack[pins] = np.minimum(pin_slack[pins], by - arrival[node])
    for lo, hi, _ in reversed(spans):
        source, target = netlist.source[lo:hi], netlist.target[lo:hi]
        np.minimum.at(needed, source, needed[target] - delay[lo:hi])
    reached = arrival[netlist.source] + delay
    np.minimum.at(pin_slack, netlist.pin, needed[netlist.target] - reached)
    through = np.full(len(arrival), -1)
    last = reached == arrival[netlist.target]
    through[netlist.target[last]] = every[last]
    slack = np.where(np.isfinite(arrival), needed - arrival, np.inf)
    slack[: 2 * _NETS] = np.inf
    return Slacks(arrival, slew, slack, through, delay, load, pin_slack)


def _capacitance(library: Library, kinds: Sequence[str]) -> Floats:
    """pF of the inputs of each kind of cell, in the library's order."""
    cells = [library.cells[name] for name in kinds]
    found = np.zeros((len(cells), max((len(cell.inputs) for cell in cells), default=0)))
    for row, cell in zip(found, cells, strict=True):
        row[: len(cell.inputs)] = [cell.pins[pin].capacitance for pin in cell.inputs]
    return found


def _spans(netlist: Netlist) -> Iterator[tuple[int, int, Longs]]:
    """The arcs to each level from `lo` to `hi`, and where among them those to a node begin."""
    count = len(netlist.begins)
    bounds = [*netlist.levels.tolist(), count]
    for a, b in pairwise(bounds):
        lo = int(netlist.begins[a])
        hi = int(netlist.begins[b]) if b < count else len(netlist.source)
        yield lo, hi, netlist.begins[a:b] - lo


def _setup(cell: Cell, pin: str, edge: int, slew: Floats) -> Floats:
    """Time in ns that an edge at a register's pin must come before the clock's."""
    longest = np.full(len(slew), -np.inf)
    for arc in cell.pins[pin].timing:
        table = arc.rise_constraint if edge == RISE else arc.fall_constraint
        if arc.kind.startswith("setup") and table is not None:
            found = table.at(related_slew=0.0, constrained_slew=slew)
            longest = np.maximum(longest, found)
    return longest
