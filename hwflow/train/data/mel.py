"""The mel filter bank of the MLPerf Tiny anomaly detection features.

Those features are `librosa`'s with 128 bands, 1024-point frames, hops of 512 samples and power 2.
Its default scale (Slaney's Auditory Toolbox: linear below 1 kHz, logarithmic above, triangles of
equal area) is reproduced here. Sound is sampled at 16 kHz, so that a band is at least 1.5
frequency bins wide and none is empty.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "BANDS", "BINS", "BIN_HERTZ", "FRAMES", "HOP", "HOP_SECONDS", "RATE", "WINDOW", "band_centres",
    "decibels", "mel_power",
]  # fmt: skip

Reals = NDArray[np.float64]

RATE = 16_000
"""Samples a second."""
WINDOW = 1024
"""Samples of a frame."""
HOP = 512
"""Samples from a frame to the next."""
HOP_SECONDS = HOP / RATE
BINS = WINDOW // 2 + 1
"""Bins of a frame's power spectrum."""
BIN_HERTZ = RATE / WINDOW
BANDS = 128
"""Mel bands of a frame."""
FRAMES = 5
"""Frames of a sample."""

_LINEAR = 200.0 / 3  # hertz a mel below the knee
_KNEE = 1000.0
_STEP = np.log(6.4) / 27  # logarithm of the frequency ratio of a mel above the knee
_LEAST = 1e-10  # power below which a band counts as silent


def decibels(power: Reals) -> Reals:
    """``10 log10`` of a power, which is `librosa`'s ``20 / 2 log10`` for power spectra."""
    return np.asarray(10 * np.log10(np.maximum(power, _LEAST)), dtype=np.float64)


def mel_power(spectrum: Reals) -> Reals:
    """(..., BANDS) power in the bands of power spectra (..., BINS)."""
    first, rising, falling, area = _filters()
    up, down = (
        np.add.reduceat(spectrum * weights, first, axis=-1)[..., : BANDS + 1]
        for weights in (rising, falling)
    )
    # Band b rises over the interval between edges b and b + 1 and falls over the next one.
    return np.asarray((up[..., :-1] + down[..., 1:]) * area, dtype=np.float64)


def band_centres() -> Reals:
    """(BANDS,) centre frequencies in hertz."""
    return _edges()[1:-1]


@cache
def _edges() -> Reals:
    """BANDS + 2 frequencies evenly spaced in mel from 0 to half the sampling rate."""
    knee = _KNEE / _LINEAR
    top = knee + np.log(RATE / 2 / _KNEE) / _STEP
    mel = np.linspace(0.0, top, BANDS + 2)
    high = _KNEE * np.exp(_STEP * (np.maximum(mel, knee) - knee))
    return np.asarray(np.where(mel < knee, mel * _LINEAR, high), dtype=np.float64)


@cache
def _filters() -> tuple[NDArray[np.int64], Reals, Reals, Reals]:
    """First bin of each interval between edges, weight of each bin in it, and band heights."""
    edges = _edges()
    bins = np.arange(BINS) * BIN_HERTZ
    first = np.searchsorted(bins, edges[:-1], side="left").astype(np.int64)
    interval = np.searchsorted(edges, bins, side="right") - 1
    inside = np.minimum(interval, BANDS)
    rising = (bins - edges[inside]) / (edges[inside + 1] - edges[inside])
    assert bool((np.diff(first) > 0).all()), "an interval without a bin"
    return first, rising, 1.0 - rising, 2.0 / (edges[2:] - edges[:-2])
