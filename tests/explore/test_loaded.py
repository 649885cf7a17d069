"""The solver and weights loaded at run time: inputs in parts, and the loader's share."""

from __future__ import annotations

from fractions import Fraction

import pytest

from hwflow.errors import InputError
from hwflow.explore.budget import Budget
from hwflow.explore.candidates import candidates
from hwflow.explore.choose import Goal, Solved, choose
from hwflow.explore.correction import Correction
from hwflow.ir import Graph, GraphBuilder, IntType
from hwflow.plan.folding import Folding
from hwflow.plan.plan import Options
from hwflow.plan.targets import target

ECP5 = target("ecp5-85k")
FREE = Budget(None, None, None, None)


def graph() -> Graph:
    """A layer of constants and two of loaded weights, the last of inputs below zero."""
    b = GraphBuilder("net")
    x = b.input("x", (6,), IntType.fixed(4, 0, signed=False))
    weight = IntType.fixed(4, 0)
    with b.layer("fixed"):
        x = b.matmul(x, b.const([[1, 2]] * 6))
    with b.layer("dense"):
        x = b.matmul(x, b.param("w", (2, 5), weight))
    with b.layer("last"):
        x = b.matmul(x, b.param("v", (5, 2), weight))
    return b.build({"y": x})


def chosen(interval: int | None, budget: Budget = FREE, **fold: Folding) -> Solved:
    options = Options(ECP5, Fraction(40_000_000), "valid_ready", fold)
    # Nothing is learned about loaded weights: what constants teach must not move them.
    return choose(graph(), options, Goal(interval, budget), Correction({"constant": 2.0}))


def test_parts_are_candidates_where_a_layer_has_them() -> None:
    period = float(1_000_000_000 / 40_000_000)
    found = {
        layer.name: [c.folding for c in candidates(graph(), layer, ECP5, period)]
        for layer in graph().layers()
    }
    assert all(f.digits == 1 for f in found["fixed"])
    # 8 bits: so many parts as make them narrower.
    assert {f.digits for f in found["dense"]} <= {1, 2, 3, 4, 8}
    assert len(found["dense"]) > 1
    assert found["last"] == [Folding()]


@pytest.mark.parametrize("interval", [1, 2, 3])
def test_the_plan_keeps_the_interval(interval: int) -> None:
    solved = chosen(interval)
    assert solved.plan.interface.initiation_interval <= interval
    assert solved.choice.fold.get("dense", Folding()).digits <= interval


def test_more_clocks_cost_less() -> None:
    costs = [chosen(interval).plan.cost.luts for interval in (1, 2, 3)]
    assert costs == sorted(costs, reverse=True)
    assert costs[0] > costs[2]


def test_a_budget_holds_the_loader_too() -> None:
    whole = chosen(1).plan.cost.luts
    solved = chosen(None, Budget(whole - 1, None, None, None))
    assert solved.plan.cost.luts < whole
    assert solved.plan.interface.initiation_interval > 1


def test_parts_given_by_hand_take_their_clocks() -> None:
    solved = chosen(4, dense=Folding(digits=3, multiplier="plain"))
    assert solved.choice.interval >= 3
    assert solved.choice.fold["dense"] == Folding(digits=3, multiplier="plain")
    with pytest.raises(InputError, match="dense takes 3 clocks at its fastest"):
        chosen(2, dense=Folding(digits=3))
    with pytest.raises(InputError, match="its inputs can be negative"):
        chosen(2, last=Folding(digits=2))
    with pytest.raises(InputError, match="weights loaded at run time"):
        chosen(2, fixed=Folding(digits=2))
