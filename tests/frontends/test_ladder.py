"""Thresholds and integer forms against the float32 function on every accumulator value."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hwflow.frontends.exact import ladder as ladders
from hwflow.frontends.exact.forms import find_scaled
from hwflow.frontends.exact.ladder import Affine, Ladder, Relu, climb
from hwflow.frontends.exact.nudge import signed_digits
from hwflow.frontends.qkeras.chain import Chain
from hwflow.frontends.qkeras.quantizers import Quantizer

QUANTIZERS = [
    Quantizer("round", 0, 63, grid=4),
    Quantizer("round", -8, 7, grid=1),
    Quantizer("round", -15, 15, grid=-1),
    Quantizer("sign", 0, 1, gain=2, base=-1),
    Quantizer("ternary", -1, 1, threshold=0.33),
]


def make(seed: int, quantizer: Quantizer) -> tuple[Chain, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    channels = 3
    scale = (rng.normal(0, 1, channels) * 2.0 ** rng.integers(-4, 4)).astype(np.float32)
    offset = (rng.normal(0, 3, channels)).astype(np.float32)
    steps = (Affine(scale, offset), *([Relu()] if rng.random() < 0.3 else []))
    lo = rng.integers(-3000, 100, channels)
    return (
        Chain(rng.integers(0, 10, channels), steps, quantizer),
        lo,
        lo + rng.integers(0, 5000, channels),
    )


def every(lo: np.ndarray, hi: np.ndarray) -> np.ndarray:
    """All accumulator values, as rows; channels that end earlier repeat their last."""
    return np.minimum(lo + np.arange(int((hi - lo).max()) + 1)[:, None], hi)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from(QUANTIZERS))
def test_ladder_equals_the_float_function_everywhere(seed: int, quantizer: Quantizer) -> None:
    chain, lo, hi = make(seed, quantizer)
    found = climb(chain, lo, hi)
    assert found is not None
    a = every(lo, hi)
    assert np.array_equal(found.count(found.direction * a), chain.codes(a))
    assert found.agrees(chain.codes)
    slope = abs(chain.slope) * 2.0 ** (quantizer.grid - chain.frac)
    scaled = find_scaled(found, slope)
    if scaled is not None:
        assert np.array_equal(scaled.codes(a, found.base, found.top), chain.codes(a))


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_a_wrong_threshold_is_noticed(seed: int) -> None:
    chain, lo, hi = make(seed, QUANTIZERS[0])
    found = climb(chain, lo, hi)
    assert found is not None
    inside = np.argwhere((found.thresholds > found.first) & (found.thresholds <= found.last))
    if not len(inside):
        return
    row, channel = inside[len(inside) // 2]
    wrong = found.thresholds.copy()
    wrong[row, channel] += 1
    moved = Ladder(
        found.direction, found.first, found.last, found.base, wrong, found.below, found.at
    )

    def counted(a: np.ndarray) -> np.ndarray:
        return moved.count(moved.direction * a)

    assert not found.agrees(counted)


def test_digits_channels_find_multipliers() -> None:
    rng = np.random.default_rng(3)
    scale = rng.uniform(0.2, 2, 16).astype(np.float32)
    chain = Chain(np.full(16, 9), (Affine(scale, scale - 1),), QUANTIZERS[0])
    edge = np.full(16, 4000)
    found = climb(chain, -edge, edge)
    assert found is not None
    scaled = find_scaled(found, abs(chain.slope) * 2.0 ** (4 - 9))
    assert scaled is not None
    assert int(abs(scaled.multiplier).max()) < 1 << 16


@pytest.mark.parametrize("sign", [1, -1])
def test_float32_roundings_are_corrected_one_by_one(sign: int) -> None:
    """Many levels and wide accumulators: float32 moves thresholds off every straight line."""
    rng = np.random.default_rng(5)
    scale = (sign * rng.uniform(0.03, 0.05, 2)).astype(np.float32)
    quantizer = Quantizer("round", 0, 511, grid=6)
    chain = Chain(np.full(2, 11), (Affine(scale, scale),), quantizer)
    edge = np.full(2, 400_000)
    found = climb(chain, -edge, edge)
    assert found is not None
    scaled = find_scaled(found, abs(chain.slope) * 2.0 ** (6 - 11))
    assert scaled is not None
    assert 0 < len(scaled.points) <= 16
    a = every(-edge, edge)
    assert np.array_equal(scaled.codes(a, found.base, found.top), chain.codes(a))


def test_too_many_levels_are_not_certified(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ladders, "MAX_STEPS", 10)
    chain, lo, hi = make(1, QUANTIZERS[0])
    assert climb(chain, lo - 5000, hi + 5000) is None


@pytest.mark.parametrize(("value", "digits"), [(0, 0), (1, 1), (3, 2), (7, 2), (-5, 2), (21, 3)])
def test_signed_digits(value: int, digits: int) -> None:
    assert signed_digits(value) == digits
