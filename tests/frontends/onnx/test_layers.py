"""Layers against the ONNX reference evaluator; scales are such that float32 is exact."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hwflow.errors import InputError
from hwflow.frontends.onnx import read
from hwflow.ir.ops import Reshape, Transpose
from tests.frontends.onnx.build import Sketch
from tests.frontends.onnx.compare import both

RNG = np.random.default_rng(5)


def agree(
    s: Sketch, path: Path, *outputs: str, shape: tuple[int, ...] = (3, 6, 6), images: bool = True
) -> None:
    x = RNG.uniform(-5, 5, (40, *shape)).astype(np.float32)
    ours, theirs = both(s.save(path / "a.onnx", *outputs), {"x": x}, images=images)
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(a, b)


def image(s: Sketch, shape: tuple[int, ...] = (3, 6, 6)) -> str:
    return s.quant(s.input("x", shape), 2**-2, 5)


def kernel(s: Sketch, *shape: int) -> str:
    return s.quant(s.const(RNG.normal(size=shape)), 2**-3, 4)


@settings(max_examples=30, deadline=None)
@given(
    rank=st.integers(1, 2), groups=st.sampled_from([1, 2, 4]), stride=st.integers(1, 3),
    dilation=st.integers(1, 2), pads=st.lists(st.integers(0, 2), min_size=4, max_size=4),
    auto=st.sampled_from(["NOTSET", "SAME_UPPER", "SAME_LOWER", "VALID"]), bias=st.booleans(),
    seed=st.integers(0, 2**32 - 1),
)  # fmt: skip
def test_convolutions(
    rank: int, groups: int, stride: int, dilation: int, pads: list[int], auto: str, bias: bool,
    seed: int, tmp_path_factory: pytest.TempPathFactory,
) -> None:  # fmt: skip
    global RNG  # noqa: PLW0603
    RNG = np.random.default_rng(seed)
    shape = (4, 7, 6)[: rank + 1]
    s = Sketch()
    x = image(s, shape)
    operands = [kernel(s, 4, 4 // groups, *(3, 2)[:rank])]
    if bias:
        operands.append(s.const(RNG.integers(-9, 9, 4) / 32))
    padding: dict[str, Any] = {"pads": pads[:rank] + pads[2 : 2 + rank]}
    if auto != "NOTSET":
        padding, dilation = {"auto_pad": auto}, 1
    y = s.op("Conv", x, *operands, group=groups, strides=[stride] * rank,
             dilations=[dilation] * rank, **padding)  # fmt: skip
    agree(s, tmp_path_factory.mktemp("conv"), y, shape=shape)


def test_gemm_with_both_orders_of_the_weights(tmp_path: Path) -> None:
    s = Sketch()
    x = image(s, (6,))
    y = s.op("Gemm", x, kernel(s, 5, 6), s.const([0.5, -1, 0, 0.25, 3]), transB=1)
    z = s.op("Gemm", s.quant(y, 0.5, 6), kernel(s, 5, 2))
    agree(s, tmp_path, z, shape=(6,))


def norm(s: Sketch, x: str, channels: int) -> str:
    parts = [RNG.normal(size=channels) for _ in range(3)] + [RNG.uniform(0.1, 2, channels)]
    return s.op("BatchNormalization", x, *(s.const(p) for p in parts))


def scaled(s: Sketch) -> str:
    """A factor of each channel, which no binary fraction is, up to the next quantizer."""
    x = s.op("Conv", image(s), kernel(s, 4, 3, 3, 3))
    x = s.op("Mul", x, s.const([[[0.3]], [[0.7]], [[1.1]], [[0.013]]]))
    return s.quant(s.op("Relu", s.op("Add", x, s.const([[[0.1]], [[-3]], [[0]], [[0.2]]]))), 0.5, 4)


def clipped(s: Sketch) -> str:
    x = s.op("MatMul", image(s, (3, 6, 6)), kernel(s, 6, 4))
    x = s.op("Clip", x, s.const(-1.0), s.const(1.5))
    return s.op("Clip", s.op("Mul", x, s.const(0.3)), s.const(-0.1))


def residual(s: Sketch) -> str:
    x = image(s)
    a = s.quant(s.op("Conv", x, kernel(s, 3, 3, 3, 3), pads=[1] * 4), 2**-2, 6)
    b = s.op("Sub", s.op("Add", a, x), s.op("Mul", x, s.const(0.75)))
    return s.op("Sub", s.const(2.0), b)


def pooled(s: Sketch) -> str:
    x = s.op("MaxPool", image(s), kernel_shape=[3, 2], strides=[2, 1], pads=[1, 0, 0, 1])
    x = s.op("AveragePool", x, kernel_shape=[2, 2], strides=[1, 1])
    return s.op("Flatten", x)


def averaged(s: Sketch) -> str:
    x = s.op("MaxPool", image(s), kernel_shape=[2, 2], strides=[4, 4])
    return s.op("Reshape", s.op("GlobalAveragePool", x), s.const([0, -1], np.int64))


def dense_after_images(s: Sketch) -> str:
    x = s.op("Conv", image(s), kernel(s, 2, 3, 3, 3))
    x = s.op("Flatten", s.quant(s.op("Relu", x), 0.25, 5, signed=0))
    return s.op("MatMul", x, kernel(s, 32, 5))


def moved(s: Sketch) -> str:
    x = s.op("Transpose", image(s), perm=[0, 2, 3, 1])
    x = s.op("Reshape", x, s.const([-1, 9, 12], np.int64))
    x = s.op("Unsqueeze", x, s.const([2], np.int64))
    x = s.op("Squeeze", s.op("Transpose", x, perm=[0, 3, 2, 1]), s.const([2], np.int64))
    x = s.op("Pad", x, s.const([0, 1, 0, 0, 2, 3], np.int64))
    return s.op("Identity", s.op("Dropout", x))


def joined(s: Sketch) -> str:
    x = image(s)
    a = s.quant(s.op("Conv", x, kernel(s, 2, 3, 1, 1)), 0.5, 6)
    return s.op("Flatten", s.op("Concat", a, x, axis=1))


def joined_along_columns(s: Sketch) -> str:
    x = image(s)
    a = s.quant(s.op("Conv", x, kernel(s, 3, 3, 1, 1)), 0.5, 6)
    return s.op("Concat", a, x, axis=-1)


def largest(s: Sketch) -> str:
    x = s.op("Flatten", s.op("Conv", image(s), kernel(s, 2, 3, 4, 4)))
    return s.op("ArgMax", x, axis=1, keepdims=0)


def normal(s: Sketch) -> str:
    x = s.op("Conv", image(s), kernel(s, 4, 3, 3, 3))
    return s.quant(s.op("Relu", norm(s, x, 4)), 0.25, 5, signed=0)


def rectified_first(s: Sketch) -> str:
    """What an unsigned quantizer saturates is not the ReLU's where an offset stands between."""
    x = s.op("Relu", s.op("Conv", image(s), kernel(s, 4, 3, 3, 3)))
    return s.quant(norm(s, x, 4), 0.25, 5, signed=0)


def rectified_and_turned(s: Sketch) -> str:
    x = s.op("Relu", s.op("MatMul", image(s, (3, 6, 6)), kernel(s, 6, 3)))
    return s.quant(s.op("Mul", x, s.const([-0.3, 0.37, -0.41])), 0.3, 5, signed=0)


def joined_weights(s: Sketch) -> str:
    w = s.op("Concat", kernel(s, 6, 2), kernel(s, 6, 3), axis=1)
    return s.op("MatMul", image(s, (3, 6, 6)), w)


def shape_in_parts(s: Sketch) -> str:
    x = image(s)
    sizes = s.op("Concat", s.op("Shape", x, end=1), s.const([-1], np.int64), axis=0)
    return s.op("Reshape", x, sizes)


def exported_shapes(s: Sketch) -> str:
    x = s.op("MaxPool", image(s), kernel_shape=[2, 2], strides=[2, 2])
    batch = s.op("Gather", s.op("Shape", x), s.const(0, np.int64), axis=0)
    rest = s.const([-1], np.int64)
    shape = s.op("Concat", s.op("Unsqueeze", batch, s.const([0], np.int64)), rest, axis=0)
    return s.op("Reshape", x, shape)


AS_THEY_ARE = (moved, joined_weights, rectified_and_turned)
"""Networks whose outputs keep ONNX's order of axes."""


@pytest.mark.parametrize(
    "make",
    [
        scaled, residual, pooled, averaged, dense_after_images, moved, joined,
        joined_along_columns, joined_weights, largest, normal, rectified_first,
        rectified_and_turned, exported_shapes, shape_in_parts,
    ],
)  # fmt: skip
def test_layers(make: Callable[[Sketch], str], tmp_path: Path) -> None:
    s = Sketch()
    agree(s, tmp_path, make(s), images=make not in AS_THEY_ARE)


def test_a_clip_off_the_grid_waits_for_a_quantizer(tmp_path: Path) -> None:
    s = Sketch()
    agree(s, tmp_path, s.quant(clipped(s), 0.125, 6), images=False)
    s = Sketch()
    with pytest.raises(InputError, match="without a quantizer"):
        read(s.save(tmp_path / "b.onnx", clipped(s)))


def test_no_layout_node_stands_between_images_and_dense_layers(tmp_path: Path) -> None:
    s = Sketch()
    graph = read(s.save(tmp_path / "a.onnx", dense_after_images(s))).graph
    assert graph.inputs[0].op.shape == (6, 6, 3)  # type: ignore[attr-defined]
    moves = [n.op.name for n in graph.nodes if isinstance(n.op, (Reshape, Transpose))]
    assert moves == ["reshape"]


def test_an_image_that_is_transposed_first_keeps_its_own_layout(tmp_path: Path) -> None:
    s = Sketch()
    x = s.op("Transpose", image(s, (6, 6, 3)), perm=[0, 3, 1, 2])
    y = s.op("Conv", x, kernel(s, 2, 3, 3, 3))
    path = s.save(tmp_path / "a.onnx", y)
    graph = read(path).graph
    assert graph.inputs[0].op.shape == (6, 6, 3)  # type: ignore[attr-defined]
    assert [n for n in graph.nodes if isinstance(n.op, (Reshape, Transpose))] == []
