"""Small networks to fold."""

from __future__ import annotations

import numpy as np

from hwflow.ir import Graph, GraphBuilder, IntType, Overflow, Rounding

__all__ = ["RULE", "dense", "network"]

RULE = (Rounding.HALF_EVEN, Overflow.SATURATE)
_KIND = IntType.fixed(5, 3, signed=False)


def network(width: int = 32) -> Graph:
    """A convolution, a pool and a dense layer."""
    rng = np.random.default_rng(0)
    builder = GraphBuilder("net")
    x = builder.input("x", (8, 8, 4), _KIND, *RULE)
    with builder.layer("conv"):
        w = builder.const(rng.integers(-15, 16, (3, 3, 4, 8)), frac=5)
        acc = builder.conv(x, w, stride=(1, 1), padding=((1, 1), (1, 1)))
        x = builder.requant(acc, _KIND, *RULE)
    with builder.layer("pool"):
        x = builder.maxpool(x, (2, 2), (2, 2))
    with builder.layer("dense"):
        w = builder.const(rng.integers(-15, 16, (128, width)), frac=5)
        x = builder.requant(builder.matmul(builder.reshape(x, (128,)), w), _KIND, *RULE)
    return builder.build({"y": x})


def dense(inputs: int, outputs: int, bits: int, weight_bits: int, density: float = 1.0) -> Graph:
    """One dense layer with bias and requantization."""
    rng = np.random.default_rng(inputs * outputs + bits)
    most = (1 << (weight_bits - 1)) - 1
    weights = rng.integers(-most, most + 1, (inputs, outputs))
    weights = weights * (rng.random((inputs, outputs)) < density)
    builder = GraphBuilder("net")
    x = builder.input("x", (inputs,), IntType.fixed(bits, 2), *RULE)
    with builder.layer("dense"):
        acc = builder.matmul(x, builder.const(weights, frac=3))
        acc = builder.add(acc, builder.const(rng.integers(-50, 50, (outputs,)), frac=5))
        y = builder.requant(acc, IntType.fixed(bits, 1, signed=False), *RULE)
    return builder.build({"y": y})
