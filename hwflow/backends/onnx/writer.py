"""ONNX nodes, constants and quantizers being collected; names tell layer and operation."""

from __future__ import annotations

from typing import Any

import numpy as np

from hwflow.errors import HwflowError, InputError
from hwflow.ir import Node

__all__ = ["Writer", "refusal"]

_QONNX = "qonnx.custom_op.general"
_OPSET = 21
_INTEGERS = (np.uint8, np.int8, np.uint16, np.int16)


def refusal(node: Node, found: str) -> HwflowError:
    """The refusal of a node, ready to be raised."""
    return InputError(
        "export.onnx",
        f"layer {node.layer or node.name}: {node.name}: {found}",
        hint="keep the graph as .hwf, which holds every graph",
    )


class Writer:
    """One file being written; `form` is "qonnx" or "onnx"."""

    def __init__(self, name: str, form: str) -> None:
        self.name, self.form = name, form
        self._nodes: list[Any] = []
        self._constants: list[Any] = []
        self._inputs: list[Any] = []
        self._outputs: list[Any] = []
        self._owners: set[str] = set()

    def input(self, name: str, shape: tuple[int, ...]) -> str:
        """A float32 input behind a free batch axis."""
        from onnx import TensorProto, helper

        self._inputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N", *shape]))
        return name

    def output(self, name: str, value: str, shape: tuple[int, ...]) -> None:
        """An output called `name`."""
        from onnx import TensorProto, helper

        kinds = {n.output[0]: n.op_type for n in self._nodes}
        kind = TensorProto.INT64 if kinds.get(value) == "ArgMax" else TensorProto.FLOAT
        self._nodes.append(helper.make_node("Identity", [value], [name], f"output_{name}"))
        self._outputs.append(helper.make_tensor_value_info(name, kind, ["N", *shape]))

    def const(self, values: Any, dtype: Any = np.float32) -> str:
        """A constant tensor."""
        from onnx import numpy_helper

        name = f"constant_{len(self._constants)}"
        self._constants.append(numpy_helper.from_array(np.asarray(values).astype(dtype), name))
        return name

    def op(self, node: Node, kind: str, *operands: str, domain: str = "", **more: Any) -> str:
        """One operator, called after the layer of `node` if it is that layer's first."""
        from onnx import helper

        place = f"v{len(self._nodes)}_{kind.lower()}"
        moves = kind in ("Reshape", "Transpose")  # stand in the layer of what reads them
        owner = node.layer and node.layer not in self._owners and not moves
        name = node.layer if owner else place
        if owner:
            self._owners.add(node.layer)
        self._nodes.append(
            helper.make_node(kind, list(operands), [place], name, domain=domain, **more)
        )
        return place

    def weights(self, node: Node, codes: Any, frac: Any) -> str:
        """Constant codes of binary points `frac`, quantized."""
        real = np.ldexp(codes.astype(np.float64), -frac)
        scale = np.exp2(-frac.astype(np.float64))
        top = int(max(abs(int(codes.min())), abs(int(codes.max())), 1))
        if self.form == "qonnx":
            bits = top.bit_length() + 1
            return self._quant(node, self.const(real), scale, bits, signed=True, mode="ROUND")
        integers = np.int8 if top < 128 else np.int16 if top < 1 << 15 else np.int32
        if scale.ndim:
            full = np.broadcast_to(scale, codes.shape)
            axes = [a for a in range(full.ndim) if (full != full.take([0], axis=a)).any()]
            if len(axes) > 1:
                raise refusal(node, "weights of different binary points")
            axis = axes[0] if axes else 0
            scale = np.moveaxis(full, axis, 0).reshape(full.shape[axis], -1)[:, 0]
            return self._fixed("DequantizeLinear", self.const(codes, integers),
                               self.const(scale), axis=axis)  # fmt: skip
        return self._fixed("DequantizeLinear", self.const(codes, integers), self.const(scale))

    def quant(self, node: Node, x: str, lo: int, hi: int, frac: int, mode: str) -> str:
        """`x` rounded to multiples of ``2**-frac`` between `lo` and `hi` of them."""
        scale = np.asarray(2.0**-frac)
        signed = lo < 0
        if self.form == "onnx":
            return self._linear(node, x, lo, hi, scale, mode)
        bits = max(max(hi, -lo - 1, 1).bit_length() + signed, 1 + signed)
        x = self._quant(node, x, scale, bits, signed=signed, mode=mode)
        ends = (-(1 << (bits - 1)), (1 << (bits - 1)) - 1) if signed else (0, (1 << bits) - 1)
        if (lo, hi) == ends:
            return x
        return self.op(node, "Clip", x, self.const(lo * scale), self.const(hi * scale))

    def _quant(self, node: Node, x: str, scale: Any, bits: int, *, signed: bool, mode: str) -> str:
        operands = (x, self.const(scale), self.const(0), self.const(bits))
        more = {"signed": int(signed), "narrow": 0, "rounding_mode": mode}
        if any(c.name == x for c in self._constants):
            return self._fixed("Quant", *operands, domain=_QONNX, **more)
        return self.op(node, "Quant", *operands, domain=_QONNX, **more)

    def _fixed(self, kind: str, *operands: str, domain: str = "", **more: Any) -> str:
        from onnx import helper

        place = f"v{len(self._nodes)}_{kind.lower()}"
        self._nodes.append(
            helper.make_node(kind, list(operands), [place], place, domain=domain, **more)
        )
        return place

    def _linear(self, node: Node, x: str, lo: int, hi: int, scale: Any, mode: str) -> str:
        if mode != "ROUND":
            raise refusal(node, "ONNX rounds half to even only; write the format qonnx")
        fitting = [t for t in _INTEGERS if np.iinfo(t).min <= lo and hi <= np.iinfo(t).max]
        if not fitting:
            raise refusal(node, "more than 16 bits; write the format qonnx")
        dtype, info = fitting[0], np.iinfo(fitting[0])
        step, zero = self.const(scale), self.const(0, dtype)
        x = self.op(node, "QuantizeLinear", x, step, zero)
        if (lo, hi) != (info.min, info.max):
            x = self.op(node, "Clip", x, self.const(lo, dtype), self.const(hi, dtype))
        return self.op(node, "DequantizeLinear", x, step, zero)

    def thresholds(self, node: Node, x: str, table: Any, scale: float, layout: str) -> str:
        """The thresholds (C, K) reached, times `scale`."""
        if self.form == "onnx":
            raise refusal(node, "ONNX has no thresholds; write the format qonnx")
        return self.op(
            node, "MultiThreshold", x, self.const(table), domain=_QONNX, out_scale=scale,
            out_bias=0.0, out_dtype="INT32", data_layout=layout,
        )  # fmt: skip

    def bytes(self) -> bytes:
        """The file."""
        from onnx import helper

        graph = helper.make_graph(
            self._nodes, self.name, self._inputs, self._outputs, self._constants
        )
        imports = [helper.make_opsetid("", _OPSET)]
        if self.form == "qonnx":
            imports.append(helper.make_opsetid(_QONNX, 1))
        model = helper.make_model(graph, opset_imports=imports, ir_version=10)
        model.producer_name = "hwflow"
        data: bytes = model.SerializeToString(deterministic=True)
        return data
