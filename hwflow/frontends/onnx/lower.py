"""An ONNX model to the integer graph, node by node."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np

from hwflow.errors import InputError
from hwflow.frontends.exact.emitter import safe_name
from hwflow.frontends.lowered import Lowered
from hwflow.frontends.onnx import constants, elementwise, integers, moves, products, quantizers
from hwflow.frontends.onnx.context import Context, loose
from hwflow.frontends.onnx.file import Model, Node, Port
from hwflow.frontends.onnx.values import Constant, Raw, Symbol, Tensor, positions
from hwflow.ir import IntType, Rounding, Value
from hwflow.passes import number_values, optimize

__all__ = ["HANDLERS", "lower"]

Handler = Callable[[Context, Node], Symbol]

HANDLERS: Mapping[str, Handler] = MappingProxyType(
    {
        "Add": elementwise.add,
        "ArgMax": moves.argmax,
        "AveragePool": products.average_pool,
        "BatchNormalization": elementwise.batch_norm,
        "Cast": moves.identity,
        "Clip": elementwise.clip,
        "Concat": moves.concat,
        "Constant": constants.constant,
        "Conv": products.conv,
        "ConvInteger": integers.conv_integer,
        "DequantizeLinear": quantizers.dequantize_linear,
        "Div": elementwise.divide,
        "Dropout": moves.identity,
        "Flatten": moves.flatten,
        "Gemm": products.gemm,
        "GlobalAveragePool": products.global_average_pool,
        "Identity": moves.identity,
        "MatMul": products.matmul,
        "MatMulInteger": integers.matmul_integer,
        "MaxPool": products.max_pool,
        "Mul": elementwise.multiply,
        "Pad": moves.pad,
        "QLinearConv": integers.qlinear_conv,
        "QLinearMatMul": integers.qlinear_matmul,
        "QuantizeLinear": quantizers.quantize_linear,
        "Relu": elementwise.relu,
        "Reshape": moves.reshape,
        "Shape": constants.shape_of,
        "Squeeze": moves.squeeze,
        "Sub": elementwise.subtract,
        "Transpose": moves.transpose,
        "Unsqueeze": moves.unsqueeze,
        "com.microsoft.QGemm": integers.qgemm,
        "qonnx.BipolarQuant": quantizers.bipolar,
        "qonnx.IntQuant": quantizers.quant,
        "qonnx.MultiThreshold": quantizers.multi_threshold,
        "qonnx.Quant": quantizers.quant,
        "qonnx.Trunc": quantizers.trunc,
    }
)
"""Every operator that can be lowered; those of `constants.FOLDED` also on constants alone."""

_INSTEAD = {
    "DynamicQuantizeLinear": "its scale depends on the data; calibrate (static quantization)",
    "LogSoftmax": "leave it out: the largest logit stays the largest",
    "Sigmoid": "a quantized ReLU, or leave it out behind the last layer",
    "Softmax": "leave it out: the largest logit stays the largest",
    "Tanh": "a quantized ReLU or a Clip",
    "com.microsoft.QLinearAdd": "quantize both operands by one scale and write Add",
}
_PASSING = frozenset(
    {
        "Add", "BatchNormalization", "Cast", "Clip", "DequantizeLinear", "Identity", "Mul", "Pad",
        "QuantizeLinear", "Relu", "Sub", "qonnx.BipolarQuant", "qonnx.IntQuant",
        "qonnx.MultiThreshold", "qonnx.Quant",
    }
)  # fmt: skip
_WINDOWS = frozenset(
    {
        "AveragePool", "Conv", "ConvInteger", "GlobalAveragePool", "MaxPool", "QLinearConv",
    }
)  # fmt: skip


def lower(model: Model, name: str) -> Lowered:
    """Lower a parsed model to an integer graph called `name`.

    Raises:
        InputError: an operator has no exact integer form; the message names the node and what to
            write instead ("lower.*" in the catalogue).
    """
    context = Context(name, model)
    for key, array in model.constants.items():
        context.symbols[key] = Constant(array)
    for port in model.inputs:
        context.symbols[port.name] = _port(context, port)
    for node in model.nodes:
        symbol = _symbol(context, node)
        others = [o for o in node.outputs[1:] if o]
        if any(context.readers.get(o) or o in model.outputs for o in others):
            raise node.refusal("lower.layer", "more than one of its results is used", "use one")
        context.symbols[node.outputs[0] if node.outputs else ""] = symbol
    taken: set[str] = set()
    names = {output: safe_name(output, taken) for output in model.outputs}
    graph = context.emit.build({new: _output(context, old, new) for old, new in names.items()})
    return Lowered(number_values(optimize(graph).graph).graph, tuple(context.certificates))


def _symbol(context: Context, node: Node) -> Symbol:
    known = [context.symbols[name] for name in node.inputs if name]
    if node.kind in constants.FOLDED and all(isinstance(s, Constant) for s in known):
        return constants.fold(node, known)
    handler = _handler(node)
    try:
        return handler(context, node)
    except ValueError as error:  # NumPy's, about arrays that do not broadcast
        raise node.refusal("lower.shape", str(error)[:120], "correct its operands") from None


def _handler(node: Node) -> Handler:
    if node.kind in HANDLERS:
        return HANDLERS[node.kind]
    near = difflib.get_close_matches(node.kind, HANDLERS, n=1)
    hint = _INSTEAD.get(node.kind) or (
        f"{f'did you mean {near[0]}? ' if near else ''}supported: {', '.join(HANDLERS)}"
    )
    raise InputError(
        "lower.layer",
        f"layer {node.name!r}: operator {node.kind} cannot be lowered to integers",
        hint=hint,
    )


def _port(context: Context, port: Port) -> Symbol:
    """Images that go to a convolution or pooling as they are enter channels last."""
    index = positions(port.shape)
    if len(port.shape) in (2, 3) and _is_image(context, port.name):
        index = np.moveaxis(index, 0, -1)
    if port.dtype == "float32":
        return Raw(port.name, port.shape, index)
    if port.dtype not in ("int8", "uint8", "int16", "uint16"):
        raise InputError(
            "lower.input",
            f"input {port.name!r} holds {port.dtype}",
            hint="give float32 behind a quantizer, or int8, uint8, int16, uint16",
        )
    info = np.iinfo(port.dtype)
    elem = IntType(int(info.min), int(info.max), 0)
    value = context.emit.input(port.name, index.shape, elem, Rounding.HALF_EVEN)
    return Tensor(value, port.shape, index, None, zero=0)


def _is_image(context: Context, name: str) -> bool:
    """Whether a window is met before anything that would change the layout."""
    seen: set[str] = set()
    waiting = [name]
    while waiting:
        name = waiting.pop()
        for node in context.readers.get(name, ()):
            if node.kind in _WINDOWS and node.inputs[0] == name:
                return True
            if node.kind in _PASSING and node.outputs and node.outputs[0] not in seen:
                seen.add(node.outputs[0])
                waiting.append(node.outputs[0])
    return False


def _output(context: Context, name: str, new: str) -> Value:
    """The integers of an output; a scale that is no power of two is left to the certificates."""
    symbol = context.symbols[name]
    node = Node(name[:80], "output", (name,), (), MappingProxyType({}))
    if isinstance(symbol, Constant):
        raise node.refusal("lower.network", "it is a constant", "give a result of the network")
    x = context.stored(node)
    if x.steps:
        raise loose(node, x)
    if x.zero is not None:
        x = context.tensor(node)
    group = context.group(node, x)
    if len(x.shape) not in (2, 3) or not x.channels_last:
        x = context.plain(group, x)
    if x.exact:
        return x.value
    if x.unit.ndim:
        raise node.refusal(
            "lower.scale",
            "its channels have scales that are no powers of two",
            "put a Quant or QuantizeLinear with one scale behind it",
        )
    elem = context.emit.type(x.value).elem
    frac = elem.frac
    if frac.ndim:
        raise node.refusal(
            "lower.scale", "its channels have different scales", "quantize it by one scale"
        )
    scale = float(x.unit) * 2.0 ** -int(frac)
    context.certificates.append({"output": new, "scale": scale})
    return context.emit.scale(group, x.value, frac)
