"""The 48 trigger cells of a sensor wafer: positions, 8x8 arrangement, charge codes, sums.

A hexagonal wafer is three rhombi of 4x4 cells around its centre: cells 0-15, 16-31 and 32-47.
Cell numbers and (u, v) follow the CMS trigger geometry; the pitch of neighbouring cells is 1.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "ARRANGEMENT",
    "CELLS",
    "COUNTS_PER_MIPT",
    "MASK",
    "arrange",
    "cell_uv",
    "codes_4e3m",
    "compress_4e3m",
    "normalise",
    "pair_sums",
    "positions",
    "rearrange",
    "rhombus_sums",
]

Ints = NDArray[np.int64]
Reals = NDArray[np.float64]

CELLS = 48
COUNTS_PER_MIPT = 35
"""Charge counts in one minimum-ionising particle at normal incidence (MIPT)."""


def _arrangement() -> Ints:
    step = np.arange(4)
    across, down = step[None, :], step[:, None]
    first = 4 * across + down
    second = 28 - 4 * down + across
    third = 47 - 4 * across - down
    # The fourth quadrant repeats the third, turned so that it continues the first one's border.
    repeated = 35 - across + 4 * down
    return np.block([[second, first], [third, repeated]]).astype(np.int64)


ARRANGEMENT: Ints = _arrangement()
"""(8, 8) cell numbers; the lower right 4x4 repeats cells 32-47."""

MASK: Ints = np.pad(np.ones((8, 8), np.int64)[4:, 4:] * 0, ((4, 0), (4, 0)), constant_values=1)
"""(8, 8): 1 where a place counts in the loss, 0 on the repeated cells."""


def cell_uv() -> Ints:
    """(48, 2) lattice coordinates; neighbours differ by (1, 0), (0, 1) or (1, 1)."""
    n = np.arange(16)
    row, column = n % 4, n // 4
    first = np.stack([7 - row, 4 + column], 1)
    second = np.stack([1 + row + column, row], 1)
    third = np.stack([3 - column, 6 - row - column], 1)
    return np.concatenate([first, second, third]).astype(np.int64)


def positions() -> Reals:
    """(48, 2) cell centres x, y in cell pitches, the wafer's centre of gravity at the origin."""
    u, v = cell_uv().T.astype(np.float64)
    xy = np.stack([v - u / 2, u * np.sqrt(3) / 2], 1)
    return np.asarray(xy - xy.mean(0), dtype=np.float64)


def arrange(cells: NDArray[np.generic]) -> NDArray[np.generic]:
    """(n, 48) values to the (n, 8, 8, 1) image the encoder reads."""
    return cells[:, ARRANGEMENT.ravel()].reshape(-1, 8, 8, 1)


def rearrange(image: NDArray[np.generic]) -> NDArray[np.generic]:
    """(n, 8, 8, 1) image to (n, 48) cells; the repeated quadrant is dropped."""
    flat = image.reshape(len(image), 64)
    places = np.flatnonzero(MASK.ravel())
    order = np.argsort(ARRANGEMENT.ravel()[places])
    return flat[:, places[order]]


def compress_4e3m(counts: Ints) -> Ints:
    """Charges as the 7-bit code with 4 exponent and 3 mantissa bits can say them, cut downwards.

    Codes: exponent 0 is 0..7; exponent e is (8 + m) * 2**(e - 1). Larger charges saturate.
    """
    limited = np.clip(counts, 0, 15 << 14)
    # frexp gives the bit length exactly for integers below 2**53.
    length = np.frexp(limited.astype(np.float64))[1].astype(np.int64)
    drop = np.maximum(length - 4, 0)
    return np.asarray((limited >> drop) << drop, dtype=np.int64)


def codes_4e3m(counts: NDArray[np.generic]) -> Ints:
    """The 7-bit codes of charges, cut as `compress_4e3m` does: ``exponent * 8 + mantissa``."""
    limited = np.clip(np.asarray(counts, np.float64), 0, 15 << 14)
    charge = compress_4e3m(np.floor(limited).astype(np.int64))
    exponent = np.maximum(np.frexp(charge.astype(np.float64))[1].astype(np.int64) - 3, 0)
    mantissa = (charge >> np.maximum(exponent - 1, 0)) & 7
    return np.asarray(exponent * 8 + mantissa, dtype=np.int64)


def normalise(counts: NDArray[np.generic]) -> Reals:
    """Charges divided by 2**floor(log2(their sum)), as the chip does it with a shift.

    Args:
        counts: (n, 48), each row with a positive sum.
    """
    charge = np.asarray(counts, dtype=np.float64)
    exponent = np.frexp(charge.sum(1))[1] - 1
    return np.asarray(np.ldexp(charge, -exponent[:, None]), dtype=np.float64)


def pair_sums() -> tuple[Reals, Reals]:
    """The 36 overlapping 2x2 sums of the telescoping loss: (48, 36) membership, (36,) weights.

    Nine lie in each rhombus and three across each border of two rhombi. A sum's weight is a
    quarter of the summed inverse numbers of sums that each of its cells is in.
    """
    groups: list[list[int]] = []
    for quadrant in (ARRANGEMENT[:4, 4:], ARRANGEMENT[:4, :4], ARRANGEMENT[4:, :4]):
        windows = np.lib.stride_tricks.sliding_window_view(quadrant, (2, 2))
        groups.extend(windows.reshape(9, 4).tolist())
    grid = ARRANGEMENT
    for k in range(3):
        groups.append(grid[k : k + 2, 3:5].ravel().tolist())
        groups.append(grid[3:5, k : k + 2].ravel().tolist())
        groups.append(grid[3:5, 4 + k : 6 + k].ravel().tolist())
    members = np.zeros((CELLS, len(groups)))
    for index, group in enumerate(groups):
        members[group, index] = 1.0
    weights = 0.25 * (members / members.sum(1, keepdims=True)).sum(0)
    return members, weights


def rhombus_sums() -> Reals:
    """(48, 3) membership of the three sums of 16 cells."""
    return np.asarray(np.kron(np.eye(3), np.ones((16, 1))), dtype=np.float64)
