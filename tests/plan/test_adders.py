"""Constant matrices as adder graphs: exact results, exact bounds, the same on every machine."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hwflow.ir.exact import as_ints
from hwflow.plan.adders import constant_product
from hwflow.plan.archive import dump_circuits
from hwflow.plan.circuit_builder import CircuitBuilder
from hwflow.plan.words import Circuit, Sum
from tests.plan.slow_words import evaluate_words, violations

Bounds = Sequence[tuple[int, int]]


def circuit_of(matrix: Sequence[Sequence[int]], bounds: Bounds) -> Circuit:
    builder = CircuitBuilder(bounds)
    inputs = [builder.input(i) for i in range(len(bounds))]
    return builder.build(constant_product(builder, inputs, as_ints(matrix)))


def ends(column: Sequence[int], bounds: Bounds) -> tuple[int, int]:
    """The exact interval of ``sum(w * x)``."""
    pairs = [(w * lo, w * hi) for w, (lo, hi) in zip(column, bounds, strict=True)]
    return sum(map(min, pairs)), sum(map(max, pairs))


def check(matrix: list[list[int]], bounds: Bounds, rng: random.Random) -> Circuit:
    circuit = circuit_of(matrix, bounds)
    columns = list(zip(*matrix, strict=True))
    for word, column in zip(circuit.outputs, columns, strict=True):
        assert (circuit.words[word].lo, circuit.words[word].hi) == ends(column, bounds)
    for pick in (min, max, rng.choice, rng.choice, lambda pair: rng.randint(*pair)):
        x = [int(pick(pair)) for pair in bounds]  # type: ignore[operator]
        known = evaluate_words(circuit, x)
        assert violations(circuit, known) == []
        expected = [sum(w * v for w, v in zip(c, x, strict=True)) for c in columns]
        assert [known[o] for o in circuit.outputs] == expected
    return circuit


@st.composite
def problems(draw: st.DrawFn) -> tuple[list[list[int]], list[tuple[int, int]]]:
    rows, columns = draw(st.integers(1, 6)), draw(st.integers(1, 6))
    edges = ((1 << 22) - 1, 1 << 22, (1 << 24) - 1, 1 << 40, 1 << 70)
    top = draw(st.sampled_from((1, 3, 31, 1000, *edges)))
    entry = st.one_of(st.just(0), st.integers(-top, top), st.sampled_from((-top, top)))
    matrix = [[draw(entry) for _ in range(columns)] for _ in range(rows)]
    if draw(st.booleans()):
        matrix[draw(st.integers(0, rows - 1))] = [0] * columns
    if draw(st.booleans()):
        column = draw(st.integers(0, columns - 1))
        for row in matrix:
            row[column] = 0
    reach = draw(st.sampled_from((1, 7, 1000, 1 << 20, 1 << 41)))
    number = st.integers(-reach, reach)
    bounds = [tuple(sorted((draw(number), draw(number)))) for _ in range(rows)]
    return matrix, bounds  # type: ignore[return-value]


@settings(max_examples=150, deadline=None)
@given(problems(), st.integers(0, 2**32))
def test_exact_result_and_interval(
    problem: tuple[list[list[int]], list[tuple[int, int]]], seed: int
) -> None:
    check(*problem, random.Random(seed))


@pytest.mark.parametrize(
    "matrix",
    [
        [[0]], [[1]], [[-1]], [[-3]], [[0, 0], [0, 0]], [[-2, -2], [-6, -6]], [[7, -7]],
        [[1 << 50, -(1 << 50) + 1]], [[(1 << 24) + 1]], [[(1 << 24) - 1], [-(1 << 24) + 1]],
    ],
)  # fmt: skip
def test_edges(matrix: list[list[int]]) -> None:
    rng = random.Random(1)
    for bounds in ((-8, 7), (0, 255), (-3, -3), (0, 0), (5, 9)):
        check(matrix, [bounds] * len(matrix), rng)


def test_constant_inputs_cost_no_adders() -> None:
    circuit = check([[3, 5], [7, 9]], [(2, 2), (-4, -4)], random.Random(0))
    assert not any(isinstance(w.op, Sum) for w in circuit.words)
    mixed = check([[1], [9]], [(0, 7), (2, 2)], random.Random(0))
    assert sum(isinstance(w.op, Sum) for w in mixed.words) == 1


def test_a_matrix_of_several_chunks() -> None:
    rng = np.random.default_rng(3)
    matrix = rng.choice([-1, 0, 0, 0, 0, 0, 1], (900, 6)).tolist()
    check(matrix, [(0, 1)] * 900, random.Random(2))


def test_sharing_beats_signed_digits() -> None:
    rng = np.random.default_rng(0)
    matrix = as_ints(rng.integers(-31, 32, (16, 16)))
    builder = CircuitBuilder([(-128, 127)] * 16)
    inputs = [builder.input(i) for i in range(16)]
    shared = builder.build(constant_product(builder, inputs, matrix))
    plain = builder.build(
        [builder.total([builder.scaled(i, int(m)) for i, m in zip(inputs, c, strict=True)])
         for c in matrix.T]
    )  # fmt: skip

    def adders(circuit: Circuit) -> int:
        return sum(isinstance(w.op, Sum) for w in circuit.words)

    assert adders(shared) < 0.8 * adders(plain)


_SCRIPT = """
import numpy as np
from hwflow.plan.archive import dump_circuits
from tests.plan.test_adders import circuit_of
rng = np.random.default_rng(11)
matrix = rng.integers(-31, 32, (12, 10)).tolist()
print(dump_circuits({"m": circuit_of(matrix, [(-64, 63)] * 12)}), end="")
"""


def test_the_solver_is_deterministic() -> None:
    """Another process and another number of threads give the same circuit to the byte."""
    rng = np.random.default_rng(11)
    matrix = rng.integers(-31, 32, (12, 10)).tolist()
    texts = {dump_circuits({"m": circuit_of(matrix, [(-64, 63)] * 12)})}
    for threads in ("1", "2"):
        environment = {**os.environ, "OMP_NUM_THREADS": threads, "PYTHONHASHSEED": threads}
        done = subprocess.run(
            [sys.executable, "-c", _SCRIPT],
            cwd=Path(__file__).parents[2],
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        )
        texts.add(done.stdout)
    assert len(texts) == 1
