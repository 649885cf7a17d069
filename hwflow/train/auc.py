"""The metric of anomaly detectors: area under the ROC curve of the reconstruction error."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["auc", "error_auc", "reconstruction_error"]

Reals = NDArray[Any]


def reconstruction_error(samples: Reals, rebuilt: Reals) -> NDArray[np.float64]:
    """(n,) mean squared differences of `samples` and what the network made of them (n, ...).

    Both are in the data's own units; `samples` are as given to the network, before it quantizes
    them.
    """
    given, found = (np.asarray(a, dtype=np.float64).reshape(len(a), -1) for a in (samples, rebuilt))
    return np.asarray(((given - found) ** 2).mean(axis=1), dtype=np.float64)


def auc(scores: Reals, labels: Reals) -> float:
    """Probability that a sample labelled 1 scores higher than one labelled 0.

    Equal scores count one half (the Mann-Whitney statistic, which is the area under the ROC
    curve). 0.5 is chance.

    Raises:
        ValueError: a label is missing.
    """
    anomalous = np.asarray(labels) == 1
    first, second = int(anomalous.sum()), int((~anomalous).sum())
    if not first or not second:
        raise ValueError("the area under the curve needs samples of both labels")
    _, place, count = np.unique(np.asarray(scores), return_inverse=True, return_counts=True)
    ranks = (np.cumsum(count) - (count - 1) / 2)[place]
    above = ranks[anomalous].sum() - first * (first + 1) / 2
    return float(above / (first * second))


def error_auc(samples: Reals, rebuilt: Reals, labels: Reals) -> float:
    """`auc` of the reconstruction error, to six digits."""
    return round(auc(reconstruction_error(samples, rebuilt), labels), 6)
