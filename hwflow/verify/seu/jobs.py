"""What upsets a campaign has: each job draws the sites of one row of its table."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from hwflow.verify.netlist.upsets import Fault, Upset, UpsetSim
from hwflow.verify.seu.sites import CLASSES, FlipFlop

__all__ = ["ACCUMULATED", "Job", "flip_jobs", "pulse_jobs", "shared_jobs", "spread"]

ACCUMULATED: Final = (2, 8, 32)
"""Flips of one run in the rows of accumulated upsets."""

Draw = Callable[[np.random.Generator, int], list[tuple[Upset, ...]]]


@dataclass(frozen=True, slots=True)
class Job:
    """One row: `draw` gives so many runs' upsets, their cycles still 0."""

    fault: str
    where: str
    population: int
    draw: Draw


def spread(rng: np.random.Generator, population: int, count: int) -> npt.NDArray[np.int64]:
    """Places of `count` draws: all are drawn once before any is drawn again."""
    rounds = [rng.permutation(population) for _ in range(-(-count // population))]
    return np.concatenate(rounds)[:count]


def flip_jobs(flops: Sequence[FlipFlop], sim: UpsetSim) -> Iterator[Job]:
    """Single flips over all, by class and by layer; bits of memories; several flips in a run."""

    def job(where: str, own: list[FlipFlop]) -> Job:
        def draw(rng: np.random.Generator, count: int) -> list[tuple[Upset, ...]]:
            chosen = spread(rng, len(own), count)
            return [(Upset(0, Fault.FLIP, own[k].place),) for k in chosen]

        return Job("flip-flop", where, len(own), draw)

    yield job("all", list(flops))
    for kind in CLASSES:
        if own := [f for f in flops if f.kind == kind]:
            yield job(f"class {kind}", own)
    for layer in sorted({f.layer for f in flops}):
        yield job(f"layer {layer}", [f for f in flops if f.layer == layer])
    sizes = np.array([bits for bits, _ in sim.source.stores], np.int64)
    if len(sizes):
        ends = np.cumsum(sizes)

        def words(rng: np.random.Generator, count: int) -> list[tuple[Upset, ...]]:
            drawn = rng.integers(0, int(ends[-1]), count)
            stores = np.searchsorted(ends, drawn, side="right")
            return [
                (Upset(0, Fault.WORD, int(k), int(bit - ends[k] + sizes[k])),)
                for bit, k in zip(drawn, stores, strict=True)
            ]

        yield Job("memory bit", "all", int(ends[-1]), words)
    for flips in ACCUMULATED:

        def many(
            rng: np.random.Generator, count: int, flips: int = flips
        ) -> list[tuple[Upset, ...]]:
            drawn = rng.integers(0, len(flops), (count, flips))
            return [tuple(Upset(0, Fault.FLIP, flops[k].place) for k in run) for run in drawn]

        yield Job("flip-flop", f"{flips} flips", len(flops), many)


def pulse_jobs(
    chosen: Mapping[str, Sequence[int]], kinds: Mapping[str, Sequence[int]], pulsed: Sequence[int]
) -> Iterator[Job]:
    """Pulses on the nets `chosen` from `kinds`, whose numbers are their places in `pulsed`."""
    number = {net: k for k, net in enumerate(pulsed)}
    for where, nets in chosen.items():

        def draw(
            _rng: np.random.Generator, count: int, nets: Sequence[int] = nets
        ) -> list[tuple[Upset, ...]]:
            return [(Upset(0, Fault.PULSE, number[net]),) for net in nets[:count]]

        yield Job("pulse", where, len(kinds[where]), draw)


def shared_jobs(flops: Sequence[FlipFlop]) -> Iterator[Job]:
    """Reset and clock, which all flip-flops or all of a layer share."""
    yield Job("reset", "one cycle", 1, lambda _rng, n: [(Upset(0, Fault.RESET),)] * n)
    for name, fault in (("missed edge", Fault.MISSED), ("added edge", Fault.ADDED)):
        for group, layer in enumerate(sorted({f.layer for f in flops})):

            def draw(
                _rng: np.random.Generator, count: int, group: int = group, fault: Fault = fault
            ) -> list[tuple[Upset, ...]]:
                return [(Upset(0, fault, group),)] * count

            yield Job(name, f"layer {layer}", 1, draw)
