"""Arithmetic on constants alone: what exporters leave of shapes and weights."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np

from hwflow.frontends.onnx.context import Context
from hwflow.frontends.onnx.file import MAX_ELEMENTS, Node
from hwflow.frontends.onnx.values import Constant, Symbol

__all__ = ["FOLDED", "constant", "fold", "shape_of"]

_CASTS = {1: np.float32, 2: np.uint8, 3: np.int8, 6: np.int32, 7: np.int64, 11: np.float64}


def constant(context: Context, node: Node) -> Constant:
    """Constant: a tensor, a number or a list of them."""
    for key, kind in (
        ("value", None), ("value_float", np.float32), ("value_floats", np.float32),
        ("value_int", np.int64), ("value_ints", np.int64),
    ):  # fmt: skip
        if key in node.attributes:
            return Constant(np.asarray(node.attributes[key], kind))
    raise node.refusal("lower.network", "it holds no numbers", "export it again")


def shape_of(context: Context, node: Node) -> Constant:
    """Shape, or a part of it: sizes are known, the batch included."""
    symbol = context.symbol(node, 0)
    if isinstance(symbol, Constant):
        sizes: tuple[int, ...] = symbol.array.shape
    else:
        sizes = (context.model.batch, *symbol.shape)
    part = slice(node.integer("start", 0), node.integer("end", len(sizes)))
    return Constant(np.array(sizes[part], np.int64))


def _cast(node: Node, a: Any) -> Any:
    kind = _CASTS.get(node.integer("to", 1))
    if kind is None:
        raise node.refusal("lower.layer", "a cast to another type", "cast to float or integers")
    return a.astype(kind)


def _divide(node: Node, a: Any, b: Any) -> Any:
    if not bool(np.asarray(b).all()):
        raise node.refusal("lower.weights", "a division by zero", "export it again")
    return np.trunc(a / b).astype(a.dtype) if a.dtype.kind in "iu" else a / b


def _gather(node: Node, a: Any, places: Any) -> Any:
    axis = node.integer("axis", 0)
    if not -a.ndim <= axis < a.ndim or bool((np.abs(places) > a.shape[axis]).any()):
        raise node.refusal("lower.shape", "indices beyond the constant", "export it again")
    try:
        return np.take(a, places.astype(np.int64), axis=axis)
    except IndexError:
        raise node.refusal("lower.shape", "indices beyond the constant", "export it again") from (
            None
        )


FOLDED: Mapping[str, Callable[..., Any]] = MappingProxyType(
    {
        "Add": lambda _, a, b: a + b,
        "Cast": _cast,
        "Div": _divide,
        "Gather": _gather,
        "Mul": lambda _, a, b: a * b,
        "Neg": lambda _, a: -a,
        "Sub": lambda _, a, b: a - b,
    }
)
"""Operators on constants that are computed at once."""


def fold(node: Node, operands: list[Symbol]) -> Constant:
    """The result of a FOLDED operator on constants.

    Raises:
        InputError: "lower.shape" or "model.unsafe".
    """
    arrays = [s.array for s in operands if isinstance(s, Constant)]
    try:
        size = math.prod(np.broadcast_shapes(*(a.shape for a in arrays)))
        if node.kind != "Gather" and size > 16 * MAX_ELEMENTS:
            raise node.refusal("model.unsafe", f"a constant of {size} elements", "export it again")
        with np.errstate(all="ignore"):
            result = np.asarray(FOLDED[node.kind](node, *arrays))
    except (ValueError, TypeError) as error:
        raise node.refusal("lower.shape", f"its constants do not fit: {error}"[:120], "") from None
    if result.dtype.kind == "f" and not bool(np.isfinite(result).all()):
        raise node.refusal("lower.weights", "its result is no finite number", "train again")
    return Constant(result)
