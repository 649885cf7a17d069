"""The operations of the integer graph; SEMANTICS.md states each in one line of mathematics."""

from __future__ import annotations

from hwflow.ir.ops.arith import Add, Compare, Mul, Select, Shift, Sub
from hwflow.ir.ops.base import Operation
from hwflow.ir.ops.bits import Clz, ShiftLeft, ShiftRight
from hwflow.ir.ops.layout import Concat, Pad, Reshape, Slice, Transpose
from hwflow.ir.ops.linear import Conv, Dot, MatMul
from hwflow.ir.ops.pool import ArgMax, MaxPool, ReduceSum
from hwflow.ir.ops.round import Requant
from hwflow.ir.ops.sources import Const, Input, Param
from hwflow.ir.ops.table import Lut, Threshold

__all__ = [
    "OPERATIONS", "Add", "ArgMax", "Clz", "Compare", "Concat", "Const", "Conv", "Dot", "Input",
    "Lut", "MatMul", "MaxPool", "Mul", "Operation", "Pad", "Param", "ReduceSum", "Requant",
    "Reshape", "Select", "Shift", "ShiftLeft", "ShiftRight", "Slice", "Sub", "Threshold",
    "Transpose",
]  # fmt: skip

OPERATIONS: tuple[type[Operation], ...] = (
    Input, Const, Param, MatMul, Conv, Dot, Add, Sub, Mul, Shift, ShiftLeft, ShiftRight, Clz,
    Requant, Threshold, Lut, Select, Compare, MaxPool, ReduceSum, ArgMax, Reshape, Transpose,
    Slice, Concat, Pad,
)  # fmt: skip
