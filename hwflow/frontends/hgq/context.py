"""What lowering an HGQ2 model knows while it walks the layers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwflow.errors import HwflowError, InputError
from hwflow.frontends.exact.emitter import Emitter, reach
from hwflow.frontends.hgq.quantizers import FixedPoint, Weights, read_quantizer
from hwflow.frontends.keras.hdf5 import WeightFile
from hwflow.frontends.keras.skeleton import RawLayer
from hwflow.frontends.keras.weights import stored_name
from hwflow.frontends.qkeras.network import Layer
from hwflow.frontends.qkeras.norm import EXACT_FLOAT32, relu_type
from hwflow.ir import IntType, Overflow, Rounding, Value, ops

__all__ = ["Context", "Symbol"]


@dataclass(frozen=True, slots=True)
class Symbol:
    """A value and the data movements behind it; without a value, an input not yet quantized."""

    shape: tuple[int, ...]
    value: Value | None = None
    source: str = ""
    views: tuple[ops.Reshape | ops.Pad, ...] = ()

    def moved(self, op: ops.Reshape | ops.Pad, shape: tuple[int, ...]) -> Symbol:
        """The symbol behind one more data movement."""
        return replace(self, shape=shape, views=(*self.views, op))


class Context:
    """The state of one lowering run; `wide` are layers in which float32 could round."""

    def __init__(self, file: WeightFile) -> None:
        self.emit = Emitter("model")
        self.symbols: dict[str, Symbol] = {}
        self.wide: list[str] = []
        self._file = file
        self._inputs: dict[str, tuple[Value, IntType, Rounding, Overflow]] = {}
        self._shapes: dict[str, tuple[int, ...]] = {}

    def input(self, layer: RawLayer, shape: tuple[int, ...]) -> Symbol:
        """A network input: real numbers until a quantizer is met."""
        self._shapes[layer.name] = shape
        return Symbol(shape, None, layer.name)

    def array(self, layer: RawLayer, index: int) -> NDArray[np.float32]:
        """One of the layer's own weights."""
        return self._file.array(("layers", stored_name(layer.place), "vars", str(index)))

    def quantizer(
        self, layer: RawLayer, role: str, *inner: str, described: Any, batch: bool = True
    ) -> FixedPoint:
        """The quantizer that the layer keeps as `role` (iq, kq, bq, oq)."""
        path = ("layers", stored_name(layer.place), *((role,) if role else ()), *inner)
        return read_quantizer(self._file, path, described, batch=batch)

    def operand(
        self, layer: RawLayer, group: str, index: int = 0, quantizer: FixedPoint | None = None
    ) -> Value:
        """An operand of `layer`, quantized, as a value; what is needed goes into `group`.

        Raises:
            InputError: "lower.input" where an input of the network is not quantized, or twice.
        """
        symbol = self.symbols[layer.inputs[index]]
        if symbol.value is None:
            if quantizer is None:
                raise _unquantized(layer, symbol.source)
            return self._behind(group, self._quantized_input(layer, symbol, quantizer), symbol)
        value = self._behind(group, symbol.value, symbol)
        return value if quantizer is None else self.requant(layer, group, value, quantizer)

    def requant(self, layer: RawLayer, group: str, value: Value, quantizer: FixedPoint) -> Value:
        """`value` through a quantizer."""
        self.check_width(layer, value)
        op = ops.Requant(quantizer.type, quantizer.rounding, quantizer.overflow)
        return self.emit.op(group, op, value)

    def check_width(self, layer: RawLayer, value: Value) -> None:
        """Remember a layer whose values pass float32's exact integers."""
        if reach(self.emit.type(value)) >= EXACT_FLOAT32 and layer.name not in self.wide:
            self.wide.append(layer.name)

    def relu(self, group: str, value: Value) -> Value:
        """max(x, 0), exact."""
        return self.emit.requant(group, value, relu_type(self.emit.type(value).elem))

    def weights(self, group: str, weights: Weights) -> Value:
        """Constant weights of layer `group`."""
        return self.emit.const(group, weights.codes, weights.frac)

    def aligned(self, group: str, value: Value, axes: tuple[int, ...]) -> Value:
        """`value` with one binary point along `axes`: exact, bits are only added."""
        type = self.emit.type(value)
        _, _, frac = type.elem.full(type.shape)
        return self.emit.aligned(group, value, frac.max(axis=axes, keepdims=True))

    def described(self, layer: RawLayer, options: Mapping[str, Any]) -> Layer:
        """The layer as the functions on windows and padding of the QKeras lowering want it."""
        none: Mapping[str, Any] = MappingProxyType({})
        return Layer(layer.name, layer.kind, layer.inputs, options, none, (), none, none, none)

    def _behind(self, group: str, value: Value, symbol: Symbol) -> Value:
        for view in symbol.views:
            value = self.emit.op(group, view, value)
        return value

    def _quantized_input(self, layer: RawLayer, symbol: Symbol, quantizer: FixedPoint) -> Value:
        shape = self._shapes[symbol.source]
        if any(isinstance(view, ops.Pad) for view in symbol.views):
            raise _unquantized(layer, symbol.source)
        # Behind reshapes the quantizer's elements are those of the input in the same order.
        spread = (np.broadcast_to(a, symbol.shape).reshape(shape) for a in
                  (quantizer.lo, quantizer.hi, quantizer.frac))  # fmt: skip
        rule = (IntType(*spread), quantizer.rounding, quantizer.overflow)
        if symbol.source not in self._inputs:
            value = self.emit.input(symbol.source, shape, *rule)
            self._inputs[symbol.source] = (value, *rule)
        value, *known = self._inputs[symbol.source]
        if tuple(known) != rule:
            raise InputError(
                "lower.input",
                f"layer {layer.name!r}: input {symbol.source!r} is quantized a second time, "
                "otherwise",
                hint="put one Quantizer layer behind the input and let every layer read that",
            )
        return value


def _unquantized(layer: RawLayer, source: str) -> HwflowError:
    return InputError(
        "lower.input",
        f"layer {layer.name!r}: input {source!r} reaches it without a quantizer",
        hint="let the first layer quantize its input (enable_iq=True), or put a Quantizer before",
    )
