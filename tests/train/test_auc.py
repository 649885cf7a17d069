"""The area under the ROC curve against its definition."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hwflow.train.auc import auc, error_auc, reconstruction_error


@given(st.lists(st.tuples(st.integers(0, 5), st.booleans()), min_size=2, max_size=40))
def test_auc_is_the_share_of_pairs_in_order(rows: list[tuple[int, bool]]) -> None:
    scores, labels = (np.array(column) for column in zip(*rows, strict=True))
    labels = labels.astype(np.int64)
    if labels.min() == labels.max():
        with pytest.raises(ValueError, match="both labels"):
            auc(scores, labels)
        return
    pairs = [
        1.0 if high > low else 0.5 if high == low else 0.0
        for high in scores[labels == 1]
        for low in scores[labels == 0]
    ]
    assert auc(scores, labels) == pytest.approx(sum(pairs) / len(pairs), abs=1e-12)


def test_auc_by_hand() -> None:
    assert auc(np.array([1.0, 2.0, 3.0, 4.0]), np.array([0, 0, 1, 1])) == 1.0
    assert auc(np.array([4.0, 3.0, 2.0, 1.0]), np.array([0, 0, 1, 1])) == 0.0
    assert auc(np.array([1.0, 3.0, 2.0, 4.0]), np.array([0, 0, 1, 1])) == 0.75


def test_error_is_the_mean_square_over_all_axes() -> None:
    given_, rebuilt = np.zeros((3, 2, 2)), np.zeros((3, 4))
    rebuilt[1] = [1, 1, 1, 1]
    rebuilt[2] = [4, 0, 0, 0]
    assert reconstruction_error(given_, rebuilt).tolist() == [0.0, 1.0, 4.0]
    assert error_auc(given_, rebuilt, np.array([0, 1, 1])) == 1.0
    assert error_auc(given_, rebuilt, np.array([1, 0, 0])) == 0.0
