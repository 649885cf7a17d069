"""The telescoping loss against its formula, written out cell by cell."""

from __future__ import annotations

import numpy as np
import pytest

from hwflow.train.data.wafer import ARRANGEMENT, arrange, pair_sums
from hwflow.train.keras_env import KerasEnv
from hwflow.train.telescope import telescope, wafer_mse

pytestmark = pytest.mark.train


def form(truth: float, rebuilt: float) -> float:
    return (truth - rebuilt) ** 2 * max(truth, rebuilt)


def by_hand(truth: np.ndarray, rebuilt: np.ndarray) -> float:
    members, weights = pair_sums()
    cells = np.mean([form(truth[c], rebuilt[c]) for c in range(48)])
    groups = [np.flatnonzero(group) for group in members.T]
    two = np.mean(
        [w * form(truth[g].sum(), rebuilt[g].sum()) for g, w in zip(groups, weights, strict=True)]
    )
    sixteen = np.mean(
        [form(truth[k : k + 16].sum(), rebuilt[k : k + 16].sum()) for k in (0, 16, 32)]
    )
    return float(4 * cells + 2 * two + sixteen)


def test_formula(env: KerasEnv) -> None:
    rng = np.random.default_rng(0)
    truth, rebuilt = rng.random((2, 6, 48)) ** 4
    image = np.asarray(arrange(rebuilt / 2)).astype(np.float32)
    image[:, 4:, 4:] = 0.7  # the repeated quadrant is masked
    found = telescope(env.tf)(truth.astype(np.float32), image).numpy()
    expected = [by_hand(t, p) for t, p in zip(truth, rebuilt, strict=True)]
    assert np.allclose(found, expected, rtol=1e-5)
    assert np.allclose(
        wafer_mse(env.tf)(truth.astype(np.float32), image), ((truth - rebuilt) ** 2).mean(1)
    )


def test_repeated_cells_are_the_third_rhombus() -> None:
    assert set(ARRANGEMENT[4:, 4:].ravel()) == set(range(32, 48))
