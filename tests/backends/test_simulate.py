"""The Amaranth components compute the graph, layer by layer, in the cycles that were planned."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hwflow.backends.amaranth.simulate import simulate
from hwflow.errors import CheckFailed, InputError
from hwflow.ir import evaluate
from hwflow.plan.dataflow import Deserializer, Region, Serializer, WindowStage
from hwflow.plan.plan import Plan
from tests.backends.chains import (
    ONE,
    check,
    dense_net,
    make,
    packed,
    random_chain,
    random_inputs,
    residual,
)
from tests.econ_t import NPZ, published_encoder, published_vectors
from tests.ir.examples import GRAPHS
from tests.plan.test_elaborate import constant_graph

SEEDS = st.integers(0, 2**32)


def plan_of_random_operation(kind: str, rng: random.Random, mhz: int) -> Plan:
    """A plan of the first random graph that this version has hardware for."""
    for _ in range(200):
        try:
            return make(constant_graph(kind, rng), "valid_only", mhz=mhz)
        except InputError as error:
            if error.code not in ("plan.operation", "plan.port"):
                raise
    raise AssertionError(kind)


@pytest.mark.parametrize("kind", sorted(GRAPHS))
@settings(max_examples=12, deadline=None)
@given(seed=SEEDS, mhz=st.sampled_from((1, 100, 300)))
def test_every_operation(kind: str, seed: int, mhz: int) -> None:
    rng = random.Random(seed)
    check(plan_of_random_operation(kind, rng, mhz), rng, 6)


@settings(max_examples=24, deadline=None)
@given(
    seed=SEEDS, kind=st.sampled_from(("axi_stream", "valid_ready")), mhz=st.sampled_from((40, 250))
)
def test_random_chains(seed: int, kind: str, mhz: int) -> None:
    rng = random.Random(seed)
    graph, fold = random_chain(rng)
    check(make(graph, kind, fold, mhz), rng)  # type: ignore[arg-type]


@pytest.mark.parametrize("seed", [1057, 1046, 1077])
def test_chains_that_failed_once(seed: int) -> None:
    rng = random.Random(seed)
    graph, fold = random_chain(rng)
    check(make(graph, "axi_stream", fold), rng, 5)


def stages_of(seed: int) -> set[type]:
    graph, fold = random_chain(random.Random(seed))
    return {type(s) for s in make(graph, "valid_ready", fold).stages}


def test_random_chains_hold_every_kind_of_stage() -> None:
    seen = set().union(*(stages_of(seed) for seed in range(12)))
    assert seen == {Region, WindowStage, Serializer, Deserializer}


@pytest.mark.parametrize("kind", ["axi_stream", "valid_ready", "valid_only"])
@pytest.mark.parametrize("mhz", [10, 200, 380])
def test_joins_and_forks_inside_a_region(kind: str, mhz: int) -> None:
    rng = random.Random(mhz)
    plan = make(residual(rng), kind, mhz=mhz)  # type: ignore[arg-type]
    (region,) = plan.stages
    assert isinstance(region, Region)
    assert plan.interface.initiation_interval == 1
    assert plan.interface.latency == region.latency + 1
    if mhz > 10:
        assert len({region.times[v] for v in region.outputs}) > 1, "outputs that must be delayed"
    check(plan, rng, 8)


def test_a_long_parallel_design_without_back_pressure() -> None:
    rng = random.Random(5)
    check(make(dense_net(rng, 4), "valid_only", mhz=300), rng, 10)


def test_layers_are_optional() -> None:
    plan = make(dense_net(random.Random(1)), "valid_only")
    values = random_inputs(plan.graph, random.Random(2), 1)
    beats, latency, interval = simulate(plan, packed(plan, values))
    assert interval == 0  # a single tensor
    assert latency == plan.interface.latency
    got = plan.interface.outputs[0].unpack(beats["y"])
    assert (got == evaluate(plan.graph, values)["y"]).all()


def test_a_missing_tensor_is_a_deadlock() -> None:
    """One of two inputs never comes."""
    plan = make(residual(random.Random(3)), "valid_ready")
    beats = packed(plan, random_inputs(plan.graph, random.Random(4), 2))
    with pytest.raises(CheckFailed) as caught:
        simulate(plan, {**beats, "q": beats["q"][:0]})
    assert caught.value.code == "rung.deadlock"


def test_econ_t_at_40_mhz(shared: Path) -> None:
    """Latency 3, one wafer a clock, and the published codes."""
    plan = make(published_encoder(shared / NPZ), "axi_stream")
    assert (plan.interface.latency, plan.interface.initiation_interval) == (3, 1)
    x, codes = published_vectors(shared / NPZ)
    chosen = np.linspace(0, len(x) - 1, 4).astype(int)
    beats, latency, interval, layers = simulate(plan, packed(plan, {"x": x[chosen]}), True)
    assert (plan.interface.outputs[0].unpack(beats["y"]) == codes[chosen]).all()
    assert (latency, interval) == (3, 1)
    for value, wanted in evaluate(plan.graph, {"x": x[chosen]}, keep="layers").items():
        assert (layers[value] == wanted).all()


def test_folding_is_refused_without_back_pressure() -> None:
    graph, _ = random_chain(random.Random(0))
    with pytest.raises(InputError) as caught:
        make(graph, "valid_only", {"conv": ONE})
    assert caught.value.code == "plan.interface"
