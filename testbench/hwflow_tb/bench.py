"""The bench: clock, reset, and one loop that steps every source and sink once per cycle."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import Any, Final

from cocotb.clock import Clock
from cocotb.triggers import RisingEdge

from hwflow_tb.agents import Pace, Sink, Source
from hwflow_tb.design import Design
from hwflow_tb.finding import Finding, FindingError
from hwflow_tb.loader import Loader

__all__ = ["Beats", "Bench"]

Beats = Mapping[str, Sequence[int]]
_PERIOD_NS: Final = 10


class Bench:
    """Drives one design; `cycle` counts rising edges after the latest reset.

    `weights` are loaded behind every reset, and not counted.
    """

    def __init__(self, dut: Any, design: Design, weights: Sequence[int] = ()) -> None:
        self.design = design
        self._weights = weights
        self.cycle = 0
        self.total_cycles = 0
        spacing = design.initiation_interval if design.kind == "valid_only" else 0
        self.sources = [Source(dut, port, spacing) for port in design.inputs]
        self.sinks = [Sink(dut, port) for port in design.outputs]
        self._reset = getattr(dut, design.reset)
        clock = getattr(dut, design.clock)
        self._edge = RisingEdge(clock)
        Clock(clock, _PERIOD_NS, unit="ns").start()
        self.loader = Loader(dut, clock, design.words) if design.words else None

    async def reset(self) -> None:
        """Holds reset for the stated number of edges, sources silent, sinks ready."""
        for source in self.sources:
            source.start((), Pace(None))
        for sink in self.sinks:
            sink.start((), Pace(None))
        self._reset.value = int(self.design.reset_active_high)
        for _ in range(self.design.reset_cycles):
            await self._edge
        # The write lands after this edge: reset has been seen by exactly the stated edges.
        self._reset.value = int(not self.design.reset_active_high)
        if self.loader is not None:
            await self.loader.load(self.loader.wishbone, self._weights)
        self.total_cycles += self.design.reset_cycles
        self.cycle = 0

    async def stream(
        self, inputs: Beats, outputs: Beats, *, seed: str | None, cycles: int | None = None
    ) -> None:
        """Streams vectors and compares; `seed` None means full rate on both sides.

        With `cycles` the stream is left after that many edges, wherever it stands.

        Raises:
            FindingError: at the first thing that is wrong.
        """
        for source in self.sources:
            name = source.port.tensor
            source.start(inputs[name], Pace(_salted(seed, f"source {name}")))
            source.drive(self.cycle)
        for sink in self.sinks:
            name = sink.port.tensor
            sink.start(outputs[name], Pace(_salted(seed, f"sink {name}")))
            sink.drive()
        wait = self.design.latency + self.design.initiation_interval
        patience, drain = 2000 + 8 * wait, 64 + 2 * wait
        idle, end = 0, None if cycles is None else self.cycle + cycles
        while self.cycle != end:
            if idle > drain and all(sink.done for sink in self.sinks):
                return
            if idle > patience:
                self._stuck(patience)
            await self._edge
            idle = 0 if self._step() else idle + 1

    async def offer(self, inputs: Beats, cycles: int) -> None:
        """Offers vectors for so many edges to a design that must neither take nor give anything.

        Raises:
            FindingError: where it does.
        """
        for source in self.sources:
            source.start(inputs[source.port.tensor], Pace(None))
            source.drive(self.cycle)
        for sink in self.sinks:
            sink.start((), Pace(None))
        for _ in range(cycles):
            await self._edge
            self._step()
        for source in self.sources:
            if source.accepted and source.port.ready:
                text = "a beat was taken while the weights were not loaded"
                raise FindingError(Finding("early-input", source.port.data, self.cycle, text))
            source.start((), Pace(None))
        await self._edge

    def timing(self) -> tuple[int, int | None]:
        """Latency and initiation interval of the stream just run at full rate, in cycles."""
        accepted = min(s.first_cycle for s in self.sources if s.first_cycle is not None)
        latency = min(sink.starts[0] for sink in self.sinks) - accepted
        starts = self.sinks[0].starts
        if len(starts) < 3:
            return latency, None
        middle = (len(starts) - 1) // 2
        return latency, -(-(starts[-1] - starts[middle]) // (len(starts) - 1 - middle))

    def _step(self) -> bool:
        """Lets every source and sink see the edge that has come; tells whether a beat moved."""
        cycle = self.cycle
        moved = False
        for source in self.sources:
            moved |= source.sample(cycle)
        for sink in self.sinks:
            moved |= sink.sample(cycle, self.sources)
        self.cycle = cycle + 1
        self.total_cycles += 1
        for source in self.sources:
            source.drive(cycle + 1)
        for sink in self.sinks:
            sink.drive()
        return moved

    def _stuck(self, patience: int) -> None:
        sink = next(sink for sink in self.sinks if not sink.done)
        raise FindingError(
            Finding(
                "deadlock",
                sink.port.data,
                self.cycle,
                f"{sink.delivered} output beats, then no handshake for {patience} cycles",
            )
        )


def _salted(seed: str | None, salt: str) -> str | None:
    return None if seed is None else f"{seed} {salt}"


def random_point(seed: str, low: int, high: int) -> int:
    """A repeatable number in low..high."""
    return random.Random(seed).randint(low, high)
