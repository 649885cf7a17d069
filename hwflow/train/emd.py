"""Earth mover's distance between wafers, the metric ECON-T is judged by."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwflow.train.data.wafer import CELLS, positions

__all__ = ["emd", "mean_emd"]

Reals = NDArray[Any]


def emd(truth: Reals, rebuilt: Reals) -> NDArray[np.float64]:
    """Distance in cell pitches between unit-sum wafers, one per row of (n, 48) charges.

    A rebuilt wafer without charge counts as an even one: it says nothing about where charge is.
    Uses POT's exact `ot.emd2` on the Euclidean distances of the cell centres.
    """
    os.environ.setdefault("POT_BACKEND_DISABLE_TENSORFLOW", "1")
    import ot

    cells = positions()
    cost = np.linalg.norm(cells[:, None] - cells[None], axis=2)
    pairs = zip(_unit_sum(truth), _unit_sum(rebuilt), strict=True)
    return np.array([float(ot.emd2(first, second, cost)) for first, second in pairs])


def mean_emd(truth: Reals, rebuilt: Reals) -> float:
    """Mean of `emd` over the wafers."""
    return float(emd(truth, rebuilt).mean())


def _unit_sum(wafers: Reals) -> NDArray[np.float64]:
    charge = np.maximum(np.asarray(wafers, dtype=np.float64), 0.0)
    charge[charge.sum(1) == 0] = 1.0 / CELLS
    return np.asarray(charge / charge.sum(1, keepdims=True), dtype=np.float64)
