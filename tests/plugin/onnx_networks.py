"""ONNX and QONNX networks as hls4ml takes them: images channels last, every shape written down."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.plugin.spec import Spec

__all__ = ["ONNX"]

_QUANT = "qonnx.custom_op.general"
_LAST = "qonnx.custom_op.channels_last"


class _Sketch:
    """Nodes under construction; the shape of each value is told, as qonnx's clean-up leaves it."""

    def __init__(self, shape: tuple[int, ...], seed: int = 0) -> None:
        self.nodes: list[Any] = []
        self.constants: list[Any] = []
        self.shapes: dict[str, tuple[int, ...]] = {"features": (1, *shape)}
        self.rng = np.random.default_rng(seed)

    def const(self, name: str, values: Any) -> str:
        from onnx import numpy_helper

        array = np.atleast_1d(np.asarray(values, np.float32))
        self.constants.append(numpy_helper.from_array(array, name))
        self.shapes[name] = array.shape
        return name

    def weights(self, name: str, *shape: int, scale: float = 0.4) -> str:
        return self.const(name, self.rng.normal(0, scale, shape))

    def op(self, kind: str, name: str, *operands: str, shape: Any = None, **more: Any) -> str:
        from onnx import helper

        self.nodes.append(helper.make_node(kind, list(operands), [f"{name}_out"], name, **more))
        self.shapes[f"{name}_out"] = shape or self.shapes[operands[0]]
        return f"{name}_out"

    def quant(self, name: str, x: str, scale: float, bits: int, signed: int = 1) -> str:
        values = {"scale": scale, "zero": 0.0, "bits": float(bits)}
        given = [self.const(f"{name}_{role}", value) for role, value in values.items()]
        return self.op(
            "Quant", name, x, *given, domain=_QUANT, signed=signed, narrow=0, rounding_mode="ROUND"
        )

    def model(self, output: str) -> Any:
        from onnx import TensorProto, helper

        told = {
            name: helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
            for name, shape in self.shapes.items()
        }
        source, end = told.pop("features"), told.pop(output)
        graph = helper.make_graph(self.nodes, "net", [source], [end], self.constants)
        graph.value_info.extend(told.values())
        domains = [helper.make_opsetid(d, v) for d, v in (("", 17), (_QUANT, 1), (_LAST, 1))]
        return helper.make_model(graph, opset_imports=domains, ir_version=9)


def _dense() -> Any:
    s = _Sketch((10,))
    x = s.op("MatMul", "matmul0", "features", s.weights("w0", 10, 8), shape=(1, 8))
    x = s.op("Relu", "relu0", s.op("Add", "add0", x, s.weights("b0", 8)))
    x = s.op("MatMul", "matmul1", x, s.weights("w1", 8, 4), shape=(1, 4))
    return s.model(s.op("Add", "add1", x, s.weights("b1", 4)))


def _quantized_dense() -> Any:
    s = _Sketch((10,), seed=1)
    x = s.quant("quantize", "features", 2**-4, 7)
    for index, (before, after) in enumerate(((10, 8), (8, 4))):
        w = s.quant(f"wq{index}", s.weights(f"w{index}", before, after), 2**-3, 4)
        b = s.quant(f"bq{index}", s.weights(f"b{index}", after), 2**-3, 5)
        x = s.op("MatMul", f"matmul{index}", x, w, shape=(1, after))
        x = s.op("Add", f"add{index}", x, b)
        if index == 0:
            x = s.quant("relu_q", s.op("Relu", "relu0", x), 2**-3, 5, signed=0)
    return s.model(x)


def _quantized_conv() -> Any:
    s = _Sketch((8, 8, 2), seed=2)
    x = s.quant("quantize", "features", 2**-3, 6)
    w = s.quant("wq0", s.weights("w0", 4, 3, 3, 2), 2**-3, 4)  # (outputs, rows, columns, inputs)
    b = s.quant("bq0", s.weights("b0", 4), 2**-4, 5)
    x = s.op(
        "Conv", "conv0", x, w, b, shape=(1, 6, 6, 4), domain=_LAST, kernel_shape=[3, 3],
        strides=[1, 1], pads=[0, 0, 0, 0], dilations=[1, 1], group=1,
    )  # fmt: skip
    x = s.quant("relu_q", s.op("Relu", "relu0", x), 2**-3, 5, signed=0)
    x = s.op(
        "MaxPool", "pool0", x, shape=(1, 3, 3, 4), domain=_LAST, kernel_shape=[2, 2],
        strides=[2, 2], pads=[0, 0, 0, 0],
    )  # fmt: skip
    x = s.op("Reshape", "flat", x, _shape(s, 1, 36), shape=(1, 36))
    w = s.quant("wq1", s.weights("w1", 36, 3, scale=0.2), 2**-4, 4)
    return s.model(s.op("MatMul", "matmul1", x, w, shape=(1, 3)))


def _shape(s: _Sketch, *sizes: int) -> str:
    from onnx import numpy_helper

    s.constants.append(numpy_helper.from_array(np.array(sizes, np.int64), "flat_shape"))
    s.shapes["flat_shape"] = (len(sizes),)
    return "flat_shape"


ONNX: dict[str, Spec] = {
    "onnx_dense": Spec(_dense, family="onnx", types={"relu0": {"result": "ufixed<8,3,RND,SAT>"}}),
    "qonnx_dense": Spec(
        _quantized_dense, family="onnx", types={"matmul1": {"result": "fixed<9,4,RND_CONV,SAT>"}}
    ),
    "qonnx_conv": Spec(
        _quantized_conv, family="onnx", types={"matmul1": {"result": "fixed<12,6,RND,SAT>"}}
    ),
}
"""Networks that hls4ml reads with convert_from_onnx_model, by name."""
