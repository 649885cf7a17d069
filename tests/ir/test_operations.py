"""Every operation against the slow evaluator, on random types, shapes and data."""

from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hwflow.ir import digest, evaluate, parse_graph, print_graph
from hwflow.ir.hwf import dumps, loads
from hwflow.ir.ops import OPERATIONS
from tests.ir.examples import GRAPHS, inputs, random_graph
from tests.ir.slow import RULES, slow_evaluate

VECTORS = 4


def test_every_operation_is_covered() -> None:
    names = {op.name for op in OPERATIONS} - {"input", "param", "const"}
    assert names == set(GRAPHS) == set(RULES)


@pytest.mark.parametrize("kind", sorted(GRAPHS))
@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_operation_equals_the_slow_evaluator(kind: str, seed: int) -> None:
    rng = random.Random(seed)
    graph = random_graph(kind, rng)
    values = inputs(graph, rng, VECTORS)
    fast = evaluate(graph, values, keep="all")
    names = {n.name for n in graph.inputs}
    for i in range(VECTORS):
        slow = slow_evaluate(graph, {k: v[i] if k in names else v for k, v in values.items()})
        for name, tensor in slow.items():
            kind_of = graph.types[name]
            assert tensor.shape == kind_of.shape
            assert fast[name].shape == (VECTORS, *kind_of.shape)
            assert fast[name][i : i + 1].astype(object).tolist() == [tensor.ints.tolist()]
            lo, hi, frac = (a.astype(object) for a in kind_of.elem.full(kind_of.shape))
            assert frac.tolist() == tensor.fracs.tolist()
            assert bool(np.all(lo <= tensor.ints))
            assert bool(np.all(tensor.ints <= hi))


@pytest.mark.parametrize("kind", sorted(GRAPHS))
@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_text_and_file_round_trips_keep_the_digest(kind: str, seed: int) -> None:
    graph = random_graph(kind, random.Random(seed))
    assert digest(parse_graph(print_graph(graph))) == digest(graph)
    again = loads(dumps(graph))
    assert digest(again) == digest(graph)
    assert print_graph(again) == print_graph(graph)


EXACT = (
    "add", "sub", "shift", "shift_left", "shift_right", "clz", "reshape", "transpose", "concat",
)  # fmt: skip


@pytest.mark.parametrize("kind", EXACT)
@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_bounds_of_exact_operations_are_reached(kind: str, seed: int) -> None:
    """Every bound of these is attained by some corner of the operands' ranges."""
    rng = random.Random(seed)
    graph = random_graph(kind, rng)
    sources = {n.name: graph.types[n.name] for n in (*graph.inputs, *graph.params)}
    reached = []
    for corner in range(1 << len(sources)):
        values = {}
        for bit, (name, kind_of) in enumerate(sources.items()):
            end = kind_of.elem.full(kind_of.shape)[corner >> bit & 1].astype(object)
            values[name] = end[None]
        reached.append(evaluate(graph, values)["y"])
    everything = np.concatenate(reached).astype(object)
    kind_of = graph.types[dict(graph.outputs)["y"]]
    lo, hi, _ = kind_of.elem.full(kind_of.shape)
    assert bool(np.all(everything.min(axis=0) == lo))
    assert bool(np.all(everything.max(axis=0) == hi))
