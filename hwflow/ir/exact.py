"""Exact integer arrays: int64 where everything fits, Python integers where it does not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

__all__ = [
    "SAFE_BITS", "IntArray", "as_ints", "bit_length", "frozen", "magnitude", "padded",
    "shift_left", "shift_right",
]  # fmt: skip

IntArray: TypeAlias = npt.NDArray[Any]
"""An array of dtype int64, or of dtype object holding Python integers."""

SAFE_BITS = 62
"""int64 is used while every magnitude stays below ``2**SAFE_BITS``."""


def as_ints(values: Any) -> IntArray:
    """Return `values` as an integer array: int64 if all magnitudes are safe, else objects.

    Raises:
        TypeError: a value is not an integer (floats are refused even when whole).
    """
    array = values if isinstance(values, np.ndarray) else np.array(values, dtype=object)
    if array.dtype == np.int64 or array.dtype.kind == "b":
        narrow = array.astype(np.int64, copy=False)
        return narrow if magnitude(narrow) < 1 << SAFE_BITS else narrow.astype(object)
    if array.dtype.kind in "iu" and array.dtype != np.uint64:
        return array.astype(np.int64)
    if array.dtype.kind not in "Ou":
        raise TypeError(f"expected integers, found an array of {array.dtype}")
    whole = np.array([_integer(v) for v in array.ravel().tolist()], dtype=object)
    whole = whole.reshape(array.shape)
    return whole if magnitude(whole) >= 1 << SAFE_BITS else whole.astype(np.int64)


def _integer(value: Any) -> int:
    if isinstance(value, (int, np.integer)):
        return int(value)
    raise TypeError(f"expected an integer, found {value!r}")


def frozen(array: IntArray) -> IntArray:
    """Return a read-only C-ordered copy of `array` (itself if it already is one)."""
    if not array.flags.writeable and array.flags.c_contiguous:
        return array
    result = np.array(array, order="C")
    result.flags.writeable = False
    return result


def magnitude(array: IntArray) -> int:
    """The largest absolute value in `array` (0 for an empty one), as a Python integer."""
    if array.size == 0:
        return 0
    return max(abs(int(array.max())), abs(int(array.min())))


def bit_length(array: IntArray) -> IntArray:
    """Bits of each non-negative element's binary form (0 for 0), as int64."""
    if array.dtype == object:
        flat = [int(v).bit_length() for v in array.ravel().tolist()]
        return np.array(flat, dtype=np.int64).reshape(array.shape)
    bits = np.zeros(array.shape, dtype=np.int64)
    for position in range(magnitude(array).bit_length()):
        bits += (array >> position) > 0
    return bits


def padded(array: IntArray, widths: Sequence[tuple[int, int]], value: int = 0) -> IntArray:
    """`array` with `value` around it (np.pad would put NumPy scalars among Python integers)."""
    if not array.ndim:
        return array
    wide = array.dtype == object or abs(value) >= 1 << SAFE_BITS
    shape = tuple(n + a + b for n, (a, b) in zip(array.shape, widths, strict=True))
    result: IntArray = np.full(shape, value, dtype=object if wide else np.int64)
    inside = tuple(slice(a, a + n) for n, (a, _) in zip(array.shape, widths, strict=True))
    result[inside] = array
    return result


def shift_left(array: IntArray, amount: Any) -> IntArray:
    """``array << amount`` for non-negative amounts, widened to Python integers when needed."""
    amounts = np.asarray(amount, dtype=np.int64)
    if amounts.size == 0 or not amounts.any():
        return array
    top = int(amounts.max())
    if array.dtype == object or magnitude(array).bit_length() + top > SAFE_BITS:
        return as_ints(array.astype(object) * (1 << amounts.astype(object)))
    result: IntArray = array << amounts
    return result


def shift_right(array: IntArray, amount: Any) -> IntArray:
    """``floor(array / 2**amount)`` for non-negative amounts."""
    if array.dtype == object:
        return as_ints(np.asarray(array >> np.asarray(amount).astype(object)))
    result: IntArray = array >> np.minimum(np.asarray(amount, dtype=np.int64), SAFE_BITS)
    return result
