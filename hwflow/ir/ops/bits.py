"""Operations on the binary form of a value: shifts by a live amount, leading zeros."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from hwflow.ir.exact import IntArray, bit_length, magnitude, shift_left, shift_right
from hwflow.ir.ops.arith import expand, joint_shape
from hwflow.ir.ops.base import Operation, refuse
from hwflow.ir.types import MAX_BITS, IntType, TensorType

__all__ = ["Clz", "ShiftLeft", "ShiftRight"]


def _check_amount(name: str, amount: IntType) -> None:
    lo, hi = int(amount.lo.min()), int(amount.hi.max())
    if bool(np.any(amount.frac != 0)) or lo < 0 or hi > MAX_BITS:
        raise refuse(
            "type",
            f"{name} shifts by whole numbers from 0 to {MAX_BITS}, found {amount}",
            "requantize the amount to a few unsigned bits and no fraction",
        )


def _moved(x: IntType, n: IntType, move: Callable[[IntArray, IntArray], IntArray]) -> IntType:
    """The bounds of `move` over both types: each end of x by the least and the greatest amount."""
    lo, hi = np.atleast_1d(x.lo), np.atleast_1d(x.hi)
    return IntType(
        np.minimum(move(lo, n.lo), move(lo, n.hi)),
        np.maximum(move(hi, n.lo), move(hi, n.hi)),
        x.frac,
    )


@dataclass(frozen=True, slots=True)
class ShiftLeft(Operation):
    """``x * 2**n`` for a live whole number n of at least 0; the binary point stays."""

    name: ClassVar[str] = "shift_left"
    arity: ClassVar[int | None] = 2

    def infer(self, args: tuple[TensorType, ...]) -> TensorType:
        x, amount = (a.elem for a in args)
        _check_amount(self.name, amount)
        wide = magnitude(x.lo), magnitude(x.hi)
        most = max(wide).bit_length() + int(amount.hi.max())
        if most > MAX_BITS:
            raise refuse(
                "type",
                f"{x} shifted left by {amount} has up to {most} bits, over {MAX_BITS}",
                "requantize the amount to fewer bits",
            )
        return TensorType(joint_shape(args), _moved(x, amount, shift_left))

    def evaluate(
        self, args: tuple[IntArray, ...], types: tuple[TensorType, ...], out: TensorType
    ) -> IntArray:
        return shift_left(*expand(args, types, len(out.shape)))


@dataclass(frozen=True, slots=True)
class ShiftRight(Operation):
    """``floor(x / 2**n)`` for a live whole number n of at least 0; the binary point stays."""

    name: ClassVar[str] = "shift_right"
    arity: ClassVar[int | None] = 2

    def infer(self, args: tuple[TensorType, ...]) -> TensorType:
        x, amount = (a.elem for a in args)
        _check_amount(self.name, amount)
        return TensorType(joint_shape(args), _moved(x, amount, shift_right))

    def evaluate(
        self, args: tuple[IntArray, ...], types: tuple[TensorType, ...], out: TensorType
    ) -> IntArray:
        return shift_right(*expand(args, types, len(out.shape)))


@dataclass(frozen=True, slots=True)
class Clz(Operation):
    """The zero bits above the highest one bit of x, seen as `width` unsigned bits.

    ``width - 1 - clz(x)`` is ``floor(log2(x))`` of the integer x; a zero counts `width`.
    """

    name: ClassVar[str] = "clz"

    width: int

    def infer(self, args: tuple[TensorType, ...]) -> TensorType:
        (x,) = args
        if not 0 <= self.width <= MAX_BITS:
            raise refuse("type", f"clz sees 0 to {MAX_BITS} bits, found width {self.width}")
        lo, hi = (np.atleast_1d(e) for e in (x.elem.lo, x.elem.hi))
        if int(lo.min()) < 0 or int(hi.max()) >> self.width:
            raise refuse(
                "type",
                f"clz of {self.width} unsigned bits, found {x.elem}",
                "requantize it to an unsigned type, or give clz its width",
            )
        return TensorType(
            x.shape, IntType(self.width - bit_length(hi), self.width - bit_length(lo))
        )

    def evaluate(
        self, args: tuple[IntArray, ...], types: tuple[TensorType, ...], out: TensorType
    ) -> IntArray:
        return self.width - bit_length(args[0])
