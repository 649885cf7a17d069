"""Adder graphs of alkaid against its own interpreter, bit for bit."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from alkaid.trace import FVArrayInput, trace
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hwflow.errors import HwflowError
from hwflow.frontends.alkaid import read
from hwflow.ir import evaluate
from hwflow.stages.models import read_model
from hwflow.verify.vectors import quantize


def compare(program: Any, path: Path, rng: np.random.Generator, scale: float) -> None:
    """The saved program and its graph on random reals, far outside of the inputs' ranges, too."""
    program.save(path)
    graph = read(path).graph
    (source,) = graph.inputs
    x = rng.normal(0, scale, (500, program.shape[0]))
    found = evaluate(graph, {source.name: quantize(source, x)})["y"]
    type = graph.types[dict(graph.outputs)["y"]]
    real = np.ldexp(found.astype(np.float64), -type.elem.full(type.shape)[2])
    assert np.array_equal(real, program.predict(x))


def program(rng: np.random.Generator) -> Any:
    """Every operation that is read, on elements of different formats."""
    x = FVArrayInput((6,))
    signs = rng.integers(0, 2, 6)
    q = x.quantize(signs, rng.integers(1, 4, 6), rng.integers(1, 6, 6))
    a = q @ (rng.integers(-15, 16, (6, 5)) / 8)
    b = (a + rng.integers(-4, 5, 5) / 4).relu(np.full(5, 3), np.full(5, 2))
    c = np.maximum(b[:3], -a[2:5])
    e = (c - a[:3]).quantize(np.ones(3, int), np.full(3, 3), np.full(3, 1), "WRAP", "RND")
    n, p = (a[0] > a[1]), (a[2] > a[3])
    logic = [n & p, n | p, n ^ p, b[0].unary_bit_op("any")]
    return trace(x, np.concatenate([b, c, [b[0] * c[1]], e, -a, logic, [a[0] * 0 + 1.5]]))


@settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(seed=st.integers(0, 1 << 30), scale=st.sampled_from([0.5, 8.0, 100.0]))
def test_graph_equals_the_interpreter(tmp_path: Path, seed: int, scale: float) -> None:
    rng = np.random.default_rng(seed)
    compare(program(rng), tmp_path / "a.json", rng, scale)


def test_every_operation_is_met(tmp_path: Path) -> None:
    made = program(np.random.default_rng(0))
    assert {op.opcode for op in made.ops} >= {-2, -1, 0, 1, 2, 3, 4, 6, 7, 9, 10}
    made.save(tmp_path / "a.json")
    assert read_model(tmp_path / "a.json", "net").graph.name == "net"


def saved(**changes: Any) -> dict[str, Any]:
    """x[0] + x[1], with parts of the file replaced."""
    ops = [
        [[], -1, [0], [-4.0, 3.5, 0.5], 0.0, 0.0],
        [[], -1, [1], [-4.0, 3.5, 0.5], 0.0, 0.0],
        [[0, 1], 0, [1], [-12.0, 10.5, 0.5], 1.0, 1.0],
    ]
    parts = {"shape": [2, 1], "in": [0, 0], "out": [2], "shift": [0], "neg": [False], "ops": ops}
    file = {"meta": "ALIRModel", "spec_version": 4}
    parts |= {key: value for key, value in changes.items() if key in parts}
    file |= {key: value for key, value in changes.items() if key in file}
    return file | {"model": [*parts.values(), 1, 1]}


def test_a_file_by_hand(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(json.dumps(saved()))
    graph = read(tmp_path / "a.json").graph
    assert evaluate(graph, {"x": np.array([[3, -5]])})["y"].tolist() == [[3 - 2 * 5]]


SUM = [[0, 1], 0, [1], [-12.0, 10.5, 0.5], 1.0, 1.0]
IN = [[], -1, [0], [-4.0, 3.5, 0.5], 0.0, 0.0]


@pytest.mark.parametrize(
    ("file", "code", "words"),
    [
        ("{", "model.format", "no JSON"),
        ("[" * 200_000, "model.format", "no JSON"),
        ("[]", "model.format", "no ALIRModel"),
        (saved(spec_version=3), "model.format", "version 3"),
        (saved(meta="pickle"), "model.format", "no ALIRModel"),
        (saved(shape=[1 << 40, 1]), "model.format", "1099511627776 inputs"),
        (saved(shape=[3, 1]), "model.format", "do not agree"),
        (saved(out=[7]), "model.format", "the number 7"),
        (saved(out=[True]), "model.format", "the number True"),
        (saved(shift=[1 << 20]), "model.format", "the number 1048576"),
        (saved(ops=[IN, SUM, IN]), "model.format", "the number 1 where"),
        (saved(ops=[IN, IN, [[0, 2], *SUM[1:]]]), "model.format", "the number 2 where"),
        (saved(ops=[IN, IN, [[0], *SUM[1:]]]), "model.format", "1 operands"),
        (saved(ops=[IN, IN, [[0, 1], 0, [999], *SUM[3:]]]), "model.format", "shifts by more"),
        (saved(ops=[IN, IN, [[0, 1], 99, *SUM[2:]]]), "model.format", "of code 99"),
        (saved(ops=[IN, IN, [*SUM[:3], [float("nan")] * 3, 0, 0]]), "model.format", "interval"),
        (saved(ops=[[[], -1, [0], [0, 3, 0.3], 0, 0], IN, SUM]), "model.format", "power of two"),
        (saved(ops=[IN, IN, [[0], 8, *SUM[2:]]]), "lower.layer", "lookup tables"),
        (saved(ops=[IN, IN, [[0], 9, [0], *SUM[3:]]]), "lower.layer", "bitwise"),
        (saved(ops=[IN, IN, [[0, 1], 10, [0, 0], *SUM[3:]]]), "lower.layer", "more than one bit"),
    ],
)
def test_refusals(tmp_path: Path, file: Any, code: str, words: str) -> None:
    path = tmp_path / "a.json"
    path.write_text(file if isinstance(file, str) else json.dumps(file))
    with pytest.raises(HwflowError) as caught:
        read(path)
    assert (caught.value.code, caught.value.exit_code) == (code, 2)
    assert words in caught.value.message
