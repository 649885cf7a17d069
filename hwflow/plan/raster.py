"""The order in which a folded layer reads its line buffer, and how much of it must be kept."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from hwflow.plan.kernel import Window

__all__ = ["DIGIT", "Loop", "Raster", "raster_of"]

Ints = npt.NDArray[np.int64]
DIGIT = "digit"
"""The loop over the digits of the words of a window."""


@dataclass(frozen=True, slots=True)
class Loop:
    """One loop of the nest: iterations, and what one iteration moves: words, rows, columns."""

    name: str
    count: int
    words: int
    rows: int = 0
    columns: int = 0


@dataclass(frozen=True)
class Raster:
    """Nested loops over the words of a tensor (rows, columns, groups of channels).

    `loops` go from outer to inner and `inner` of them make one accumulation; `origin` is the
    first word (it may lie in the padding, before the tensor). `releases` are the words given up
    after each iteration of the first loop.
    """

    rows: int
    columns: int
    groups: int
    loops: tuple[Loop, ...]
    inner: int
    positions: int
    origin: tuple[int, int]
    releases: tuple[int, ...]

    @property
    def words(self) -> int:
        """Words of a tensor."""
        return self.rows * self.columns * self.groups

    @property
    def start(self) -> int:
        """Index of the first word read."""
        return (self.origin[0] * self.columns + self.origin[1]) * self.groups

    @property
    def steps(self) -> int:
        """Clock cycles a tensor."""
        return int(np.prod([loop.count for loop in self.loops], dtype=np.int64))

    @property
    def length(self) -> int:
        """Steps of one accumulation."""
        inner = self.loops[len(self.loops) - self.inner :]
        return int(np.prod([loop.count for loop in inner], dtype=np.int64))

    @property
    def per_position(self) -> int:
        """Steps of one output position."""
        return self.steps // self.positions

    @property
    def padded(self) -> bool:
        """Whether the window reaches outside of the tensor."""
        row, column = self._extremes
        return row[0] < 0 or column[0] < 0 or row[1] >= self.rows or column[1] >= self.columns

    @property
    def _extremes(self) -> tuple[tuple[int, int], tuple[int, int]]:
        down = sum(loop.rows * (loop.count - 1) for loop in self.loops)
        across = sum(loop.columns * (loop.count - 1) for loop in self.loops)
        (row, column) = self.origin
        return (row, row + down), (column, column + across)

    @cached_property
    def order(self) -> tuple[Ints, npt.NDArray[np.bool_]]:
        """For each step: the word read, and whether it is there (not padding)."""
        index, row, column = (np.zeros(1, np.int64) for _ in range(3))
        for loop in self.loops:
            turn = np.arange(loop.count, dtype=np.int64)
            index = (index[:, None] + turn * loop.words).ravel()
            row = (row[:, None] + turn * loop.rows).ravel()
            column = (column[:, None] + turn * loop.columns).ravel()
        row, column = row + self.origin[0], column + self.origin[1]
        there = (row >= 0) & (row < self.rows) & (column >= 0) & (column < self.columns)
        return index + self.start, there

    @cached_property
    def depth(self) -> int:
        """Words to be kept so that the next rows arrive while the present ones are read."""
        need = self._needed()
        given = np.cumsum([0, *self.releases[:-1]])
        following = np.append(need[1:], self.words + need[0])
        return int(max((need - given).max(), (following - given).max(), 1))

    @cached_property
    def ahead(self) -> int:
        """Words given up before they have come, at the most: no window reads those."""
        return int(max((np.cumsum(self.releases) - self._needed()).max(), 0))

    def _needed(self) -> Ints:
        """Words that must have come before each iteration of the first loop can end."""
        index, there = self.order
        blocks = np.where(there, index + 1, 0).reshape(self.loops[0].count, -1).max(axis=1)
        return np.maximum.accumulate(blocks)


def raster_of(
    kind: str, window: Window, taps: tuple[int, int], dilation: tuple[int, int], groups: int,
    repeats: int, digits: int = 1,
) -> Raster:  # fmt: skip
    """The raster of a reduction whose `window` slides over a tensor of `groups` words a pixel.

    `repeats` is how many groups of outputs a matrix reduction makes from one window; each window
    is read once for each of the `digits`.
    """
    sizes, stride, pads = _two(window.shape[:-1]), _two(window.stride), window.padding
    padding = (pads[0], pads[1] if len(pads) == 2 else (0, 0))
    rows, columns = sizes
    out = tuple(
        (size + sum(pad) - (tap - 1) * spread - 1) // step + 1
        for size, pad, tap, spread, step in zip(sizes, padding, taps, dilation, stride, strict=True)
    )
    line = columns * groups
    outer = (
        Loop("row", out[0], stride[0] * line, rows=stride[0]),
        Loop("column", out[1], stride[1] * groups, columns=stride[1]),
    )
    inner = [
        Loop("tap_row", taps[0], dilation[0] * line, rows=dilation[0]),
        Loop("tap_column", taps[1], dilation[1] * groups, columns=dilation[1]),
    ]
    if kind == "matrix":
        middle = Loop("output", repeats, 0)
        inner.append(Loop("input", groups, 1))
    else:
        middle = Loop("channel", groups, 1)
    if digits > 1:
        inner.insert(0, Loop(DIGIT, digits, 0))
    kept = [min(max(i * stride[0] - padding[0][0], 0), rows) * line for i in range(out[0])]
    kept.append(rows * line)
    return Raster(
        rows,
        columns,
        groups,
        (*outer, middle, *inner),
        len(inner),
        out[0] * out[1],
        (-padding[0][0], -padding[1][0]),
        tuple(b - a for a, b in pairwise(kept)),
    )


def _two(sizes: tuple[int, ...]) -> tuple[int, int]:
    """Sizes over rows and columns; one axis counts as rows."""
    return (sizes[0], sizes[1]) if len(sizes) == 2 else (sizes[0], 1)
