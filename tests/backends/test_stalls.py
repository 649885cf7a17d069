"""Random gaps at the source and stalls at the sink keep data exact, in order and stable."""

from __future__ import annotations

import random
from typing import Any

import numpy.typing as npt
import pytest
from amaranth.sim import Simulator, SimulatorContext
from hypothesis import given, settings
from hypothesis import strategies as st

from hwflow.backends.amaranth.loader import Words
from hwflow.backends.amaranth.top import TopModule
from hwflow.ir import evaluate
from hwflow.plan.plan import Plan
from hwflow.plan.streams import PortGroup
from tests.backends.chains import (
    ONE,
    dense_net,
    make,
    packed,
    random_chain,
    random_inputs,
    residual,
)

Rows = list[int]


def as_rows(beats: npt.NDArray[Any]) -> Rows:
    return [int.from_bytes(row.tobytes(), "little") for row in beats]


class StallBench:
    """Sources that pause and sinks that stall, each by its own random clock."""

    def __init__(
        self, plan: Plan, sent: dict[str, Rows], rng: random.Random, words: Words | None = None
    ) -> None:
        self.plan, self.sent, self.rng = plan, sent, rng
        self.top = TopModule(plan, generate=False, words=words)
        ports = (*plan.interface.inputs, *plan.interface.outputs)
        self.rates = {g.tensor: rng.choice((0.1, 0.5, 0.9, 1.0)) for g in ports}
        self.at = dict.fromkeys(sent, 0)
        self.offering = dict.fromkeys(sent, False)
        self.found: dict[str, list[tuple[int, int]]] = {
            g.tensor: [] for g in plan.interface.outputs
        }
        self.held: dict[str, tuple[int, int]] = {}

    def run(self, tensors: int) -> None:
        """Until so many tensors have left every output."""
        self.tensors = tensors
        simulator = Simulator(self.top)
        simulator.add_clock(1e-6)
        simulator.add_testbench(self.process)
        simulator.run()

    async def process(self, ctx: SimulatorContext) -> None:
        for _ in range(6000):
            for group in self.plan.interface.inputs:
                self.drive(ctx, group)
            for group in self.plan.interface.outputs:
                if group.ready:
                    ready = self.rng.random() < self.rates[group.tensor]
                    ctx.set(self.top.inputs[group.ready], int(ready))
            for group in self.plan.interface.inputs:
                ready = not group.ready or ctx.get(self.top.outputs[group.ready])
                if self.offering[group.tensor] and ready:
                    self.at[group.tensor] += 1
                    self.offering[group.tensor] = False
            for group in self.plan.interface.outputs:
                self.take(ctx, group)
            if all(
                len(self.found[g.tensor]) >= self.tensors * g.stream.beats
                for g in self.plan.interface.outputs
            ):
                return
            await ctx.tick()
        raise AssertionError(f"deadlock: {[len(f) for f in self.found.values()]} beats")

    def drive(self, ctx: SimulatorContext, group: PortGroup) -> None:
        name = group.tensor
        if not self.offering[name] and self.at[name] < len(self.sent[name]):
            self.offering[name] = self.rng.random() < self.rates[name]
        ctx.set(self.top.inputs[group.valid], int(self.offering[name]))
        noise = self.rng.getrandbits(group.data_bits)
        value = self.sent[name][self.at[name]] if self.offering[name] else noise
        ctx.set(self.top.inputs[group.data], value)

    def take(self, ctx: SimulatorContext, group: PortGroup) -> None:
        name, outputs = group.tensor, self.top.outputs
        valid = ctx.get(outputs[group.valid])
        last = ctx.get(outputs[group.last]) if group.last else 0
        beat = (ctx.get(outputs[group.data]), last)
        if name in self.held:
            assert valid, "valid must not fall before ready"
            assert beat == self.held.pop(name), "data must not change before ready"
        if valid and (not group.ready or ctx.get(self.top.inputs[group.ready])):
            self.found[name].append(beat)
        elif valid:
            self.held[name] = beat


def stress(plan: Plan, rng: random.Random, n: int) -> None:
    values = random_inputs(plan.graph, rng, n)
    bench = StallBench(plan, {k: as_rows(v) for k, v in packed(plan, values).items()}, rng)
    bench.run(n)
    wanted = evaluate(plan.graph, values)
    for group in plan.interface.outputs:
        expected = as_rows(group.pack(wanted[group.tensor].reshape(n, -1).astype("int64")))
        assert [data for data, _ in bench.found[group.tensor]] == expected
        if group.last:
            beats = group.stream.beats
            ends = [int(i % beats == beats - 1) for i in range(n * beats)]
            assert [last for _, last in bench.found[group.tensor]] == ends


@settings(max_examples=24, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    kind=st.sampled_from(("axi_stream", "valid_ready")),
    mhz=st.sampled_from((40, 250)),
)
def test_chains(seed: int, kind: str, mhz: int) -> None:
    rng = random.Random(seed)
    graph, fold = random_chain(rng)
    stress(make(graph, kind, fold, mhz), rng, 4)  # type: ignore[arg-type]


@pytest.mark.parametrize("seed", range(6))
def test_inputs_and_outputs_with_clocks_of_their_own(seed: int) -> None:
    """Two sources joined and three sinks: nothing is lost, doubled or reordered."""
    rng = random.Random(seed)
    stress(make(residual(rng), "axi_stream", mhz=300), rng, 12)


@pytest.mark.parametrize("mhz", [20, 300])
def test_gaps_without_back_pressure(mhz: int) -> None:
    rng = random.Random(mhz)
    stress(make(dense_net(rng, 3), "valid_only", mhz=mhz), rng, 12)


def test_fully_folded_chain() -> None:
    """The most beats on both ports: several tensors back to back through two windows."""
    rng = random.Random(2)
    graph, fold = random_chain(rng)
    while "pool" not in fold or "conv" not in fold or "dense" in str(graph.nodes):
        graph, fold = random_chain(rng)
    stress(make(graph, "axi_stream", dict.fromkeys(fold, ONE)), rng, 5)
