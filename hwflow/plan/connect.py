"""Stringing layers together: regions, converters, forks and FIFOs between folded layers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import lcm
from typing import TypeAlias

from hwflow.ir.graph import Graph
from hwflow.ir.types import TensorType
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
from hwflow.plan.layer import LayerPlan, stream_of
from hwflow.plan.serial import SerialPlan
from hwflow.plan.streams import StreamType

__all__ = ["AnyLayer", "Dataflow", "connect"]

AnyLayer: TypeAlias = LayerPlan | FoldedPlan | SerialPlan


@dataclass(frozen=True, slots=True, eq=False)
class Dataflow:
    """Stages in dataflow order; `inputs` and `outputs` give each port's stream, and its link.

    `unhindered`: latency of the first output and interval between tensors where nothing waits.
    """

    stages: tuple[Stage, ...]
    inputs: Mapping[str, StreamType]
    outputs: Mapping[str, tuple[str, StreamType]]
    unhindered: tuple[int, int]


def connect(
    graph: Graph,
    layers: Sequence[AnyLayer],
    types: Mapping[str, TensorType],
    *,
    ready: bool = True,
) -> Dataflow:
    """Join the layers of `graph`; FIFOs of forks hold a whole tensor until they are `sized`.

    Without `ready` values come and go by the clock: where they meet, the earlier ones are delayed.
    """
    return _Joiner(graph, _groups(layers), types, ready).join()


def _groups(layers: Sequence[AnyLayer]) -> list[list[AnyLayer]]:
    """Adjacent fully parallel layers together, every other layer alone."""
    groups: list[list[AnyLayer]] = []
    for layer in layers:
        if groups and _parallel(layer) and _parallel(groups[-1][0]):
            groups[-1].append(layer)
        else:
            groups.append([layer])
    return groups


def _parallel(layer: AnyLayer) -> bool:
    return isinstance(layer, LayerPlan) and layer.folding.pos == "all"


class _Joiner:
    def __init__(
        self,
        graph: Graph,
        groups: list[list[AnyLayer]],
        types: Mapping[str, TensorType],
        ready: bool,
    ) -> None:
        self.ready = ready
        self.arrivals: dict[str, int] = {}
        self.interval = max(_steps(layer) for group in groups for layer in group)
        self.graph, self.groups, self.types = graph, groups, types
        self.results = {value for _, value in graph.outputs}
        self.stages: list[Stage] = []
        self.readers = {
            value: [i for i, group in enumerate(groups) if value in _inputs(group)]
            for group in groups
            for value in _inputs(group)
        }
        self.streams: dict[str, StreamType] = {}
        self.links: dict[tuple[str, int], str] = {}

    def join(self) -> Dataflow:
        ports = {}
        for node in self.graph.inputs:
            reader = self.groups[self.readers[node.name][0]]
            ports[node.name] = self.streams[node.name] = self._wanted(reader, node.name)
            self._offer(node.name)
        for index, group in enumerate(self.groups):
            inputs = _inputs(group)
            if self._wire(group):
                link = self.links[inputs[0], index]
                for value in group[0].outputs:
                    self.streams[value] = self.streams[link]
                    self._offer(value, link)
                continue
            reads = tuple(self._fetched(v, index, self._wanted(group, v)) for v in inputs)
            reads = self._waiting(inputs, reads) if self.ready else self._delayed(inputs, reads)
            stage = self._stage(group, inputs, reads)
            self.stages.append(stage)
            begun = max(map(self._arrival, reads))
            for value in stage.writes:
                self.arrivals[value] = begun + _clocks(stage)
                self.streams[value] = self._made(group, value)
                self._offer(value)
        outputs = {}
        for name, value in self.graph.outputs:
            link = self.links[value, len(self.groups)]
            outputs[name] = (link, self.streams[link])
        first = self._arrival(outputs[self.graph.outputs[0][0]][0])
        return Dataflow(tuple(self.stages), ports, outputs, (first, self.interval))

    def _waiting(self, values: Sequence[str], reads: tuple[str, ...]) -> tuple[str, ...]:
        """Where `reads` come at different times, the earlier ones from FIFOs.

        So the first do not stop what makes the last.
        """
        times = [self._arrival(link) for link in reads]
        held_already = {link for s in self.stages if isinstance(s, Fifo) for link in s.writes}
        met = []
        for value, link, time in zip(values, reads, times, strict=True):
            if time == max(times) or link in held_already:
                met.append(link)
                continue
            held, stream = f"{link}_waiting", self.streams[link]
            self.stages.append(Fifo(value, stream, stream.beats, (link,), (held,)))
            self.streams[held] = stream
            met.append(held)
        return tuple(met)

    def _delayed(self, values: Sequence[str], reads: tuple[str, ...]) -> tuple[str, ...]:
        """`reads`, the earlier ones delayed until the last comes.

        What a layer made stands until the next tensor may come, an input of the design one clock;
        so do registers that pass it on at the end of that time.
        """
        times = [self._arrival(link) for link in reads]
        met = []
        for value, link, time in zip(values, reads, times, strict=True):
            clocks = max(times) - time
            if not clocks:
                met.append(link)
                continue
            late, stream = f"{link}_delayed", self.streams[link]
            stands = self.interval if self._origin(link) in self.arrivals else 1
            loads = tuple(range(stands - 1, clocks, self.interval))
            self.stages.append(Delay(value, stream, clocks, loads, (link,), (late,)))
            self.streams[late] = stream
            met.append(late)
        return tuple(met)

    def _origin(self, link: str) -> str:
        """The value that a link carries, as its maker called it."""
        for stage in reversed(self.stages):
            if isinstance(stage, Fork | Fifo) and link in stage.writes:
                return self._origin(stage.reads[0])
        return link

    def _arrival(self, link: str) -> int:
        """Clocks from the design's inputs to a link, where nothing waits."""
        return self.arrivals.get(self._origin(link), 0)

    def _offer(self, value: str, link: str = "") -> None:
        """Give `value`, there on `link`, to each of its readers; the design's outputs last."""
        link = link or value
        readers = [*self.readers.get(value, [])]
        if value in self.results:
            readers.append(len(self.groups))
        if len(readers) == 1:
            self.links[value, readers[0]] = link
            return
        names = tuple(f"{value}_{self._reader(index)}" for index in readers)
        stream = self.streams[value]
        self.stages.append(Fork(value, stream, (link,), names))
        for index, name in zip(readers, names, strict=True):
            self.streams[name] = stream
            self.links[value, index] = name
            if index < len(self.groups) and self.ready:
                held = f"{name}_held"
                self.stages.append(Fifo(value, stream, stream.beats, (name,), (held,)))
                self.streams[held] = stream
                self.links[value, index] = held

    def _reader(self, index: int) -> str:
        return f"to_{self.groups[index][0].name}" if index < len(self.groups) else "to_output"

    def _fetched(self, value: str, index: int, want: StreamType) -> str:
        """The link of `value` for group `index`, with as many lanes a beat as it wants."""
        link = self.links[value, index]
        have = self.streams[link]
        if have.lanes == want.lanes:
            return link
        lanes = lcm(have.lanes, want.lanes)
        if lanes > have.lanes:
            wide = _joined(have, lanes // have.lanes)
            name = f"{link}_wide"
            self.stages.append(Deserializer(value, have, wide, (link,), (name,)))
            self.streams[name] = wide
            link, have = name, wide
        if have.lanes > want.lanes:
            narrow = _cut(have, have.lanes // want.lanes)
            name = f"{link}_narrow"
            self.stages.append(Serializer(value, have, narrow, (link,), (name,)))
            self.streams[name] = narrow
            link = name
        return link

    def _stage(
        self, group: list[AnyLayer], inputs: tuple[str, ...], reads: tuple[str, ...]
    ) -> Stage:
        first = group[0]
        if isinstance(first, FoldedPlan):
            return FoldedStage(first, reads)
        if isinstance(first, SerialPlan):
            return SerialStage(first, reads)
        if first.gathers:
            return GatherStage(first, reads)
        if first.window is not None:
            return WindowStage(first, reads)
        layers = tuple(layer for layer in group if isinstance(layer, LayerPlan))
        mine = {v for layer in group for v in layer.outputs}
        used = {
            v for v in mine if any(self.groups[i] is not group for i in self.readers.get(v, []))
        }
        outputs = tuple(
            v for layer in layers for v in layer.outputs if v in self.results or v in used
        )
        return _region(layers, inputs, outputs, reads)

    def _wire(self, group: Sequence[AnyLayer]) -> bool:
        """Whether a group only gives a tensor another shape: its elements travel as they are.

        From an input of the design straight to an output it is a region like any other.
        """
        if len(group) > 1 or set(group[0].operations) != {"reshape"}:
            return False
        inside = group[0].inputs[0] not in {node.name for node in self.graph.inputs}
        return inside or group[0].outputs[0] in self.readers

    def _wanted(self, group: list[AnyLayer], value: str) -> StreamType:
        if self._wire(group) and (readers := self.readers.get(group[0].outputs[0])):
            return self._wanted(self.groups[readers[0]], group[0].outputs[0])
        if _parallel(group[0]):
            return stream_of(self.types[value], 1)
        return group[0].stream(value)

    def _made(self, group: list[AnyLayer], value: str) -> StreamType:
        maker = next(layer for layer in group if value in layer.outputs)
        return stream_of(self.types[value], 1) if _parallel(maker) else maker.stream(value)


def _clocks(stage: Stage) -> int:
    """From a stage's inputs to its outputs, where nothing ever waits."""
    if isinstance(stage, Region):
        return stage.latency + 1
    return stage.layer.steps + stage.layer.latency if isinstance(stage, SerialStage) else 0


def _steps(layer: AnyLayer) -> int:
    return layer.steps if isinstance(layer, SerialPlan) else 1


def _inputs(group: Sequence[AnyLayer]) -> tuple[str, ...]:
    inside = {v for layer in group for v in layer.outputs}
    return tuple(dict.fromkeys(v for layer in group for v in layer.inputs if v not in inside))


def _joined(stream: StreamType, count: int) -> StreamType:
    return StreamType(stream.widths * count, stream.signed * count, stream.beats // count)


def _cut(stream: StreamType, count: int) -> StreamType:
    """Lanes that hold every part of a beat cut into `count`."""
    lanes = stream.lanes // count
    parts = [slice(i * lanes, (i + 1) * lanes) for i in range(count)]
    widths, signs = [], []
    for lane in range(lanes):
        bits = [(stream.widths[p][lane], stream.signed[p][lane]) for p in parts]
        negative = any(sign for width, sign in bits if width)
        widths.append(max(w + (negative and not s and w > 0) for w, s in bits))
        signs.append(negative)
    return StreamType(tuple(widths), tuple(signs), stream.beats * count)


def _region(
    layers: tuple[LayerPlan, ...],
    inputs: tuple[str, ...],
    outputs: tuple[str, ...],
    reads: tuple[str, ...],
) -> Region:
    times = dict.fromkeys(inputs, 0)
    starts: dict[str, int] = {}
    for layer in layers:
        starts[layer.name] = max((times[v] for v in layer.inputs), default=0) + layer.waits
        times.update(dict.fromkeys(layer.outputs, starts[layer.name] + layer.latency))
    latency = max(times[v] for v in outputs)
    return Region(layers, inputs, outputs, starts, times, latency, reads)
