"""Files that must be refused: nothing of them is executed, opened or written."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import TensorProto, helper

from hwflow.cli.main import main
from hwflow.errors import InputError
from hwflow.frontends.onnx import read
from tests.frontends.onnx.build import Sketch


def good() -> Any:
    """A model that is accepted, to be spoilt."""
    s = Sketch()
    x = s.quant(s.input("x", (4,)), 0.25, 4)
    w = s.const(np.arange(8).reshape(4, 2))
    return s.model(s.quant(s.op("MatMul", x, w), 0.5, 6))


def weights(model: Any) -> Any:
    """The matrix of `good`."""
    return next(t for t in model.graph.initializer if len(t.dims) == 2)


def external_data(model: Any) -> None:
    tensor = weights(model)
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="../../etc/passwd")


def external_data_in_attribute(model: Any) -> None:
    tensor = TensorProto(name="t", dims=[1], data_type=1)
    tensor.external_data.add(key="location", value="/etc/passwd")
    model.graph.node.append(helper.make_node("Constant", [], ["c"], value=tensor))


def declared_two_gigabytes(model: Any) -> None:
    weights(model).dims[:] = [1 << 16, 1 << 15]


def negative_size(model: Any) -> None:
    weights(model).dims[:] = [-4, -2]


def short_data(model: Any) -> None:
    weights(model).raw_data = b"1234"


def cycle(model: Any) -> None:
    model.graph.node[0].input[0] = model.graph.node[-1].output[0]


def unsorted(model: Any) -> None:
    nodes = list(model.graph.node)
    del model.graph.node[:]
    model.graph.node.extend(reversed(nodes))


def not_a_number(model: Any) -> None:
    values = np.arange(8, dtype=np.float32)
    values[3] = np.nan
    weights(model).raw_data = values.tobytes()


def infinite_scale(model: Any) -> None:
    model.graph.initializer[0].raw_data = np.array(np.inf, np.float32).tobytes()


def zero_scale(model: Any) -> None:
    model.graph.initializer[0].raw_data = np.array(0, np.float32).tobytes()


def same_initializer_twice(model: Any) -> None:
    model.graph.initializer.append(model.graph.initializer[0])


def same_value_twice(model: Any) -> None:
    model.graph.node[-1].output[0] = model.graph.node[0].output[0]


def old_opset(model: Any) -> None:
    model.opset_import[0].version = 3


def future_opset(model: Any) -> None:
    model.opset_import[0].version = 999


def foreign_domain(model: Any) -> None:
    model.opset_import.append(helper.make_opsetid("com.evil", 1))


def foreign_operator(model: Any) -> None:
    model.graph.node[1].domain = "com.evil"


def local_function(model: Any) -> None:
    model.functions.append(helper.make_function("d", "f", [], [], [], model.opset_import))


def subgraph(model: Any) -> None:
    model.graph.node[1].attribute.append(helper.make_attribute("body", model.graph))


def unknown_operator(model: Any) -> None:
    model.graph.node[1].op_type = "NonMaxSuppression"


def float_network(model: Any) -> None:
    weights(model).raw_data = np.random.default_rng(0).normal(size=8).astype("<f4").tobytes()


def dynamic_scale(model: Any) -> None:
    model.graph.node[0].op_type = "DynamicQuantizeLinear"
    model.graph.node[0].domain = ""


def huge_input(model: Any) -> None:
    model.graph.input[0].type.tensor_type.shape.dim[1].dim_value = 1 << 40


def unknown_input_size(model: Any) -> None:
    model.graph.input[0].type.tensor_type.shape.dim[1].dim_param = "width"


def huge_padding(model: Any) -> None:
    model.graph.node.insert(1, helper.make_node("Pad", ["v0", "p"], ["padded"]))
    model.graph.node[2].input[0] = "padded"
    pads = np.array([0, 0, 0, 1 << 40], np.int64)
    model.graph.initializer.append(helper.make_tensor("p", 7, [4], pads))


def huge_constant(model: Any) -> None:
    """Two constants that would broadcast to 2**40 elements."""
    for name, shape in (("a", [1 << 20, 1]), ("b", [1, 1 << 20])):
        raw = np.ones(1 << 20, np.int8).tobytes()
        model.graph.initializer.append(helper.make_tensor(name, 3, shape, raw, raw=True))
    model.graph.node.insert(0, helper.make_node("Add", ["a", "b"], ["c"]))


def not_a_number_as_bound(model: Any) -> None:
    clip = helper.make_node("Clip", ["v0"], ["clipped"], min=float("nan"))
    model.graph.node.insert(1, clip)
    model.graph.node[2].input[0] = "clipped"


def cast_before_the_quantizer(model: Any) -> None:
    model.graph.node.insert(0, helper.make_node("Cast", ["x"], ["cast"], to=TensorProto.INT32))
    model.graph.node[1].input[0] = "cast"


def second_result_as_output(model: Any) -> None:
    model.graph.node.append(helper.make_node("Dropout", ["v0"], ["dropped", "mask"]))
    model.graph.output.append(helper.make_tensor_value_info("mask", TensorProto.BOOL, None))


def steps_to_other_integers(model: Any) -> None:
    last = model.graph.node[-1].output[0]
    step = model.graph.initializer[0].name
    more = helper.make_node("QuantizeLinear", [last, step], ["q"], output_dtype=TensorProto.INT4)
    model.graph.node.append(more)
    model.graph.output[0].name = "q"


def undefined_output(model: Any) -> None:
    model.graph.output[0].name = "nothing"


SPOILT: dict[Callable[[Any], None], str] = {
    external_data: "model.unsafe",
    external_data_in_attribute: "model.unsafe",
    declared_two_gigabytes: "model.unsafe",
    negative_size: "model.unsafe",
    short_data: "model.format",
    cycle: "model.format",
    unsorted: "model.format",
    not_a_number: "lower.weights",
    infinite_scale: "lower.weights",
    zero_scale: "lower.quantizer",
    same_initializer_twice: "model.format",
    same_value_twice: "model.format",
    old_opset: "model.format",
    future_opset: "model.format",
    foreign_domain: "model.format",
    foreign_operator: "model.format",
    local_function: "model.unsafe",
    subgraph: "model.unsafe",
    unknown_operator: "lower.layer",
    float_network: "lower.weights",
    dynamic_scale: "lower.layer",
    huge_input: "model.unsafe",
    unknown_input_size: "lower.shape",
    huge_padding: "lower.shape",
    huge_constant: "model.unsafe",
    not_a_number_as_bound: "model.format",
    cast_before_the_quantizer: "lower.layer",
    second_result_as_output: "lower.layer",
    steps_to_other_integers: "lower.quantizer",
    undefined_output: "model.format",
}


def test_the_model_to_be_spoilt_is_accepted(tmp_path: Path) -> None:
    path = tmp_path / "net.onnx"
    path.write_bytes(good().SerializeToString())
    assert [n.name for n in read(path).graph.inputs] == ["x"]


@pytest.mark.parametrize(("spoil", "code"), SPOILT.items(), ids=lambda p: getattr(p, "__name__", p))
def test_a_hostile_file_is_refused(spoil: Callable[[Any], None], code: str, tmp_path: Path) -> None:
    model = good()
    spoil(model)
    path = tmp_path / "net.onnx"
    path.write_bytes(model.SerializeToString())
    with pytest.raises(InputError) as caught:
        read(path)
    assert caught.value.code == code
    assert [p.name for p in tmp_path.iterdir()] == ["net.onnx"]


@pytest.mark.parametrize("data", [b"", b"\x00" * 100, b"GIF89a", bytes(range(256)) * 40])
def test_what_is_no_onnx_file_is_refused(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "net.onnx"
    path.write_bytes(data)
    with pytest.raises(InputError) as caught:
        read(path)
    assert caught.value.code == "model.format"


def test_a_cut_file_is_refused_everywhere(tmp_path: Path) -> None:
    data = good().SerializeToString()
    path = tmp_path / "net.onnx"
    refused = 0
    for end in range(0, len(data), 7):
        path.write_bytes(data[:end])
        with pytest.raises(InputError):
            read(path)
        refused += 1
    assert refused > 50


@pytest.mark.parametrize("seed", range(40))
def test_a_spoilt_byte_never_ends_in_a_traceback(seed: int, tmp_path: Path) -> None:
    rng = np.random.default_rng(seed)
    files = sorted((Path(__file__).parents[2] / "models" / "files").glob("*.onnx"))
    data = bytearray(files[seed % len(files)].read_bytes())
    for place in rng.integers(0, len(data), 3):
        data[place] = rng.integers(256)
    path = tmp_path / "net.onnx"
    path.write_bytes(data)
    try:
        read(path)
    except InputError as error:
        code = error.exit_code
    else:
        code = 0
    assert code in (0, 2)


def test_a_build_of_a_hostile_file_ends_with_exit_code_2(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    model = good()
    external_data(model)
    (tmp_path / "net.onnx").write_bytes(model.SerializeToString())
    (tmp_path / "design.yaml").write_text("design: net\nmodel: {file: net.onnx}\n")
    monkeypatch.chdir(tmp_path)
    assert main(["build", "design.yaml", "--to", "lower"]) == 2
    assert "model.unsafe" in capsys.readouterr().err
