"""Tables of constants that hardware reads one row a clock."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from hwflow.ir.exact import IntArray
from hwflow.plan.streams import StreamType
from hwflow.plan.targets import Family, Target
from hwflow.plan.words import width_of

__all__ = ["MemoryStyle", "Rom", "block_rams", "memory_style", "rom_of"]

MemoryStyle = Literal["block", "distributed", "logic"]

_BLOCK_MODES: dict[Family, tuple[tuple[int, int], ...]] = {
    # (words, bits a word) that one block RAM can be, from the family's data sheet.
    "ice40": ((256, 16), (512, 8), (1024, 4), (2048, 2)),
    "ecp5": ((512, 36), (1024, 18), (2048, 9), (4096, 4), (8192, 2), (16384, 1)),
    "xc7": ((512, 72), (1024, 36), (2048, 18), (4096, 9), (8192, 4), (16384, 2), (32768, 1)),
    "xcup": ((512, 72), (1024, 36), (2048, 18), (4096, 9), (8192, 4), (16384, 2), (32768, 1)),
}
_DISTRIBUTED: tuple[Family, ...] = ("ecp5", "xc7", "xcup")
_SMALL_ROM = 32
"""Words up to which a ROM is cheaper in LUTs: one or two LUTs for each bit of a word."""
_SMALL_RAM = 64


@dataclass(frozen=True, slots=True, eq=False)
class Rom:
    """Rows of integers: `values` (depth, fields), each field as wide as its column needs."""

    values: npt.NDArray[np.int64]
    style: MemoryStyle

    @property
    def bounds(self) -> tuple[tuple[int, int], ...]:
        """Smallest and largest value of each field."""
        low, high = self.values.min(axis=0), self.values.max(axis=0)
        return tuple((int(a), int(b)) for a, b in zip(low, high, strict=True))

    @property
    def stream(self) -> StreamType:
        """The fields of a row as lanes."""
        widths = tuple(width_of(lo, hi) for lo, hi in self.bounds)
        return StreamType(widths, tuple(lo < 0 for lo, _ in self.bounds), len(self.values))

    @property
    def depth(self) -> int:
        """Rows."""
        return len(self.values)

    def rows(self) -> list[int]:
        """Every row as the unsigned number that its bits are."""
        packed = self.stream.pack(self.values.reshape(1, -1))
        return [int.from_bytes(row.tobytes(), "little") for row in packed]


def rom_of(rows: IntArray, target: Target) -> Rom:
    """The table of `rows` (depth, fields), in the style that suits its size."""
    values = np.ascontiguousarray(rows).astype(np.int64)
    return Rom(values, memory_style(target, len(values), _row_bits(values), writable=False))


def _row_bits(rows: IntArray) -> int:
    return sum(
        width_of(int(a), int(b)) for a, b in zip(rows.min(axis=0), rows.max(axis=0), strict=True)
    )


def memory_style(target: Target, words: int, bits: int, *, writable: bool) -> MemoryStyle:
    """What a memory of `words` of `bits` becomes: chosen by size and by what the device has."""
    has_blocks = bool(target.resources and target.resources.bram and target.family in _BLOCK_MODES)
    spread = writable and target.family in _DISTRIBUTED
    small = words <= (_SMALL_RAM if spread else _SMALL_ROM)
    if writable and not spread:
        small = words * bits <= 128
    if has_blocks and not small:
        return "block"
    return "distributed" if spread else "logic"


def block_rams(target: Target, words: int, bits: int) -> int:
    """Block RAMs of a memory, in the units in which the device's are counted."""
    modes = _BLOCK_MODES.get(target.family, ())
    return min((-(-words // depth) * -(-bits // width) for depth, width in modes), default=0)
