"""Where a frozen BatchNormalization is exact: float32 rounds in neither of its operations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwflow.frontends.exact.emitter import reach
from hwflow.frontends.exact.ladder import Affine, Relu, Step
from hwflow.ir import IntType, Overflow, Rounding, TensorType, ops

__all__ = ["EXACT_FLOAT32", "ExactStep", "exact_steps", "relu_type"]

EXACT_FLOAT32 = 1 << 24
"""Integers below this magnitude are exact in float32."""

_WIDEST_FRAC = 40


@dataclass(frozen=True, slots=True, eq=False)
class ExactStep:
    """``x * codes * 2**-frac + offset * 2**-offset_frac``, per channel, all integers."""

    codes: NDArray[np.int64]
    frac: NDArray[np.int64]
    offset: NDArray[np.int64]
    offset_frac: NDArray[np.int64]


def exact_steps(type: TensorType, steps: tuple[Step, ...]) -> tuple[ExactStep | None, ...] | None:
    """Each step in integers (None standing for a ReLU), or None if float32 rounds in one."""
    plans: list[ExactStep | None] = []
    if reach(type) >= EXACT_FLOAT32:
        return None
    for step in steps:
        plan = None
        if isinstance(step, Affine):
            plan = _exact(step)
            if plan is None:
                return None
            scaled = ops.Mul().infer((type, _constant(plan.codes, plan.frac)))
            type = ops.Add().infer((scaled, _constant(plan.offset, plan.offset_frac)))
            if max(reach(scaled), reach(type)) >= EXACT_FLOAT32:
                return None
        else:
            assert isinstance(step, Relu), "QKeras has no clip"
            relu = ops.Requant(relu_type(type.elem), Rounding.FLOOR, Overflow.SATURATE)
            type = relu.infer((type,))
        plans.append(plan)
    return tuple(plans)


def _exact(step: Affine) -> ExactStep | None:
    codes, frac = _dyadic(step.scale)
    offset, offset_frac = _dyadic(step.offset)
    if max(int(abs(frac).max()), int(abs(offset_frac).max())) > _WIDEST_FRAC:
        return None
    return ExactStep(codes, frac, offset, offset_frac)


def _dyadic(values: Any) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Odd integers and binary points of float32 values (0 and 0 for zero)."""
    mantissa, exponent = np.frexp(np.asarray(values, np.float64))
    codes = np.ldexp(mantissa, 24).astype(np.int64)
    low = np.where(codes == 0, 1, codes & -codes)
    frac = 24 - exponent.astype(np.int64) - np.log2(low).astype(np.int64)
    return codes // low, np.where(codes == 0, 0, frac)


def _constant(codes: NDArray[np.int64], frac: NDArray[np.int64]) -> TensorType:
    return TensorType(codes.shape, IntType(codes, codes, frac))


def relu_type(elem: IntType) -> IntType:
    """What max(x, 0) can reach."""
    top = np.maximum(elem.hi, 0)
    return IntType(top * 0, top, elem.frac)
