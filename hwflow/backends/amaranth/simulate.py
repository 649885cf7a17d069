"""A plan in Amaranth's own simulator: the components that the RTL is made of, before any RTL."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Literal, overload

import numpy as np
import numpy.typing as npt
from amaranth.sim import Simulator, SimulatorContext

from hwflow.backends.amaranth.top import TopModule
from hwflow.errors import CheckFailed
from hwflow.plan.plan import Plan
from hwflow.plan.streams import PortGroup

__all__ = ["simulate"]

Beats = npt.NDArray[np.uint8]
Words = npt.NDArray[np.uint32]
Ints = npt.NDArray[np.int64]


@overload
def simulate(
    plan: Plan,
    beats: Mapping[str, Beats],
    keep_layers: Literal[False] = False,
    words: Words | None = None,
) -> tuple[dict[str, Beats], int, int]: ...
@overload
def simulate(
    plan: Plan, beats: Mapping[str, Beats], keep_layers: Literal[True], words: Words | None = None
) -> tuple[dict[str, Beats], int, int, dict[str, Ints]]: ...
def simulate(
    plan: Plan,
    beats: Mapping[str, Beats],
    keep_layers: bool = False,
    words: Words | None = None,
) -> tuple[dict[str, Beats], int, int] | tuple[dict[str, Beats], int, int, dict[str, Ints]]:
    """Run input `beats` (by tensor, as `PortGroup.pack` gives) through Amaranth's simulator.

    `words` are what the weight loader holds: they are there from the start, as to load them pin by
    pin is the work of the RTL's simulators. Source always valid, sink always ready. Returns the
    output beats by tensor, the latency and the initiation interval seen in cycles (0 for a single
    tensor); with `keep_layers` also every layer output by value name, integers (n, *shape).

    Raises:
        CheckFailed: "rung.deadlock": the outputs never come; "rung.last": TLAST at a wrong beat.
    """
    bench = _Bench(plan, beats, keep_layers, words)
    bench.run()
    outputs = {g.tensor: _as_bytes(bench.delivered[g.tensor], g.data_bytes) for g in bench.outputs}
    heads = bench.cycles[:: bench.outputs[0].stream.beats]
    # Intervals may alternate: the longer counts.
    interval = max((b - a for a, b in pairwise(heads[-3:])), default=0)
    latency = heads[0] - bench.first_taken
    if not keep_layers:
        return outputs, latency, interval
    return outputs, latency, interval, bench.layer_values()


class _Bench:
    """One run: drives all inputs, takes all outputs, watches the probes."""

    def __init__(
        self, plan: Plan, beats: Mapping[str, Beats], keep_layers: bool, words: Words | None
    ) -> None:
        interface = plan.interface
        self.plan, self.beats, self.keep_layers = plan, beats, keep_layers
        self.inputs, self.outputs = interface.inputs, interface.outputs
        self.top = TopModule(plan, generate=False, words=words)
        first = self.inputs[0]
        self.vectors = len(beats[first.tensor]) // first.stream.beats
        self.limit = interface.latency + (self.vectors + 2) * (interface.initiation_interval + 2)
        self.limit += 64
        self.sent = {g.tensor: 0 for g in self.inputs}
        self.delivered: dict[str, list[int]] = {g.tensor: [] for g in self.outputs}
        self.cycles: list[int] = []
        self.first_taken = -1
        self.probed: dict[str, list[int]] = {}
        without = interface.kind == "valid_only"
        self.spacing = interface.initiation_interval if without else 1

    def run(self) -> None:
        """Simulate until all outputs have come."""
        simulator = Simulator(self.top)
        simulator.add_clock(1e-6)
        simulator.add_testbench(self._process)
        simulator.run()

    async def _process(self, ctx: SimulatorContext) -> None:
        self.probed = {value: [] for value in self.top.probes} if self.keep_layers else {}
        for group in self.outputs:
            if group.ready:
                ctx.set(self.top.inputs[group.ready], 1)
        for cycle in range(self.limit):
            for group in self.inputs:
                self._offer(ctx, group, cycle)
            if self.first_taken < 0 and self._taken(ctx, self.inputs[0]):
                self.first_taken = cycle
            for group in self.inputs:
                self.sent[group.tensor] += self._taken(ctx, group)
            for group in self.outputs:
                self._collect(ctx, group, cycle)
            for value, found in self.probed.items():
                if ctx.get(self.top.probes[value].strobe):
                    found.append(ctx.get(self.top.probes[value].data))
            if self._done():
                return
            await ctx.tick()
        raise CheckFailed(
            "rung.deadlock",
            f"the Amaranth simulation gave no further output in {self.limit} cycles",
        )

    def _done(self) -> bool:
        results = [(self.delivered[g.tensor], g.stream) for g in self.outputs]
        # A layer can be at work on the last tensor's unread edge after its result has left.
        inside = [(found, self.top.probes[v].stream) for v, found in self.probed.items()]
        return all(len(f) >= self.vectors * stream.beats for f, stream in (*results, *inside))

    def _offer(self, ctx: SimulatorContext, group: PortGroup, cycle: int) -> None:
        rows, index = self.beats[group.tensor], self.sent[group.tensor]
        waits = cycle % self.spacing > 0 and index % group.stream.beats == 0
        offered = index < len(rows) and not waits
        ctx.set(self.top.inputs[group.valid], int(offered))
        if index < len(rows):
            value = int.from_bytes(rows[index].tobytes(), "little")
            ctx.set(self.top.inputs[group.data], value)

    def _taken(self, ctx: SimulatorContext, group: PortGroup) -> bool:
        ready = ctx.get(
            self.top.outputs[group.ready] if group.ready else self.top.inputs[group.valid]
        )
        return bool(ready) and self.sent[group.tensor] < len(self.beats[group.tensor])

    def _collect(self, ctx: SimulatorContext, group: PortGroup, cycle: int) -> None:
        if not ctx.get(self.top.outputs[group.valid]):
            return
        found = self.delivered[group.tensor]
        found.append(ctx.get(self.top.outputs[group.data]))
        if group is self.outputs[0]:
            self.cycles.append(cycle)
        due = len(found) % group.stream.beats == 0
        if group.last and bool(ctx.get(self.top.outputs[group.last])) != due:
            raise CheckFailed(
                "rung.last",
                f"{group.last} is {int(not due)} at beat {len(found) - 1} of {group.tensor}, "
                f"whose tensors have {group.stream.beats} beats",
            )

    def layer_values(self) -> dict[str, Ints]:
        """Every layer output, (vectors, *shape)."""
        values = {}
        for value, found in self.probed.items():
            stream, shape = self.top.probes[value].stream, self.plan.types[value].shape
            whole = found[: self.vectors * stream.beats]
            ints = stream.unpack(_as_bytes(whole, (stream.bits + 7) // 8))
            values[value] = ints.reshape(-1, *shape)
        return values


def _as_bytes(beats: list[int], size: int) -> Beats:
    """Beats as rows of `size` bytes."""
    data = b"".join(beat.to_bytes(size, "little") for beat in beats)
    return np.frombuffer(data, np.uint8).reshape(len(beats), size)
