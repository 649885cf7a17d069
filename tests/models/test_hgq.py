"""HGQ2 files against HGQ2's own predictions, bit for bit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hwflow.frontends.alkaid import read as read_alkaid
from hwflow.frontends.hgq import read
from hwflow.ir import evaluate
from hwflow.ir.ops import Requant
from hwflow.verify.vectors import quantize
from tests.models.vectors import inputs
from tests.models.zoo import make, missing

FILES = Path(__file__).parent / "files"
NAMES = ("hgq_dense", "hgq_line", "hgq_plane", "same")


def check(folder: Path, name: str) -> None:
    """The graph of NAME.keras gives what NAME.npz holds."""
    graph = read(folder / f"{name}.keras").graph
    with np.load(folder / f"{name}.npz") as file:
        expected = file["y"]
    (source,) = graph.inputs
    x = inputs(name, graph.types[source.name].shape, len(expected))
    found = evaluate(graph, {source.name: quantize(source, x.astype(np.float64))})
    ((output, value),) = graph.outputs
    type = graph.types[value]
    real = np.ldexp(found[output].astype(np.float64), -type.elem.full(type.shape)[2])
    assert np.array_equal(real, expected)
    assert len(np.unique(expected, axis=0)) > 100  # no constant answers


@pytest.mark.parametrize("name", NAMES)
def test_graph_equals_hgq2(name: str) -> None:
    check(FILES, name)


def test_alkaids_converter_gives_the_same_numbers() -> None:
    real = []
    for graph in (read(FILES / "same.keras").graph, read_alkaid(FILES / "same.json").graph):
        (source,) = graph.inputs
        x = inputs("alkaid", (10,), 2000).astype(np.float64)
        found = evaluate(graph, {source.name: quantize(source, x)})
        ((output, value),) = graph.outputs
        type = graph.types[value]
        real.append(np.ldexp(found[output].astype(float), -type.elem.full(type.shape)[2]))
    assert np.array_equal(*real)


def test_elements_have_bits_of_their_own() -> None:
    graph = read(FILES / "hgq_plane.keras").graph
    types = [n.op.type for n in graph.nodes if isinstance(n.op, Requant)]
    assert any(type.width().size > 1 and type.width().min() == 0 for type in types)


@pytest.mark.long
def test_models_made_anew_on_many_vectors(tmp_path: Path) -> None:
    if missing("hgq"):
        pytest.skip(missing("hgq"))
    make("tests.models.hgq_zoo", tmp_path / "log.txt", tmp_path, 10000)
    for name in NAMES:
        check(tmp_path, name)
