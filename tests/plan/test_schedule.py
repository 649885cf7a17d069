"""Pipelining: causal stages, paths within the clock."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hwflow.ir import GraphBuilder, IntType
from hwflow.plan.cost import delay, luts
from hwflow.plan.elaborate import elaborate
from hwflow.plan.schedule import Schedule, register_bits, schedule
from hwflow.plan.targets import TARGETS, DelayModel, target
from hwflow.plan.words import Circuit, Literal, operands
from tests.ir.examples import GRAPHS
from tests.plan.test_elaborate import constant_graph

KINDS = sorted(set(GRAPHS) - {"requant"})  # requant may wrap into a range without hardware


def longest_path(circuit: Circuit, plan: Schedule, model: DelayModel, start: float) -> float:
    """Longest path within one stage, found from the words and stages alone."""
    settled: list[float] = []
    for index, word in enumerate(circuit.words):
        if isinstance(word.op, Literal):
            settled.append(0.0)
            continue
        reads = [
            settled[i]
            for i in operands(word.op)
            if plan.stages[i] == plan.stages[index] and operands(circuit.words[i].op)
        ]
        inputs = [
            start
            for i in operands(word.op)
            if not operands(circuit.words[i].op)
            and plan.stages[index] == 0
            and not isinstance(circuit.words[i].op, Literal)
        ]
        settled.append(max([0.0, *reads, *inputs]) + delay(circuit, word, model))
    return max([start, *settled])


@settings(max_examples=120, deadline=None)
@given(
    kind=st.sampled_from(KINDS),
    seed=st.integers(0, 2**32),
    period=st.sampled_from((2.0, 4.0, 7.0, 25.0)),
    start=st.sampled_from((0.0, 1.5)),
)
def test_stages_are_causal_and_fit_the_clock(
    kind: str, seed: int, period: float, start: float
) -> None:
    model = target("ecp5-85k").delay
    circuit = elaborate(constant_graph(kind, random.Random(seed)))
    plan = schedule(circuit, period, model, start)
    assert len(plan.stages) == len(circuit.words)
    for index, word in enumerate(circuit.words):
        live = [i for i in operands(word.op) if not isinstance(circuit.words[i].op, Literal)]
        assert all(plan.stages[i] <= plan.stages[index] for i in live)
        assert plan.stages[index] >= 0
    assert plan.latency == max((plan.stages[o] for o in circuit.outputs), default=0)
    path = longest_path(circuit, plan, model, start)
    assert plan.worst == pytest.approx(path)
    alone = max((delay(circuit, w, model) for w in circuit.words), default=0.0)
    assert path <= max(period - model.clock_overhead, alone, start) + 1e-9
    assert register_bits(circuit, plan) >= 0


def tree(bits: int, terms: int) -> Circuit:
    b = GraphBuilder("tree")
    x = b.input("x", (terms,), IntType.fixed(bits))
    return elaborate(b.build({"y": b.reduce_sum(x, (0,))}))


@pytest.mark.parametrize("device", [t.name for t in TARGETS])
def test_a_faster_clock_never_takes_fewer_stages(device: str) -> None:
    model = target(device).delay
    circuit = tree(12, 32)
    latencies = [schedule(circuit, 1000 / mhz, model).latency for mhz in (1, 20, 50, 100, 400)]
    assert latencies == sorted(latencies)
    assert latencies[0] == 0
    assert latencies[-1] == 4  # five adder levels, each a stage of its own
    bits = [register_bits(circuit, schedule(circuit, 1000 / mhz, model)) for mhz in (1, 400)]
    assert bits[0] == 0 < bits[1]


def test_estimates_are_monotone() -> None:
    model = target("ecp5-85k").delay
    sizes = [tree(bits, 8) for bits in (2, 6, 14)]
    areas = [sum(luts(c, w) for w in c.words) for c in sizes]
    delays = [max(delay(c, w, model) for w in c.words) for c in sizes]
    assert areas == sorted(set(areas))
    assert areas[0] > 0
    assert delays == sorted(set(delays))
