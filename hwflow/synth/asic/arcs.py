"""The delays of a library's cells as arrays: all tables in one stack, arcs by kind of cell.

An arc leads from an edge of an input pin to an edge of an output pin. Where a library has several
of these, by `when`, an arc's tables hold the longest delay and the slowest slew at each point.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from hwflow.asic.liberty import Cell, Library, Table, TimingArc
from hwflow.asic.liberty.model import Floats

__all__ = ["FALL", "RISE", "Arc", "Longs", "Stack", "holds", "stack"]

RISE: Final = 0
FALL: Final = 1
_COMBINATIONAL: Final = ("", "combinational", "combinational_rise", "combinational_fall")
_CLOCKED: Final = ("rising_edge", "falling_edge")
_SENSES: Final = {
    "positive_unate": ((RISE, RISE), (FALL, FALL)),
    "negative_unate": ((RISE, FALL), (FALL, RISE)),
}
_ANY: Final = ((RISE, RISE), (RISE, FALL), (FALL, RISE), (FALL, FALL))

Longs = npt.NDArray[np.int64]
# Input pin, its edge, output pin, its edge.
Arc = tuple[str, int, str, int]
_Pair = tuple[Table, Table]


@dataclass(frozen=True, slots=True, eq=False)
class Stack:
    """Tables over slew (ns) and load (pF), two to an arc: `2 * arc` its delay, then its slew.

    Points beyond a table's own are endless; `first` is the place of each kind's first arc, whose
    arcs follow in the order of `arcs`.
    """

    slews: Floats
    loads: Floats
    values: Floats
    last: Longs
    arcs: Mapping[str, tuple[Arc, ...]]
    first: Mapping[str, int]

    def at(self, table: Longs, slew: Floats, load: Floats) -> Floats:
        """Bilinear interpolation, beyond the outermost points extrapolation, of many at once.

        The arrays broadcast against each other.
        """
        table, slew, load = np.broadcast_arrays(table, slew, load)
        i = _place(self.slews, table, slew, self.last[0])
        j = _place(self.loads, table, load, self.last[1])
        low, left = self.slews[table, i], self.loads[table, j]
        s = (slew - low) / (self.slews[table, i + 1] - low)
        t = (load - left) / (self.loads[table, j + 1] - left)
        corner = self.values[table, i, j]
        by_load = self.values[table, i, j + 1] - corner
        over = self.values[table, i + 1, j]
        total: Floats = corner + t * by_load
        total += s * (over + t * (self.values[table, i + 1, j + 1] - over) - total)
        return total


def _place(points: Floats, table: Longs, value: Floats, last: Longs) -> Longs:
    """The point at or below each value, one that has a point after it."""
    found = np.zeros(table.shape, dtype=np.int64)
    for column in range(1, points.shape[1] - 1):
        found += points[table, column] <= value
    return np.minimum(found, last[table])


def stack(library: Library, kinds: Sequence[str]) -> Stack:
    """The tables of these cells of `library`."""
    pairs: list[_Pair] = []
    arcs: dict[str, tuple[Arc, ...]] = {}
    first: dict[str, int] = {}
    for kind in kinds:
        found = _arcs(library.cells[kind])
        first[kind] = len(pairs)
        arcs[kind] = tuple(found)
        pairs += found.values()
    tables = [table for pair in pairs for table in pair]
    slews = _rows([table.points[0] for table in tables])
    loads = _rows([table.points[1] for table in tables])
    values = np.zeros((len(tables), slews.shape[1], loads.shape[1]))
    for row, table in enumerate(tables):
        high, wide = table.values.shape
        values[row, :high, :wide] = table.values
    last = np.array([np.array(t.values.shape) - 2 for t in tables], dtype=np.int64).reshape(-1, 2)
    return Stack(slews, loads, values, last.T.copy(), arcs, first)


def _rows(points: Sequence[Floats]) -> Floats:
    longest = max((len(row) for row in points), default=2)
    rows = [np.concatenate([row, np.full(longest - len(row), np.inf)]) for row in points]
    return np.array(rows).reshape(-1, longest)


def _arcs(cell: Cell) -> dict[Arc, _Pair]:
    """Delay and slew tables of each arc on which an output moves: clear and preset are none."""
    found: dict[Arc, _Pair] = {}
    for output in cell.outputs if cell.combinational or holds(cell) else ():
        for arc in cell.pins[output].timing:
            for source, edge, pair in _edges(arc, _CLOCKED if holds(cell) else _COMBINATIONAL):
                for pin in arc.related_pins:
                    key = pin, source, output, edge
                    other = found.get(key)
                    found[key] = pair if other is None else _worse(pair, other)
    return {key: found[key] for key in sorted(found)}


def holds(cell: Cell) -> bool:
    """Whether it is a flip-flop or a latch; a clock gate is neither."""
    return cell.ff is not None or cell.transparent is not None


def _edges(arc: TimingArc, kinds: Container[str]) -> Iterator[tuple[int, int, _Pair]]:
    if arc.kind not in kinds:
        return
    tables = (arc.cell_rise, arc.rise_transition), (arc.cell_fall, arc.fall_transition)
    edges = _SENSES.get(arc.sense, _ANY)
    if arc.kind in _CLOCKED:
        edges = (RISE, RISE), (RISE, FALL)
    for source, edge in edges:
        delay, slew = tables[edge]
        if delay is not None and slew is not None:
            yield source, edge, (_grid(delay), _grid(slew))


def _grid(table: Table) -> Table:
    """The same table over slew and load, with two points at least on each axis."""
    own = dict(zip(table.axes, table.points, strict=True))
    points = []
    for axis in ("slew", "load"):
        row = own.get(axis, np.zeros(1))
        points.append(row if len(row) > 1 else np.array([row[0], row[0] + 1.0]))
    values = table.at(slew=points[0][:, None], load=points[1][None, :])
    return Table(("slew", "load"), (points[0], points[1]), values)


def _worse(one: _Pair, other: _Pair) -> _Pair:
    """The larger at each point of the first."""
    delay, slew = (
        Table(a.axes, a.points, np.maximum(a.values, _over(a, b)))
        for a, b in zip(one, other, strict=True)
    )
    return delay, slew


def _over(points: Table, table: Table) -> Floats:
    return table.at(slew=points.points[0][:, None], load=points.points[1][None, :])
