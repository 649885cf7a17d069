"""scikit-learn's 8x8 handwritten digits: 1,797 images of 17 grey levels, ten classes."""

from __future__ import annotations

import numpy as np

from hwflow.train.data.dataset import DataSet, shuffled_parts

__all__ = ["digits"]


def digits(*, seed: int = 1, test: float = 0.2) -> DataSet:
    """Images (n, 8, 8, 1) as level / 16, so values are whole sixteenths in 0..1.

    Args:
        seed: of the stratified split.
        test: fraction of the images in the test part.
    """
    from sklearn.datasets import load_digits

    bunch = load_digits()
    x = (bunch.images[..., None] / 16.0).astype(np.float32)
    y = bunch.target.astype(np.int64)
    parts = shuffled_parts(x, y, seed=seed, test=test, stratify=True)
    return DataSet("digits", "classification", 10, *parts)
