"""Every supported layer as real QKeras computes it, against the integer graph."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hwflow.frontends.qkeras import HANDLERS, load_network, lower
from hwflow.ir import evaluate
from hwflow.tools import python_worker, run
from hwflow.train.files import read_npz

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.train
def test_graph_equals_qkeras(tmp_path: Path) -> None:
    run(
        python_worker("tests.frontends.tf_models", str(tmp_path)),
        cwd=ROOT,
        log=tmp_path / "log.txt",
        timeout=300.0,
        env={"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"},
        tool="python",
    )
    seen: set[str] = set()
    for name, wide in (("plane", ()), ("line", ("conv", "cut"))):
        network = load_network(tmp_path / name)
        for suffix in ("h5", "keras"):  # what Keras saved gives the very same network
            for file in ("network.json", "weights.npz"):
                rebuilt = (tmp_path / name / suffix / file).read_bytes()
                assert rebuilt == (tmp_path / name / file).read_bytes(), (suffix, file)
        seen |= {layer.kind for layer in network.layers}
        layers = read_npz(tmp_path / name / "layers.npz")
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
