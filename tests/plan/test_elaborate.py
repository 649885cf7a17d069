"""Every operation: the integer graph equals its word circuit, and words keep their bounds."""

from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hwflow.errors import InputError
from hwflow.ir import Graph, GraphBuilder, IntType, Overflow, Rounding, evaluate, ops
from hwflow.plan.archive import dump_circuits, load_circuits
from hwflow.plan.elaborate import elaborate
from hwflow.plan.fitting import fitted, split
from hwflow.plan.words import Dot
from tests.ir.examples import GRAPHS, inputs, random_graph
from tests.plan.slow_words import evaluate_words, violations


def constant_graph(kind: str, rng: random.Random) -> Graph:
    """A random graph without weights loaded at run time."""
    while (graph := random_graph(kind, rng)).params:
        pass
    return graph


def wraps_oddly(graph: Graph) -> bool:
    """Whether a requant wraps into a range that is no power of two (one of its bounds reached)."""
    try:
        elaborate(graph)
    except InputError:
        return any(
            isinstance(n.op, ops.Requant)
            and n.op.overflow is Overflow.WRAP
            and any(int(s) & (int(s) - 1) for s in np.ravel(n.op.type.hi - n.op.type.lo + 1))
            for n in graph.nodes
        )
    return False


def check(graph: Graph, rng: random.Random) -> None:
    """The graph and its circuit agree on all-lowest, all-highest and random vectors."""
    circuit = elaborate(graph)
    assert load_circuits(dump_circuits({"layer": circuit})) == {"layer": circuit}
    values = inputs(graph, rng, 6)
    wanted = evaluate(graph, values)
    for k in range(6):
        flat = [int(v) for node in graph.inputs for v in np.ravel(values[node.name][k])]
        known = evaluate_words(circuit, flat)
        assert violations(circuit, known) == []
        expected = [int(v) for name, _ in graph.outputs for v in np.ravel(wanted[name][k])]
        assert [known[o] for o in circuit.outputs] == expected


@pytest.mark.parametrize("kind", sorted(GRAPHS))
@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_circuit_equals_graph(kind: str, seed: int) -> None:
    rng = random.Random(seed)
    graph = constant_graph(kind, rng)
    if wraps_oddly(graph):  # the one thing that has no hardware
        with pytest.raises(InputError, match="not a power of two"):
            elaborate(graph)
    else:
        check(graph, rng)


@pytest.mark.parametrize("overflow", list(Overflow))
@pytest.mark.parametrize("rounding", list(Rounding))
def test_requant_in_every_mode(rounding: Rounding, overflow: Overflow) -> None:
    for signed_in in (False, True):
        for signed_out in (False, True):
            b = GraphBuilder("requant")
            x = b.input("x", (3,), IntType.fixed(6, np.array([0, 2, 5]), signed=signed_in))
            target = IntType.fixed(3, 1, signed=signed_out)
            graph = b.build({"y": b.requant(x, target, rounding, overflow)})
            circuit = elaborate(graph)
            lo = -32 if signed_in else 0
            every = np.arange(lo, lo + 64)[:, None].repeat(3, axis=1)
            wanted = evaluate(graph, {"x": every})["y"]
            for row, expected in zip(every, wanted, strict=True):
                known = evaluate_words(circuit, [int(v) for v in row])
                assert [known[o] for o in circuit.outputs] == expected.tolist()


def test_two_inputs_and_two_outputs_are_in_order() -> None:
    b = GraphBuilder("pair")
    p, q = (b.input(n, (2,), IntType.fixed(4)) for n in ("p", "q"))
    graph = b.build({"d": b.sub(p, q), "s": b.add(p, q)})
    circuit = elaborate(graph)
    known = evaluate_words(circuit, [1, 2, 3, -4])
    assert [known[o] for o in circuit.outputs] == [-2, 6, 4, -2]


@given(seed=st.integers(0, 2**32))
def test_weights_loaded_at_run_time_are_one_sum(seed: int) -> None:
    rng = random.Random(seed)
    b = GraphBuilder("loaded")
    x = b.input("x", (3,), IntType(rng.randint(-9, 0), rng.randint(1, 9), 2))
    y = b.matmul(x, b.param("w", (3, 2), IntType.fixed(4)), name="products")
    graph = b.build({"y": b.add(y, b.param("c", (2,), IntType.fixed(3)))})
    circuit = elaborate(graph)
    assert sum(isinstance(word.op, Dot) for word in circuit.words) == 2
    lo, hi = (int(v) for v in (graph.types["x"].elem.lo, graph.types["x"].elem.hi))
    x_now = [rng.choice((lo, hi, rng.randint(lo, hi))) for _ in range(3)]
    w_now = [rng.choice((-8, 7, rng.randint(-8, 7))) for _ in range(6)]
    c_now = [rng.randint(-4, 3) for _ in range(2)]
    known = evaluate_words(circuit, x_now, w_now + c_now)
    assert not violations(circuit, known)
    wanted = [
        sum(x_now[k] * w_now[2 * k + n] for k in range(3)) + (c_now[n] << 2) for n in range(2)
    ]
    assert [known[o] for o in circuit.outputs] == wanted
    for recoding in ("plain", "radix4", "radix8"):
        recoded = fitted(circuit, recoding, trees=True)
        assert fitted(recoded, recoding, trees=True) == recoded
        halves = split(recoded)
        made = evaluate_words(halves.still, [], w_now + c_now)
        known = evaluate_words(halves.moving, x_now, [made[o] for o in halves.still.outputs])
        assert not violations(halves.moving, known)
        assert [known[o] for o in halves.moving.outputs] == wanted
