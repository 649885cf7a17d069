"""The look-up tables of hls4ml's activations, and how they are indexed.

hls4ml computes them in single precision; each operation is rounded here where C++ rounds it.
"""

from __future__ import annotations

from collections.abc import Callable
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwflow.frontends.hls4ml.context import Context, refusal
from hwflow.frontends.hls4ml.precision import codes_of
from hwflow.ir import IntType, Overflow, Rounding, Value, ops

__all__ = ["NEGATIVE", "SYMMETRIC", "exp32", "look_up", "table_size"]

Reals = NDArray[np.float64]


def _single(values: Reals) -> Reals:
    return values.astype(np.float32).astype(np.float64)


def exp32(x: Reals) -> Reals:
    """exp of single-precision numbers, rounded to single precision."""
    return _single(np.exp(_single(x)))


def _sigmoid(x: Reals) -> Reals:
    return _single(1.0 / _single(1.0 + exp32(-x)))


def _tanh(x: Reals) -> Reals:
    return _single(np.tanh(x))


def _softplus(x: Reals) -> Reals:
    return _single(np.log(exp32(x) + 1.0))


def _softsign(x: Reals) -> Reals:
    return _single(x / (np.abs(x) + 1.0))


def _elu(x: Reals) -> Reals:
    return _single(exp32(x) - 1.0)


def _selu(x: Reals) -> Reals:
    scale, alpha = 1.0507009873554804934193349852946, 1.6732632423543772848170429916717
    return _single(scale * (alpha * (exp32(x) - 1.0)))


SYMMETRIC = MappingProxyType(
    {
        "sigmoid": (_sigmoid, 16),
        "softplus": (_softplus, 16),
        "softsign": (_softsign, 16),
        "tanh": (_tanh, 8),
    }
)
"""Functions whose table spans -span/2 to span/2, and that span."""

NEGATIVE = MappingProxyType({"elu": _elu, "selu": _selu})
"""Functions whose table spans -8 to 0, for negative operands only."""


def table_size(node: Any) -> int:
    """The number of entries, a power of two of at least 16."""
    size = int(node.get_attr("table_size"))
    if size < 16 or size & (size - 1):
        raise refusal(node, f"its table has {size} entries", "set table_size to 1024")
    return size


def look_up(
    context: Context, node: Any, group: str, x: Value, function: Callable[[Reals], Reals],
    span: int, first: int, stop: int,
) -> Value:  # fmt: skip
    """The table of `function` at x, in type table_t.

    The index is x in units of span/size, rounded toward zero and clamped to [first, stop).
    """
    emit, size = context.emit, table_size(node)
    index = emit.scale(group, x, (size // span).bit_length() - 1)
    target = IntType(first, stop - 1, 0)
    index = emit.op(group, ops.Requant(target, Rounding.TOWARD_ZERO, Overflow.SATURATE), index)
    kind = context.type_of(node, "table")
    real = np.arange(first, stop, dtype=np.float64) * span / size
    codes = codes_of(function(real), kind)
    return emit.op(group, ops.Lut(first, codes, kind.frac), index)
