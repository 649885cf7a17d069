"""Exact element-wise arithmetic."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from hwflow.ir.exact import IntArray, as_ints, frozen, magnitude
from hwflow.ir.ops.base import Operation, align, refuse, workable
from hwflow.ir.types import IntType, TensorType

__all__ = ["Add", "Compare", "Mul", "Select", "Shift", "Sub", "expand", "joint_shape"]


def joint_shape(args: tuple[TensorType, ...]) -> tuple[int, ...]:
    """The shape that all operands broadcast to."""
    try:
        return np.broadcast_shapes(*(a.shape for a in args))
    except ValueError:
        shapes = ", ".join(str(a.shape) for a in args)
        raise refuse("shape", f"operands of shapes {shapes} do not broadcast") from None


def expand(
    args: tuple[IntArray, ...], types: tuple[TensorType, ...], rank: int
) -> tuple[IntArray, ...]:
    """Give every operand the same rank, the batch staying axis 0."""
    return tuple(
        a.reshape(a.shape[0], *(1,) * (rank - len(t.shape)), *t.shape)
        for a, t in zip(args, types, strict=True)
    )


def _common_frac(types: tuple[TensorType, ...]) -> IntArray:
    return np.maximum(types[0].elem.frac, types[1].elem.frac)


def _aligned(
    args: tuple[IntArray, ...], types: tuple[TensorType, ...], out: TensorType, frac: IntArray
) -> tuple[IntArray, ...]:
    wide = expand(args, types, len(out.shape))
    both = tuple(align(a, t.elem, frac) for a, t in zip(wide, types, strict=True))
    return workable(sum(magnitude(a) for a in both), *both)


@dataclass(frozen=True, slots=True)
class Add(Operation):
    """``a + b``, aligned to the finer binary point."""

    name: ClassVar[str] = "add"
    arity: ClassVar[int | None] = 2

    def infer(self, args: tuple[TensorType, ...]) -> TensorType:
        frac = _common_frac(args)
        (alo, ahi), (blo, bhi) = (a.elem.aligned(frac) for a in args)
        alo, ahi, blo, bhi = workable(
            2 * max(map(magnitude, (alo, ahi, blo, bhi))), alo, ahi, blo, bhi
        )
        return TensorType(joint_shape(args), IntType(alo + blo, ahi + bhi, frac))

    def evaluate(
        self, args: tuple[IntArray, ...], types: tuple[TensorType, ...], out: TensorType
    ) -> IntArray:
        a, b = _aligned(args, types, out, _common_frac(types))
        return a + b


@dataclass(frozen=True, slots=True)
class Sub(Operation):
    """``a - b``, aligned to the finer binary point."""

    name: ClassVar[str] = "sub"
    arity: ClassVar[int | None] = 2

    def infer(self, args: tuple[TensorType, ...]) -> TensorType:
        frac = _common_frac(args)
        (alo, ahi), (blo, bhi) = (a.elem.aligned(frac) for a in args)
        alo, ahi, blo, bhi = workable(
            2 * max(map(magnitude, (alo, ahi, blo, bhi))), alo, ahi, blo, bhi
        )
        return TensorType(joint_shape(args), IntType(alo - bhi, ahi - blo, frac))

    def evaluate(
        self, args: tuple[IntArray, ...], types: tuple[TensorType, ...], out: TensorType
    ) -> IntArray:
        a, b = _aligned(args, types, out, _common_frac(types))
        return a - b


@dataclass(frozen=True, slots=True)
class Mul(Operation):
    """``a * b``; binary points add."""

    name: ClassVar[str] = "mul"
    arity: ClassVar[int | None] = 2

    def infer(self, args: tuple[TensorType, ...]) -> TensorType:
        # At least one axis: NumPy turns results without one into Python integers, then floats.
        alo, ahi, blo, bhi = (np.atleast_1d(e) for a in args for e in (a.elem.lo, a.elem.hi))
        bound = max(magnitude(alo), magnitude(ahi)) * max(magnitude(blo), magnitude(bhi))
        alo, ahi, blo, bhi = workable(bound, alo, ahi, blo, bhi)
        corners = (alo * blo, alo * bhi, ahi * blo, ahi * bhi)
        lo = np.minimum(np.minimum(corners[0], corners[1]), np.minimum(corners[2], corners[3]))
        hi = np.maximum(np.maximum(corners[0], corners[1]), np.maximum(corners[2], corners[3]))
        return TensorType(joint_shape(args), IntType(lo, hi, args[0].elem.frac + args[1].elem.frac))

    def evaluate(
        self, args: tuple[IntArray, ...], types: tuple[TensorType, ...], out: TensorType
    ) -> IntArray:
        a, b = expand(args, types, len(out.shape))
        a, b = workable(magnitude(a) * magnitude(b), a, b)
        return a * b


@dataclass(frozen=True, slots=True, eq=False)
class Shift(Operation):
    """The real value times ``2**amount``: the integers stay, the binary point moves."""

    name: ClassVar[str] = "shift"

    amount: IntArray

    def __post_init__(self) -> None:
        object.__setattr__(self, "amount", frozen(as_ints(self.amount)))

    def infer(self, args: tuple[TensorType, ...]) -> TensorType:
        elem = args[0].elem
        result = IntType(elem.lo, elem.hi, elem.frac - self.amount)
        result.full(args[0].shape)
        return TensorType(args[0].shape, result)

    def evaluate(
        self, args: tuple[IntArray, ...], types: tuple[TensorType, ...], out: TensorType
    ) -> IntArray:
        return args[0]


_KINDS = ("ge", "gt", "le", "lt", "eq", "ne")


@dataclass(frozen=True, slots=True)
class Compare(Operation):
    """1 where ``a KIND b`` holds of the real values (ge, gt, le, lt, eq, ne), else 0."""

    name: ClassVar[str] = "compare"
    arity: ClassVar[int | None] = 2

    kind: str

    def infer(self, args: tuple[TensorType, ...]) -> TensorType:
        if self.kind not in _KINDS:
            raise refuse("type", f"compare has no kind {self.kind!r}; one of {', '.join(_KINDS)}")
        return TensorType(joint_shape(args), IntType(0, 1))

    def evaluate(
        self, args: tuple[IntArray, ...], types: tuple[TensorType, ...], out: TensorType
    ) -> IntArray:
        a, b = _aligned(args, types, out, _common_frac(types))
        hit = {
            "ge": np.greater_equal, "gt": np.greater, "le": np.less_equal,
            "lt": np.less, "eq": np.equal, "ne": np.not_equal,
        }[self.kind](a, b)  # fmt: skip
        return np.asarray(hit).astype(np.int64)


@dataclass(frozen=True, slots=True)
class Select(Operation):
    """``a`` where the condition (an integer 0 or 1) is 1, else ``b``; aligned."""

    name: ClassVar[str] = "select"
    arity: ClassVar[int | None] = 3

    def infer(self, args: tuple[TensorType, ...]) -> TensorType:
        condition = args[0].elem
        if int(condition.lo.min()) < 0 or int(condition.hi.max()) > 1:
            raise refuse("type", f"select needs a condition of 0 or 1, found {condition}")
        frac = _common_frac(args[1:])
        (alo, ahi), (blo, bhi) = (a.elem.aligned(frac) for a in args[1:])
        elem = IntType(np.minimum(alo, blo), np.maximum(ahi, bhi), frac)
        return TensorType(joint_shape(args), elem)

    def evaluate(
        self, args: tuple[IntArray, ...], types: tuple[TensorType, ...], out: TensorType
    ) -> IntArray:
        a, b = _aligned(args[1:], types[1:], out, _common_frac(types[1:]))
        (condition,) = expand(args[:1], types[:1], len(out.shape))
        return np.where(condition == 1, a, b)
