"""Small ONNX models built by hand, and their meaning by the ONNX reference evaluator."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator
from onnx.reference.op_run import OpRun

QONNX = "qonnx.custom_op.general"
TYPES = {"float32": TensorProto.FLOAT, "uint8": TensorProto.UINT8, "int8": TensorProto.INT8}


class Sketch:
    """Nodes and constants of one model under construction; names are made up."""

    def __init__(self, opset: int = 21) -> None:
        self.nodes: list[Any] = []
        self.constants: list[Any] = []
        self.inputs: list[Any] = []
        self.opset = opset

    def input(self, name: str, shape: tuple[int, ...], dtype: str = "float32") -> str:
        self.inputs.append(helper.make_tensor_value_info(name, TYPES[dtype], ["N", *shape]))
        return name

    def const(self, values: Any, dtype: Any = np.float32) -> str:
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(values, dtype), name))
        return name

    def op(self, kind: str, *operands: str, domain: str = "", **attributes: Any) -> str:
        name = f"v{len(self.nodes)}"
        node = helper.make_node(
            kind, list(operands), [name], f"{kind.lower()}_{name}", domain=domain, **attributes
        )
        self.nodes.append(node)
        return name

    def quant(
        self, x: str, scale: Any, bits: int, *, signed: int = 1, narrow: int = 0,
        zero: float = 0.0, mode: str = "ROUND",
    ) -> str:  # fmt: skip
        return self.op(
            "Quant", x, self.const(scale), self.const(zero), self.const(float(bits)),
            domain=QONNX, signed=signed, narrow=narrow, rounding_mode=mode,
        )  # fmt: skip

    def linear(self, x: str, scale: Any, zero: Any, dtype: Any = np.uint8, **more: Any) -> str:
        return self.op("QuantizeLinear", x, self.const(scale), self.const(zero, dtype), **more)

    def real(self, x: str, scale: Any, zero: Any, dtype: Any = np.uint8, **more: Any) -> str:
        return self.op("DequantizeLinear", x, self.const(scale), self.const(zero, dtype), **more)

    def model(self, *outputs: str) -> Any:
        ends = [helper.make_tensor_value_info(o, TensorProto.FLOAT, None) for o in outputs]
        graph = helper.make_graph(self.nodes, "net", self.inputs, ends, self.constants)
        imports = [helper.make_opsetid("", self.opset), helper.make_opsetid(QONNX, 1)]
        return helper.make_model(graph, opset_imports=imports, ir_version=10)

    def save(self, path: Path, *outputs: str) -> Path:
        path.write_bytes(self.model(*outputs).SerializeToString())
        return path


def rounded(y: Any, mode: str) -> Any:
    """QONNX's rounding modes, one number at a time and by words."""
    low, part = np.floor(y), y - np.floor(y)
    away = np.where(y < 0, low, low + 1)
    near = np.where(part < 0.5, low, low + 1)
    tie = part == 0.5
    inward = np.where(y < 0, low + 1, low)
    return {
        "ROUND": np.where(tie, low + (low % 2), near),
        "HALF_UP": np.where(tie, away, near),
        "HALF_DOWN": np.where(tie, inward, near),
        "FLOOR": low,
        "CEIL": -np.floor(-y),
        "UP": np.where(part == 0, y, away),
        "DOWN": np.where(part == 0, y, inward),
    }[mode]


class Quant(OpRun):
    """QONNX's Quant, read from its description."""

    op_domain = QONNX

    def _run(self, x, scale, zero, bits, signed=1, narrow=0, rounding_mode="ROUND"):  # type: ignore[no-untyped-def]
        bits = int(bits)
        y = x / scale + zero
        if bits == 1 and signed:
            return (np.where(y >= 0, np.float32(1), np.float32(-1)) * scale,)
        top = 2 ** (bits - 1) - 1 if signed else 2**bits - 1 - narrow
        bottom = -(2 ** (bits - 1)) + narrow if signed else 0
        y = rounded(np.clip(y, bottom, top), rounding_mode)
        return (((y - zero) * scale).astype(np.float32),)


class BipolarQuant(OpRun):
    """QONNX's BipolarQuant."""

    op_domain = QONNX

    def _run(self, x, scale):  # type: ignore[no-untyped-def]
        return ((np.where(x >= 0, 1, -1) * scale).astype(np.float32),)


class MultiThreshold(OpRun):
    """QONNX's MultiThreshold on (N, C, ...)."""

    op_domain = QONNX

    def _run(self, x, table, out_dtype="", out_scale=1.0, out_bias=0.0, data_layout="NCHW"):  # type: ignore[no-untyped-def]
        count = np.zeros(x.shape, np.float32)
        for column in table.T:
            count += x >= column.reshape(1, -1, *(1,) * (x.ndim - 2))
        return ((out_scale * count + out_bias).astype(np.float32),)


class Trunc(OpRun):
    """QONNX's Trunc: five operands in the first version, a scale of the result in the second."""

    op_domain = QONNX

    def _run(self, x, scale, zero, wide, few, bits=None, rounding_mode="FLOOR", signed=1, narrow=0):  # type: ignore[no-untyped-def]
        if bits is not None:
            y = np.rint(x / scale) / (few / scale)
            end = 2.0 ** (bits - 1) if signed else 0
            y = rounded(np.clip(y, narrow - end, 2.0**bits - 1 - end), rounding_mode)
            return ((y * few).astype(np.float32),)
        y = np.rint(x / scale + zero) / 2.0 ** (wide - few)
        return (((rounded(y, rounding_mode) - zero) * scale).astype(np.float32),)


def reference(path: Path, feeds: dict[str, Any]) -> list[Any]:
    """What the model means, in float32."""
    model = onnx.load(path)
    new = [Quant, BipolarQuant, MultiThreshold, Trunc]
    return ReferenceEvaluator(model, new_ops=new).run(None, feeds)
