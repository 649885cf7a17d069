"""Quantizers: every rounding mode, ties of both signs, zero points, channels; against floats."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hwflow.errors import InputError
from hwflow.frontends.onnx import read
from tests.frontends.onnx.build import QONNX, Sketch
from tests.frontends.onnx.compare import both

MODES = ("ROUND", "FLOOR", "CEIL", "UP", "DOWN", "HALF_UP", "HALF_DOWN")
GRID = np.arange(-128, 128, dtype=np.float32).reshape(-1, 2) / 16
"""Every code of the first quantizer, two channels."""


def agree(path: Path, x: Any = GRID) -> None:
    ours, theirs = both(path, {"x": x})
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(a, b)


def first(s: Sketch, shape: tuple[int, ...] = (2,)) -> str:
    return s.quant(s.input("x", shape), 2**-4, 8)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("narrow", [0, 1])
@pytest.mark.parametrize("signed", [0, 1])
def test_rounding_modes_meet_ties_of_both_signs(
    mode: str, narrow: int, signed: int, tmp_path: Path
) -> None:
    s = Sketch()
    y = s.quant(first(s), 2**-1, 4, signed=signed, narrow=narrow, mode=mode)
    agree(s.save(tmp_path / "a.onnx", y))


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("zero", [1.0, 4.0, -3.0])
def test_zero_points_are_added_before_the_rounding(mode: str, zero: float, tmp_path: Path) -> None:
    s = Sketch()
    y = s.quant(first(s), 2**-1, 4, zero=zero, mode=mode)
    agree(s.save(tmp_path / "a.onnx", y))


@settings(max_examples=40, deadline=None)
@given(
    scales=st.lists(st.floats(2**-6, 4, width=32), min_size=1, max_size=2),
    bits=st.integers(1, 8), signed=st.booleans(), narrow=st.booleans(),
    mode=st.sampled_from(MODES), zero=st.integers(-9, 9),
)  # fmt: skip
def test_any_scale_of_any_channel(
    scales: list[float], bits: int, signed: bool, narrow: bool, mode: str, zero: int,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:  # fmt: skip
    if bits == 1:
        zero, narrow = 0, False
    s = Sketch()
    y = s.quant(first(s), scales, bits, signed=signed, narrow=narrow, mode=mode, zero=float(zero))
    y = s.quant(y, 2**-3, 8)  # whatever the scale, an output of powers of two
    agree(s.save(tmp_path_factory.mktemp("any") / "a.onnx", y))


@pytest.mark.parametrize("scale", [0.5, 0.3])
def test_bipolar(scale: float, tmp_path: Path) -> None:
    s = Sketch()
    y = s.op("BipolarQuant", first(s), s.const(scale), domain=QONNX)
    w = s.op("BipolarQuant", s.const([[0.1, -2], [-0.0, 3]]), s.const(1.0), domain=QONNX)
    y = s.op("MatMul", s.quant(y, 0.25, 4), w)
    agree(s.save(tmp_path / "a.onnx", y))


def test_thresholds_of_each_channel(tmp_path: Path) -> None:
    s = Sketch()
    table = s.const([[-1.3, 0.0, 0.7, 5], [-7, -6.9, -6.875, 100]])
    y = s.op("MultiThreshold", first(s), table, domain=QONNX, out_dtype="INT4", out_scale=0.5,
             out_bias=-1.5, data_layout="NC")  # fmt: skip
    agree(s.save(tmp_path / "a.onnx", y))


@pytest.mark.parametrize("mode", ["FLOOR", "ROUND", "CEIL"])
def test_trunc_drops_low_bits(mode: str, tmp_path: Path) -> None:
    s = Sketch()
    x = first(s)
    bits = s.const(8.0), s.const(5.0)
    y = s.op("Trunc", x, s.const(2**-4), s.const(0.0), *bits, domain=QONNX, rounding_mode=mode)
    agree(s.save(tmp_path / "a.onnx", y))


@pytest.mark.parametrize("mode", ["FLOOR", "ROUND"])
@pytest.mark.parametrize("signed", [0, 1])
def test_trunc_to_another_scale(mode: str, signed: int, tmp_path: Path) -> None:
    s = Sketch()
    more = s.const(8.0), s.const(2**-2), s.const(4.0)
    y = s.op("Trunc", first(s), s.const(2**-4), s.const(0.0), *more, domain=QONNX,
             rounding_mode=mode, signed=signed, narrow=0)  # fmt: skip
    agree(s.save(tmp_path / "a.onnx", y))


def test_thresholds_and_scales_of_an_images_channels(tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    s = Sketch()
    x = s.op("Conv", s.quant(s.input("x", (2, 4, 3)), 0.25, 5),
             s.quant(s.const(rng.normal(size=(3, 2, 2, 2))), 0.25, 4))  # fmt: skip
    y = s.op("MultiThreshold", x, s.const(np.sort(rng.normal(size=(3, 7)), axis=1)), domain=QONNX,
             out_dtype="UINT4", data_layout="NCHW")  # fmt: skip
    z = s.quant(x, np.reshape([0.5, 0.25, 1], (3, 1, 1)), 4)
    path = s.save(tmp_path / "a.onnx", y, z)
    agree(path, rng.uniform(-4, 4, (60, 2, 4, 3)).astype(np.float32))


@pytest.mark.parametrize("dtype", [np.uint8, np.int8])
@pytest.mark.parametrize("scale", [0.25, 0.3])
def test_qcdq(dtype: Any, scale: float, tmp_path: Path) -> None:
    s = Sketch()
    x = s.real(s.linear(s.input("x", (2,)), 2**-4, 3, np.int8), 2**-4, 3, np.int8)
    q = s.op("Clip", s.linear(x, scale, 5, dtype), s.const(0, dtype), s.const(15, dtype))
    y = s.quant(s.real(q, scale, 5, dtype), 2**-2, 6)
    agree(s.save(tmp_path / "a.onnx", y))


def test_an_input_and_output_of_any_scale_keep_their_scale_in_the_certificates(
    tmp_path: Path,
) -> None:
    s = Sketch()
    x = s.quant(s.input("x", (2,)), 0.3, 6, mode="ROUND")
    y = s.quant(s.op("MatMul", x, s.const([[1, 2], [3, -4]])), 0.7, 5)
    path = s.save(tmp_path / "a.onnx", y)
    lowered = read(path)
    scales = {c.get("input", c.get("output")): c["scale"] for c in lowered.certificates[::2]}
    assert scales == {"x": float(np.float32(0.3)), y: float(np.float32(0.7))}
    assert [c["form"]["kind"] for c in lowered.certificates if "form" in c] == ["scaled"]


def test_an_input_is_quantized_once(tmp_path: Path) -> None:
    s = Sketch()
    x = s.input("x", (2,))
    y = s.op("Add", s.quant(x, 0.25, 4), s.quant(x, 0.5, 4))
    with pytest.raises(InputError, match="quantized a second time"):
        read(s.save(tmp_path / "a.onnx", y))


def test_a_scale_without_quantizer_behind_it_is_refused_by_name(tmp_path: Path) -> None:
    s = Sketch()
    x = s.op("Mul", first(s), s.const([0.3, 0.7]))
    y = s.op("Relu", x)
    with pytest.raises(InputError, match="channels have scales that are no powers") as caught:
        read(s.save(tmp_path / "a.onnx", y))
    assert caught.value.code == "lower.scale"
