"""What lowering an ONNX graph knows: symbols, layers, layouts, and the record it keeps."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from hwflow.errors import HwflowError
from hwflow.frontends.exact.emitter import Emitter
from hwflow.frontends.exact.ladder import Affine, Step
from hwflow.frontends.onnx.file import MAX_ELEMENTS, Model, Node
from hwflow.frontends.onnx.values import (
    Constant,
    Floats,
    Ints,
    Raw,
    Symbol,
    Tensor,
    dyadic,
    order_of,
    positions,
    split,
    trimmed,
)
from hwflow.ir import IntType, Overflow, Rounding, Value, ops
from hwflow.ir.types import compact

__all__ = ["WEIGHT_BITS", "Context", "loose"]

WEIGHT_BITS = 16
"""Constants that no quantizer made are weights up to this many bits at one binary point."""


class Context:
    """The state of one lowering run."""

    def __init__(self, name: str, model: Model) -> None:
        self.model = model
        self.emit = Emitter(name)
        self.symbols: dict[str, Symbol] = {}
        self.inputs: dict[str, tuple[Value, Any]] = {}
        self.certificates: list[dict[str, Any]] = []
        self.rectified: dict[str, Value] = {}
        self.readers: dict[str, list[Node]] = {}
        for node in model.nodes:
            for name_ in dict.fromkeys(node.inputs):
                self.readers.setdefault(name_, []).append(node)

    # Operands.

    def symbol(self, node: Node, place: int) -> Symbol:
        """Operand `place` of `node`, which must be there."""
        if place >= len(node.inputs) or not node.inputs[place]:
            raise node.refusal("lower.network", f"operand {place} is missing", "export it again")
        return self.symbols[node.inputs[place]]

    def given(self, node: Node, place: int) -> bool:
        """Whether `node` has an operand `place`."""
        return place < len(node.inputs) and bool(node.inputs[place])

    def constant(self, node: Node, place: int) -> Constant:
        """A constant operand.

        Raises:
            InputError: "lower.layer" where it is live.
        """
        symbol = self.symbol(node, place)
        if not isinstance(symbol, Constant):
            raise node.refusal(
                "lower.layer",
                f"operand {node.inputs[place][:80]!r} is not a constant",
                "weights, scales, zero points and sizes must be constants",
            )
        return symbol

    def optional(self, node: Node, place: int) -> Constant | None:
        """A constant operand that may be left out."""
        return self.constant(node, place) if self.given(node, place) else None

    def stored(self, node: Node, place: int = 0) -> Tensor:
        """A live operand as it is stored, whatever steps wait behind it."""
        symbol = self.symbol(node, place)
        if isinstance(symbol, Raw):
            raise node.refusal(
                "lower.input",
                f"input {symbol.port!r} reaches it without a quantizer",
                "put a Quant or QuantizeLinear directly behind the input",
            )
        if isinstance(symbol, Constant):
            raise node.refusal(
                "lower.layer", f"operand {place} is a constant", "give it the network's values"
            )
        return symbol

    def tensor(self, node: Node, place: int = 0) -> Tensor:
        """A live operand as numbers, whatever steps wait behind it."""
        x = self.stored(node, place)
        return x if x.zero is None else self.integers(node, x, 0)

    def integers(self, node: Node, x: Tensor, zero: int) -> Tensor:
        """What a tensor of integers holds, less the zero point `zero`, as exact numbers."""
        offset = (x.zero or 0) - zero
        frac = self.emit.type(x.value).elem.frac
        value, group = x.value, x.group
        if frac.any() or offset:
            group = self.group(node, x)
            value = self.emit.scale(group, value, frac)
            value = self.emit.plus(group, value, offset, 0)
        return Tensor(value, x.shape, x.index, group)

    def settled(self, node: Node, place: int = 0) -> Tensor:
        """A live operand without float steps behind it."""
        tensor = self.tensor(node, place)
        if tensor.steps:
            raise loose(node, tensor)
        return tensor

    def group(self, node: Node, tensor: Tensor | None = None) -> str:
        """The layer that `node` joins: its operand's, else one of its own."""
        if tensor is not None and tensor.group is not None:
            return tensor.group
        return self.emit.group(node.name)

    # Layouts.

    def at(self, node: Node, tensor: Tensor, array: Any) -> Any:
        """`array`, broadcast to the ONNX tensor, in the order of the value; constant axes gone."""
        array = np.asarray(array)
        if array.ndim == 0 or array.size == 1:
            return array.reshape(())
        shape = (1, *tensor.shape)
        try:
            full = np.broadcast_to(array, shape)
        except ValueError:
            raise node.refusal(
                "lower.shape",
                f"an operand of shape {array.shape} for a tensor of shape {tensor.shape}",
                "give one value, or one for each channel",
            ) from None
        return compact(full.reshape(-1)[tensor.index])

    def spread(self, tensor: Tensor, array: Any) -> Any:
        """An array that broadcasts over the value, at full size."""
        return np.broadcast_to(array, tensor.index.shape)

    def arrange(self, group: str, tensor: Tensor, index: Ints) -> Tensor:
        """`tensor` with its elements laid out as `index` (a layout of axes in some order)."""
        if tensor.index.shape == index.shape and bool((tensor.index == index).all()):
            return tensor
        if bool((tensor.index.ravel() == index.ravel()).all()):
            return self._reshaped(group, tensor, index.shape, index)
        order, goal = order_of(tensor.index), order_of(index)
        assert order is not None, "layouts are permutations of axes"
        assert goal is not None, "layouts are permutations of axes"
        back = tuple(int(i) for i in np.argsort(goal))
        tensor = self._transposed(group, tensor, order)
        shape = tuple(index.shape[axis] for axis in goal)
        tensor = self._reshaped(group, tensor, shape, positions(shape))
        return self._transposed(group, tensor, back)

    def _transposed(self, group: str, tensor: Tensor, order: tuple[int, ...]) -> Tensor:
        if order == tuple(range(len(order))):
            return tensor
        value = self.emit.op(group, ops.Transpose(order), tensor.value)
        return self._relaid(tensor, group, value, lambda a: a.transpose(order))

    def _reshaped(self, group: str, tensor: Tensor, shape: tuple[int, ...], index: Ints) -> Tensor:
        if tensor.index.shape == shape:
            return tensor
        value = self.emit.reshape(group, tensor.value, shape)
        tensor = self._relaid(tensor, group, value, lambda a: a.reshape(shape))
        return replace(tensor, index=index)

    def _relaid(self, tensor: Tensor, group: str, value: Value, move: Any) -> Tensor:
        def relay(array: Any) -> Any:
            return trimmed(move(self.spread(tensor, array))) if np.ndim(array) else array

        steps = tuple(
            Affine(relay(s.scale), relay(s.offset)) if isinstance(s, Affine) else s
            for s in tensor.steps
        )
        return replace(
            tensor, value=value, index=move(tensor.index), unit=relay(tensor.unit), steps=steps,
            group=tensor.group or group,
        )  # fmt: skip

    def channels_last(self, node: Node, group: str, tensor: Tensor) -> Tensor:
        """ONNX's (C, spatial...) laid out as (spatial..., C)."""
        if len(tensor.shape) not in (2, 3):
            raise node.refusal(
                "lower.shape",
                f"its input has the shape {tensor.shape} behind the batch",
                "one or two spatial axes are understood",
            )
        return self.arrange(group, tensor, np.moveaxis(positions(tensor.shape), 0, -1))

    def plain(self, group: str, tensor: Tensor) -> Tensor:
        """In ONNX's own order."""
        return self.arrange(group, tensor, positions(tensor.shape))

    # Constants as integers.

    def weights(self, node: Node, constant: Constant) -> tuple[Ints, Ints, Floats]:
        """Codes, binary points and units of a constant, each of its shape or broadcastable.

        Raises:
            InputError: "lower.weights" where the values were not quantized.
        """
        array = constant.array
        if constant.codes is not None and constant.scale is not None:
            unit, exponent = split(constant.scale)
            return constant.codes, -exponent, unit
        one = np.ones((), np.float32)
        if array.dtype.kind in "iub":
            return array.astype(np.int64), np.zeros((), np.int64), one
        codes, frac = dyadic(array)
        if int(np.abs(codes).max(initial=0)) >> WEIGHT_BITS:
            raise node.refusal(
                "lower.weights",
                "its weights are not quantized",
                "put a Quant or DequantizeLinear between them and this operator",
            )
        return codes, frac, one

    def uniform(self, node: Node, unit: Floats) -> Floats:
        """One unit for all elements of an operand that is summed over."""
        if unit.ndim:
            raise node.refusal(
                "lower.scale",
                "it sums values of different scales",
                "use one scale for the whole tensor, or powers of two",
            )
        return unit

    def rescaled(self, group: str, tensor: Tensor, unit: Any) -> Tensor:
        """`tensor` with another unit (any positive float32), its powers of two taken out."""
        mantissa, exponent = split(unit)
        value = self.emit.scale(group, tensor.value, exponent)
        return replace(tensor, value=value, unit=mantissa)

    def stepped(self, node: Node, tensor: Tensor, step: Step) -> Tensor:
        """`tensor` followed by a float32 step."""
        return replace(
            tensor, steps=(*tensor.steps, step), made=(*tensor.made, node.name),
            group=self.group(node, tensor),
        )  # fmt: skip

    def clamp(self, group: str, value: Value, lo: Any, hi: Any) -> Value:
        """Clip at integers `lo` and `hi`, the binary point kept."""
        elem = self.emit.type(value).elem
        target = IntType(lo, hi, elem.frac)
        return self.emit.op(group, ops.Requant(target, Rounding.FLOOR, Overflow.SATURATE), value)

    def check_size(self, node: Node, shape: Sequence[int], taps: int = 1) -> None:
        """Refuse a result that would be absurdly large, before it is allocated."""
        if math.prod(shape) * taps > MAX_ELEMENTS * (64 if taps > 1 else 1):
            raise node.refusal(
                "model.unsafe", f"its result would have the shape {tuple(shape)}",
                f"at most {MAX_ELEMENTS} elements are lowered",
            )  # fmt: skip


def loose(node: Node, tensor: Tensor) -> HwflowError:
    """The refusal of float32 steps whose result is not quantized next."""
    return node.refusal(
        "lower.scale",
        f"what {tensor.made[-1]!r} gives reaches it without a quantizer, and its scale or offset "
        "is not exact in integers",
        f"put a Quant or QuantizeLinear directly behind {tensor.made[-1]!r}, or use powers of two",
    )
