"""Synthetic machine spectra against what their docstring states, and the mel bands."""

from __future__ import annotations

import numpy as np
import pytest

from hwflow.train.data import machine_sound
from hwflow.train.data.anomaly import machine_labels
from hwflow.train.data.machine_sound import (
    FAULTS,
    FEATURES,
    HARMONICS,
    LEVEL,
    MACHINES,
    SPAN,
    sounds,
    the_machines,
)  # fmt: skip
from hwflow.train.data.mel import (
    BANDS,
    BIN_HERTZ,
    BINS,
    FRAMES,
    HOP,
    RATE,
    WINDOW,
    band_centres,
    mel_power,
)  # fmt: skip

SEED = 4
EACH = 500


@pytest.fixture(scope="module")
def windows() -> list[np.ndarray]:
    """EACH windows (n, FRAMES, BANDS) in decibels of machine 0 for each fault, none first."""
    made = []
    for fault in range(len(FAULTS) + 1):
        kind = np.full(EACH, fault)
        x = sounds(np.zeros(EACH, np.int64), kind, SEED)
        made.append(x.reshape(EACH, FRAMES, BANDS).astype(np.float64) * SPAN + LEVEL)
    return made


def dense_filters() -> np.ndarray:
    """The triangles of the Slaney scale, written out band by band."""

    def hertz(mel: float) -> float:
        return mel * 200 / 3 if mel < 15 else 1000 * 6.4 ** ((mel - 15) / 27)

    top = 15 + 27 * np.log(8) / np.log(6.4)
    edges = [hertz(m) for m in np.linspace(0, top, BANDS + 2)]
    weights = np.zeros((BANDS, BINS))
    for band in range(BANDS):
        low, middle, high = edges[band : band + 3]
        for index in range(BINS):
            f = index * BIN_HERTZ
            slope = min((f - low) / (middle - low), (high - f) / (high - middle))
            weights[band, index] = max(0.0, slope) * 2 / (high - low)
    return weights


def test_mel_bands_are_triangles_of_the_slaney_scale() -> None:
    spectrum = np.random.default_rng(0).random((3, 2, BINS))
    weights = dense_filters()
    assert np.allclose(mel_power(spectrum), spectrum @ weights.T, rtol=1e-9, atol=1e-12)
    assert (weights.sum(1) > 0).all()
    assert (band_centres()[0], RATE / WINDOW) == (pytest.approx(23.4, abs=0.1), BIN_HERTZ)


def test_layout_is_the_benchmarks() -> None:
    assert (FRAMES, BANDS, FEATURES, WINDOW, HOP, RATE) == (5, 128, 640, 1024, 512, 16000)
    x = sounds(np.arange(10) % MACHINES, np.zeros(10, np.int64), 1)
    assert (x.shape, x.dtype) == ((10, FEATURES), np.float32)


def test_same_seed_same_sounds() -> None:
    machine, fault = machine_labels(60, 0.5)
    first = sounds(machine, fault, 7)
    assert np.array_equal(first, sounds(machine, fault, 7))
    assert not np.array_equal(first, sounds(machine, fault, 8))


def test_values_fit_fixed_point_inputs() -> None:
    machine, fault = machine_labels(600, 0.4)
    for seed in (1, 2, 3):
        x = sounds(machine, fault, seed)
        assert (np.abs(x) < 4).mean() > 0.9999
        assert np.abs(x).max() < 5
        assert abs(float(x.mean())) < 0.7
        assert x.std() > 0.7


def test_machines_are_as_stated() -> None:
    many = the_machines(3, 4000)
    assert 70 <= many.shaft.min() < 72
    assert 128 < many.shaft.max() <= 130
    assert many.gains.min() >= 8
    assert many.gains.max() <= 16
    assert many.levels.shape == (4000, HARMONICS)
    fall = many.levels.mean(0)
    assert np.allclose(np.diff(fall), -0.9, atol=0.4)
    assert np.allclose(many.levels.std(0), 4.0, atol=0.3)


def test_floor_falls_by_3_db_an_octave() -> None:
    """Between the harmonics' end and the top, with the housing's resonances left out."""
    machines = the_machines(SEED)
    quiet = machine_sound.Machines(
        machines.shaft, machines.levels, machines.centres, machines.gains * 0, machines.widths
    )
    rng = np.random.default_rng(0)
    floor = machine_sound._floor(rng, quiet, np.zeros(4000, np.int64), np.zeros(4000)).mean(0)
    bins = [round(f / BIN_HERTZ) for f in (500, 1000, 2000, 4000)]
    assert np.allclose(np.diff(floor[bins]), -3.0, atol=0.1)


def test_gain_is_as_stated() -> None:
    gain = machine_sound._gain(np.random.default_rng(0), 20000)
    # Load of 2 dB, and a sine of a depth even in 0..2 dB: variance (2^2 / 3) / 2.
    assert gain.std() == pytest.approx(np.sqrt(4 + 4 / 6), rel=0.02)
    assert np.abs(np.diff(gain, axis=1)).max() < 2 * 2 * np.pi * 4 * 0.032


def test_harmonics_stand_at_multiples_of_the_shafts_speed() -> None:
    rng = np.random.default_rng(0)
    shaft = np.full((50, FRAMES), 100.0)
    power = machine_sound._harmonics(rng, np.zeros((50, HARMONICS)), shaft).mean((0, 1))
    peaks = np.flatnonzero((power[1:-1] > power[:-2]) & (power[1:-1] >= power[2:])) + 1
    assert len(peaks) == HARMONICS
    assert np.abs(peaks * BIN_HERTZ - 100 * np.arange(1, HARMONICS + 1)).max() <= BIN_HERTZ
    # A line in the middle of a bin has that bin's full power.
    lone = machine_sound._lines(np.full((1, FRAMES, 1), 64 * BIN_HERTZ), np.zeros((1, FRAMES, 1)))
    assert lone[0, 0, 62:67].tolist() == pytest.approx([0, 0.25, 1, 0.25, 0], abs=1e-2)


def test_noise_fluctuates_as_a_periodogram(windows: list[np.ndarray]) -> None:
    """Bands of one or two bins move by decibels between frames, wide ones average that out."""
    steps = np.diff(windows[0], axis=1).std((0, 1))
    # Below the first harmonic there is noise alone. One bin's exponential power has a standard
    # deviation of 5.6 dB, the difference of two frames sqrt(2) of that.
    assert 3.5 < steps[:2].mean() < 5.6 * np.sqrt(2)
    assert 0.7 < steps[-20:].mean() < 2.5


def test_speed_varies_by_4_percent(windows: list[np.ndarray]) -> None:
    speed = the_machines(SEED).shaft[0]
    centres = band_centres()
    near = np.abs(centres - 4 * speed) < 0.15 * 4 * speed
    weights = 10 ** (windows[0].mean(1)[:, near] / 10)
    found = (weights * centres[near]).sum(1) / weights.sum(1)
    assert np.median(found) == pytest.approx(4 * speed, rel=0.04)
    assert 0.015 < found.std() / (4 * speed) < 0.06


def change(windows: list[np.ndarray], fault: str) -> np.ndarray:
    """(BANDS,) decibels by which `fault` moves the mean spectrum."""
    return np.asarray((windows[FAULTS.index(fault) + 1] - windows[0]).mean((0, 1)))


def test_faults_change_what_they_should(windows: list[np.ndarray]) -> None:
    centres, speed = band_centres(), the_machines(SEED).shaft[0]
    loose = change(windows, "looseness")
    assert loose[centres < 12 * speed].mean() > 1.0
    assert abs(loose[centres > 14 * speed].mean()) < 0.3
    bearing = change(windows, "bearing")
    assert bearing[(centres > 3500) & (centres < 6500)].mean() > 0.5
    assert abs(bearing[centres < 1500].mean()) < 0.3
    rattle = change(windows, "rattle")
    assert rattle[centres > 2500].mean() > 1.5
    assert abs(rattle[centres < 1200].mean()) < 0.3
    resonance = windows[FAULTS.index("resonance") + 1].mean(1).std(0)
    at = np.abs(centres - the_machines(SEED).centres[0][:, None]).argmin(1)
    assert (resonance[at] > 1.2 * windows[0].mean(1).std(0)[at]).all()


def test_rattle_strikes_some_frames_only(windows: list[np.ndarray]) -> None:
    high = band_centres() > 2500
    spread = [w[..., high].mean(2).std(1).mean() for w in (windows[0], windows[4])]
    assert spread[1] > 1.5 * spread[0]


def test_labels() -> None:
    machine, fault = machine_labels(4000, 0.2)
    assert np.bincount(fault).tolist() == [3600, 100, 100, 100, 100]
    pairs = {(m, f) for m, f in zip(machine.tolist(), fault.tolist(), strict=True) if f}
    assert len(pairs) == MACHINES * len(FAULTS)
