"""FIFOs of forks are as deep as they must be: one less costs cycles or deadlocks."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace

import pytest

from hwflow.backends.amaranth.simulate import simulate
from hwflow.errors import CheckFailed, InternalError
from hwflow.plan.dataflow import Fifo, Fork, Stage
from hwflow.plan.folding import Folding
from hwflow.plan.plan import Plan
from hwflow.plan.timing import measure
from tests.backends.chains import ONE, check, make, packed, random_inputs
from tests.backends.folded_nets import random_folded_net, residual_net
from tests.backends.test_stalls import stress

REST = {"c": Folding(2, 2), "d": Folding(1, 2)}
CASES = {
    "slow_branch": {"a": Folding(2, 2), "b": Folding(1, 1)},
    "equal": {"a": Folding(2, 2), "b": Folding(2, 2)},
    "beats": {"a": Folding(1, 2), "b": Folding(2, 2), "join": ONE},
    "windows": {"a": ONE, "b": ONE, "c": ONE, "join": ONE},
}
TENSORS = 12


def residual(case: str) -> Plan:
    return make(residual_net(random.Random(0), 3, 2), "axi_stream", {**REST, **CASES[case]})


def with_depth(plan: Plan, fifo: Fifo, depth: int) -> Plan:
    """The plan with another depth of a FIFO; a FIFO of none is a wire."""
    stages: list[Stage] = []
    for stage in plan.stages:
        if stage is fifo:
            if depth:
                stages.append(replace(fifo, depth=depth))
        elif depth == 0 and fifo.writes[0] in stage.reads:
            reads = tuple(fifo.reads[0] if r == fifo.writes[0] else r for r in stage.reads)
            stages.append(replace(stage, reads=reads))
        else:
            stages.append(stage)
    return replace(plan, stages=tuple(stages))


def planned(plan: Plan) -> tuple[int, int]:
    return plan.interface.latency, plan.interface.initiation_interval


def measured(plan: Plan) -> tuple[int, int] | None:
    """Latency and interval by the plan's own model; None for a deadlock."""
    source, sink = plan.interface.inputs[0], plan.interface.outputs[0]
    beats = source.stream.beats, sink.stream.beats
    try:
        return measure(plan.stages, source.tensor, plan.links[sink.tensor], *beats)
    except InternalError as error:
        if error.code != "internal.deadlock":
            raise
        return None


def simulated(plan: Plan) -> tuple[int, int] | None:
    """The same, from Amaranth's simulator."""
    values = random_inputs(plan.graph, random.Random(0), TENSORS)
    try:
        return simulate(plan, packed(plan, values))[1:3]
    except CheckFailed as error:
        if error.code != "rung.deadlock":
            raise
        return None


def worse(found: tuple[int, int] | None, than: tuple[int, int]) -> bool:
    return found is None or found[0] > than[0] or found[1] > than[1]


def fifos(stages: Sequence[Stage]) -> list[Fifo]:
    return [s for s in stages if isinstance(s, Fifo)]


@pytest.mark.parametrize("case", sorted(CASES))
def test_one_less_is_worse(case: str) -> None:
    plan = residual(case)
    (fifo,) = fifos(plan.stages)
    assert fifo.depth > 1
    assert measured(plan) == planned(plan)
    assert simulated(plan) == planned(plan)
    shallow = with_depth(plan, fifo, fifo.depth - 1)
    assert worse(measured(shallow), planned(plan))
    assert worse(simulated(shallow), planned(plan))


@pytest.mark.parametrize("case", sorted(CASES))
def test_more_gains_nothing(case: str) -> None:
    plan = residual(case)
    (fifo,) = fifos(plan.stages)
    assert measured(with_depth(plan, fifo, fifo.depth + 5)) == planned(plan)


@pytest.mark.parametrize("case", sorted(CASES))
def test_values_and_stalls_of_residual_networks(case: str) -> None:
    plan = residual(case)
    check(plan, random.Random(1), 4)
    stress(plan, random.Random(2), 2)


def test_a_residual_without_its_fifo_deadlocks() -> None:
    plan = residual("beats")
    (fifo,) = fifos(plan.stages)
    bare = with_depth(plan, fifo, 0)
    assert measured(bare) is None
    assert simulated(bare) is None


def test_no_depth_of_a_random_network_can_be_less() -> None:
    """Nor any smaller one do, down to a wire."""
    seen = 0
    for seed in range(40):
        graph, fold, kinds = random_folded_net(random.Random(seed))
        if not {"join", "concat"} & set(kinds):
            continue
        plan = make(graph, "axi_stream", fold)
        assert any(isinstance(s, Fork) for s in plan.stages) or len(plan.stages) == 1
        for fifo in fifos(plan.stages):
            seen += 1
            for depth in {0, fifo.depth // 2, fifo.depth - 1}:
                assert worse(measured(with_depth(plan, fifo, depth)), planned(plan)), (seed, depth)
    assert seen >= 5
