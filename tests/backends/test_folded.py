"""Folded, streamed and parallel layers mixed: values of every layer and cycles are the plan's."""

from __future__ import annotations

import random
from collections.abc import Mapping

import pytest
from hypothesis import Phase, given, reject, settings
from hypothesis import strategies as st

from hwflow.errors import InputError
from hwflow.ir import Graph, GraphBuilder, IntType, Overflow, Rounding, Value
from hwflow.plan.dataflow import Deserializer, Fifo, FoldedStage, Fork, Serializer
from hwflow.plan.folded import FoldedPlan
from hwflow.plan.folding import Folding
from hwflow.plan.plan import Plan
from tests.backends.chains import check, make
from tests.backends.folded_nets import FoldedNet, divisors, random_folded_net
from tests.backends.test_stalls import stress

SEEDS = st.integers(0, 2**32)
PHASES = (Phase.explicit, Phase.reuse, Phase.generate)
"""A smaller seed is no simpler network: no shrinking."""
KINDS = st.sampled_from(("axi_stream", "valid_ready"))


def random_plan(seed: int, kind: str = "axi_stream", mhz: int = 40) -> tuple[Plan, random.Random]:
    rng = random.Random(seed)
    graph, fold, _ = random_folded_net(rng)
    return make(graph, kind, fold, mhz), rng  # type: ignore[arg-type]


def planned_or_rejected(
    seed: int, kind: str = "axi_stream", mhz: int = 40
) -> tuple[Plan, random.Random]:
    """A random plan; foldings that the planner refuses by name are drawn again."""
    try:
        return random_plan(seed, kind, mhz)
    except InputError as error:
        if "before input" not in error.message:
            raise
        reject()


def settled(plan: Plan) -> int:
    """Tensors after which intervals are the planned one: branches fill their FIFOs first."""
    branched = any(isinstance(s, Fork) for s in plan.stages)
    return 12 + plan.interface.latency // plan.interface.initiation_interval if branched else 4


@settings(max_examples=40, deadline=None, phases=PHASES, derandomize=True)
@given(seed=SEEDS, kind=KINDS, mhz=st.sampled_from((40, 150)))
def test_random_networks(seed: int, kind: str, mhz: int) -> None:
    plan, rng = planned_or_rejected(seed, kind, mhz)
    check(plan, rng, settled(plan))


@settings(max_examples=15, deadline=None, phases=PHASES, derandomize=True)
@given(seed=SEEDS, kind=KINDS)
def test_random_networks_with_gaps_and_stalls(seed: int, kind: str) -> None:
    plan, rng = planned_or_rejected(seed, kind)
    stress(plan, rng, 3)


def test_the_random_networks_hold_everything() -> None:
    """What the property tests draw from: every kind of layer, folding and stage."""
    layers: set[str] = set()
    foldings: set[str] = set()
    stages: set[type] = set()
    for seed in range(60):
        graph, fold, kinds = random_folded_net(random.Random(seed))
        layers |= set(kinds)
        for folding in fold.values():
            foldings |= {folding.multiplier, "folded" if folding.folded else f"pos {folding.pos}"}
        if seed < 12:
            stages |= {type(s) for s in make(graph, "axi_stream", fold).stages}
    assert layers == {
        "average", "concat", "conv", "dense", "depthwise", "join", "pool",
    }  # fmt: skip
    assert {"folded", "lut", "dsp", "pos 1", "pos 2"} <= foldings
    assert {FoldedStage, Fork, Fifo, Serializer, Deserializer} <= stages


@pytest.mark.parametrize(
    ("size", "stride", "padding", "dilation", "fold"),
    [
        ((3, 3, 1), (3, 2), ((0, 1), (0, 2)), (1, 2), Folding(1, "all")),
        ((2, 2, 4), (2, 3), ((0, 1), (1, 3)), (1, 1), Folding(1, 2)),
        ((7, 2, 2), (6, 2), ((0, 0), (0, 0)), (1, 1), Folding(2, 1)),
    ],
)
def test_rows_that_no_window_reads(
    size: tuple[int, ...],
    stride: tuple[int, ...],
    padding: tuple[tuple[int, int], ...],
    dilation: tuple[int, ...],
    fold: Folding,
) -> None:
    """They are given up before they come: the count of held words went below zero."""
    b, net = GraphBuilder("net"), FoldedNet(random.Random(0))
    x = b.input("x", size, IntType.fixed(4))
    with b.layer("conv"):
        weights = b.const(net.ints((1, 2, size[-1], 2), -7, 7))
        y = b.conv(x, weights, stride, padding, dilation)
    plan = make(b.build({"y": y}), "axi_stream", {"conv": fold})
    check(plan, random.Random(1), 6)


def one_layer(rng: random.Random, rounding: Rounding, overflow: Overflow) -> Graph:
    b = GraphBuilder("net")
    net = FoldedNet(rng)
    x = b.input("x", (3, 4), IntType.fixed(4, 1))
    with b.layer("conv"):
        a = b.conv(x, b.const(net.ints((2, 4, 6), -7, 7), net.ints((6,), 0, 3)))
        a = b.add(a, b.const(net.ints((6,), -30, 30), 3))
        y = b.requant(a, IntType.fixed(4, 0), rounding, overflow)
    return b.build({"y": y})


@pytest.mark.parametrize("rounding", Rounding)
@pytest.mark.parametrize("overflow", Overflow)
def test_every_rounding_and_overflow(rounding: Rounding, overflow: Overflow) -> None:
    rng = random.Random(f"{rounding}{overflow}")
    fold = Folding(rng.choice(divisors(6)), rng.choice((1, 2)))
    check(make(one_layer(rng, rounding, overflow), "axi_stream", {"conv": fold}), rng, 4)


@pytest.mark.parametrize("pe", divisors(6))
@pytest.mark.parametrize("simd", divisors(4))
def test_cycles_are_positions_times_groups(pe: int, simd: int) -> None:
    """Two positions, six outputs, two taps of four channels."""
    rng = random.Random(pe * 10 + simd)
    graph = one_layer(rng, Rounding.FLOOR, Overflow.WRAP)
    plan = make(graph, "valid_ready", {"conv": Folding(pe, simd)})
    (layer,) = plan.layers
    assert isinstance(layer, FoldedPlan)
    assert layer.cycles == 2 * (6 // pe) * (2 * 4 // simd)
    assert (plan.interface.inputs[0].stream.lanes, plan.interface.outputs[0].stream.lanes) == (
        simd,
        pe,
    )
    words = 3 * 4 // simd
    assert plan.interface.initiation_interval == max(layer.cycles, words)
    check(plan, rng, 4)


def table(b: GraphBuilder, a: Value) -> Value:
    y = b.requant(a, IntType.fixed(3, 0), Rounding.HALF_UP, Overflow.SATURATE)
    return b.lut(y, -4, [5, -7, 2, 0, 0, 1, 6, -8], 2)


def thresholds(b: GraphBuilder, a: Value) -> Value:
    return b.threshold(a, [[-20, -5, 0, 9], [3, 4, 5, 6], [3, 30, 60, 7]], 1)


def normalised(b: GraphBuilder, a: Value) -> Value:
    a = b.mul(a, b.const([3, -5, 7, 1], [0, 3, 1, 2]))
    a = b.add(a, b.const([1, -90, 33, 4], [4, 0, 1, 2]))
    return b.requant(a, IntType.fixed(5, 0), Rounding.HALF_EVEN, Overflow.SATURATE)


def chosen(b: GraphBuilder, a: Value) -> Value:
    """ReLU by comparison."""
    return b.select(b.compare("gt", a, b.const([4, -3, 0, 9], 1)), a, b.const(0, 1))


@pytest.mark.parametrize("tail", [table, thresholds, normalised, chosen])
@pytest.mark.parametrize("pe", [1, 2, 4])
def test_what_follows_the_accumulators(tail: object, pe: int) -> None:
    """With pe 4 constants are fixed, with fewer they come from a table."""
    rng = random.Random(pe)
    b = GraphBuilder("net")
    x = b.input("x", (6,), IntType.fixed(4, 1))
    with b.layer("dense"):
        y = tail(b, b.matmul(x, b.const(FoldedNet(rng).ints((6, 4), -7, 7))))  # type: ignore[operator]
    plan = make(b.build({"y": y}), "axi_stream", {"dense": Folding(pe, 3)})
    (layer,) = plan.layers
    assert isinstance(layer, FoldedPlan)
    assert (layer.constants is not None) == (pe < 4 and tail is not table)
    check(plan, rng, 8)


@pytest.mark.parametrize("bias", ["none", "add", "sub", "both"])
@pytest.mark.parametrize("kind", ["dense", "depthwise", "average"])
@pytest.mark.parametrize("pe", [1, 2, 4])
def test_results_that_are_not_requantized(bias: str, kind: str, pe: int) -> None:
    """Scores leave with a binary point for each output, as their weights and biases have."""
    net = FoldedNet(random.Random(pe))
    b = net.b
    x = b.input("x", (2, 4), IntType.fixed(4, 1))
    with b.layer("scores"):
        if kind == "average":
            a = b.reduce_sum(x, (0,))
        elif kind == "dense":
            weights = b.const(net.ints((8, 4), -7, 7), [0, 3, 1, 2])
            a = b.matmul(b.reshape(x, (8,)), weights)
        else:
            a = b.conv(x, b.const(net.ints((2, 1, 4), -7, 7), [0, 3, 1, 2]), groups=4)
        first = b.const(
            net.ints((4,), -40, 40), [2, 2, 2, 2] if kind == "average" else [1, 5, 0, 4]
        )
        if bias in ("add", "both"):
            a = b.add(a, first)
        if bias in ("sub", "both"):
            a = b.sub(b.const([7], 2), a)
    plan = make(b.build({"y": a}), "axi_stream", {"scores": Folding(pe, 1)})
    check(plan, random.Random(1), 5)


def two_inputs(fold: Mapping[str, Folding]) -> Plan:
    rng = random.Random(3)
    b, net = GraphBuilder("net"), FoldedNet(rng)
    p, q = b.input("p", (4, 2), IntType.fixed(4, 1)), b.input("q", (4, 2), IntType.fixed(3))
    with b.layer("conv"):
        y = b.conv(p, b.const(net.ints((3, 2, 2), -3, 3)), padding=((1, 1),))
    with b.layer("join"):
        y = b.requant(b.add(y, q), IntType.fixed(4, 1), Rounding.FLOOR, Overflow.SATURATE)
    return make(b.build({"y": y}), "axi_stream", fold)


@pytest.mark.parametrize("join", ["all", 1])
def test_a_second_input_joins_behind_a_folded_layer(join: object) -> None:
    plan = two_inputs({"conv": Folding(1, 2), "join": Folding(pos=join)})  # type: ignore[arg-type]
    check(plan, random.Random(1), 5)
    stress(plan, random.Random(2), 4)
