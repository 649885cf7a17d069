"""Inputs that every tool is given: made from a name, so that files need not hold them."""

from __future__ import annotations

import zlib

import numpy as np
from numpy.typing import NDArray


def inputs(name: str, shape: tuple[int, ...], count: int) -> NDArray[np.float32]:
    """(count, *shape) multiples of 1/64 from -3 to 3, corners first."""
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    steps = rng.integers(-192, 193, (count, *shape))
    steps[0], steps[1], steps[2] = -192, 192, 0
    return (steps / 64).astype(np.float32)


def weights(name: str, shape: tuple[int, ...]) -> NDArray[np.float32]:
    """Multiples of 1/16 from -2 to below 2."""
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    return (rng.integers(-32, 32, shape) / 16).astype(np.float32)
