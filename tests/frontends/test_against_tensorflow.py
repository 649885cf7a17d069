"""Every supported layer as real QKeras computes it, against the integer graph."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hwflow.frontends.hgq import read
from hwflow.frontends.onnx import read as read_onnx
from hwflow.frontends.qkeras import HANDLERS, load_network, lower
from hwflow.ir import Graph, evaluate
from hwflow.ir.ops import Const
from hwflow.tools import python_worker, run
from hwflow.train.files import read_npz
from hwflow.verify.vectors import quantize
from tests.models.qkeras_zoo import FILES
from tests.models.vectors import inputs

ROOT = Path(__file__).resolve().parents[2]
ZOO = ROOT / "tests" / "models" / "files"


pytestmark = pytest.mark.train


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What one TensorFlow process writes for all tests here."""
    folder = tmp_path_factory.mktemp("made")
    run(
        python_worker("tests.frontends.tf_models", str(folder)),
        cwd=ROOT,
        log=folder / "log.txt",
        timeout=300.0,
        env={"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"},
        tool="python",
    )
    return folder


@pytest.mark.parametrize("file", FILES)
def test_graph_of_a_file_equals_the_prediction_of_qkeras(made: Path, file: str) -> None:
    name = Path(file).stem
    graph = lower(load_network(made / "zoo" / name), name).graph
    expected = read_npz(ZOO / f"{name}.npz")["y"]
    (source,) = graph.inputs
    x = inputs(name, graph.types[source.name].shape, len(expected))
    found = evaluate(graph, {source.name: quantize(source, x.astype(np.float64))})
    ((output, value),) = graph.outputs
    type = graph.types[value]
    real = np.ldexp(found[output].astype(float), -type.elem.full(type.shape)[2])
    assert np.array_equal(real, expected)
    assert len(np.unique(expected, axis=0)) > 100


def weights_of(graph: Graph) -> list[np.ndarray]:
    """The kernels and biases of each layer as real numbers, an element each."""
    constants = [node.op for node in graph.nodes if isinstance(node.op, Const)]
    return [np.ldexp(op.values.astype(float), -np.asarray(op.frac)) for op in constants]


def test_one_network_through_qkeras_qonnx_and_hgq2_gives_the_same_integers(made: Path) -> None:
    graphs = [lower(load_network(made / "zoo" / "same"), "same").graph,
              read_onnx(ZOO / "same_qonnx.onnx").graph,
              read(ZOO / "same.keras").graph]  # fmt: skip
    codes = []
    for graph in graphs:
        (source,) = graph.inputs
        x = inputs("other", graph.types[source.name].shape, 2000)
        found = evaluate(graph, {source.name: quantize(source, x.astype(np.float64))})
        ((output, value),) = graph.outputs
        codes.append((found[output], graph.types[value].elem.frac.tolist(), weights_of(graph)))
    for integers, frac, weights in codes[1:]:
        assert np.array_equal(codes[0][0], integers)
        assert codes[0][1] == frac
        assert [w.shape for w in weights] == [(10, 6), (6,), (6, 3), (3,)]
        assert all(np.array_equal(*pair) for pair in zip(codes[0][2], weights, strict=True))


def test_graph_equals_qkeras(made: Path) -> None:
    seen: set[str] = set()
    for name, wide in (("plane", ()), ("line", ("conv", "cut"))):
        network = load_network(made / name)
        for suffix in ("h5", "keras"):  # what Keras saved gives the very same network
            for file in ("network.json", "weights.npz"):
                rebuilt = (made / name / suffix / file).read_bytes()
                assert rebuilt == (made / name / file).read_bytes(), (suffix, file)
        seen |= {layer.kind for layer in network.layers}
        layers = read_npz(made / name / "layers.npz")
        lowered = lower(network, name)
        assert lowered.wide == wide
        graph = lowered.graph
        (source,) = graph.inputs
        steps = np.ldexp(layers["quantize"].astype(np.float64), int(source.op.type.frac))
        values = evaluate(graph, {source.name: steps.astype(np.int64)}, keep="all")
        compared = {probe.layer for probe in lowered.probes}
        assert compared >= set(layers) - {network.inputs[0], "norm", "norm2", "zeros", "causal"}
        for probe in lowered.probes:
            type = graph.types[probe.value]
            real = np.ldexp(values[probe.value].astype(float), -type.elem.full(type.shape)[2])
            assert np.array_equal(real, layers[probe.layer].reshape(real.shape)), probe
    assert len(seen) > len(HANDLERS) // 2
