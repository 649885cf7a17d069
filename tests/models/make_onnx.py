"""ONNX models made and run by the tools that users have: Brevitas, qonnx, onnxruntime.

    PYTHONPATH=. python -m tests.models.make_onnx FOLDER VECTORS
    PYTHONPATH=. python -m tests.models.make_onnx run FILE.onnx INPUTS.npy OUTPUTS.npy

runs in an environment of its own (`make zoo`). It writes FOLDER/<model>.onnx, small networks with
random weights, and FOLDER/<model>.npz with `x` (the inputs, float32, ONNX's layout) and `y` (what
Brevitas, qonnx or onnxruntime computes for them); seeds are fixed. The second form runs a file by
qonnx's executor where it holds qonnx's operators, else by onnxruntime.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import brevitas.nn as qnn
import numpy as np
import onnxruntime as ort
import torch
from brevitas.export import export_onnx_qcdq, export_qonnx
from brevitas.quant import (
    Int8ActPerTensorFixedPoint,
    Int8ActPerTensorFloat,
    Int8Bias,
    Int8WeightPerChannelFloat,
    Int8WeightPerTensorFixedPoint,
    Int32Bias,
    SignedBinaryWeightPerTensorConst,
    Uint8ActPerTensorFixedPoint,
    Uint8ActPerTensorFloat,
)
from onnx import TensorProto, helper, numpy_helper
from onnxruntime import quantization as ortq
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.core.onnx_exec import execute_onnx
from qonnx.transformation.infer_shapes import InferShapes
from torch import nn

from tests.models.vectors import weights

IMAGE, FLAT = (2, 8, 8), (16,)
FIXED = {"weight_quant": Int8WeightPerTensorFixedPoint, "weight_bit_width": 4}
FLOAT = {"weight_quant": Int8WeightPerChannelFloat, "weight_bit_width": 4}


def fixed_relu(bits: int = 4) -> Any:
    return qnn.QuantReLU(act_quant=Uint8ActPerTensorFixedPoint, bit_width=bits)


def fixed_input(bits: int = 6) -> Any:
    return qnn.QuantIdentity(
        act_quant=Int8ActPerTensorFixedPoint, bit_width=bits, return_quant_tensor=True
    )


def float_input() -> Any:
    return qnn.QuantIdentity(act_quant=Int8ActPerTensorFloat, return_quant_tensor=True)


def float_relu(bits: int = 4) -> Any:
    return qnn.QuantReLU(act_quant=Uint8ActPerTensorFloat, bit_width=bits, return_quant_tensor=True)


def trained(net: Any, shape: tuple[int, ...]) -> Any:
    """Statistics of the activations, as training would leave them."""
    net.train()
    with torch.no_grad():
        for _ in range(20):
            net(torch.randn(64, *shape))
    return net.eval()


def dense_fixed() -> Any:
    """Powers of two: fully connected layers with quantized biases."""
    return nn.Sequential(
        fixed_input(),
        qnn.QuantLinear(16, 24, bias=True, bias_quant=Int8Bias, **FIXED), fixed_relu(),
        qnn.QuantLinear(24, 16, bias=False, **FIXED), fixed_relu(3),
        qnn.QuantLinear(16, 5, bias=False, **FIXED),
    )  # fmt: skip


def conv_fixed() -> Any:
    """Powers of two: convolutions, groups, stride, pooling, then a fully connected layer."""
    return nn.Sequential(
        fixed_input(),
        qnn.QuantConv2d(2, 4, 3, padding=1, bias=False, **FIXED), fixed_relu(),
        nn.MaxPool2d(2),
        qnn.QuantConv2d(4, 8, 3, stride=2, groups=2, padding=1, bias=False, **FIXED), fixed_relu(),
        nn.Flatten(),
        qnn.QuantLinear(32, 5, bias=False, **FIXED),
    )  # fmt: skip


def dense_float() -> Any:
    """Scales of any value, one for each channel of the weights; an int32 bias."""
    return nn.Sequential(
        float_input(),
        qnn.QuantLinear(16, 24, bias=True, bias_quant=Int32Bias, **FLOAT), float_relu(),
        qnn.QuantLinear(24, 5, bias=False, **FLOAT),
        qnn.QuantIdentity(act_quant=Int8ActPerTensorFloat, bit_width=6),
    )  # fmt: skip


def conv_float() -> Any:
    """Scales of any value through convolutions and pooling."""
    return nn.Sequential(
        float_input(),
        qnn.QuantConv2d(2, 4, 3, bias=True, bias_quant=Int32Bias, **FLOAT), float_relu(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        qnn.QuantLinear(36, 5, bias=False, **FLOAT),
        qnn.QuantIdentity(act_quant=Int8ActPerTensorFloat, bit_width=6),
    )  # fmt: skip


def binary() -> Any:
    """Binary weights and BatchNormalization before each activation."""
    sign = {
        "weight_quant": SignedBinaryWeightPerTensorConst, "weight_scaling_const": 0.125,
        "bias": False,
    }  # fmt: skip
    return nn.Sequential(
        fixed_input(),
        qnn.QuantLinear(16, 32, **sign), nn.BatchNorm1d(32), fixed_relu(2),
        qnn.QuantLinear(32, 5, **sign),
    )  # fmt: skip


def brevitas(
    folder: Path, name: str, net: Callable[[], Any], shape: tuple[int, ...], export: Any
) -> tuple[Path, Any]:
    """A Brevitas network as a file, and the network."""
    torch.manual_seed(1)
    built = trained(net(), shape)
    path = folder / f"{name}.onnx"
    export(built, args=torch.randn(1, *shape), export_path=str(path), dynamo=False)
    return path, built


def by_brevitas(net: Any, x: Any) -> Any:
    """What the network itself gives."""
    with torch.no_grad():
        y = net(torch.from_numpy(x))
    return getattr(y, "value", y).numpy()


def same(path: Path) -> None:
    """The network of `same` in qkeras_zoo.py, with the same quantizers and weights."""
    nodes: list[Any] = []
    constants: list[Any] = []

    def constant(name: str, values: Any) -> str:
        constants.append(numpy_helper.from_array(np.asarray(values, np.float32), name))
        return name

    def op(kind: str, name: str, *operands: str, domain: str = "", **attributes: Any) -> str:
        nodes.append(helper.make_node(kind, operands, [name], domain=domain, **attributes))
        return name

    def quant(x: str, step: float, bits: int, signed: int = 1) -> str:
        operands = [
            constant(f"{x}_{k}", v) for k, v in (("step", step), ("zero", 0), ("bits", bits))
        ]
        return op("Quant", f"{x}_quantized", x, *operands, domain="qonnx.custom_op.general",
                  signed=signed, narrow=0, rounding_mode="ROUND")  # fmt: skip

    x = quant("x", 2**-5, 8)
    for name, shape in (("hidden", (10, 6)), ("out", (6, 3))):
        kernel = constant(f"{name}_kernel", weights(f"same {name} kernel", shape))
        bias = constant(f"{name}_bias", weights(f"same {name} bias", shape[1:]))
        x = op("MatMul", f"{name}_product", x, quant(kernel, 2**-4, 6))
        x = op("Add", name, x, quant(bias, 2**-5, 8))
        if name == "hidden":
            x = quant(op("Relu", "relu", x), 2**-4, 6, signed=0)
    ports = (("x", 10), (x, 3))
    ends = [helper.make_tensor_value_info(n, TensorProto.FLOAT, ["N", size]) for n, size in ports]
    graph = helper.make_graph(nodes, "same", ends[:1], ends[1:], constants)
    domains = (("", 17), ("qonnx.custom_op.general", 1))
    opsets = [helper.make_opsetid(*domain) for domain in domains]
    ModelWrapper(helper.make_model(graph, opset_imports=opsets, ir_version=8)).save(str(path))


def by_qonnx(path: Path, x: Any) -> Any:
    """qonnx's executor, one vector at a time as the exported batch wants."""
    model = ModelWrapper(str(path))
    fixed = {tensor.name for tensor in model.graph.initializer}
    (port,) = (v for v in model.graph.input if v.name not in fixed)
    (end,) = model.graph.output
    for value in (port, end):
        value.type.tensor_type.shape.dim[0].dim_value = 1
    model = model.transform(InferShapes())
    return np.concatenate([execute_onnx(model, {port.name: v[None]})[end.name] for v in x])


def by_onnxruntime(path: Path, x: Any) -> Any:
    """onnxruntime as it comes, its optimizations included."""
    session = ort.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    port = session.get_inputs()[0]
    batch = port.shape[0] if isinstance(port.shape[0], int) else len(x)
    parts = [x[i : i + batch] for i in range(0, len(x), batch)]
    return np.concatenate([session.run(None, {port.name: part})[0] for part in parts])


class _Calibration(ortq.CalibrationDataReader):
    def __init__(self, port: str, shape: tuple[int, ...]) -> None:
        rng = np.random.default_rng(7)
        batches = [rng.normal(size=(16, *shape)).astype(np.float32) for _ in range(8)]
        self.rest = iter([{port: batch} for batch in batches])

    def get_next(self) -> Any:
        return next(self.rest, None)


def quantized(
    folder: Path, name: str, net: Any, shape: tuple[int, ...], form: Any, channels: bool
) -> Path:
    """onnxruntime's static quantization of a float network."""
    torch.manual_seed(2)
    path = folder / f"{name}.onnx"
    with tempfile.TemporaryDirectory() as temporary:
        plain = Path(temporary) / "float.onnx"
        torch.onnx.export(
            net.eval(), (torch.randn(1, *shape),), str(plain), dynamo=False, input_names=["x"],
            dynamic_axes={"x": {0: "N"}}, opset_version=17,
        )  # fmt: skip
        ortq.quantize_static(
            str(plain), str(path), _Calibration("x", shape), quant_format=form,
            per_channel=channels, activation_type=ortq.QuantType.QUInt8,
            weight_type=ortq.QuantType.QInt8,
        )  # fmt: skip
    return path


def float_conv() -> Any:
    torch.manual_seed(3)
    return nn.Sequential(
        nn.Conv2d(2, 4, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(4, 6, 3), nn.ReLU(), nn.Flatten(), nn.Linear(24, 5),
    )  # fmt: skip


def float_pool() -> Any:
    """BatchNormalization (folded by the exporter) and the average of every channel."""
    torch.manual_seed(5)
    net = nn.Sequential(
        nn.Conv2d(2, 6, 3, padding=1), nn.BatchNorm2d(6), nn.ReLU(), nn.AdaptiveAvgPool2d(1),
        nn.Flatten(), nn.Linear(6, 5),
    )  # fmt: skip
    return trained(net, IMAGE)


def float_dense() -> Any:
    torch.manual_seed(4)
    return nn.Sequential(nn.Linear(16, 24), nn.ReLU(), nn.Linear(24, 5))


def main(folder: Path, vectors: int) -> None:
    """Write every model and its tool's results."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(11)
    qdq, qop = ortq.QuantFormat.QDQ, ortq.QuantFormat.QOperator
    made: list[tuple[Path, Any, Callable[[Any], Any]]] = []
    for name, net, shape, export in (
        ("brevitas_dense_qonnx", dense_fixed, FLAT, export_qonnx),
        ("brevitas_conv_qonnx", conv_fixed, IMAGE, export_qonnx),
        ("brevitas_binary_qonnx", binary, FLAT, export_qonnx),
        ("brevitas_float_qonnx", dense_float, FLAT, export_qonnx),
        ("brevitas_dense_qcdq", dense_fixed, FLAT, export_onnx_qcdq),
        ("brevitas_conv_qcdq", conv_fixed, IMAGE, export_onnx_qcdq),
        ("brevitas_float_qcdq", conv_float, IMAGE, export_onnx_qcdq),
    ):
        path, built = brevitas(folder, name, net, shape, export)
        made.append((path, shape, lambda x, built=built: by_brevitas(built, x)))
    for name, net, shape, form, channels in (
        ("ort_conv_qoperator", float_conv, IMAGE, qop, True),
        ("ort_conv_qdq", float_conv, IMAGE, qdq, True),
        ("ort_pool_qdq", float_pool, IMAGE, qdq, True),
        ("ort_dense_qoperator", float_dense, FLAT, qop, False),
        ("ort_dense_qdq", float_dense, FLAT, qdq, False),
    ):
        path = quantized(folder, name, net(), shape, form, channels)
        made.append((path, shape, lambda x, path=path: by_onnxruntime(path, x)))
    path = folder / "same_qonnx.onnx"
    same(path)
    made.append((path, (10,), lambda x, path=path: by_qonnx(path, x)))
    for path, shape, run in made:
        x = rng.normal(scale=1.5, size=(vectors, *shape))
        x = (np.rint(x * 256) / 256).astype(np.float32)  # packs well
        y = run(x)
        execute = by_qonnx if path.stem.endswith("_qonnx") else by_onnxruntime
        share = float((execute(path, x[:50]) == y[:50]).mean())
        np.savez_compressed(path.with_suffix(".npz"), x=x, y=y.astype(np.float32))
        print(f"{path.stem}: {path.stat().st_size} bytes, {len(x)} vectors, executor {share:.4f}")


def run_file(path: Path, inputs: str, outputs: str) -> None:
    """Write what a file's own executor gives for the inputs."""
    custom = any(node.domain for node in ModelWrapper(str(path)).graph.node)
    execute = by_qonnx if custom else by_onnxruntime
    np.save(outputs, execute(path, np.load(inputs)))


if __name__ == "__main__":
    if sys.argv[1] == "run":
        run_file(Path(sys.argv[2]), *sys.argv[3:])
    else:
        main(Path(sys.argv[1]), int(sys.argv[2]))
