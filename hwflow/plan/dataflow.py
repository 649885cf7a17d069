"""Regions, windows and converters: how layers are strung together, and in how many cycles."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from hwflow.errors import InternalError
from hwflow.plan.kernel import Window
from hwflow.plan.layer import LayerPlan
from hwflow.plan.streams import StreamType

__all__ = [
    "Deserializer", "Region", "Serializer", "Stage", "WindowStage", "measure", "raster_steps",
]  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class Region:
    """Adjacent fully parallel layers: one fixed-latency pipeline under one enable.

    `starts` is the cycle in which each layer's inputs are taken, `times` the cycle in which each
    value is there; values needed later, or leaving earlier than `latency`, are delayed.
    """

    layers: tuple[LayerPlan, ...]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    starts: Mapping[str, int]
    times: Mapping[str, int]
    latency: int


@dataclass(frozen=True, slots=True, eq=False)
class WindowStage:
    """One layer behind a line buffer, one output position a clock."""

    layer: LayerPlan

    @property
    def inputs(self) -> tuple[str, ...]:
        """The one value it reads."""
        return self.layer.inputs

    @property
    def outputs(self) -> tuple[str, ...]:
        """The one value it makes."""
        return self.layer.outputs


@dataclass(frozen=True, slots=True)
class Serializer:
    """Cuts a tensor that travels in one beat into the beats of `stream`."""

    value: str
    stream: StreamType


@dataclass(frozen=True, slots=True)
class Deserializer:
    """Gathers the beats of `stream` into a tensor that travels in one beat."""

    value: str
    stream: StreamType


Stage: TypeAlias = Region | WindowStage | Serializer | Deserializer


def raster_steps(window: Window) -> tuple[tuple[bool, bool], ...]:
    """For each step over the padded raster: (takes a pixel, completes an output window)."""
    rows, cols = (*window.shape[:-1], 1)[:2]
    spans, strides, pads = (*window.span, 1), (*window.stride, 1), (*window.padding, (0, 0))
    steps = []
    for r in range(rows + sum(pads[0])):
        for c in range(cols + sum(pads[1])):
            real = 0 <= r - pads[0][0] < rows and 0 <= c - pads[1][0] < cols
            done = all(
                at >= span - 1 and (at - span + 1) % stride == 0
                for at, span, stride in ((r, spans[0], strides[0]), (c, spans[1], strides[1]))
            )
            steps.append((real, done))
    return tuple(steps)


class _Pipe:
    """A pipeline of `depth` registers ending in a two-entry buffer, stalled as a whole."""

    def __init__(self, depth: int) -> None:
        self.slots = [False] * depth
        self.held = 0

    def valid(self, _offered: bool) -> bool:
        return self.held > 0

    @property
    def enabled(self) -> bool:
        return self.held < 2

    def clock(self, pushed: bool, taken: bool) -> None:
        enabled = self.enabled
        self.held -= taken
        if enabled:
            self.slots.append(pushed)
            self.held += self.slots.pop(0)


class _RegionModel(_Pipe):
    def ready(self, _onward: bool) -> bool:
        return self.enabled

    def step(self, accepted: bool, taken: bool) -> None:
        self.clock(accepted, taken)


class _WindowModel(_Pipe):
    def __init__(self, layer: LayerPlan) -> None:
        super().__init__(layer.latency + 1)
        assert layer.window is not None
        self.steps = raster_steps(layer.window)
        self.at = 0

    def ready(self, _onward: bool) -> bool:
        return self.enabled and self.steps[self.at][0]

    def step(self, accepted: bool, taken: bool) -> None:
        takes, completes = self.steps[self.at]
        advance = self.enabled and (accepted or not takes)
        self.clock(advance and completes, taken)
        if advance:
            self.at = (self.at + 1) % len(self.steps)


class _SerializerModel:
    def __init__(self, beats: int) -> None:
        self.beats, self.at = beats, 0

    def valid(self, offered: bool) -> bool:
        return offered

    def ready(self, onward: bool) -> bool:
        return onward and self.at == self.beats - 1

    def step(self, _accepted: bool, taken: bool) -> None:
        self.at = (self.at + taken) % self.beats


class _DeserializerModel:
    def __init__(self, beats: int) -> None:
        self.beats, self.at = beats, 0

    def valid(self, offered: bool) -> bool:
        return offered and self.at == self.beats - 1

    def ready(self, onward: bool) -> bool:
        return onward or self.at < self.beats - 1

    def step(self, accepted: bool, _taken: bool) -> None:
        self.at = (self.at + accepted) % self.beats


_Model: TypeAlias = _RegionModel | _WindowModel | _SerializerModel | _DeserializerModel


def _model(stage: Stage) -> _Model:
    match stage:
        case Region():
            return _RegionModel(stage.latency)
        case WindowStage():
            return _WindowModel(stage.layer)
        case Serializer():
            return _SerializerModel(stage.stream.beats)
        case Deserializer():
            return _DeserializerModel(stage.stream.beats)


def measure(stages: Sequence[Stage], out_beats: int, in_beats: int) -> tuple[int, int]:
    """Latency and initiation interval of a chain, found by running its handshakes.

    Source always valid, sink always ready. Latency: from the edge that takes the first input
    beat to the edge that delivers the first output beat; interval: between the last two of four
    tensors.
    """
    models = [_model(stage) for stage in stages]
    taken_in, first_in, delivered = 0, -1, []
    limit = 64 + 16 * sum(_work(s) for s in stages) * max(1, in_beats)
    for cycle in range(limit):
        valids = [True]
        for model in models:
            valids.append(model.valid(valids[-1]))
        readies = [True]
        for model in reversed(models):
            readies.insert(0, model.ready(readies[0]))
        moves = [v and r for v, r in zip(valids, readies, strict=True)]
        if moves[0]:
            first_in = cycle if taken_in == 0 else first_in
            taken_in += 1
        if moves[-1]:
            delivered.append(cycle)
        for model, accepted, taken in zip(models, moves, moves[1:], strict=False):
            model.step(accepted, taken)
        if len(delivered) >= 4 * out_beats:
            heads = delivered[::out_beats]
            return heads[0] - first_in, heads[3] - heads[2]
    raise InternalError("internal.deadlock", "the planned dataflow never delivers")


def _work(stage: Stage) -> int:
    match stage:
        case Region():
            return stage.latency + 2
        case WindowStage():
            return len(raster_steps(stage.layer.window)) + stage.layer.latency + 4  # type: ignore[arg-type]
        case Serializer() | Deserializer():
            return stage.stream.beats + 2
