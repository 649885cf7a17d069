"""The telescoping loss of ECON-T: cells, overlapping 2x2 sums, sums of 16. Worker process only.

Four times the mean over 48 cells of (t - p)^2 * max(t, p), plus twice the weighted mean of the
same form over 36 overlapping 2x2 sums, plus its mean over three sums of 16 (arXiv 2105.01683).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from hwflow.train.data.wafer import ARRANGEMENT, CELLS, MASK, pair_sums, rhombus_sums

__all__ = ["telescope", "wafer_mse"]


def telescope(tf: Any) -> Callable[[Any, Any], Any]:
    """The loss function of (n, 48) true cells and the decoder's (n, 8, 8, 1) image.

    The image is read without its repeated quadrant and doubled: normalised cells lie in 0..2 and
    a sigmoid ends at 1.
    """
    pairs, weights = pair_sums()
    members = tf.constant(pairs, tf.float32)
    pair_weights = tf.constant(weights, tf.float32)
    rhombi = tf.constant(rhombus_sums(), tf.float32)
    places = tf.constant(_select(), tf.float32)

    def loss(truth: Any, image: Any) -> Any:
        rebuilt = _cells(tf, image, places)
        cells = _form(tf, truth, rebuilt)
        two = _form(tf, tf.matmul(truth, members), tf.matmul(rebuilt, members)) * pair_weights
        sixteen = _form(tf, tf.matmul(truth, rhombi), tf.matmul(rebuilt, rhombi))
        mean = tf.reduce_mean
        return 4.0 * mean(cells, -1) + 2.0 * mean(two, -1) + mean(sixteen, -1)

    return loss


def wafer_mse(tf: Any) -> Callable[[Any, Any], Any]:
    """Plain mean squared error over the 48 cells; the image is read as in `telescope`."""
    places = tf.constant(_select(), tf.float32)

    def loss(truth: Any, image: Any) -> Any:
        return tf.reduce_mean(tf.square(truth - _cells(tf, image, places)), -1)

    return loss


def _cells(tf: Any, image: Any, places: Any) -> Any:
    return 2.0 * tf.matmul(tf.reshape(image, (-1, 64)), places)


def _form(tf: Any, truth: Any, rebuilt: Any) -> Any:
    return tf.square(truth - rebuilt) * tf.maximum(truth, rebuilt)


def _select() -> np.ndarray[Any, np.dtype[np.float32]]:
    """(64, 48): picks each cell's place in the flattened image."""
    chosen = np.zeros((64, CELLS), np.float32)
    for place in np.flatnonzero(MASK.ravel()):
        chosen[place, ARRANGEMENT.ravel()[place]] = 1.0
    return chosen
