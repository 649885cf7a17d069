"""From a goal to a plan that keeps it, and what is said where none does."""

from __future__ import annotations

from fractions import Fraction

import pytest

from hwflow.catalogue import CATALOGUE
from hwflow.errors import InputError
from hwflow.explore import choose as choosing
from hwflow.explore.budget import MARGIN, Budget
from hwflow.explore.choose import Goal, choose
from hwflow.explore.correction import Correction
from hwflow.explore.solve import smallest
from hwflow.plan.folding import Folding
from hwflow.plan.plan import Options
from hwflow.plan.targets import target
from tests.explore.nets import network

UP5K, ECP5 = target("ice40-up5k"), target("ecp5-85k")
CLOCK = Fraction(20_000_000)


def options(device: str = "ice40-up5k", **fold: Folding) -> Options:
    return Options(target(device), CLOCK, "valid_ready", fold)


def refused(given: Options, goal: Goal) -> InputError:
    with pytest.raises(InputError) as caught:
        choose(network(), given, goal)
    assert caught.value.code in CATALOGUE
    assert caught.value.hint
    return caught.value


@pytest.mark.parametrize("interval", [512, 2304, 9216])
def test_the_plan_keeps_the_interval(interval: int) -> None:
    solved = choose(network(), options(), Goal(interval, Budget.of(UP5K)))
    assert solved.plan.interface.initiation_interval <= interval
    assert solved.plan.cost.dsps <= 8
    assert solved.plan.cost.brams <= 30
    assert solved.plan.cost.luts == pytest.approx(solved.estimate.luts, rel=0.1)


def test_the_plan_keeps_the_budget() -> None:
    budget = Budget(luts=700, dsps=3).within(Budget.of(UP5K, MARGIN))
    solved = choose(network(), options(), Goal(None, budget))
    assert budget.holds(solved.plan.cost)
    faster = solved.plan.interface.initiation_interval - 1
    assert refused(options(), Goal(faster, budget)).code == "plan.budget"


def test_the_same_again() -> None:
    goal = Goal(2304, Budget.of(ECP5))
    first, second = (choose(network(), options("ecp5-85k"), goal) for _ in range(2))
    assert first.plan.options.fold == second.plan.options.fold


def test_layers_by_hand_stay() -> None:
    given = {"conv": Folding(2, 1), "pool": Folding(pos=1), "dense": Folding("all", 1)}
    solved = choose(network(), options(**given), Goal(100_000, Budget()))
    assert solved.plan.options.fold == given


def test_one_layer_by_hand_leaves_the_others_free() -> None:
    free = choose(network(), options(), Goal(4608, Budget.of(UP5K))).plan.options.fold
    assert free["conv"] != Folding(8, 1)
    solved = choose(network(), options(conv=Folding(8, 1)), Goal(4608, Budget.of(UP5K)))
    assert solved.plan.options.fold["conv"] == Folding(8, 1)
    assert solved.plan.interface.initiation_interval <= 4608


def test_a_correction_moves_the_choice() -> None:
    goal = Goal(None, Budget(luts=1200).within(Budget.of(UP5K)))
    plain = choose(network(), options(), goal)
    dear = choose(network(), options(), goal, Correction({"mac-lut": 2.0}, {"mac-lut": 3}))
    assert dear.choice.interval > plain.choice.interval
    assert dear.correction.as_json() == {"mac-lut": {"factor": 2.0, "layers": 3}}


@pytest.mark.parametrize(
    ("fold", "expected"),
    [
        ({"conv": Folding(3, 1)}, "pe 3 does not divide its 8 outputs (1, 2, 4, 8 would)"),
        ({"conv": Folding(pos=3)}, "pos 3 does not divide its 64 positions"),
        ({"dense": Folding(pos=1)}, "layer dense cannot take one position a clock"),
        ({"convv": Folding(pos=1)}, "hardware.fold names layer 'convv'"),
    ],
)
def test_foldings_by_hand_that_the_layer_cannot_have(
    fold: dict[str, Folding], expected: str
) -> None:
    error = refused(options(**fold), Goal(100_000, Budget()))
    assert error.code == "plan.fold"
    assert expected in error.message


@pytest.mark.parametrize("device", ["ice40-hx8k", "gowin-gw1n-9", "lut6"])
def test_dsps_that_the_device_does_not_offer(device: str) -> None:
    given = options(device, dense=Folding(1, 1, multiplier="dsp"))
    error = refused(given, Goal(100_000, Budget()))
    assert error.code == "plan.dsp"
    assert "dense" in error.message
    assert "multiplier: lut" in (error.hint or "")


def test_a_device_that_can_is_named() -> None:
    given = options("ice40-hx8k", dense=Folding(1, 1, multiplier="dsp"))
    assert "ice40-up5k" in (refused(given, Goal(100_000, Budget())).hint or "")


@pytest.mark.parametrize(
    ("budget", "expected", "hint"),
    [
        (Budget(luts=200), "nothing fits 200 LUTs", "hardware.fold.budget: {lut: "),
        (Budget(luts=20_000, ffs=60), "nothing fits 60 flip-flops", "hardware.fold.budget: {ff: "),
        (Budget(luts=5000, brams=0), "all limits at once", "a larger budget"),
    ],
)
def test_budgets_that_nothing_fits(budget: Budget, expected: str, hint: str) -> None:
    error = refused(options(), Goal(None, budget.within(Budget.of(UP5K))))
    assert error.code == "plan.budget"
    assert expected in error.message
    assert hint in (error.hint or "")


def test_a_budget_too_small_for_the_interval_says_which_would_do() -> None:
    budget = Budget(luts=700).within(Budget.of(UP5K))
    error = refused(options(), Goal(576, budget))
    assert "target_ii: " in (error.hint or "")
    fits = int((error.hint or "").partition("target_ii: ")[2].split()[0])
    assert choose(network(), options(), Goal(fits, budget)).choice.interval <= fits


def test_a_layer_by_hand_slower_than_the_interval() -> None:
    error = refused(options(conv=Folding(1, 1)), Goal(100, Budget()))
    assert error.code == "plan.interval"
    assert "layer conv takes 18432 clocks" in error.message
    assert "18432 or more" in (error.hint or "")


def test_promises_that_the_plan_breaks_are_solved_again(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def optimistic(ways: object, interval: int, *rest: object) -> object:
        """A solver that thinks layers to be twice as quick as they are."""
        asked.append(interval)
        return smallest(ways, interval * 2, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(choosing, "smallest", optimistic)
    solved = choose(network(), options(), Goal(4608, Budget.of(UP5K)))
    assert len(asked) > 1
    assert asked[1] < asked[0]
    assert solved.plan.interface.initiation_interval <= 4608


def test_a_promise_never_kept_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choosing, "smallest", lambda ways, _n, *rest: smallest(ways, 9216, *rest))
    error = refused(options(), Goal(100, Budget.of(UP5K)))
    assert error.code == "plan.interval"
    assert "of the 100 asked for" in error.message
