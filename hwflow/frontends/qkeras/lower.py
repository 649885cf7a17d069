"""A trained QKeras network to the integer graph, layer by layer."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType

from hwflow.errors import HwflowError, InputError
from hwflow.frontends.exact.emitter import safe_name
from hwflow.frontends.lowered import Finding, Lowered, Probe, RefusedError
from hwflow.frontends.qkeras import activate, compute, layout, pooling
from hwflow.frontends.qkeras.context import Context, Raw, Symbol, unquantized_input
from hwflow.frontends.qkeras.network import Layer, Network
from hwflow.frontends.qkeras.refused import behind_refused
from hwflow.ir import Value
from hwflow.passes import optimize

__all__ = ["HANDLERS", "lower", "unknown_layer"]

Handler = Callable[[Context, Layer], Symbol]

HANDLERS: Mapping[str, Handler] = MappingProxyType(
    {
        "Activation": activate.activation,
        "Add": layout.add,
        "AveragePooling1D": pooling.average_pool,
        "AveragePooling2D": pooling.average_pool,
        "BatchNormalization": activate.batch_norm,
        "Concatenate": layout.concatenate,
        "Dropout": layout.identity,
        "Flatten": layout.reshape,
        "GaussianNoise": layout.identity,
        "GlobalAveragePooling1D": pooling.global_average_pool,
        "GlobalAveragePooling2D": pooling.global_average_pool,
        "GlobalMaxPooling1D": pooling.global_max_pool,
        "GlobalMaxPooling2D": pooling.global_max_pool,
        "InputLayer": layout.network_input,
        "MaxPooling1D": pooling.max_pool,
        "MaxPooling2D": pooling.max_pool,
        "QActivation": activate.quantized_activation,
        "QAveragePooling2D": pooling.average_pool,
        "QConv1D": compute.convolution,
        "QConv2D": compute.convolution,
        "QDense": compute.dense,
        "QDepthwiseConv2D": compute.depthwise,
        "QGlobalAveragePooling2D": pooling.global_average_pool,
        "ReLU": activate.keras_relu,
        "Reshape": layout.reshape,
        "SpatialDropout1D": layout.identity,
        "SpatialDropout2D": layout.identity,
        "ZeroPadding1D": layout.zero_padding,
        "ZeroPadding2D": layout.zero_padding,
    }
)
"""Every Keras and QKeras layer class that can be lowered."""

_INSTEAD = {
    "Conv1D": "write QConv1D with kernel_quantizer=quantized_bits(6, 0, alpha=1)",
    "Conv2D": "write QConv2D with kernel_quantizer=quantized_bits(6, 0, alpha=1)",
    "Dense": "write QDense with kernel_quantizer=quantized_bits(6, 0, alpha=1)",
    "DepthwiseConv2D": "write QDepthwiseConv2D with depthwise_quantizer=quantized_bits(6, 0, "
    "alpha=1)",
    "Lambda": "a Python function has no hardware meaning; write it with the layers supported",
    "QConv2DBatchnorm": "write QConv2D and BatchNormalization; their fold is exact here",
    "SeparableConv2D": "write QDepthwiseConv2D and a 1x1 QConv2D",
    "QSeparableConv2D": "write QDepthwiseConv2D and a 1x1 QConv2D",
    "Softmax": "leave it out and train on logits (from_logits=True)",
}


def lower(network: Network, name: str, *, programmable: bool = False) -> Lowered:
    """Lower a trained network to an integer graph called `name`.

    With `programmable`, kernels and biases are params of their quantizers' whole ranges;
    BatchNormalization stays constant.

    Raises:
        RefusedError: layers have no exact integer form; each message names its layer and what to
            write instead ("lower.*" in the catalogue).
    """
    context = Context(name, {layer.name: layer.shape for layer in network.layers}, programmable)
    findings = [_finding(context, layer) for layer in network.layers]
    results, refused = _outputs(context, network)
    if refused or any(finding.errors for finding in findings):
        raise RefusedError(
            [replace(f, errors=(*f.errors, *refused.get(f.layer, ()))) for f in findings]
        )
    graph = context.emit.build(results)
    rewrite = optimize(graph)
    probes: dict[str, str] = {}
    for value, source in context.probes.items():
        final = rewrite.moved.get(value, value)
        if final in rewrite.graph.types:
            probes[source] = final
    return Lowered(
        rewrite.graph,
        tuple(context.certificates),
        tuple(context.wide),
        tuple(Probe(value, source) for source, value in probes.items()),
        {node.name: context.params[node.name] for node in rewrite.graph.params},
    )


def _finding(context: Context, layer: Layer) -> Finding:
    """Lower one layer; a refused one, and those behind it, have no symbol."""
    known = layer.kind in HANDLERS
    reached = all(source in context.symbols for source in layer.inputs)
    errors: tuple[HwflowError, ...] = () if known else (unknown_layer(layer.name, layer.kind),)
    if known and reached:
        try:
            context.symbols[layer.name] = HANDLERS[layer.kind](context, layer)
            return Finding(layer.name, layer.kind)
        except InputError as error:
            errors = (error,)
    symbol, further = behind_refused(context, layer, known=known and not reached)
    if symbol is not None:
        context.symbols[layer.name] = symbol
    return Finding(layer.name, layer.kind, (*errors, *further), reached)


def unknown_layer(name: str, kind: str) -> HwflowError:
    """The refusal of a layer whose class cannot be lowered, ready to be raised."""
    near = difflib.get_close_matches(kind, HANDLERS, n=1)
    hint = _INSTEAD.get(kind) or (
        f"{f'did you mean {near[0]}? ' if near else ''}supported: {', '.join(HANDLERS)}"
    )
    return InputError(
        "lower.layer", f"layer {name!r}: {kind} cannot be lowered to integers", hint=hint
    )


def _outputs(
    context: Context, network: Network
) -> tuple[dict[str, Value], dict[str, tuple[HwflowError, ...]]]:
    """The graph's outputs by name, and what is wrong with layers that are outputs."""
    values: dict[str, Value] = {}
    refused: dict[str, tuple[HwflowError, ...]] = {}
    layers = {layer.name: layer for layer in network.layers}
    taken: set[str] = set()
    for name in network.outputs:
        layer, symbol = layers[name], context.symbols.get(name)
        if symbol is None:
            continue
        try:
            if isinstance(symbol, Raw):
                raise unquantized_input(symbol, layer)
            group = context.owner(layer, symbol)
            values[safe_name(name, taken)] = context.settle(symbol, layer, group)
        except InputError as error:
            refused[name] = (error,)
    return values, refused
