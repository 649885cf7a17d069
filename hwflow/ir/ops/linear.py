"""Sums of products: matrix products and convolutions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from hwflow.ir.exact import IntArray, magnitude, padded, shift_left
from hwflow.ir.ops.base import Operation, padded_shape, refuse, workable
from hwflow.ir.types import IntType, TensorType

__all__ = ["Conv", "Dot", "MatMul", "conv_windows"]


_EXACT_FLOAT64 = 1 << 53


def _term_shifts(x_frac: IntArray, w_frac: IntArray) -> tuple[IntArray, IntArray, IntArray]:
    """Left shifts of x's rows (K,), of w (K, N), and the result's frac (N,).

    Terms of a reduction are aligned to the finest binary point among them.
    """
    total = x_frac[:, None] + w_frac
    finest = total.max(axis=0)
    rows = (finest - total).min(axis=1)
    return rows, finest - total - rows[:, None], finest


def _product(x: IntArray, w: IntArray, bound: int) -> IntArray:
    """``x @ w`` for x (..., K) and w (K, N), no partial sum above `bound` in magnitude.

    NumPy multiplies integer matrices in plain loops. Below 2^53 every partial sum is exact in
    float64, in whatever order it is added, so the linear algebra library can do it.
    """
    rows = x.reshape(-1, x.shape[-1])
    if bound < _EXACT_FLOAT64 and x.dtype == w.dtype == np.int64:
        result = (rows.astype(np.float64) @ w.astype(np.float64)).astype(np.int64)
    else:
        result = rows @ w
    return np.asarray(result.reshape(*x.shape[:-1], w.shape[1]))


def _product_bounds(
    x: tuple[IntArray, IntArray], w: tuple[IntArray, IntArray]
) -> tuple[IntArray, IntArray]:
    """Bounds of ``x @ w`` for ``x`` (M, K) and ``w`` (K, N) given as (lo, hi) pairs."""
    k = w[0].shape[0]
    bound = k * max(map(magnitude, x)) * max(map(magnitude, w))
    xlo, xhi, wlo, whi = workable(bound, *x, *w)
    if bool((wlo == whi).all()):
        positive, negative = np.maximum(wlo, 0), np.minimum(wlo, 0)
        parts = [(_product(a, positive, bound), _product(a, negative, bound)) for a in (xlo, xhi)]
        return parts[0][0] + parts[1][1], parts[1][0] + parts[0][1]
    lows, highs = [], []
    for row_lo, row_hi in zip(xlo, xhi, strict=True):
        corners = [a[:, None] * b for a in (row_lo, row_hi) for b in (wlo, whi)]
        lows.append(np.minimum.reduce(corners).sum(axis=0))
        highs.append(np.maximum.reduce(corners).sum(axis=0))
    return np.array(lows), np.array(highs)


def _reduction_frac(x: TensorType) -> IntArray:
    """The operand's binary points along its last axis, which must not vary elsewhere."""
    frac = x.elem.full(x.shape)[2].reshape(-1, x.shape[-1])
    if bool((frac != frac[:1]).any()):
        raise refuse(
            "type",
            "the binary point of a matrix product's operand may vary along its last axis only",
            "requantize the operand to one binary point per feature",
        )
    return np.asarray(frac[0])


@dataclass(frozen=True, slots=True)
class MatMul(Operation):
    """``x @ w``: x (..., K) times weights w (K, N), a const or param."""

    name: ClassVar[str] = "matmul"
    arity: ClassVar[int | None] = 2

    def infer(self, args: tuple[TensorType, ...]) -> TensorType:
        x, w = args
        if not x.shape or len(w.shape) != 2 or x.shape[-1] != w.shape[0]:
            raise refuse("shape", f"{self.name} of {x.shape} with weights {w.shape}: inner sizes")
        wlo, whi, wfrac = w.elem.full(w.shape)
        rows, cells, frac = _term_shifts(_reduction_frac(x), wfrac)
        xlo, xhi, _ = x.elem.full(x.shape)
        pair = tuple(shift_left(a.reshape(-1, x.shape[-1]), rows) for a in (xlo, xhi))
        lo, hi = _product_bounds(
            (pair[0], pair[1]), (shift_left(wlo, cells), shift_left(whi, cells))
        )
        shape = (*x.shape[:-1], w.shape[1])
        return TensorType(shape, IntType(lo.reshape(shape), hi.reshape(shape), frac))

    def evaluate(
        self, args: tuple[IntArray, ...], types: tuple[TensorType, ...], out: TensorType
    ) -> IntArray:
        x, w = args[0], args[1][0]
        rows, cells, _ = _term_shifts(
            _reduction_frac(types[0]), types[1].elem.full(types[1].shape)[2]
        )
        x, w = shift_left(x, rows), shift_left(w, cells)
        bound = w.shape[0] * magnitude(x) * magnitude(w)
        x, w = workable(bound, x, w)
        return _product(x, w, bound)


@dataclass(frozen=True, slots=True)
class Dot(Operation):
    """``a @ b`` with two live operands: a (..., M, K), b (..., K, N); one binary point each."""

    name: ClassVar[str] = "dot"
    arity: ClassVar[int | None] = 2

    def infer(self, args: tuple[TensorType, ...]) -> TensorType:
        a, b = args
        if len(a.shape) < 2 or len(b.shape) < 2 or a.shape[-1] != b.shape[-2]:
            raise refuse("shape", f"dot of {a.shape} with {b.shape}: inner sizes differ")
        if a.shape[:-2] != b.shape[:-2]:
            raise refuse("shape", f"dot of {a.shape} with {b.shape}: leading axes differ")
        if a.elem.frac.ndim or b.elem.frac.ndim:
            raise refuse("type", "dot needs one binary point for each operand")
        alo, ahi, _ = a.elem.full(a.shape)
        blo, bhi, _ = b.elem.full(b.shape)
        bound = a.shape[-1] * max(map(magnitude, (alo, ahi))) * max(map(magnitude, (blo, bhi)))
        alo, ahi, blo, bhi = workable(bound, alo, ahi, blo, bhi)
        corners = [p[..., :, :, None] * q[..., None, :, :] for p in (alo, ahi) for q in (blo, bhi)]
        lo = np.minimum.reduce(corners).sum(axis=-2)
        hi = np.maximum.reduce(corners).sum(axis=-2)
        return TensorType(lo.shape, IntType(lo, hi, a.elem.frac + b.elem.frac))

    def evaluate(
        self, args: tuple[IntArray, ...], types: tuple[TensorType, ...], out: TensorType
    ) -> IntArray:
        a, b = args
        a, b = workable(a.shape[-1] * magnitude(a) * magnitude(b), a, b)
        return np.asarray(a @ b)


def conv_windows(
    x: IntArray,
    kernel: tuple[int, ...],
    stride: tuple[int, ...],
    padding: tuple[tuple[int, int], ...],
    dilation: tuple[int, ...],
) -> IntArray:
    """Zero-padded windows of ``x (n, *spatial, C)``: ``(n, *positions, *kernel, C)``."""
    rank = len(kernel)
    x = padded(x, ((0, 0), *padding, (0, 0)))
    span = tuple((k - 1) * d + 1 for k, d in zip(kernel, dilation, strict=True))
    windows = sliding_window_view(x, span, axis=tuple(range(1, rank + 1)))
    pick = (
        slice(None),
        *(slice(None, None, s) for s in stride),
        slice(None),
        *(slice(None, None, d) for d in dilation),
    )
    return np.moveaxis(windows[pick], rank + 1, -1)


@dataclass(frozen=True, slots=True)
class Conv(Operation):
    """Convolution (cross-correlation) of x (*spatial, C) with w (*kernel, C/groups, N).

    One or two spatial axes; `stride`, `dilation` and zero `padding` (before, after) per axis.
    Depthwise: ``groups = C``. Padding contributes exact zeros.
    """

    name: ClassVar[str] = "conv"
    arity: ClassVar[int | None] = 2

    stride: tuple[int, ...]
    padding: tuple[tuple[int, int], ...]
    dilation: tuple[int, ...]
    groups: int = 1

    def _check(self, x: TensorType, w: TensorType) -> int:
        rank = len(w.shape) - 2
        if rank not in (1, 2) or len(x.shape) != rank + 1:
            raise refuse("shape", f"conv of {x.shape} with weights {w.shape}: ranks do not fit")
        if not len(self.stride) == len(self.padding) == len(self.dilation) == rank:
            raise refuse("shape", f"conv needs {rank} strides, paddings and dilations")
        if min(*self.stride, *self.dilation, self.groups) < 1 or min(map(min, self.padding)) < 0:
            raise refuse("shape", "conv: stride, dilation, groups from 1, padding from 0")
        channels, filters = x.shape[-1], w.shape[-1]
        if channels % self.groups or filters % self.groups:
            raise refuse("shape", f"{self.groups} groups do not divide {channels}, {filters}")
        if w.shape[-2] != channels // self.groups:
            raise refuse("shape", f"conv weights take {w.shape[-2]} channels, found {channels}")
        padded_shape(x.shape, (*self.padding, (0, 0)))
        for axis in range(rank):
            span = (w.shape[axis] - 1) * self.dilation[axis] + 1
            if x.shape[axis] + sum(self.padding[axis]) < span:
                raise refuse("shape", f"conv window of {span} exceeds axis {axis} of {x.shape}")
        return rank

    def _windows(self, x: IntArray, kernel: tuple[int, ...]) -> IntArray:
        return conv_windows(x, kernel, self.stride, self.padding, self.dilation)

    def _channel_frac(self, x: TensorType) -> IntArray:
        frac = x.elem.full(x.shape)[2].reshape(-1, x.shape[-1])
        if bool((frac != frac[:1]).any()):
            raise refuse("type", "the binary point of a conv operand may vary by channel only")
        return np.asarray(frac[0])

    def _groups(self, x: TensorType, w: TensorType) -> list[tuple[slice, slice, MatMul]]:
        cin, cout = x.shape[-1] // self.groups, w.shape[-1] // self.groups
        return [
            (slice(g * cin, (g + 1) * cin), slice(g * cout, (g + 1) * cout), MatMul())
            for g in range(self.groups)
        ]

    def infer(self, args: tuple[TensorType, ...]) -> TensorType:
        x, w = args
        rank = self._check(x, w)
        kernel, channel_frac = w.shape[:rank], self._channel_frac(x)
        lo, hi, _ = x.elem.full(x.shape)
        window_lo, window_hi = (self._windows(a[None], kernel)[0] for a in (lo, hi))
        positions = window_lo.shape[:rank]
        w_parts = w.elem.full(w.shape)
        taps = int(np.prod(kernel))
        parts = []
        for cin, cout, product in self._groups(x, w):
            frac = np.tile(channel_frac[cin], taps)
            low, high = (a[..., cin].reshape(*positions, -1) for a in (window_lo, window_hi))
            flat = IntType(low, high, frac)
            weights = IntType(*(a[..., cout].reshape(len(frac), -1) for a in w_parts))
            result = product.infer(
                (
                    TensorType((*positions, len(frac)), flat),
                    TensorType((len(frac), cout.stop - cout.start), weights),
                )
            )
            parts.append(result.elem.full(result.shape))
        joined = [np.concatenate(arrays, axis=-1) for arrays in zip(*parts, strict=True)]
        return TensorType((*positions, w.shape[-1]), IntType(joined[0], joined[1], joined[2]))

    def evaluate(
        self, args: tuple[IntArray, ...], types: tuple[TensorType, ...], out: TensorType
    ) -> IntArray:
        x, w = args[0], args[1][0]
        rank = len(w.shape) - 2
        kernel, channel_frac = w.shape[:rank], self._channel_frac(types[0])
        w_frac = types[1].elem.full(types[1].shape)[2]
        windows = self._windows(x, kernel)
        taps = int(np.prod(kernel))
        parts = []
        for cin, cout, _ in self._groups(types[0], types[1]):
            flat = windows[..., cin].reshape(*windows.shape[: rank + 1], -1)
            weights = w[..., cout].reshape(flat.shape[-1], -1)
            rows, cells, _ = _term_shifts(
                np.tile(channel_frac[cin], taps), w_frac[..., cout].reshape(weights.shape)
            )
            flat, weights = shift_left(flat, rows), shift_left(weights, cells)
            bound = flat.shape[-1] * magnitude(flat) * magnitude(weights)
            flat, weights = workable(bound, flat, weights)
            parts.append(_product(flat, weights, bound))
        return np.concatenate(parts, axis=-1)
