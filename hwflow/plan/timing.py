"""How many cycles a dataflow takes, found by running its handshakes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np

from hwflow.errors import InternalError
from hwflow.plan.dataflow import (
    Delay,
    Deserializer,
    Fifo,
    FoldedStage,
    Fork,
    GatherStage,
    Region,
    Serializer,
    SerialStage,
    Stage,
    WindowStage,
)
from hwflow.plan.folded import FoldedPlan
from hwflow.plan.kernel import raster_steps
from hwflow.plan.layer import LayerPlan
from hwflow.plan.serial import SerialPlan

__all__ = ["measure"]

_CHAIN, _BRANCHED = 5, 9
"""Tensors run through at least: branches settle once their FIFOs have filled."""
_LATENCIES = 5
"""Latencies that branches are run for: their intervals come in turns, of as many tensors as are
on their way at a time (1, 1, 1, 1, 2); the longest is the one planned."""


class _Pipe:
    """A pipeline of `depth` registers ending in two-entry buffers, stalled as a whole."""

    def __init__(self, depth: int, outputs: int = 1) -> None:
        self.slots = [False] * depth
        self.held = [0] * outputs

    def valid(self, _offered: Sequence[bool]) -> list[bool]:
        return [held > 0 for held in self.held]

    @property
    def enabled(self) -> bool:
        return max(self.held) < 2

    def clock(self, pushed: bool, taken: Sequence[bool]) -> None:
        enabled = self.enabled
        self.held = [held - t for held, t in zip(self.held, taken, strict=True)]
        if enabled:
            self.slots.append(pushed)
            if self.slots.pop(0):
                self.held = [held + 1 for held in self.held]


class _RegionModel(_Pipe):
    def ready(self, offered: Sequence[bool], _onward: Sequence[bool]) -> list[bool]:
        enabled, missing = self.enabled, offered.count(False)
        return [enabled and missing <= (not mine) for mine in offered]

    def step(self, accepted: Sequence[bool], taken: Sequence[bool]) -> None:
        self.clock(all(accepted), taken)


class _WindowModel(_Pipe):
    def __init__(self, layer: LayerPlan) -> None:
        super().__init__(layer.latency + 1)
        assert layer.window is not None
        self.steps = raster_steps(layer.window)
        self.at = 0

    def ready(self, _offered: Sequence[bool], _onward: Sequence[bool]) -> list[bool]:
        return [self.enabled and self.steps[self.at][0]]

    def step(self, accepted: Sequence[bool], taken: Sequence[bool]) -> None:
        takes, completes = self.steps[self.at]
        advance = self.enabled and (accepted[0] or not takes)
        self.clock(advance and completes, taken)
        if advance:
            self.at = (self.at + 1) % len(self.steps)


class _GatherModel(_Pipe):
    """Takes a tensor with its first step and keeps it for the others."""

    def __init__(self, layer: LayerPlan) -> None:
        super().__init__(layer.latency + 1)
        self.steps, self.at = layer.steps, 0

    def ready(self, _offered: Sequence[bool], _onward: Sequence[bool]) -> list[bool]:
        return [self.enabled and self.at == 0]

    def step(self, accepted: Sequence[bool], taken: Sequence[bool]) -> None:
        advance = accepted[0] or (self.enabled and self.at > 0)
        self.clock(advance, taken)
        if advance:
            self.at = (self.at + 1) % self.steps


class _SerialModel(_Pipe):
    """Reads its tensor, which stands still, in each step; takes it with the last."""

    def __init__(self, layer: SerialPlan) -> None:
        super().__init__(layer.latency)
        self.steps, self.at, self.offered = layer.steps, 0, False

    def ready(self, offered: Sequence[bool], _onward: Sequence[bool]) -> list[bool]:
        self.offered = offered[0]
        return [self.enabled and self.at == self.steps - 1]

    def step(self, _accepted: Sequence[bool], taken: Sequence[bool]) -> None:
        advance = self.enabled and (self.offered or self.at > 0)
        self.clock(advance and self.at == self.steps - 1, taken)
        if advance:
            self.at = (self.at + 1) % self.steps


class _FoldedModel(_Pipe):
    def __init__(self, layer: FoldedPlan) -> None:
        super().__init__(layer.latency)
        raster = layer.raster
        index, there = raster.order
        steps = raster.steps
        self.need: list[int] = np.where(there, index + 1, 0).tolist()
        self.release = [0] * steps
        block = steps // len(raster.releases)
        for row, words in enumerate(raster.releases):
            self.release[(row + 1) * block - 1] = words
        self.last = [(i + 1) % raster.length == 0 for i in range(steps)]
        self.words, self.depth = raster.words, layer.depth
        self.at = self.base = self.written = self.released = 0

    def ready(self, _offered: Sequence[bool], _onward: Sequence[bool]) -> list[bool]:
        return [self.written - self.released < self.depth]

    def step(self, accepted: Sequence[bool], taken: Sequence[bool]) -> None:
        at = self.at
        advance = self.enabled and self.written - self.base >= self.need[at]
        self.clock(advance and self.last[at], taken)
        self.written += accepted[0]
        if advance:
            self.released += self.release[at]
            self.at = at + 1
            if self.at == len(self.need):
                self.at = 0
                self.base += self.words


class _SerializerModel:
    def __init__(self, beats: int) -> None:
        self.beats, self.at = beats, 0

    def valid(self, offered: Sequence[bool]) -> list[bool]:
        return [offered[0]]

    def ready(self, _offered: Sequence[bool], onward: Sequence[bool]) -> list[bool]:
        return [onward[0] and self.at == self.beats - 1]

    def step(self, _accepted: Sequence[bool], taken: Sequence[bool]) -> None:
        self.at = (self.at + taken[0]) % self.beats


class _DeserializerModel:
    def __init__(self, beats: int) -> None:
        self.beats, self.at = beats, 0

    def valid(self, offered: Sequence[bool]) -> list[bool]:
        return [offered[0] and self.at == self.beats - 1]

    def ready(self, _offered: Sequence[bool], onward: Sequence[bool]) -> list[bool]:
        return [onward[0] or self.at < self.beats - 1]

    def step(self, accepted: Sequence[bool], _taken: Sequence[bool]) -> None:
        self.at = (self.at + accepted[0]) % self.beats


class _ForkModel:
    def __init__(self, copies: int) -> None:
        self.done = [False] * copies

    def valid(self, offered: Sequence[bool]) -> list[bool]:
        return [offered[0] and not done for done in self.done]

    def ready(self, _offered: Sequence[bool], onward: Sequence[bool]) -> list[bool]:
        return [all(d or o for d, o in zip(self.done, onward, strict=True))]

    def step(self, accepted: Sequence[bool], taken: Sequence[bool]) -> None:
        if accepted[0]:
            self.done = [False] * len(self.done)
        else:
            self.done = [d or t for d, t in zip(self.done, taken, strict=True)]


class _FifoModel:
    """A memory of `depth` words read into a register that is the output."""

    def __init__(self, depth: int) -> None:
        self.depth, self.stored, self.out = depth, 0, False

    def valid(self, _offered: Sequence[bool]) -> list[bool]:
        return [self.out]

    def ready(self, _offered: Sequence[bool], _onward: Sequence[bool]) -> list[bool]:
        return [self.stored < self.depth]

    def step(self, accepted: Sequence[bool], taken: Sequence[bool]) -> None:
        free = not self.out or taken[0]
        fetch = free and self.stored > 0
        if free:
            self.out = fetch
        self.stored += accepted[0] - fetch


_Model: TypeAlias = (
    _RegionModel
    | _WindowModel
    | _GatherModel
    | _FoldedModel
    | _SerialModel
    | _SerializerModel
    | _DeserializerModel
    | _ForkModel
    | _FifoModel
)


def _model(stage: Stage) -> _Model:
    match stage:
        case Region():
            return _RegionModel(stage.latency, len(stage.outputs))
        case WindowStage():
            return _WindowModel(stage.layer)
        case GatherStage():
            return _GatherModel(stage.layer)
        case FoldedStage():
            return _FoldedModel(stage.layer)
        case SerialStage():
            return _SerialModel(stage.layer)
        case Serializer():
            return _SerializerModel(stage.count)
        case Deserializer():
            return _DeserializerModel(stage.count)
        case Fork():
            return _ForkModel(len(stage.writes))
        case Fifo():
            return _FifoModel(stage.depth)
        case Delay():
            raise AssertionError(stage)  # has no handshake


class _Network:
    """Stages joined by numbered links; sources always offer, sinks always take."""

    def __init__(self, stages: Sequence[Stage]) -> None:
        self.models = [_model(stage) for stage in stages]
        names = dict.fromkeys(name for s in stages for name in (*s.reads, *s.writes))
        number = {name: i for i, name in enumerate(names)}
        self.reads = [tuple(number[n] for n in stage.reads) for stage in stages]
        self.writes = [tuple(number[n] for n in stage.writes) for stage in stages]
        self.number = number
        self.valid = [True] * len(number)
        self.ready = [True] * len(number)

    def clock(self) -> list[bool]:
        """One cycle; returns for each link whether a beat moved."""
        valid, ready = self.valid, self.ready
        parts = list(zip(self.models, self.reads, self.writes, strict=True))
        for model, reads, writes in parts:
            for link, flag in zip(
                writes, model.valid([valid[link] for link in reads]), strict=True
            ):
                valid[link] = flag
        for model, reads, writes in reversed(parts):
            flags = model.ready([valid[link] for link in reads], [ready[link] for link in writes])
            for link, flag in zip(reads, flags, strict=True):
                ready[link] = flag
        moves = [v and r for v, r in zip(valid, ready, strict=True)]
        for model, reads, writes in parts:
            model.step([moves[link] for link in reads], [moves[link] for link in writes])
        return moves


def measure(
    stages: Sequence[Stage],
    source: str,
    sink: str,
    in_beats: int,
    out_beats: int,
) -> tuple[int, int]:
    """Latency and initiation interval of a dataflow.

    `source` and `sink` are the links of the first input and the first output. Latency: from the
    edge that takes the first input beat to the edge that delivers the first output beat;
    interval: between the heads of tensors once it repeats, the longest if several come in turns.

    Raises:
        InternalError: "internal.deadlock".
    """
    network = _Network(stages)
    into, out = network.number[source], network.number[sink]
    first_in, delivered = -1, 0
    heads: list[int] = []
    work = sum(_work(s) for s in stages)
    branched = any(isinstance(s, Fork) for s in stages)
    tensors, latencies = (_BRANCHED, _LATENCIES) if branched else (_CHAIN, 0)
    limit = 64 + 4 * (tensors + latencies) * (work + in_beats + out_beats)
    for cycle in range(limit):
        moves = network.clock()
        if first_in < 0 and moves[into]:
            first_in = cycle
        if moves[out]:
            if delivered % out_beats == 0:
                heads.append(cycle)
            delivered += 1
        if len(heads) >= tensors and cycle >= latencies * heads[0]:
            return heads[0] - first_in, max(np.diff(heads[len(heads) // 2 :]).tolist())
    raise InternalError("internal.deadlock", "the planned dataflow never delivers")


def _work(stage: Stage) -> int:
    match stage:
        case Region():
            return stage.latency + 2
        case WindowStage():
            return len(raster_steps(stage.layer.window)) + stage.layer.latency + 4  # type: ignore[arg-type]
        case GatherStage():
            return stage.layer.steps + stage.layer.latency + 4
        case FoldedStage():
            return stage.layer.cycles + stage.layer.raster.words + stage.layer.latency + 4
        case SerialStage():
            return stage.layer.steps + stage.layer.latency + 4
        case Serializer() | Deserializer():
            return stage.stream.beats + 2
        case Fork() | Fifo() | Delay():
            return stage.stream.beats + 4
