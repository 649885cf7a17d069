"""What lowering knows while it walks the layers: symbols, groups, and the record it keeps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from hwflow.errors import HwflowError, InputError
from hwflow.frontends.exact.emitter import Emitter, reach
from hwflow.frontends.exact.ladder import Affine, Relu, Step
from hwflow.frontends.qkeras.network import Layer
from hwflow.frontends.qkeras.norm import EXACT_FLOAT32, ExactStep, exact_steps, relu_type
from hwflow.frontends.qkeras.quantizers import Quantizer
from hwflow.frontends.qkeras.weights import Weights
from hwflow.ir import Value, ops
from hwflow.ir.exact import IntArray

__all__ = [
    "Context", "Exact", "Frozen", "Raw", "Symbol", "View", "loose_norm", "unquantized_input",
    "with_step",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class View:
    """A pure data movement of Keras layer `layer`, not yet emitted (a reshape or zero pad)."""

    layer: str
    op: ops.Reshape | ops.Pad


@dataclass(frozen=True, slots=True)
class Raw:
    """A network input that no quantizer has been met on yet."""

    layer: str
    views: tuple[View, ...] = ()


@dataclass(frozen=True, slots=True)
class Exact:
    """An integer value, then `views`. `group` is its layer, None for a graph input."""

    value: Value
    group: str | None
    views: tuple[View, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Frozen:
    """An integer value followed by float32 `steps` of Keras layers `layers`; no form chosen yet."""

    value: Value
    group: str
    steps: tuple[Step, ...]
    layers: tuple[str, ...]


Symbol = Raw | Exact | Frozen


class Context:
    """The state of one lowering run.

    Attributes:
        emit: where nodes go.
        shapes: output shape of each Keras layer.
        symbols: what each Keras layer has given so far.
        probes: (value, Keras layer) pairs that must be equal.
        wide: Keras layers that float32 may round in.
        certificates: one JSON object for each function replaced by an integer form.
        programmable: whether kernels and biases are loaded at run time.
        params: the values of those, by param.
    """

    def __init__(
        self, name: str, shapes: Mapping[str, tuple[int, ...]], programmable: bool = False
    ) -> None:
        self.emit = Emitter(name)
        self.shapes = shapes
        self.symbols: dict[str, Symbol] = {}
        self.inputs: dict[str, tuple[Value, Quantizer]] = {}
        self.probes: dict[str, str] = {}
        self.wide: list[str] = []
        self.certificates: list[dict[str, Any]] = []
        self.programmable = programmable
        self.params: dict[str, IntArray] = {}

    def probe(self, value: Value, layer: str) -> None:
        """Record that `value` is the output of Keras layer `layer`."""
        self.probes[value.name] = layer

    def weights(self, group: str, role: str, weights: Weights) -> Value:
        """The weights of layer `group`: a constant, or a param of the quantizer's whole range."""
        if not self.programmable:
            return self.emit.const(group, weights.codes, weights.frac)
        value = self.emit.param(group, role, weights.codes.shape, weights.type)
        self.params[value.name] = weights.codes
        return value

    def mark_wide(self, layer: Layer) -> None:
        """Record that float32 may round inside `layer`."""
        if layer.name not in self.wide:
            self.wide.append(layer.name)

    def carry_wide(self, layer: Layer, value: Value) -> None:
        """Mark `layer` where `value`, which it takes or gives, passes float32's exact integers."""
        if reach(self.emit.type(value)) >= EXACT_FLOAT32:
            self.mark_wide(layer)

    def symbol(self, layer: Layer, index: int = 0) -> Symbol:
        """The operand of `layer`."""
        return self.symbols[layer.inputs[index]]

    def operand(self, layer: Layer, group: str, index: int = 0) -> Value:
        """The operand of `layer` as an integer value, its views emitted into `group`.

        Raises:
            InputError: "lower.input" or "lower.norm" where it is no integer yet.
        """
        value = self.settle(self.symbol(layer, index), layer, group)
        self.carry_wide(layer, value)
        return value

    def settle(self, symbol: Symbol, layer: Layer, group: str) -> Value:
        """`symbol` as an integer value, its views emitted into `group`."""
        if isinstance(symbol, Raw):
            raise unquantized_input(symbol, layer)
        if isinstance(symbol, Frozen):
            return self._settle_frozen(symbol, layer)
        value = symbol.value
        for view in symbol.views:
            value = self.emit.op(group, view.op, value)
            self.probe(value, view.layer)
        return value

    def owner(self, layer: Layer, symbol: Symbol) -> str:
        """The IR layer that a follower (activation, normalisation) of `symbol` joins."""
        group = None if isinstance(symbol, Raw) else symbol.group
        return group if group is not None else self.emit.group(layer.name)

    def _settle_frozen(self, symbol: Frozen, layer: Layer) -> Value:
        plans = exact_steps(self.emit.type(symbol.value), symbol.steps)
        if plans is None:
            raise loose_norm(symbol, layer)
        value = self.apply_exact(symbol.group, symbol.value, plans)
        self.probe(value, symbol.layers[-1])
        return value

    def apply_exact(self, group: str, value: Value, plans: tuple[ExactStep | None, ...]) -> Value:
        """Emit steps that float32 does exactly."""
        for plan in plans:
            if plan is None:
                value = self.relu(group, value)
            else:
                value = self.emit.times(group, value, plan.codes, plan.frac)
                value = self.emit.plus(group, value, plan.offset, plan.offset_frac)
        return value

    def relu(self, group: str, value: Value) -> Value:
        """max(x, 0), exact."""
        return self.emit.requant(group, value, relu_type(self.emit.type(value).elem))


def with_step(value: Value, group: str, symbol: Symbol, step: Affine | Relu, layer: str) -> Frozen:
    """`symbol`, settled as `value` in `group` unless it is frozen itself, followed by `step`."""
    if isinstance(symbol, Frozen):
        return replace(symbol, steps=(*symbol.steps, step), layers=(*symbol.layers, layer))
    return Frozen(value, group, (step,), (layer,))


def unquantized_input(symbol: Raw, layer: Layer) -> HwflowError:
    """The refusal of an input that reaches a layer as a real number."""
    return InputError(
        "lower.input",
        f"layer {layer.name!r}: input {symbol.layer!r} reaches it without a quantizer",
        hint="write x = QActivation(quantized_bits(8, 0, alpha=1))(inputs) first",
    )


def loose_norm(symbol: Frozen, layer: Layer) -> HwflowError:
    """The refusal of a BatchNormalization whose result is not quantized next."""
    last = layer.name == symbol.layers[-1]
    target = "is an output of the network" if last else f"goes to {layer.name!r} ({layer.kind})"
    return InputError(
        "lower.norm",
        f"layer {symbol.layers[0]!r}: its result {target} without a quantizer, and its scale and "
        "offset are not exact in integers",
        hint="put QActivation(quantized_relu(6, 2)) or QActivation(quantized_bits(8, 2, alpha=1)) "
        f"directly after {symbol.layers[-1]!r}",
    )
