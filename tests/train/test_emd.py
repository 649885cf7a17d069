"""The wafer metric and the codes without a network."""

from __future__ import annotations

import numpy as np
import pytest

from hwflow.train.baselines import super_cells, threshold
from hwflow.train.data.wafer import positions
from hwflow.train.emd import emd, mean_emd


def point(cell: int) -> np.ndarray:
    return np.eye(48)[[cell]]


def test_distance_of_two_points_is_their_distance() -> None:
    cells = positions()
    for first, second in ((0, 1), (3, 35), (12, 44), (28, 28)):
        expected = np.linalg.norm(cells[first] - cells[second])
        assert emd(point(first), 7 * point(second))[0] == pytest.approx(expected)


def test_half_of_the_charge_moves_half() -> None:
    both = point(0) + point(4)
    assert emd(point(0), both)[0] == pytest.approx(0.5)


def test_an_empty_wafer_counts_as_an_even_one() -> None:
    empty, even = np.zeros((1, 48)), np.ones((1, 48))
    assert emd(even, empty)[0] == pytest.approx(0.0, abs=1e-12)
    assert mean_emd(point(0), empty) == pytest.approx(mean_emd(point(0), even))


def test_threshold_keeps_the_largest_that_fit() -> None:
    counts = np.arange(48)[None]
    kept = threshold(counts, least=1)
    assert (kept > 0).sum() == 13  # (144 - 48) / 7
    assert np.flatnonzero(kept).min() == 35
    assert kept[0, 47] == 44  # 4E+3M cuts 47 down
    assert (threshold(counts, least=47) > 0).sum() == 1
    assert (threshold(counts, least=1, bits=55) > 0).sum() == 1


def test_super_cells_spread_sums_of_two_by_two() -> None:
    counts = np.zeros((1, 48), np.int64)
    counts[0, [0, 1, 4, 5]] = 8, 4, 0, 0
    counts[0, 47] = 2
    rebuilt = super_cells(counts)
    assert rebuilt[0, [0, 1, 4, 5]].tolist() == [3.0] * 4
    assert rebuilt[0, [42, 43, 46, 47]].tolist() == [0.5] * 4
    assert rebuilt.sum() == 14
    big = np.full((1, 48), 1000)
    assert 0.99 < super_cells(big).sum() / big.sum() <= 1
