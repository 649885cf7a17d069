"""The wafer's geometry, arrangement, charge codes and sums."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from hwflow.train.data import wafer


def distances() -> np.ndarray:
    cells = wafer.positions()
    return np.asarray(np.linalg.norm(cells[:, None] - cells[None], axis=2))


def test_arrangement_by_hand() -> None:
    assert wafer.ARRANGEMENT[0].tolist() == [28, 29, 30, 31, 0, 4, 8, 12]
    assert wafer.ARRANGEMENT[3].tolist() == [16, 17, 18, 19, 3, 7, 11, 15]
    assert wafer.ARRANGEMENT[4].tolist() == [47, 43, 39, 35, 35, 34, 33, 32]
    assert wafer.ARRANGEMENT[7].tolist() == [44, 40, 36, 32, 47, 46, 45, 44]
    assert sorted(wafer.ARRANGEMENT[wafer.MASK == 1].tolist()) == list(range(48))
    assert sorted(wafer.ARRANGEMENT[4:, 4:].ravel().tolist()) == list(range(32, 48))


def test_neighbours_in_the_image_are_neighbours_on_the_wafer() -> None:
    apart = distances()
    grid = wafer.ARRANGEMENT
    for row in range(4):
        for column in range(7):
            assert np.isclose(apart[grid[row, column], grid[row, column + 1]], 1.0)
    for column in range(8):
        assert np.isclose(apart[grid[3, column], grid[4, column]], 1.0)


def test_cells_form_one_hexagonal_lattice() -> None:
    apart = distances() + 9 * np.eye(48)
    assert np.isclose(apart.min(), 1.0)
    touching = (apart < 1.001).sum(1)
    assert touching.max() == 6
    # 33 pairs of neighbours inside each rhombus, seven across each of the three borders.
    assert touching.sum() // 2 == 3 * 33 + 3 * 7
    assert len({tuple(pair) for pair in wafer.cell_uv().tolist()}) == 48


def test_rearrange_undoes_arrange() -> None:
    cells = np.random.default_rng(0).random((5, 48))
    image = wafer.arrange(cells)
    assert image.shape == (5, 8, 8, 1)
    assert np.array_equal(wafer.rearrange(image), cells)


def codes_4e3m() -> set[int]:
    """Every charge a 7-bit code can say."""
    return set(range(8)) | {(8 + m) << (e - 1) for e in range(1, 16) for m in range(8)}


@given(st.integers(0, 300_000))
def test_4e3m_is_the_largest_code_not_above(charge: int) -> None:
    found = int(wafer.compress_4e3m(np.array([charge]))[0])
    assert found == max(code for code in codes_4e3m() if code <= charge)


@given(st.lists(st.integers(0, 245_760), min_size=48, max_size=48).filter(any))
def test_normalised_sum_lies_between_one_and_two(charges: list[int]) -> None:
    counts = np.array([charges])
    cells = wafer.normalise(counts)
    assert 1.0 <= cells.sum() < 2.0
    shift = (sum(charges)).bit_length() - 1
    assert np.array_equal(cells * 2.0**shift, counts)


def test_pair_sums() -> None:
    members, weights = wafer.pair_sums()
    assert members.shape == (48, 36)
    assert np.array_equal(members.sum(0), np.full(36, 4.0))
    # Four cells around a point: a rhombus with its five shortest distances equal to the pitch.
    apart = distances()
    for group in members.T:
        cells = np.flatnonzero(group)
        assert (apart[np.ix_(cells, cells)] < 1.001).sum() == 4 + 2 * 5
    # Every cell contributes a quarter in total, however many sums it is in.
    assert np.isclose(weights.sum(), 48 / 4)
    # Published weights, in quarters: wafer corner, edge, inside, and beside the centre.
    assert {round(4 * w, 6) for w in weights} == {2.25, 1.5, 1.0, 1.083333, 1.166667}


def test_rhombus_sums() -> None:
    assert np.array_equal(np.arange(48) @ wafer.rhombus_sums(), [120, 376, 632])
