"""QKeras models made anew, on many vectors; their files are tested beside other QKeras models."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hwflow.frontends.keras import read_keras
from hwflow.frontends.qkeras import load_network, lower
from hwflow.ir import evaluate
from hwflow.train.jobs import load
from hwflow.verify.vectors import quantize
from tests.models.qkeras_zoo import FILES
from tests.models.vectors import inputs
from tests.models.zoo import make


@pytest.mark.train
@pytest.mark.long
def test_models_made_anew_on_many_vectors(tmp_path: Path) -> None:
    make("tests.models.qkeras_zoo", tmp_path / "log.txt", tmp_path, 10000)
    for file in FILES[:3]:
        name = Path(file).stem
        model, output = read_keras(tmp_path / file), tmp_path / name
        output.mkdir()
        load(model=model.record(), arrays=model.arrays(), name=file, data=None, output=output,
             work=tmp_path)  # fmt: skip
        graph = lower(load_network(output), name).graph
        (source,) = graph.inputs
        x = inputs(name, graph.types[source.name].shape, 10000)
        found = evaluate(graph, {source.name: quantize(source, x.astype(np.float64))})
        ((made, value),) = graph.outputs
        type = graph.types[value]
        real = np.ldexp(found[made].astype(float), -type.elem.full(type.shape)[2])
        with np.load(tmp_path / f"{name}.npz") as expected:
            assert np.array_equal(real, expected["y"]), name
