"""Estimates of candidates against the planner's own figures for the same folding."""

from __future__ import annotations

import random

import numpy as np
import pytest

from hwflow.explore.candidates import candidates, every_candidate, pareto
from hwflow.explore.constant import constant_candidates
from hwflow.ir import Graph, GraphBuilder, IntType
from hwflow.plan.folded import plan_folded
from hwflow.plan.folding import Candidate, Cost, Folding
from hwflow.plan.kernel import kernel_of
from hwflow.plan.layer import plan_layer
from hwflow.plan.targets import target
from tests.explore.nets import RULE, dense, network

PERIOD = 40.0
RESOURCES = ("luts", "ffs", "dsps", "brams")


@pytest.mark.parametrize("name", ["ecp5-85k", "ice40-up5k", "xc7-a35t", "gowin-gw1n-9"])
def test_macs_cost_what_their_plan_says(name: str) -> None:
    graph, device = network(), target(name)
    chosen = random.Random(name)
    for layer in graph.layers():
        every = [c for c in every_candidate(graph, layer, device, PERIOD) if c.folding.folded]
        assert every
        for candidate in chosen.sample(every, min(8, len(every))):
            plan = plan_folded(graph, layer, graph.types, candidate.folding, PERIOD, device)
            assert candidate.cycles == max(plan.cycles, plan.raster.words)
            for resource in ("dsps", "brams"):
                assert getattr(candidate.cost, resource) == getattr(plan.cost, resource)
            assert candidate.cost.luts == pytest.approx(plan.cost.luts, rel=0.1)
            assert candidate.cost.ffs == pytest.approx(plan.cost.ffs, rel=0.15, abs=20)


def _depthwise() -> Graph:
    rng = np.random.default_rng(3)
    builder = GraphBuilder("net")
    x = builder.input("x", (6, 6, 4), IntType.fixed(6, 2), *RULE)
    with builder.layer("deep"):
        w = builder.const(rng.integers(-15, 16, (3, 3, 1, 4)), frac=3)
        x = builder.conv(x, w, groups=4)
        x = builder.requant(x, IntType.fixed(6, 2), *RULE)
    with builder.layer("mean"):
        x = builder.reduce_sum(x, (0, 1))
    return builder.build({"y": x})


def test_channelwise_layers_cost_what_their_plan_says() -> None:
    graph, device = _depthwise(), target("ecp5-25k")
    for layer in graph.layers():
        for candidate in every_candidate(graph, layer, device, PERIOD):
            if candidate.folding.folded:
                plan = plan_folded(graph, layer, graph.types, candidate.folding, PERIOD, device)
                assert candidate.cost.luts == pytest.approx(plan.cost.luts, rel=0.1)
                assert candidate.cost.brams == plan.cost.brams


@pytest.mark.parametrize(
    "shape",
    [(16, 8, 4, 4), (16, 16, 8, 6), (16, 16, 4, 8), (64, 10, 6, 6), (64, 16, 6, 3), (9, 8, 5, 6)],
)
def test_unsolved_adder_graphs_are_estimated(shape: tuple[int, int, int, int]) -> None:
    graph, device = dense(*shape), target("ecp5-85k")
    (layer,) = graph.layers()
    kernel = kernel_of(graph, layer, graph.types)
    (found,) = constant_candidates(graph, layer, kernel, device, PERIOD)
    solved = plan_layer(graph, layer, graph.types, Folding(), PERIOD, device.delay, 0.0)
    assert found.cost.luts == pytest.approx(solved.cost.luts, rel=0.12)


def test_sparse_weights_share_less() -> None:
    graph, device = dense(64, 32, 6, 6, 0.3), target("ecp5-85k")
    (layer,) = graph.layers()
    kernel = kernel_of(graph, layer, graph.types)
    (found,) = constant_candidates(graph, layer, kernel, device, PERIOD)
    solved = plan_layer(graph, layer, graph.types, Folding(), PERIOD, device.delay, 0.0)
    assert found.cost.luts == pytest.approx(solved.cost.luts, rel=0.12)


def test_layers_without_weights_are_counted_not_estimated() -> None:
    graph, device = network(), target("ecp5-85k")
    pool = next(layer for layer in graph.layers() if layer.name == "pool")
    for candidate in every_candidate(graph, pool, device, PERIOD):
        if not candidate.folding.folded:
            plan = plan_layer(
                graph, pool, graph.types, candidate.folding, PERIOD, device.delay, 0.0
            )
            assert candidate.cost == plan.cost


def test_every_number_of_positions_that_divides_is_there() -> None:
    graph = network()
    layer = graph.layers()[0]
    found = every_candidate(graph, layer, target("ecp5-85k"), PERIOD)
    ways = {c.folding.pos: c.cycles for c in found if not c.folding.folded}
    assert ways == {"all": 1, 1: 100, **{n: 64 // n for n in (2, 4, 8, 16, 32, 64)}}


def test_equal_and_worse_candidates_go() -> None:
    def made(cycles: int, luts: int, dsps: int = 0, ffs: int = 0) -> Candidate:
        return Candidate("l", Folding(), cycles, Cost(luts=luts, dsps=dsps, ffs=ffs))

    kept = pareto(
        [made(4, 10), made(4, 10), made(8, 10), made(8, 9), made(4, 12, 1), made(2, 9, 1)]
    )
    assert [(c.cycles, c.cost.luts, c.cost.dsps) for c in kept] == [
        (2, 9, 1),
        (4, 10, 0),
        (8, 9, 0),
    ]


def test_digits_are_the_cheapest_and_the_slowest() -> None:
    """Offered where there are weights, and kept where LUTs count more than clocks."""
    graph, device = dense(64, 16, 8, 8), target("ecp5-25k")
    (layer,) = graph.layers()
    found = candidates(graph, layer, device, PERIOD)
    slowest = max(found, key=lambda c: c.cycles)
    assert slowest.folding == Folding(1, 1, multiplier="serial")
    assert slowest.cycles == 8 * 64 * 16
    assert slowest.cost.luts == min(c.cost.luts for c in found if not c.cost.dsps)
    pool = network().layers()[1]
    assert {c.folding.multiplier for c in every_candidate(network(), pool, device, PERIOD)} == {
        "lut"
    }


def test_dsps_only_where_a_recipe_uses_them() -> None:
    graph = network()
    for name, has in (("ice40-hx8k", False), ("gowin-gw2a-18", False), ("ice40-up5k", True)):
        found = [c for layer in graph.layers() for c in candidates(graph, layer, target(name), 40)]
        assert any(c.folding.multiplier == "dsp" for c in found) is has
