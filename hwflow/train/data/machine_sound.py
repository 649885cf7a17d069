"""Synthetic log-mel spectra of rotating machines, sound and faulty.

Recordings such as ToyADMOS cannot be shipped. These spectra have the layout of the MLPerf Tiny
anomaly detection benchmark's features (5 frames of 128 mel bands, see `mel`) and imitate what a
microphone beside a small motor picks up; they are synthetic and are called so wherever they
appear. A window of 5 frames holds, in each frequency bin of each frame,

- noise: power of an exponential law (as a periodogram has) around a floor that falls by 3 dB an
  octave, with three resonances of the machine's housing of 8 to 16 dB;
- 24 harmonics of the shaft, whose speed lies 4% (standard deviation) around the machine's own and
  drifts by up to 1% during the window, as lines with the main lobe of a Hann window;
- gain: the load moves it by 2 dB (standard deviation), the harmonics by another 1.5 dB, and a
  slow amplitude modulation (0.5 to 4 Hz) by up to 2 dB.

Machines differ in speed (70 to 130 Hz), in the harmonics' levels and in the resonances. A fault is
one of four, of a severity drawn evenly between 0.2 and 1:

- "looseness": lines halfway between the harmonics;
- "bearing": clicks that ring at 3.5 to 6.5 kHz: lines spaced by 3.6 times the shaft's speed, each
  with side bands at the shaft's speed, of another strength in each frame;
- "resonance": a resonance of the housing missing or raised by up to 10 dB;
- "rattle": noise above 2 kHz in some of the frames.

Values are ``(decibels - LEVEL) / SPAN``, so that they lie in -4..4 for fixed-point inputs.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hwflow.train.data.mel import BIN_HERTZ, BINS, FRAMES, HOP_SECONDS, decibels, mel_power

__all__ = [
    "FAULTS", "FEATURES", "HARMONICS", "LEVEL", "MACHINES", "SPAN", "Machines", "sounds",
    "the_machines",
]  # fmt: skip

Reals = NDArray[np.float64]
Ints = NDArray[np.int64]

FAULTS = ("looseness", "bearing", "resonance", "rattle")
"""Names of the faults 1, 2, 3, 4; 0 is a sound machine."""
MACHINES = 4
HARMONICS = 24
FEATURES = FRAMES * 128
LEVEL = -6.5
"""Decibels that become 0."""
SPAN = 8.0
"""Decibels that become 1."""

_RESONANCES = 3
_CHUNK = 2000  # windows at once
_LOBE = np.arange(-2, 3)  # bins that a line reaches
_HERTZ = np.arange(BINS) * BIN_HERTZ
_OCTAVES = np.log2(np.maximum(_HERTZ, 100.0) / 1000.0)
_MILD, _SEVERE = 0.2, 1.0


@dataclass(frozen=True, slots=True, eq=False)
class Machines:
    """What tells machines apart, one row each: shaft speeds in hertz (m,), harmonics' levels in
    decibels (m, HARMONICS), and the resonances' frequencies in hertz, gains in decibels and widths
    in octaves (m, 3).
    """

    shaft: Reals
    levels: Reals
    centres: Reals
    gains: Reals
    widths: Reals


def the_machines(seed: int, count: int = MACHINES) -> Machines:
    """The machines of a seed."""
    rng = np.random.default_rng([seed, 1])
    shape = (count, _RESONANCES)
    fall = 24.0 - 0.9 * np.arange(HARMONICS)
    return Machines(
        rng.uniform(70.0, 130.0, count),
        fall + rng.normal(0.0, 4.0, (count, HARMONICS)),
        500.0 * 2.0 ** rng.uniform(0.0, 3.6, shape),
        rng.uniform(8.0, 16.0, shape),
        rng.uniform(0.08, 0.3, shape),
    )


def sounds(machine: Ints, fault: Ints, seed: int) -> NDArray[np.float32]:
    """(n, 640) windows: frame 0's 128 mel bands first.

    Deterministic in its arguments; rows do not depend on later ones.

    Args:
        machine: (n,) rows of `the_machines(seed)`.
        fault: (n,) 0 for a sound machine, else the number of one of `FAULTS`.
    """
    machines = the_machines(seed)
    rng = np.random.default_rng([seed, 2])
    parts = [
        _windows(rng, machines, machine[at : at + _CHUNK], fault[at : at + _CHUNK])
        for at in range(0, len(machine), _CHUNK)
    ]
    return np.concatenate(parts)


def _windows(
    rng: np.random.Generator, machines: Machines, machine: Ints, fault: Ints
) -> NDArray[np.float32]:
    count = len(machine)
    severity = rng.uniform(_MILD, _SEVERE, count)
    gain = _gain(rng, count)
    drift = rng.uniform(-0.01, 0.01, (count, 1)) * np.linspace(-0.5, 0.5, FRAMES)
    speed = machines.shaft[machine] * (1.0 + 0.04 * rng.standard_normal(count))
    shaft = speed[:, None] * (1.0 + drift)
    floor = _floor(rng, machines, machine, np.where(fault == 3, severity, 0.0))
    power = _power(floor)[:, None] + _rattle(rng, floor, np.where(fault == 4, severity, 0.0))
    power = power * rng.standard_exponential((count, FRAMES, BINS))
    power += _harmonics(rng, machines.levels[machine], shaft)
    _looseness(power, machines.levels[machine], shaft, severity, np.flatnonzero(fault == 1))
    _bearing(rng, power, floor, shaft, severity, np.flatnonzero(fault == 2))
    level = decibels(mel_power(power)) + gain[..., None] - LEVEL
    return (level / SPAN).reshape(count, FEATURES).astype(np.float32)


def _gain(rng: np.random.Generator, count: int) -> Reals:
    """(count, FRAMES) decibels of load and slow amplitude modulation."""
    load = 2.0 * rng.standard_normal((count, 1))
    spans = ((0.0, 2.0), (0.5, 4.0), (0.0, 1.0))
    depth, rate, phase = (rng.uniform(low, high, (count, 1)) for low, high in spans)
    turns = rate * HOP_SECONDS * np.arange(FRAMES) + phase
    return np.asarray(load + depth * np.sin(2 * np.pi * turns), dtype=np.float64)


def _floor(rng: np.random.Generator, machines: Machines, machine: Ints, severity: Reals) -> Reals:
    """(n, BINS) noise in decibels; a severity above 0 removes or raises one resonance."""
    count = len(machine)
    gains = machines.gains[machine] + 0.7 * rng.standard_normal((count, _RESONANCES))
    chosen = np.arange(_RESONANCES) == rng.integers(0, _RESONANCES, count)[:, None]
    change = np.where(rng.random((count, 1)) < 0.5, -gains, 10.0) * severity[:, None]
    gains = gains + chosen * change
    total = np.broadcast_to(-3.0 * _OCTAVES, (count, BINS)).copy()
    for index in range(_RESONANCES):
        centre = machines.centres[machine, index] * (1.0 + 0.01 * rng.standard_normal(count))
        away = _OCTAVES - np.log2(centre / 1000.0)[:, None]
        away /= machines.widths[machine, index][:, None]
        total += gains[:, index, None] * np.exp(-0.5 * away**2)
    return total


def _rattle(rng: np.random.Generator, floor: Reals, severity: Reals) -> Reals:
    """(n, FRAMES, BINS) further noise power, in about half of the frames and at least in one."""
    count = len(severity)
    struck = rng.random((count, FRAMES)) < 0.5
    struck[np.arange(count), rng.integers(0, FRAMES, count)] = True
    strength = (_power(10.0 * severity) - 1.0)[:, None] * struck
    high = 1.0 / (1.0 + np.exp((2000.0 - _HERTZ) / 200.0))
    return np.asarray(strength[..., None] * (_power(floor) * high)[:, None], dtype=np.float64)


def _harmonics(rng: np.random.Generator, levels: Reals, shaft: Reals) -> Reals:
    """(n, FRAMES, BINS) power of the shaft's harmonics."""
    count = len(shaft)
    balance = 1.5 * rng.standard_normal((count, 1)) + rng.normal(0.0, 0.7, levels.shape)
    hertz = shaft[..., None] * np.arange(1, HARMONICS + 1)
    return _lines(hertz, np.broadcast_to((levels + balance)[:, None], hertz.shape))


def _looseness(power: Reals, levels: Reals, shaft: Reals, severity: Reals, rows: Ints) -> None:
    """Add lines at odd multiples of half the shaft's speed, up to 12 times it."""
    hertz = shaft[rows, :, None] * (np.arange(12) + 0.5)
    level = levels[rows, :12] - 14.0 + 14.0 * severity[rows, None]
    power[rows] += _lines(hertz, np.broadcast_to(level[:, None], hertz.shape))


def _bearing(
    rng: np.random.Generator, power: Reals, floor: Reals, shaft: Reals, severity: Reals, rows: Ints
) -> None:
    """Add the ringing of periodic clicks."""
    count = len(rows)
    centre = rng.uniform(3500.0, 6500.0, count)
    level = floor[rows, np.rint(centre / BIN_HERTZ).astype(np.int64)] + 14.0 * severity[rows] + 2.0
    struck = level[:, None] + rng.normal(0.0, 2.0, (count, FRAMES))
    order, side = (grid.ravel() for grid in np.meshgrid(np.arange(-4, 5), np.arange(-1, 2)))
    hertz = centre[:, None, None] + (3.6 * order + side) * shaft[rows][..., None]
    power[rows] += _lines(hertz, struck[..., None] - 0.5 * order**2 - 6.0 * np.abs(side))


def _lines(hertz: Reals, level: Reals) -> Reals:
    """(n, FRAMES, BINS) power of lines (n, FRAMES, k): each a Hann window's main lobe."""
    count = len(hertz)
    place = hertz / BIN_HERTZ
    nearest = np.rint(place).astype(np.int64)
    total = np.zeros(count * FRAMES * BINS)
    start = np.arange(count * FRAMES).reshape(count, FRAMES, 1) * BINS
    power = _power(level)
    for step in _LOBE:
        at = nearest + step
        inside = (at >= 0) & (at < BINS)
        weights = np.where(inside, power * _hann(at - place), 0.0)
        index = start + np.clip(at, 0, BINS - 1)
        total += np.bincount(index.ravel(), weights.ravel(), len(total))
    return total.reshape(count, FRAMES, BINS)


def _hann(away: Reals) -> Reals:
    """Power response of a Hann window, 1 at its centre, `away` bins off."""
    near = np.where(np.abs(np.abs(away) - 1.0) < 1e-6, 0.999, away)
    return np.asarray((np.sinc(near) / (1.0 - near**2)) ** 2, dtype=np.float64)


def _power(level: Reals) -> Reals:
    return np.asarray(10.0 ** (level / 10.0), dtype=np.float64)
