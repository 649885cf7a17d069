"""Operators in any order between a convolution and a quantizer, against the reference."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hwflow.errors import InputError
from tests.frontends.onnx.build import Sketch
from tests.frontends.onnx.compare import both

Rng = np.random.Generator
Link = Callable[[Sketch, str, Rng], str]


def _norm(s: Sketch, x: str, rng: Rng) -> str:
    parts = [*rng.normal(size=(3, 4)), rng.uniform(0.2, 2, 4)]
    return s.op("BatchNormalization", x, *(s.const(p) for p in parts))


def _quant(s: Sketch, x: str, rng: Rng) -> str:
    mode = str(rng.choice(["ROUND", "FLOOR", "CEIL", "HALF_UP", "DOWN"]))
    zero = float(rng.choice([0, 0, 0, 1, 2]))
    scale, bits = 2.0 ** -int(rng.integers(1, 4)), int(rng.integers(2, 7))
    signed, narrow = (int(n) for n in rng.integers(0, 2, 2))
    return s.quant(x, scale, bits, signed=signed, narrow=narrow, zero=zero, mode=mode)


def _pool(kind: str, **more: Any) -> Link:
    return lambda s, x, _: s.op(kind, x, kernel_shape=[2, 2], strides=[1, 1], **more)


LINKS: tuple[Link, ...] = (
    _norm,
    _quant,
    _pool("MaxPool", pads=[1, 1, 1, 1]),
    _pool("AveragePool"),
    lambda s, x, _: s.op("Relu", x),
    lambda s, x, _: s.op("Clip", x, s.const(-0.7), s.const(2.5)),
    lambda s, x, _: s.op("Add", x, x),
    lambda s, x, rng: s.op("Mul", x, s.const(rng.choice([0.5, 0.3, 2, 1.7]))),
    lambda s, x, rng: s.op("Mul", x, s.const(rng.normal(size=(4, 1, 1)))),
    lambda s, x, rng: s.op("Add", x, s.const(rng.choice([0.5, 0.33, -1.25]))),
    lambda s, x, rng: s.op("Sub", s.const(rng.choice([0.5, 0.33, -1.25])), x),
)


def chain(seed: int) -> tuple[Sketch, str]:
    """Up to four links; weights on a binary grid, so that the sums of the reference are exact."""
    rng, s = np.random.default_rng(seed), Sketch()
    x = s.quant(s.input("x", (3, 5, 5)), 0.25, 5)
    x = s.op("Conv", x, s.quant(s.const(rng.normal(size=(4, 3, 2, 2))), 0.125, 4))
    for _ in range(int(rng.integers(1, 5))):
        x = LINKS[int(rng.integers(len(LINKS)))](s, x, rng)
    signed = int(rng.integers(0, 2))
    return s, s.quant(x, float(rng.uniform(0.1, 0.6)), int(rng.integers(2, 7)), signed=signed)


@pytest.mark.parametrize("seed", range(60))
def test_a_chain_equals_the_reference_or_is_refused(seed: int, tmp_path: Path) -> None:
    s, output = chain(seed)
    x = np.random.default_rng(seed).uniform(-5, 5, (40, 3, 5, 5)).astype(np.float32)
    try:
        (ours,), (theirs,) = both(s.save(tmp_path / "a.onnx", output), {"x": x})
    except InputError as error:
        assert error.code == "lower.scale"  # noqa: PT017  a sum or pool of what waits for a quantizer
        return
    np.testing.assert_array_equal(ours, theirs)
