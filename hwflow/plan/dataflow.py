"""The stages of a dataflow: regions, folded layers and what lies between them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from hwflow.plan.folded import FoldedPlan
from hwflow.plan.layer import LayerPlan
from hwflow.plan.serial import SerialPlan
from hwflow.plan.streams import StreamType

__all__ = [
    "Delay", "Deserializer", "Fifo", "FoldedStage", "Fork", "GatherStage", "Region", "SerialStage",
    "Serializer", "Stage", "WindowStage",
]  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class Region:
    """Adjacent fully parallel layers: one fixed-latency pipeline under one enable.

    `starts` is the cycle in which each layer's inputs are taken, `times` the cycle in which each
    value is there; values needed later, or leaving earlier than `latency`, are delayed. `reads`
    are the links that carry `inputs`.
    """

    layers: tuple[LayerPlan, ...]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    starts: Mapping[str, int]
    times: Mapping[str, int]
    latency: int
    reads: tuple[str, ...]

    @property
    def writes(self) -> tuple[str, ...]:
        """A link for each value that leaves."""
        return self.outputs


@dataclass(frozen=True, slots=True, eq=False)
class WindowStage:
    """One layer behind a line buffer, one output position a clock."""

    layer: LayerPlan
    reads: tuple[str, ...]

    @property
    def writes(self) -> tuple[str, ...]:
        """The link of the one value it makes."""
        return self.layer.outputs


@dataclass(frozen=True, slots=True, eq=False)
class GatherStage:
    """One layer that picks some of its positions from a held tensor in each clock."""

    layer: LayerPlan
    reads: tuple[str, ...]

    @property
    def writes(self) -> tuple[str, ...]:
        """The link of the one value it makes."""
        return self.layer.outputs


@dataclass(frozen=True, slots=True, eq=False)
class FoldedStage:
    """One folded layer."""

    layer: FoldedPlan
    reads: tuple[str, ...]

    @property
    def writes(self) -> tuple[str, ...]:
        """The link of the one value it makes."""
        return self.layer.outputs


@dataclass(frozen=True, slots=True, eq=False)
class SerialStage:
    """One layer that takes its inputs in parts."""

    layer: SerialPlan
    reads: tuple[str, ...]

    @property
    def writes(self) -> tuple[str, ...]:
        """The link of the one value it makes."""
        return self.layer.outputs


@dataclass(frozen=True, slots=True)
class Serializer:
    """Cuts each beat of `wide` into `count` beats of `stream`."""

    value: str
    wide: StreamType
    stream: StreamType
    reads: tuple[str, ...]
    writes: tuple[str, ...]

    @property
    def count(self) -> int:
        """Narrow beats in a wide one."""
        return self.stream.beats // self.wide.beats


@dataclass(frozen=True, slots=True)
class Deserializer:
    """Gathers `count` beats of `stream` into one of `wide`."""

    value: str
    stream: StreamType
    wide: StreamType
    reads: tuple[str, ...]
    writes: tuple[str, ...]

    @property
    def count(self) -> int:
        """Narrow beats in a wide one."""
        return self.stream.beats // self.wide.beats


@dataclass(frozen=True, slots=True)
class Fork:
    """Gives every beat to several consumers, each as soon as it takes it."""

    value: str
    stream: StreamType
    reads: tuple[str, ...]
    writes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Fifo:
    """Holds up to `depth` beats, so that one branch can wait for the other."""

    value: str
    stream: StreamType
    depth: int
    reads: tuple[str, ...]
    writes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Delay:
    """Gives a value `clocks` later, where nothing ever waits.

    The valid bit moves on each clock, the data only when what holds them is about to take the
    next: `loads` are the clocks after arrival that end with a register's loading.
    """

    value: str
    stream: StreamType
    clocks: int
    loads: tuple[int, ...]
    reads: tuple[str, ...]
    writes: tuple[str, ...]


Stage: TypeAlias = (
    Region
    | WindowStage
    | GatherStage
    | FoldedStage
    | SerialStage
    | Serializer
    | Deserializer
    | Fork
    | Fifo
    | Delay
)
