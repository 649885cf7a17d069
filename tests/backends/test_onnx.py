"""Integer graphs to ONNX and back: the same graph, and the same numbers in other tools' terms."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from hwflow.backends.onnx import export_onnx
from hwflow.errors import InputError
from hwflow.frontends.onnx import read
from hwflow.frontends.qkeras import lower
from hwflow.ir import (
    Graph,
    GraphBuilder,
    IntType,
    Overflow,
    Rounding,
    digest,
    evaluate,
    print_graph,
)
from hwflow.passes import number_values
from tests.frontends.networks import relu
from tests.frontends.onnx import test_layers as layers
from tests.frontends.onnx.build import QONNX, Sketch, reference
from tests.frontends.test_lower import conv, image

MADE = (
    layers.residual, layers.pooled, layers.dense_after_images, layers.joined, layers.largest,
    layers.normal, layers.averaged, layers.exported_shapes,
)  # fmt: skip
FILES = sorted((Path(__file__).parents[1] / "models" / "files").glob("brevitas_*_q*.onnx"))


def again(graph: Graph, path: Path, form: str = "qonnx") -> Graph:
    """`graph` written and read, under its own name."""
    path.write_bytes(export_onnx(graph, form))
    found = read(path).graph
    return Graph(graph.name, found.nodes, found.outputs)


def same(graph: Graph, path: Path, form: str = "qonnx") -> None:
    found = again(graph, path, form)
    assert print_graph(found) == print_graph(graph)
    assert digest(found) == digest(graph)


def means(graph: Graph, path: Path, form: str) -> None:
    """The file's real numbers, by the reference evaluator, are the graph's."""
    path.write_bytes(export_onnx(graph, form))
    rng = np.random.default_rng(9)
    codes, feeds = {}, {}
    for node in graph.inputs:
        type = graph.types[node.name].elem
        x = rng.integers(type.lo, type.hi + 1, (30, *graph.types[node.name].shape))
        codes[node.name] = x
        real = (x * 2.0 ** -int(type.frac)).astype(np.float32)
        feeds[node.name] = np.moveaxis(real, -1, 1) if real.ndim > 2 else real
    found = evaluate(graph, codes)
    for (name, value), theirs in zip(graph.outputs, reference(path, feeds), strict=True):
        ours = found[name] * 2.0 ** -graph.types[value].elem.frac.astype(float)
        ours = np.moveaxis(ours, -1, 1) if ours.ndim > 2 else ours
        np.testing.assert_array_equal(ours.reshape(theirs.shape), theirs)


@pytest.mark.parametrize("make", MADE, ids=lambda make: make.__name__)
def test_an_imported_graph_comes_back_identical(
    make: Callable[[Sketch], str], tmp_path: Path
) -> None:
    s = Sketch()
    graph = read(s.save(tmp_path / "a.onnx", make(s))).graph
    same(graph, tmp_path / "b.onnx")
    means(graph, tmp_path / "c.onnx", "qonnx")


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_files_of_brevitas_come_back_identical(path: Path, tmp_path: Path) -> None:
    if "float" in path.stem:
        with pytest.raises(InputError) as caught:
            export_onnx(read(path).graph)
        assert caught.value.code == "export.onnx"
        return
    same(read(path).graph, tmp_path / "b.onnx")


def thresholds(folder: Path) -> Graph:
    s = Sketch()
    table = s.const([[-1.3, 0.0, 0.7, 5], [-7, -6.9, -6.875, 4]])
    y = s.op("MultiThreshold", s.quant(s.input("x", (2,)), 2**-4, 8), table, domain=QONNX,
             out_dtype="INT4", data_layout="NC")  # fmt: skip
    return read(s.save(folder / "thresholds.onnx", y)).graph


def test_thresholds_come_back_identical(tmp_path: Path) -> None:
    same(thresholds(tmp_path), tmp_path / "a.onnx")


def small(rounding: Rounding = Rounding.HALF_EVEN) -> Graph:
    b = GraphBuilder("small")
    x = b.input("x", (6, 5, 2), IntType(-100, 27, 3))
    with b.layer("conv"):
        w = b.const(np.arange(-9, 45).reshape(3, 3, 2, 3) % 7 - 3, np.array([2, 1, 3]))
        y = b.conv(x, w, padding=((1, 1), (0, 2)))
        y = b.add(y, b.const(np.array([3, -9, 12]), 4))
        y = b.requant(y, IntType(-11, 100, 1), rounding, Overflow.SATURATE)
    return b.build({"y": y})


@pytest.mark.parametrize("form", ["qonnx", "onnx"])
def test_a_graph_built_by_hand_comes_back_identical(form: str, tmp_path: Path) -> None:
    same(number_values(small()).graph, tmp_path / "a.onnx", form)
    means(small(), tmp_path / "b.onnx", form)


@pytest.mark.parametrize("rounding", Rounding)
def test_every_rounding_keeps_its_numbers(rounding: Rounding, tmp_path: Path) -> None:
    means(small(rounding), tmp_path / "a.onnx", "qonnx")


def test_what_has_no_form_is_refused_by_the_layers_name(tmp_path: Path) -> None:
    for graph, form in ((small(Rounding.HALF_UP), "onnx"), (small(Rounding.FLOOR), "onnx"),
                        (thresholds(tmp_path), "onnx")):  # fmt: skip
        with pytest.raises(InputError, match="layer ") as caught:
            export_onnx(graph, form)
        assert caught.value.code == "export.onnx"


def test_a_qkeras_network_comes_back_identical(tmp_path: Path) -> None:
    net = (
        conv(image(), "conv_1", (8, 8, 4))
        .norm("norm", 0.25, [0.125, -1, 0.5, 0.25])
        .act("relu", relu(4, 1))
    )
    net.layer("MaxPooling2D", "pool", (4, 4, 4), pool_size=[2, 2], strides=[2, 2], padding="valid")
    kernel = np.arange(128).reshape(64, 2) % 7 - 3
    net.layer("Flatten", "flat", (64,)).dense("out", kernel / 32)
    graph = lower(net.network(), "net").graph
    same(number_values(graph).graph, tmp_path / "a.onnx")
    means(graph, tmp_path / "b.onnx", "qonnx")
