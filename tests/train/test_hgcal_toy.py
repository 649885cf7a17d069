"""Synthetic wafers against the published occupancies."""

from __future__ import annotations

import numpy as np
import pytest

from hwflow.train.data.hgcal_toy import ELECTRONS, TTBAR, WaferModel, toy_wafers
from hwflow.train.data.wafer import COUNTS_PER_MIPT, compress_4e3m

COUNT = 8000

# (published median, 16%, 84%) and how far ours may be from each of them.
OCCUPANCY = {
    "electrons, non-zero": ((11, 4, 32), (1, 1, 3)),
    "electrons, above 1 MIPT": ((3, 1, 7), (0, 0, 1)),
    "ttbar, non-zero": ((10, 3, 36), (2, 1, 5)),
    "ttbar, above 1 MIPT": ((1, 0, 7), (0, 0, 1)),
    "ttbar, log10(max / MIPT)": ((0.07, -0.46, 0.65), (0.1, 0.12, 0.1)),
}


def quantity(name: str, wafers: np.ndarray) -> np.ndarray:
    if "non-zero" in name:
        return np.asarray((wafers > 0).sum(1))
    if "above" in name:
        return np.asarray((wafers > COUNTS_PER_MIPT).sum(1))
    return np.asarray(np.log10(wafers.max(1) / COUNTS_PER_MIPT))


@pytest.fixture(scope="module")
def samples() -> dict[str, np.ndarray]:
    return {"electrons": toy_wafers(COUNT, 11, ELECTRONS), "ttbar": toy_wafers(COUNT, 11, TTBAR)}


@pytest.mark.parametrize("name", OCCUPANCY)
def test_occupancy_is_the_published_one(name: str, samples: dict[str, np.ndarray]) -> None:
    published, tolerance = OCCUPANCY[name]
    values = quantity(name, samples[name.partition(",")[0]])
    found = np.percentile(values, (50, 16, 84))
    assert (np.abs(found - published) <= tolerance).all(), found


def test_wafers_are_4e3m_codes_and_never_empty(samples: dict[str, np.ndarray]) -> None:
    for wafers in samples.values():
        assert wafers.dtype == np.int64
        assert wafers.shape == (COUNT, 48)
        assert wafers.any(1).all()
        assert np.array_equal(compress_4e3m(wafers), wafers)


def test_showers_are_compact(samples: dict[str, np.ndarray]) -> None:
    """Bright cells have bright neighbours: unlike a wafer with its cells shuffled."""
    from hwflow.train.data.wafer import positions

    cells = positions()
    near = np.linalg.norm(cells[:, None] - cells[None], axis=2) < 1.001
    wafers = np.log1p(samples["electrons"][:2000].astype(float))
    shuffled = np.random.default_rng(0).permuted(wafers, axis=1)
    assert (wafers @ near * wafers).sum() > 1.2 * (shuffled @ near * shuffled).sum()


def test_generator_is_reproducible() -> None:
    assert np.array_equal(toy_wafers(50, 3, TTBAR), toy_wafers(50, 3, TTBAR))
    assert not np.array_equal(toy_wafers(50, 3, TTBAR), toy_wafers(50, 4, TTBAR))


def test_shower_charge_is_shared_out_whole() -> None:
    """A shower inside the wafer leaves nearly all its charge in the 48 cells."""
    model = WaferModel(1e-9, 0.0, 1.0, 0.0, 0.0, (0, 1, 0, 0), 1e4, 0.0, 0.5, 0.5, 0.0)
    total = toy_wafers(500, 1, model).sum(1) / COUNTS_PER_MIPT
    assert np.percentile(total, 90) == pytest.approx(1e4, rel=0.1)
