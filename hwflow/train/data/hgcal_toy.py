"""Synthetic calorimeter wafers: sparse log-normal pile-up and up to three showers.

Real wafers of the CMS high-granularity calorimeter cannot be shipped. These are tuned to the
published occupancies of two samples (arXiv 2105.01683 and its data release): how many cells per
module are non-zero and above one MIPT. They are synthetic and are called so wherever they appear.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hwflow.train.data.wafer import CELLS, COUNTS_PER_MIPT, compress_4e3m, positions

__all__ = ["ELECTRONS", "TTBAR", "WaferModel", "toy_wafers"]

Reals = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class WaferModel:
    """Parameters of one sample.

    Attributes:
        occupancy: median expected number of cells with pile-up.
        occupancy_spread: its log-normal sigma from module to module.
        charge: median pile-up charge of a hit cell in MIPT, in a module of median occupancy.
        charge_spread: log-normal sigma from cell to cell.
        brightness: power of (occupancy / median occupancy) by which a module's charges grow.
        showers: probabilities of 0, 1, 2 and 3 showers.
        energy: median shower charge in MIPT.
        energy_spread: its log-normal sigma.
        core, halo: Gaussian widths of the shower's two parts, in cell pitches.
        halo_fraction: part of the shower's charge in the halo.
    """

    occupancy: float
    occupancy_spread: float
    charge: float
    charge_spread: float
    brightness: float
    showers: tuple[float, float, float, float]
    energy: float
    energy_spread: float
    core: float
    halo: float
    halo_fraction: float


ELECTRONS = WaferModel(
    occupancy=2.36,
    occupancy_spread=0.4,
    charge=2.5,
    charge_spread=1.2,
    brightness=0.0,
    showers=(0.01, 0.74, 0.2, 0.05),
    energy=1.55,
    energy_spread=2.47,
    core=0.5,
    halo=1.5,
    halo_fraction=0.31,
)
TTBAR = WaferModel(
    occupancy=6.5,
    occupancy_spread=1.3,
    charge=0.207,
    charge_spread=1.02,
    brightness=0.55,
    showers=(0.72, 0.21, 0.056, 0.014),
    energy=7.1,
    energy_spread=1.36,
    core=0.5,
    halo=1.5,
    halo_fraction=0.39,
)

_TAIL = 1.0  # shower axes may lie this far outside the wafer's outermost cell centres


def toy_wafers(count: int, seed: int, model: WaferModel) -> NDArray[np.int64]:
    """(count, 48) charges in counts (35 a MIPT), 4E+3M compressed; no wafer is empty.

    Deterministic in (count, seed, model).
    """
    rng = np.random.default_rng(seed)
    kept: list[NDArray[np.int64]] = []
    total = 0
    while total < count:
        wafers = _wafers(rng, 4096, model)
        wafers = wafers[wafers.any(1)]
        kept.append(wafers)
        total += len(wafers)
    return np.concatenate(kept)[:count]


def _wafers(rng: np.random.Generator, count: int, model: WaferModel) -> NDArray[np.int64]:
    # Rounded to float32 before the cut to integers: the last bits of exp() differ between
    # machines' mathematical libraries and must not decide a count.
    charge = (_pile_up(rng, count, model) + _showers(rng, count, model)) * COUNTS_PER_MIPT
    return compress_4e3m(np.floor(charge.astype(np.float32)).astype(np.int64))


def _pile_up(rng: np.random.Generator, count: int, model: WaferModel) -> Reals:
    activity = np.exp(model.occupancy_spread * rng.standard_normal((count, 1)))
    hit = rng.random((count, CELLS)) < -np.expm1(-activity * model.occupancy / CELLS)
    median = model.charge * activity**model.brightness
    spread = np.exp(model.charge_spread * rng.standard_normal((count, CELLS)))
    return np.asarray(hit * median * spread, dtype=np.float64)


def _showers(rng: np.random.Generator, count: int, model: WaferModel) -> Reals:
    number = rng.choice(4, size=count, p=model.showers)
    charge = np.zeros((count, CELLS))
    for index in range(3):
        energy = model.energy * np.exp(model.energy_spread * rng.standard_normal(count))
        centre = _centres(rng, count)
        rows = np.flatnonzero(number > index)
        share = (1 - model.halo_fraction) * _share(centre[rows], model.core)
        share += model.halo_fraction * _share(centre[rows], model.halo)
        charge[rows] += energy[rows, None] * share
    return charge


def _centres(rng: np.random.Generator, count: int) -> Reals:
    """(count, 2) shower axes, even over the wafer's area and a margin around it."""
    cells = positions()
    chosen = cells[rng.integers(0, CELLS, count)]
    return np.asarray(chosen + rng.uniform(-_TAIL, _TAIL, (count, 2)), dtype=np.float64)


def _share(centre: Reals, width: float) -> Reals:
    """(n, 48) part of a Gaussian shower in each hexagonal cell, over seven points a cell."""
    angle = np.arange(6) * np.pi / 3
    ring = np.stack([np.cos(angle), np.sin(angle)], 1) * 0.36
    points = np.concatenate([np.zeros((1, 2)), ring])
    cell_area = np.sqrt(3) / 2
    total = np.zeros((len(centre), CELLS))
    cells = positions()
    for point in points:
        across, down = (cells[:, axis] + point[axis] - centre[:, axis, None] for axis in (0, 1))
        total += np.exp(-(across**2 + down**2) / (2 * width**2))
    return np.asarray(total * (cell_area / (len(points) * 2 * np.pi * width**2)), dtype=np.float64)
