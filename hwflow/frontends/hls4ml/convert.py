"""hls4ml's optimized ModelGraph to the integer graph, layer by layer.

The integer graph equals hls4ml's own C++ emulation (Vitis flavour, io_parallel) bit for bit: every
conversion of the C++ between two number formats is a requantization, or proven to change nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from hwflow.frontends.exact.emitter import safe_name
from hwflow.frontends.hls4ml import activate, compute, layout, pooling, softmax
from hwflow.frontends.hls4ml.context import Context, refusal
from hwflow.frontends.lowered import Lowered, Probe
from hwflow.ir import Graph
from hwflow.passes import optimize

__all__ = ["HANDLERS", "Converted", "convert_model"]

Handler = Callable[[Context, Any], None]

HANDLERS: Mapping[str, Handler] = MappingProxyType(
    {
        "Activation": activate.activation,
        "ApplyAlpha": compute.normalization,
        "BatchNormalization": compute.normalization,
        "BatchNormalizationQuantizedTanh": activate.merged_threshold,
        "Concatenate": layout.concatenate,
        "Conv1D": compute.convolution,
        "Conv2D": compute.convolution,
        "Conv2DBatchnorm": compute.convolution,
        "Cropping1D": layout.crop,
        "Cropping2D": layout.crop,
        "Dense": compute.dense,
        "DepthwiseConv1D": compute.depthwise,
        "DepthwiseConv2D": compute.depthwise,
        "GlobalPooling1D": pooling.global_pool,
        "GlobalPooling2D": pooling.global_pool,
        "HardActivation": activate.hard,
        "Input": layout.network_input,
        "Merge": layout.merge,
        "PReLU": activate.prelu,
        "ParametrizedActivation": activate.parametrized,
        "PointwiseConv1D": compute.convolution,
        "PointwiseConv2D": compute.convolution,
        "Pooling1D": pooling.pool,
        "Pooling2D": pooling.pool,
        "Reshape": layout.reshape,
        "Softmax": softmax.softmax,
        "TernaryTanh": activate.activation,
        "Transpose": layout.transpose,
        "ZeroPadding1D": layout.zero_padding,
        "ZeroPadding2D": layout.zero_padding,
    }
)
"""Every class of hls4ml's layers that has an exact form."""


@dataclass(frozen=True, slots=True, eq=False)
class Converted:
    """A ModelGraph as integers.

    Attributes:
        lowered: the optimized graph; its probes name values of hls4ml's layers.
        whole: the graph before optimization, in which every layer has its value.
        inputs: the graph's inputs in the order of hls4ml's.
        layers: the value in `whole` of each hls4ml layer, in order.
        groups: the layer of the graph that each hls4ml layer went into (inputs are left out).
        unfolded: hls4ml layers whose products cannot share multipliers.
        notes: what a user should know, one sentence each.
    """

    lowered: Lowered
    whole: Graph
    inputs: tuple[str, ...]
    layers: Mapping[str, str]
    groups: Mapping[str, str]
    unfolded: frozenset[str]
    notes: tuple[str, ...]


def convert_model(model: Any, name: str) -> Converted:
    """The integer graph, called `name`, of an hls4ml ModelGraph after its optimizer passes.

    Raises:
        InputError: "hls4ml.layer" or "hls4ml.precision": a layer or a type has no exact form; the
            message names it and what to do.
    """
    context = Context(name)
    layers: dict[str, str] = {}
    groups: dict[str, str] = {}
    for node in model.get_layers():
        handler = HANDLERS.get(node.class_name)
        if handler is None:
            raise refusal(
                node, "this class of layer has no exact integer form here",
                f"supported: {', '.join(HANDLERS)}",
            )  # fmt: skip
        handler(context, node)
        layers[node.name] = context.values[node.outputs[0]].name
        group = context.groups[node.outputs[0]]
        if group is not None:
            groups[node.name] = group
    taken: set[str] = set()
    outputs = {safe_name(out, taken): context.values[out] for out in model.outputs}
    whole = context.emit.build(outputs)
    rewrite = optimize(whole)
    final = {layer: rewrite.moved.get(value, value) for layer, value in layers.items()}
    probes = tuple(Probe(v, layer) for layer, v in final.items() if v in rewrite.graph.types)
    lowered = Lowered(rewrite.graph, probes=probes)
    inputs = tuple(context.values[name].name for name in model.inputs)
    return Converted(
        lowered, whole, inputs, layers, groups, frozenset(context.unfolded), tuple(context.notes)
    )
