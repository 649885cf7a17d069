"""The published ECON-T encoder: all published codes, and agreement with alkaid."""

from __future__ import annotations

import functools
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from hwflow.ir import Graph, digest, evaluate, load_graph, save_graph
from tests.econ_t import NPZ, load_arrays, published_encoder, published_vectors
from tests.ir.alkaid_encoder import AlkaidEncoder

Ints = npt.NDArray[np.int64]


@functools.cache
def traced(path: Path) -> AlkaidEncoder:
    """Tracing takes a second or two: once for all tests."""
    return AlkaidEncoder(load_arrays(path))


@pytest.fixture
def path(shared: Path) -> Path:
    return shared / NPZ


@pytest.fixture
def encoder(path: Path) -> Graph:
    return published_encoder(path)


@pytest.fixture
def alkaid(path: Path) -> AlkaidEncoder:
    return traced(path)


def corners() -> Ints:
    """All lowest, all highest, zero, checkerboards, and one-hot at both ends and by one step."""
    flat = [np.full(64, v) for v in (-1024, 1023, 0, 1, -1)]
    flat += [np.where(np.arange(64) % 2 == odd, 1023, -1024) for odd in (0, 1)]
    flat += [row for v in (1023, -1024, 1, -1) for row in np.eye(64, dtype=np.int64) * v]
    return np.array(flat, dtype=np.int64).reshape(-1, 8, 8, 1)


def random_inputs(n: int) -> Ints:
    """Uniform, sparse, small and non-negative wafers in equal parts."""
    rng = np.random.default_rng(20210501)
    full = rng.integers(-1024, 1024, (n, 8, 8, 1))
    full[n // 4 : n // 2] *= rng.random((n // 2 - n // 4, 8, 8, 1)) < 0.1
    full[n // 2 : 3 * n // 4] //= 16
    full[3 * n // 4 :] = np.abs(full[3 * n // 4 :] // 8)
    return full


def test_every_published_code(path: Path, encoder: Graph) -> None:
    x, codes = published_vectors(path)
    assert codes.size > 0
    assert np.array_equal(evaluate(encoder, {"x": x})["y"], codes)


def test_alkaid_gives_every_published_code(path: Path, alkaid: AlkaidEncoder) -> None:
    x, codes = published_vectors(path)
    assert np.array_equal(alkaid(x), codes)


def test_ten_thousand_inputs_agree_with_alkaid(encoder: Graph, alkaid: AlkaidEncoder) -> None:
    edge = corners()
    x = np.concatenate([edge, random_inputs(10_000 - len(edge))])
    assert len(x) == 10_000
    ours = evaluate(encoder, {"x": x})["y"]
    assert np.array_equal(ours, alkaid(x))
    # The inputs must be able to show a difference: 15 codes move (output 7 of this network stays
    # saturated), and both ends occur.
    assert int((np.ptp(ours, axis=0) > 0).sum()) == 15
    assert (ours.min(), ours.max()) == (0, 511)


def test_early_rounding_of_the_dense_sum_would_be_seen(path: Path, encoder: Graph) -> None:
    """The exact accumulator matters: rounding it to 10 fraction bits changes codes."""
    x = random_inputs(2_000)
    values = evaluate(encoder, {"x": x}, keep="all")
    total = values["dense_add"]
    frac = int(encoder.types["dense_add"].elem.frac)
    early = (total + (1 << (frac - 11))) >> (frac - 10)
    below, rest = early >> 2, early & 3
    codes = np.clip(below + (rest + (below & 1) > 2), 0, 511)
    changed = np.mean(codes != values["dense_requant"])
    assert 0 < changed < 0.1


def test_the_encoder_survives_its_file(tmp_path: Path, encoder: Graph, path: Path) -> None:
    file = tmp_path / "encoder.hwf"
    save_graph(encoder, file)
    again = load_graph(file)
    assert digest(again) == digest(encoder)
    x, codes = published_vectors(path)
    assert np.array_equal(evaluate(again, {"x": x})["y"], codes)


def test_layers_and_types(encoder: Graph) -> None:
    names = [(layer.name, layer.inputs, layer.outputs) for layer in encoder.layers()]
    assert names == [
        ("conv", ("x",), ("conv_requant",)),
        ("flatten", ("conv_requant",), ("flatten",)),
        ("dense", ("flatten",), ("dense_requant",)),
    ]
    assert encoder.types["conv_conv"].shape == (4, 4, 8)
    assert int(encoder.types["dense_matmul"].elem.frac) == 13
    y = encoder.types["dense_requant"]
    assert (y.shape, y.elem.max_width(), bool(y.elem.signed().any())) == ((16,), 9, False)
