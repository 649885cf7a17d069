"""Quantizers: integer codes against QKeras' float32 formulas, and the refusals."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hwflow.errors import InputError
from hwflow.frontends.qkeras.network import Layer, QuantizerSpec
from hwflow.frontends.qkeras.quantizers import activation_quantizer
from tests.frontends.float_network import quantize
from tests.frontends.networks import bits, relu


def layer_with(spec: dict[str, Any]) -> Layer:
    empty: Any = MappingProxyType({})
    quantizers = MappingProxyType({"activation": QuantizerSpec(spec["class"], spec["config"])})
    return Layer("act", "QActivation", ("x",), empty, quantizers, (4,), empty, empty, empty)


def table(kind: str, **config: Any) -> dict[str, Any]:
    return {"class": kind, "config": {"use_stochastic_rounding": False, **config}}


specs = st.one_of(
    st.builds(
        bits,
        st.integers(1, 9),
        st.integers(-3, 6),
        keep_negative=st.booleans(),
        symmetric=st.sampled_from([0, 1]),
        alpha=st.sampled_from([None, 1, 1.0, 0.25, 4]),
    ),
    st.builds(relu, st.integers(1, 9), st.integers(-3, 6)),
    st.builds(
        relu, st.integers(4, 9), st.integers(-3, 6), negative_slope=st.sampled_from([0.125, 0.5])
    ),
    st.builds(
        lambda a, t: table("ternary", alpha=a, threshold=t),
        st.sampled_from([None, 1.0, 0.5]),
        st.sampled_from([None, 0.5, 0.0, 0.7]),
    ),
    st.builds(
        lambda a, z: table("binary", alpha=a, use_01=z),
        st.sampled_from([None, 1.0, 2.0]),
        st.booleans(),
    ),
)


@settings(max_examples=300, deadline=None)
@given(specs, st.integers(0, 2**32 - 1))
def test_codes_are_what_qkeras_computes(spec: dict[str, Any], seed: int) -> None:
    quantizer = activation_quantizer(layer_with(spec))
    rng = np.random.default_rng(seed)
    step = 2.0**-quantizer.frac
    grid = np.arange(-600, 600) * 0.25 * step  # every code, both neighbours and each tie
    x = np.concatenate([grid, rng.normal(0, 40 * step, 500), [0.0, 0.33, -0.33]])
    x = x.astype(np.float32)
    codes = quantizer.codes(x)
    values = (quantizer.gain * codes + quantizer.base) * step
    expected = quantize(spec["class"], spec["config"], x)
    assert np.array_equal(values.astype(np.float64), expected.astype(np.float64))
    assert codes.min() >= quantizer.lo
    assert codes.max() <= quantizer.hi
    assert bool((np.diff(quantizer.codes(np.sort(x))) >= 0).all())


REFUSED = [
    (bits(4, 0, use_stochastic_rounding=True), "stochastic"),
    (table("ternary", alpha=1.0, threshold=None, use_stochastic_rounding=True), "stochastic"),
    (bits(4, 0, alpha="auto_po2"), "batch"),
    (table("binary", alpha="auto", use_01=False), "batch"),
    (bits(4, 0, alpha=0.3), "power of two"),
    (bits(4, 0, alpha=[1.0, 2.0]), "power of two"),
    (bits(4, 0, qnoise_factor=0.5), "qnoise_factor"),
    (bits(40, 0), "40 bits"),
    (relu(4, 1, use_sigmoid=1), "use_sigmoid"),
    (relu(4, 1, relu_upper_bound=1.0), "relu_upper_bound"),
    (relu(4, 1, is_quantized_clip=False), "is_quantized_clip"),
    (relu(4, 1, negative_slope=0.3), "negative_slope"),
    (relu(3, 1, negative_slope=0.125), "negative_slope"),
    (table("quantized_po2", bits=4), "quantized_po2"),
    (table("ternary", alpha=1.0, threshold="auto"), "threshold"),
]


@pytest.mark.parametrize(("spec", "words"), REFUSED)
def test_refused_by_layer_name(spec: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words) as caught:
        activation_quantizer(layer_with(spec))
    assert caught.value.code == "lower.quantizer"
    assert "'act'" in caught.value.message
    assert caught.value.hint
