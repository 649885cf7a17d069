"""Integer operators: every code equals integers times one float32 factor, rounded half to even."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hwflow.errors import InputError
from hwflow.frontends.onnx import read
from hwflow.ir import evaluate
from tests.frontends.onnx.build import Sketch

INT = np.int64


def outputs(path: Path, x: Any) -> Any:
    """Integers of the only output for integers of the only input."""
    graph = read(path).graph
    (node,) = graph.inputs
    (result,) = evaluate(graph, {node.name: x.astype(INT)}).values()
    return result


def requantized(total: Any, factor: Any, zero: int, dtype: Any) -> Any:
    """What onnxruntime does with an int32 accumulator."""
    info = np.iinfo(dtype)
    y = np.rint(total.astype(np.float32) * np.asarray(factor, np.float32))
    return np.clip(y + np.float32(zero), info.min, info.max).astype(INT)


def factor(x: Any, w: Any, y: Any) -> Any:
    x, w, y = (np.asarray(a, np.float32) for a in (x, w, y))
    return np.float32(x * w) / y


SCALE = st.floats(2**-9, 2**-3, width=32)


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1), types=st.tuples(*[st.sampled_from([np.uint8, np.int8])] * 3),
    scales=st.tuples(SCALE, st.lists(SCALE, min_size=3, max_size=3), st.floats(2**-6, 3, width=32)),
    channels=st.booleans(), kind=st.sampled_from(["QLinearMatMul", "QGemm", "QLinearConv"]),
)  # fmt: skip
def test_requantized_products(
    seed: int, types: tuple[Any, Any, Any], scales: tuple[float, list[float], float],
    channels: bool, kind: str, tmp_path_factory: pytest.TempPathFactory,
) -> None:  # fmt: skip
    rng = np.random.default_rng(seed)
    infos = [np.iinfo(t) for t in types]
    zeros = [int(rng.integers(i.min, i.max)) for i in infos]
    w = rng.integers(infos[1].min, infos[1].max, (5, 3))
    bias = rng.integers(-500, 500, 3)
    w_scale = scales[1] if channels else scales[1][0]
    s = Sketch()
    x = s.input("x", (5, 1) if kind == "QLinearConv" else (5,), np.dtype(types[0]).name)
    kernel = {"QLinearConv": w.T[:, :, None], "QGemm": w.T}.get(kind, w)
    w_zero = [zeros[1]] * 3 if channels else zeros[1]
    left = [x, s.const(scales[0]), s.const(zeros[0], types[0]), s.const(kernel, types[1]),
            s.const(w_scale), s.const(w_zero, types[1])]  # fmt: skip
    right = [s.const(scales[2]), s.const(zeros[2], types[2])]
    added = s.const(bias, np.int32)
    if kind == "QGemm":
        y = s.op(kind, *left, added, *right, domain="com.microsoft", transB=1)
    elif kind == "QLinearConv":
        y = s.op(kind, *left, *right, added)
    else:
        y, bias = s.op(kind, *left, *right), 0 * bias
    codes = rng.integers(infos[0].min, infos[0].max + 1, (300, 5))
    total = (codes - zeros[0]) @ (w - zeros[1]) + bias
    expected = requantized(total, factor(scales[0], w_scale, scales[2]), zeros[2], types[2])
    given_ = codes[:, None, :] if kind == "QLinearConv" else codes
    found = outputs(s.save(tmp_path_factory.mktemp("q") / "a.onnx", y), given_)
    np.testing.assert_array_equal(found.reshape(expected.shape), expected)


def test_padding_of_qlinear_conv_is_the_zero_point(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    w = rng.integers(-128, 128, (2, 3, 3, 3))
    s = Sketch()
    x = s.input("x", (3, 5, 4), "uint8")
    y = s.op("QLinearConv", x, s.const(0.02), s.const(113, np.uint8), s.const(w, np.int8),
             s.const([0.01, 0.03]), s.const([0, 0], np.int8), s.const(0.7), s.const(9, np.uint8),
             pads=[1, 1, 1, 1])  # fmt: skip
    codes = rng.integers(0, 256, (50, 5, 4, 3))
    padded = np.pad(codes - 113, ((0, 0), (1, 1), (1, 1), (0, 0)))
    total = sum(
        padded[:, i : i + 5, j : j + 4] @ w[:, :, i, j].T for i in range(3) for j in range(3)
    )
    expected = requantized(total, factor(0.02, [0.01, 0.03], 0.7), 9, np.uint8)
    np.testing.assert_array_equal(outputs(s.save(tmp_path / "a.onnx", y), codes), expected)


@pytest.mark.parametrize("kind", ["MatMulInteger", "ConvInteger"])
def test_integer_products_then_float_scales(kind: str, tmp_path: Path) -> None:
    """The accumulator as float32, times a scale, plus a bias, ReLU, then a quantizer."""
    rng = np.random.default_rng(4)
    w = rng.integers(0, 256, (5, 3))
    s = Sketch()
    conv = kind == "ConvInteger"
    x = s.input("x", (5, 1) if conv else (5,), "uint8")
    y = s.op(kind, x, s.const(w.T[:, :, None] if conv else w, np.uint8), s.const(7, np.uint8),
             s.const(130, np.uint8))  # fmt: skip
    shape = (3, 1) if conv else (3,)
    scale, bias = np.float32([0.001, 0.02, 0.3]), np.float32([1.5, -0.1, 0])
    y = s.op("Mul", s.op("Cast", y, to=1), s.const(scale.reshape(shape)))
    y = s.op("Relu", s.op("Add", y, s.const(bias.reshape(shape))))
    y = s.linear(y, 0.9, 3)
    codes = rng.integers(0, 256, (400, 5))
    real = ((codes - 7) @ (w - 130)).astype(np.float32) * scale + bias
    expected = np.clip(np.rint(np.maximum(real, 0) / np.float32(0.9)) + 3, 0, 255).astype(INT)
    found = outputs(s.save(tmp_path / "a.onnx", y), codes[:, None, :] if conv else codes)
    np.testing.assert_array_equal(found.reshape(expected.shape), expected)


def test_a_chain_of_quantized_layers_keeps_integers_between_them(tmp_path: Path) -> None:
    """Dequantize, product, bias in the accumulator's steps, quantize: one integer kernel."""
    rng = np.random.default_rng(6)
    w, bias = rng.integers(-127, 128, (6, 4)), rng.integers(-900, 900, 4)
    s = Sketch()
    x = s.real(s.linear(s.input("x", (6,)), 0.043, 120), 0.043, 120)
    kernel = s.real(s.const(w, np.int8), 0.0071, 0, np.int8)
    step = np.float32(0.043) * np.float32(0.0071)
    added = s.op("DequantizeLinear", s.const(bias, np.int32), s.const(step))
    y = s.op("Relu", s.op("Add", s.op("MatMul", x, kernel), added))
    y = s.linear(y, 0.031, 0)
    path = s.save(tmp_path / "a.onnx", s.real(y, 0.031, 0))
    codes = rng.integers(0, 256, (500, 6))
    total = np.maximum((codes - 120) @ w + bias, 0)
    expected = requantized(total, factor(0.043, 0.0071, 0.031), 0, np.uint8)
    np.testing.assert_array_equal(outputs(path, codes - 120), expected)
    assert [c for c in read(path).certificates if "form" not in c] == [
        {"input": "x", "scale": float(np.float32(0.043)), "zero_point": 120},
        {"output": "v8", "scale": float(np.float32(0.031))},
    ]


def test_an_unequal_sum_is_refused_by_name(tmp_path: Path) -> None:
    s = Sketch()
    x = s.real(s.linear(s.input("x", (6,)), 0.043, 120), 0.043, 120)
    y = s.op("MatMul", x, s.real(s.const(np.ones((6, 6)), np.int8), 0.3, 0, np.int8))
    y = s.op("Add", s.real(s.linear(y, 0.5, 0), 0.5, 0), x)
    with pytest.raises(InputError, match=r"'add_v\d*'.*ratio is no power of two") as caught:
        read(s.save(tmp_path / "a.onnx", y))
    assert caught.value.code == "lower.scale"


def test_an_average_under_one_scale_is_the_exact_quotient(tmp_path: Path) -> None:
    s = Sketch()
    x = s.real(s.input("x", (1, 4, 4), "uint8"), 0.0243, 0)
    y = s.linear(s.op("AveragePool", x, kernel_shape=[2, 2], strides=[2, 2]), 0.0243, 0)
    codes = np.random.default_rng(8).integers(0, 256, (400, 4, 4, 1))
    expected = np.rint(codes.reshape(400, 2, 2, 2, 2).sum(axis=(2, 4)) / 4)
    found = outputs(s.save(tmp_path / "a.onnx", y), codes)
    np.testing.assert_array_equal(found[..., 0], expected)
