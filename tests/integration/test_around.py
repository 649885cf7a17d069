"""Integer processing around a network, and weights loaded at run time, up to the golden results."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hwflow.catalogue import CATALOGUE
from hwflow.config import load_design
from hwflow.errors import InputError
from hwflow.flow import run
from hwflow.ir import GraphBuilder, IntType, Overflow, Rounding, load_graph, save_graph
from hwflow.stages.files import load_params, read_json
from hwflow.stages.pipeline import pipeline
from tests.integration.running import context, prepared, stages

CHIP = """\
from hwflow.ir import IntType, Overflow, Rounding


def chip(b, network):
    raw = b.input("raw", (3,), IntType.fixed(5, signed=False))
    with b.layer("gain"):
        gain = b.param("gain", (3,), IntType.fixed(3, 1, signed=False), default=[2, 2, 4])
        scaled = b.mul(raw, gain)
    y = network(scaled)
    with b.layer("after"):
        less = b.param("less", (), IntType.fixed(3), default=-1)
        total = b.sub(b.reduce_sum(y, (0,)), less)
    return {"y": total, "all": b.reshape(y, (2, 1), name="all")}


def twice(b, network):
    raw = b.input("raw", (3,), IntType.fixed(5, signed=False))
    return {"y": network(network(raw))}


def never(b, network):
    return {"y": b.input("raw", (3,), IntType.fixed(5))}


def nothing(b, network):
    return network(b.input("raw", (3,), IntType.fixed(5)))


def undefault(b, network):
    gain = b.param("gain", (3,), IntType.fixed(3))
    return {"y": network(b.add(b.input("raw", (3,), IntType.fixed(5)), gain))}


def outside(b, network):
    gain = b.param("gain", (3,), IntType.fixed(3), default=[0, 0, 4])
    return {"y": network(b.add(b.input("raw", (3,), IntType.fixed(5)), gain))}


def misshapen(b, network):
    return {"y": network(b.input("raw", (4,), IntType.fixed(5)))}


def collides(b, network):
    return {"y": network(b.input("x", (3,), IntType.fixed(5)))}


def fails(b, network):
    return {"y": raw}
"""


def design(folder: Path, around: str = "chip", model: str = "") -> Path:
    """A dense network of params in a file, and chip.py around it."""
    b = GraphBuilder("net")
    x = b.input("x", (3,), IntType.fixed(6, 1), Rounding.FLOOR, Overflow.SATURATE)
    with b.layer("dense"):
        w = b.param("weights", (3, 2), IntType.fixed(4, 2))
        y = b.matmul(x, w)
    save_graph(b.build({"y": y}), folder / "net.hwf")
    np.savez(folder / "weights.npz", weights=[[1, -8], [7, 0], [3, 2]])
    (folder / "chip.py").write_text(CHIP)
    (folder / "design.yaml").write_text(
        "design: surrounded\n"
        f"model: {{file: net.hwf, around: chip.py:{around}, weights: weights.npz{model}}}\n"
        "hardware: {target: lut4}\nverify: {vectors: 50}\n"
    )
    return folder / "design.yaml"


def test_the_whole_is_evaluated_with_its_weights(tmp_path: Path) -> None:
    path = design(tmp_path)
    made = prepared(path, "lower")
    for name in ("vectors", "golden"):
        stage = context(tmp_path / name, made)
        stages(path)[name].run(stage)
        made[name] = stage.out
    graph = load_graph(made["lower"] / "graph.hwf")
    params = load_params(made["lower"] / "params", graph)
    assert {name: p.tolist() for name, p in params.items()} == {
        "gain": [2, 2, 4],
        "less": -1,
        "weights": [[1, -8], [7, 0], [3, 2]],
    }
    lowering = read_json(made["lower"] / "lowering.json")
    assert lowering["network"] == {"inputs": ["x"], "outputs": ["dense_matmul"]}
    assert [layer.name for layer in graph.layers()] == ["gain", "x", "dense", "after", "all"]
    raw = np.load(made["vectors"] / "inputs" / "raw.npy")
    taken = np.clip(raw * [2, 2, 4], -32, 31)  # the network's own rule saturates
    wanted = taken @ [[1, -8], [7, 0], [3, 2]]
    assert (np.load(made["golden"] / "outputs" / "all.npy")[..., 0] == wanted).all()
    assert (np.load(made["golden"] / "outputs" / "y.npy") == wanted.sum(axis=1) + 8).all()


def test_weights_replace_defaults(tmp_path: Path) -> None:
    path = design(tmp_path)
    np.savez(tmp_path / "weights.npz", weights=np.ones((3, 2), int), gain=[7, 0, 1])
    made = prepared(path, "lower")
    assert np.load(made["lower"] / "params" / "gain.npy").tolist() == [7, 0, 1]
    assert np.load(made["lower"] / "trained" / "gain.npy").tolist() == [2, 2, 4]


def refused(path: Path) -> InputError:
    config = load_design(path)
    build = path.parent / "build" / "x"
    result = run(pipeline(config), design="x", build_folder=build, to="lower")
    (error,) = result.errors
    assert isinstance(error, InputError)
    assert error.code in CATALOGUE
    return error


@pytest.mark.parametrize(
    ("function", "code", "line", "text"),
    [
        ("twice", "model.around", 18, "a second time"),
        ("never", "model.around", None, "never calls network"),
        ("nothing", "model.around", None, "returned Value, expected its outputs by name"),
        ("undefault", "weights.shape", None, "weights 'gain': expected integers of shape (3,)"),
        ("outside", "weights.range", None, "weights 'gain': 4 at [2] is outside -4..3"),
        ("collides", "graph.name", None, "two values are called 'x'"),
        ("misshapen", "graph.shape", None, "dense_matmul (layer dense)"),
        ("fails", "model.around", 48, "NameError: name 'raw' is not defined"),
        ("chap", "model.around", None, "no function 'chap'"),
    ],
)
def test_mistakes_in_the_function(
    function: str, code: str, line: int | None, text: str, tmp_path: Path
) -> None:
    error = refused(design(tmp_path, function))
    assert error.code == code
    assert text in error.message
    assert error.place is not None
    if not code.startswith("weights"):
        assert (error.place.file, error.place.line) == ("chip.py", line)


@pytest.mark.parametrize(
    ("arrays", "code", "text"),
    [
        ({"weights": [[8, 0]] * 3}, "weights.range", "8 at [0, 0] is outside -8..7"),
        ({"weights": [[1, 0]] * 2}, "weights.shape", "expected integers of shape (3, 2)"),
        ({"weights": [[0.5, 0]] * 3}, "weights.shape", "found expected integers"),
        ({"bias": [1]}, "weights.shape", "weights 'bias': the graph has no such param"),
        ({}, "weights.shape", "found none"),
        (None, "weights.file", "weights.npz cannot be read"),
    ],
)
def test_mistakes_in_the_weights(
    arrays: dict[str, object] | None, code: str, text: str, tmp_path: Path
) -> None:
    path = design(tmp_path)
    if arrays is None:
        (tmp_path / "weights.npz").write_bytes(b"PK broken")
    else:
        np.savez(tmp_path / "weights.npz", **arrays)  # type: ignore[arg-type]
    error = refused(path)
    assert error.code == code
    assert text in error.message


def test_a_board_cannot_load_weights(tmp_path: Path) -> None:
    path = design(tmp_path)
    path.write_text(
        path.read_text().replace(
            "{target: lut4}",
            "{target: ice40-up5k, board: icebreaker, clock: 12 MHz, interface: valid_ready}",
        )
    )
    result = run(pipeline(load_design(path)), design="x", build_folder=tmp_path / "b", to="plan")
    (error,) = result.errors
    assert isinstance(error, InputError)
    assert (error.code, error.place is not None) == ("board.weights", True)
