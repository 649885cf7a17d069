"""What a chip without a neural network would send: threshold and super-cell compression.

Both get the same number of output bits as the encoder and are judged by the same metric. All
functions work on (n, 48) charges and return (n, 48) rebuilt charges; no TensorFlow.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hwflow.train.data.wafer import CELLS, compress_4e3m

__all__ = ["ENCODER_BITS", "super_cells", "threshold"]

Reals = NDArray[np.float64]

ENCODER_BITS = 16 * 9
"""Bits of the encoder's output: 16 codes of 9 bits."""

_CODE_BITS = 7  # a charge as 4 exponent and 3 mantissa bits
_MAP_BITS = CELLS  # one bit a cell: sent or not


def threshold(counts: NDArray[np.int64], least: int, bits: int = ENCODER_BITS) -> Reals:
    """Cells of at least `least` counts, the largest first, as many as `bits` hold.

    The bits are a 48-bit map of the cells sent and a 7-bit 4E+3M code for each of them.

    Args:
        least: threshold in counts (35 a MIPT; the chip's default is 1.35 MIPT, 47 counts).
    """
    room = max((bits - _MAP_BITS) // _CODE_BITS, 0)
    order = np.argsort(-counts, axis=1, kind="stable")
    rank = np.argsort(order, axis=1, kind="stable")
    sent = (rank < room) & (counts >= least)
    return np.asarray(np.where(sent, compress_4e3m(counts), 0), dtype=np.float64)


def super_cells(counts: NDArray[np.int64], bits: int = ENCODER_BITS) -> Reals:
    """Sums of the twelve 2x2 super-cells, each spread evenly over its four cells again.

    Twelve sums share `bits`: each is a floating code with 4 exponent bits and the rest mantissa.
    """
    corner = 4 * (np.arange(CELLS) // 16 * 4 + np.arange(CELLS) % 16 // 8 * 2)
    group = corner // 4 + np.arange(CELLS) % 4 // 2
    sums = np.zeros((len(counts), 12), dtype=np.int64)
    np.add.at(sums.T, group, counts.T)
    mantissa = bits // 12 - 4
    return np.asarray(_cut(sums, mantissa)[:, group] / 4.0, dtype=np.float64)


def _cut(sums: NDArray[np.int64], mantissa: int) -> NDArray[np.int64]:
    """Keep the leading one and `mantissa` bits below it."""
    length = np.frexp(sums.astype(np.float64))[1].astype(np.int64)
    drop = np.maximum(length - mantissa - 1, 0)
    return np.asarray((sums >> drop) << drop, dtype=np.int64)
