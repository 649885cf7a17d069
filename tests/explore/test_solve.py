"""Foldings chosen by the solver, and what it refuses."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import pytest

from hwflow.catalogue import CATALOGUE
from hwflow.errors import InputError
from hwflow.explore.budget import Budget
from hwflow.explore.candidates import candidates
from hwflow.explore.solve import curve, faster, options_of, smallest
from hwflow.plan.folding import Folding
from hwflow.plan.plan import Options, make_plan
from hwflow.plan.targets import target
from tests.explore.nets import network

UP5K, ECP5 = target("ice40-up5k"), target("ecp5-85k")
PERIOD = 50.0


@pytest.mark.parametrize("name", ["ice40-up5k", "ecp5-85k", "lut6"])
def test_no_candidate_is_beaten(name: str) -> None:
    graph = network()
    for layer in graph.layers():
        found = candidates(graph, layer, target(name), PERIOD)
        assert found
        keys = [(c.cycles, c.cost.luts, c.cost.ffs, c.cost.dsps, c.cost.brams) for c in found]
        for a in keys:
            assert sum(all(x <= y for x, y in zip(b, a, strict=True)) for b in keys) == 1


@pytest.mark.parametrize("interval", [576, 2304, 20000])
def test_the_plan_keeps_the_interval_promised(interval: int) -> None:
    graph = network()
    options = options_of(graph, ECP5, {}, PERIOD)
    choice = smallest(options, interval, Budget.of(ECP5), ECP5)
    assert choice.interval <= interval
    plan = make_plan(graph, Options(ECP5, Fraction(20_000_000), fold=choice.fold))
    assert plan.interface.initiation_interval <= interval


def test_more_clocks_never_cost_more() -> None:
    options = options_of(network(), ECP5, {}, PERIOD)
    prices = [smallest(options, n, Budget.of(ECP5), ECP5).cost.luts for n in (200, 800, 6400)]
    assert prices == sorted(prices, reverse=True)
    assert len(set(prices)) == 3


def test_a_budget_gives_the_fastest_that_fits() -> None:
    options = options_of(network(), UP5K, {}, PERIOD)
    tight, wide = (
        faster(options, Budget(luts=n).within(Budget.of(UP5K)), UP5K) for n in (900, 4000)
    )
    assert tight.cost.luts <= 900
    assert wide.cost.luts <= 4000
    assert wide.interval < tight.interval
    with pytest.raises(InputError) as caught:
        smallest(options, tight.interval - 1, Budget(luts=900).within(Budget.of(UP5K)), UP5K)
    assert caught.value.code == "plan.budget"


def test_a_fixed_layer_keeps_its_folding() -> None:
    given = Folding(pe=2, simd=1)
    choice = smallest(options_of(network(), UP5K, {"conv": given}, PERIOD), 10**6, Budget(), UP5K)
    assert choice.fold["conv"] == given


def test_the_curve_falls() -> None:
    points = curve(options_of(network(), ECP5, {}, PERIOD), ECP5)
    assert len(points) >= 4
    for before, after in pairwise(points):
        assert before.interval < after.interval
        assert before.cost.luts > after.cost.luts


def test_no_dsp_where_the_device_has_none() -> None:
    small = target("ice40-hx8k")
    options = options_of(network(), small, {}, PERIOD)
    assert all(c.cost.dsps == 0 for layer in options for c in layer)


def test_refusals_say_by_how_much() -> None:
    options = options_of(network(), UP5K, {}, PERIOD)
    with pytest.raises(InputError) as caught:
        faster(options, Budget(luts=100), UP5K)
    assert caught.value.code == "plan.budget"
    assert "more); layer" in caught.value.message
    fixed = options_of(network(), UP5K, {"conv": Folding(pe=1, simd=1)}, PERIOD)
    with pytest.raises(InputError) as caught:
        smallest(fixed, 2, Budget(), UP5K)
    assert caught.value.code in CATALOGUE
    assert caught.value.code == "plan.interval"
