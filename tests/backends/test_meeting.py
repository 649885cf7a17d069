"""Values that meet after different times, some layers taking their inputs in parts."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from amaranth.sim import SimulatorContext

from hwflow.backends.amaranth.generate import generate_verilog
from hwflow.ir import Graph, GraphBuilder, IntType, Overflow, Rounding, evaluate
from hwflow.plan.dataflow import Delay, Fork, SerialStage
from hwflow.plan.folding import Folding
from hwflow.plan.loading import load_clocks
from hwflow.plan.plan import Plan
from hwflow.plan.streams import InterfaceKind, PortGroup
from hwflow.verify.rtl import build_replay
from tests.backends.chains import packed, random_inputs
from tests.backends.test_stalls import StallBench, as_rows
from tests.backends.test_weights import check, planned, some_inputs, some_weights

UNSIGNED = IntType.fixed(6, 0, signed=False)
WEIGHT = IntType.fixed(3, 0)


class Builder:
    """Layers over vectors of 3 elements, all of one type."""

    def __init__(self) -> None:
        self.b = GraphBuilder("meeting")
        self.x = self.b.input("x", (3,), UNSIGNED)
        self.fold: dict[str, Folding] = {}
        with self.b.layer("scale"):
            y = self.b.mul(self.x, self.b.param("gain", (), IntType.fixed(2, 0, signed=False)))
            self.first = self.kept(y)

    def kept(self, value: str) -> str:
        return self.b.requant(value, UNSIGNED, Rounding.FLOOR, Overflow.SATURATE)

    def dense(self, name: str, value: str, digits: int) -> str:
        if digits > 1:
            self.fold[name] = Folding(digits=digits)
        with self.b.layer(name):
            return self.kept(self.b.matmul(value, self.b.param(f"w_{name}", (3, 3), WEIGHT)))

    def join(self, name: str, left: str, right: str) -> str:
        with self.b.layer(name):
            return self.kept(self.b.add(left, right))

    def plan(self, kind: InterfaceKind, **outputs: str) -> Plan:
        return planned(self.b.build(outputs), self.fold, kind, 20)


def side_by_side(first: int, second: int, kind: InterfaceKind) -> Plan:
    net = Builder()
    left, right = net.dense("a", net.first, first), net.dense("b", net.first, second)
    return net.plan(kind, y=net.join("both", left, right))


def chain_beside_a_value(length: int, digits: int, kind: InterfaceKind) -> Plan:
    net = Builder()
    y = net.first
    for index in range(length):
        y = net.dense(f"d{index}", y, digits)
    return net.plan(kind, y=net.join("both", y, net.first))


class PacedBench(StallBench):
    """Without ready: tensors of all inputs together, an interval or more apart."""

    wait = 0

    def drive(self, ctx: SimulatorContext, group: PortGroup) -> None:
        if not group.ready:
            first = group is self.plan.interface.inputs[0]
            self.wait -= first
            self.rates[group.tensor] = 1.0 if self.wait <= 0 else 0.0
            if self.wait <= 0 and group is self.plan.interface.inputs[-1]:
                self.wait = self.plan.interface.initiation_interval + self.rng.choice((0, 0, 1, 5))
        super().drive(ctx, group)


def stress(plan: Plan, seed: int, count: int) -> None:
    """Exact at any pace: gaps, and where there is a ready, stalls."""
    rng, store = random.Random(seed), plan.interface.store
    assert store is not None
    weights, values = some_weights(plan.graph, seed), random_inputs(plan.graph, rng, count)
    sent = {k: as_rows(v) for k, v in packed(plan, values).items()}
    bench = PacedBench(plan, sent, rng, store.image(weights))
    bench.run(count)
    wanted = evaluate(plan.graph, {**values, **weights})
    for group in plan.interface.outputs:
        rows = as_rows(group.pack(wanted[group.tensor].reshape(count, -1).astype("int64")))
        assert [data for data, _ in bench.found[group.tensor]] == rows


@pytest.mark.parametrize("kind", ["valid_only", "valid_ready", "axi_stream"])
@pytest.mark.parametrize(("first", "second"), [(2, 3), (3, 2), (2, 2), (2, 5), (1, 4)])
def test_layers_side_by_side(first: int, second: int, kind: InterfaceKind) -> None:
    plan = side_by_side(first, second, kind)
    assert plan.interface.initiation_interval == max(first, second)
    check(plan, first, vectors=12)
    stress(plan, second, 12)


@pytest.mark.parametrize("kind", ["valid_only", "valid_ready", "axi_stream"])
@pytest.mark.parametrize(("length", "digits"), [(1, 2), (2, 2), (2, 5), (3, 2), (4, 3)])
def test_a_chain_beside_a_value(length: int, digits: int, kind: InterfaceKind) -> None:
    plan = chain_beside_a_value(length, digits, kind)
    assert plan.interface.initiation_interval == digits
    # With ready, what waits fills up first: the pace is the planned one after some tensors.
    check(plan, length, vectors=12 if kind == "valid_only" else 30)
    stress(plan, digits, 12)


@pytest.mark.tool
def test_a_delay_in_verilog(tmp_path: Path) -> None:
    plan = chain_beside_a_value(2, 2, "valid_only")
    assert [type(s) for s in plan.stages[1:5]] == [Fork, SerialStage, SerialStage, Delay]
    (tmp_path / "design.v").write_text(generate_verilog(plan), encoding="utf-8")
    face, graph = plan.interface, plan.graph
    assert face.store is not None
    weights, x = some_weights(graph, 1), some_inputs(graph, 200, 1)
    clocks = load_clocks(face.store, face.store.image(weights))
    replay = build_replay(tmp_path / "design.v", face, tmp_path / "work", load=clocks)
    result = replay.run({"x": face.inputs[0].pack(x.reshape(200, -1))})
    y = evaluate(graph, {"x": x, **weights})["y"]
    assert (face.outputs[0].unpack(result.outputs["y"]).reshape(y.shape) == y).all()
    assert (result.latency, result.initiation_interval) == (face.latency, 2)


def test_an_input_is_kept_for_a_late_reader() -> None:
    net = Builder()
    late = net.join("both", net.dense("a", net.first, 3), net.x)
    plan = net.plan("valid_only", y=late)
    (delay,) = (s for s in plan.stages if isinstance(s, Delay))
    # An input stands one clock, registers after it an interval each.
    assert delay.loads == tuple(range(0, delay.clocks, 3))
    check(plan, 1, vectors=9)
    stress(plan, 2, 9)


def random_graph(rng: random.Random) -> tuple[Graph, dict[str, Folding]]:
    net = Builder()
    made, read = [net.first], set[str]()
    for index in range(rng.randint(2, 7)):
        if len(made) > 1 and rng.random() < 0.4:
            left, right = rng.sample(made, 2)
            read |= {left, right}
            made.append(net.join(f"l{index}", left, right))
        else:
            value = rng.choice(made)
            read.add(value)
            made.append(net.dense(f"l{index}", value, rng.choice((1, 2, 2, 3, 6))))
    unread = [value for value in made if value not in read]
    outputs = {f"y{index}": value for index, value in enumerate(unread)}
    return net.b.build(outputs), net.fold


@pytest.mark.parametrize("kind", ["valid_only", "valid_ready"])
@pytest.mark.parametrize("seed", range(6))
def test_random_networks(seed: int, kind: InterfaceKind) -> None:
    graph, fold = random_graph(random.Random(seed))
    stress(planned(graph, fold, kind, 20), seed, 10)
