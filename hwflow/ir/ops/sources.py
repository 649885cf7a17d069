"""Operations without operands: where values come from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from hwflow.ir.exact import IntArray, as_ints, frozen
from hwflow.ir.ops.base import Operation, refuse
from hwflow.ir.types import IntType, Overflow, Rounding, TensorType

__all__ = ["Const", "Input", "Param"]


@dataclass(frozen=True, slots=True)
class Input(Operation):
    """A tensor given at run time, with the rule that turns real numbers into its integers."""

    name: ClassVar[str] = "input"
    arity: ClassVar[int | None] = 0

    shape: tuple[int, ...]
    type: IntType
    rounding: Rounding = Rounding.HALF_EVEN
    overflow: Overflow = Overflow.SATURATE

    def infer(self, args: tuple[TensorType, ...]) -> TensorType:
        self.type.full(self.shape)
        return TensorType(self.shape, self.type)


@dataclass(frozen=True, slots=True)
class Param(Operation):
    """A weight loaded at run time: a type and no value; intervals use the whole type."""

    name: ClassVar[str] = "param"
    arity: ClassVar[int | None] = 0

    shape: tuple[int, ...]
    type: IntType

    def infer(self, args: tuple[TensorType, ...]) -> TensorType:
        self.type.full(self.shape)
        return TensorType(self.shape, self.type)


@dataclass(frozen=True, slots=True, eq=False)
class Const(Operation):
    """A fixed tensor of integers `values` with binary point `frac` (broadcastable)."""

    name: ClassVar[str] = "const"
    arity: ClassVar[int | None] = 0

    values: IntArray
    frac: IntArray

    def __post_init__(self) -> None:
        object.__setattr__(self, "values", frozen(as_ints(self.values)))
        object.__setattr__(self, "frac", frozen(as_ints(self.frac)))

    def infer(self, args: tuple[TensorType, ...]) -> TensorType:
        if self.values.size == 0:
            raise refuse("shape", "a constant needs at least one element, found none")
        elem = IntType(self.values, self.values, self.frac)
        elem.full(self.values.shape)
        return TensorType(self.values.shape, elem)

    def evaluate(
        self, args: tuple[IntArray, ...], types: tuple[TensorType, ...], out: TensorType
    ) -> IntArray:
        return self.values[None]
