"""What a name of an ONNX graph stands for while it is lowered."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from hwflow.frontends.exact.ladder import Step
from hwflow.ir import Value
from hwflow.ir.types import compact

__all__ = [
    "Constant", "Floats", "Ints", "Raw", "Symbol", "Tensor", "dyadic", "order_of", "positions",
    "split", "trimmed",
]  # fmt: skip

Ints = NDArray[np.int64]
Origin = Literal["", "dequantized", "kernel"]
Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Constant:
    """A fixed array; where it was quantized, its real values are ``codes * scale``."""

    array: NDArray[Any]
    codes: Ints | None = None
    scale: Floats | None = None

    def moved(self, move: Callable[[Any], Any]) -> Constant:
        """The same elements after a data movement."""
        shape = self.array.shape
        codes = None if self.codes is None else move(self.codes)
        scale = None if self.scale is None else move(np.broadcast_to(self.scale, shape))
        return Constant(move(self.array), codes, scale)


@dataclass(frozen=True, slots=True, eq=False)
class Raw:
    """A network input that no quantizer was met on; `index` as in Tensor, over the port's shape."""

    port: str
    shape: tuple[int, ...]
    index: Ints


@dataclass(frozen=True, slots=True, eq=False)
class Tensor:
    """A live tensor: the real numbers ``steps(unit * value)``, in float32.

    Attributes:
        value: the integers, with a binary point of their own.
        shape: ONNX's shape, without the batch axis.
        index: of the value's shape: where each of its elements stands in ONNX's order.
        group: the layer that followers join; None behind a network input.
        unit: what is left of the scales beside powers of two, from 1 to below 2; it broadcasts
            over the value. One everywhere: the value is exact.
        origin: "dequantized" behind DequantizeLinear; "kernel" behind a sum of products of such,
            where the next quantizer's scale divides `unit` before that multiplies, as integer
            kernels do. Otherwise it multiplies first.
        steps: float32 functions that follow, kept until a quantizer is met.
        zero: None for real numbers; of a tensor of integers, the zero point: it holds the value's
            integers plus that, and the real numbers are what its quantizer's scale makes of them.
        made: the nodes that made the steps.
    """

    value: Value
    shape: tuple[int, ...]
    index: Ints
    group: str | None
    unit: Floats = field(default_factory=lambda: np.ones((), np.float32))
    origin: Origin = ""
    steps: tuple[Step, ...] = ()
    zero: int | None = None
    made: tuple[str, ...] = ()

    @property
    def exact(self) -> bool:
        """Whether the value's real number is the tensor's."""
        return not self.steps and bool((self.unit == 1).all())

    @property
    def channels_last(self) -> bool:
        """Whether the value has the axes of ONNX's (C, spatial...) as (spatial..., C)."""
        goal = np.moveaxis(positions(self.shape), 0, -1)
        return self.index.shape == goal.shape and bool((self.index == goal).all())


Symbol = Constant | Raw | Tensor


def split(scale: Any) -> tuple[Floats, Ints]:
    """Positive scales as a number from 1 to below 2, and a power of two."""
    mantissa, exponent = np.frexp(np.asarray(scale, np.float32))
    return trimmed(mantissa * np.float32(2)), compact(np.asarray(exponent, np.int64) - 1)


def dyadic(values: Any) -> tuple[Ints, Ints]:
    """Float values as whole numbers of one binary point: ``codes * 2**-frac``."""
    array = np.asarray(values, np.float64)
    mantissa, exponent = np.frexp(array)
    whole = np.ldexp(mantissa, 53).astype(np.int64)
    zeros = np.log2(np.where(whole == 0, 1, whole & -whole).astype(np.float64)).astype(np.int64)
    fracs = np.where(whole == 0, -(1 << 30), 53 - exponent - zeros)
    finest = int(fracs.max(initial=-(1 << 30)))
    if finest == -(1 << 30):
        return np.zeros(array.shape, np.int64), np.zeros((), np.int64)
    scaled = np.ldexp(array, finest)
    if bool((np.abs(scaled) >= 1 << 53).any()):  # more digits than any quantizer gives
        scaled = np.full(array.shape, float(1 << 53))
    return scaled.astype(np.int64), np.array(finest, np.int64)


def trimmed(array: Any) -> Floats:
    """A float array without the axes along which it is constant."""
    result = np.asarray(array, np.float32)
    return np.asarray(compact(result), np.float32)


def positions(shape: tuple[int, ...]) -> Ints:
    """The index of a value in ONNX's own order."""
    return np.arange(int(np.prod(shape)), dtype=np.int64).reshape(shape)


def order_of(index: Ints) -> tuple[int, ...] | None:
    """The axes of `index` sorted so that its transpose counts upwards; None if there is no such."""
    counting = np.arange(index.size)
    if bool((index.ravel() == counting).all()):
        return tuple(range(index.ndim))
    strides = []
    for axis, size in enumerate(index.shape):
        place = [0] * index.ndim
        place[axis] = min(1, size - 1)
        strides.append(int(index[tuple(place)] - index.flat[0]))
    order = tuple(sorted(range(index.ndim), key=lambda axis: -strides[axis]))
    return order if bool((index.transpose(order).ravel() == counting).all()) else None
