"""Toggles per inference in steady state, from the netlist rung's simulator."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hwflow.plan.streams import Interface
from hwflow.verify.netlist import NetlistSim
from hwflow.verify.netlist.library import STREAMS

__all__ = ["Steady", "drawn", "steady_toggles"]

Beats = npt.NDArray[np.uint8]
_CYCLES, _FEWEST, _MOST = 1024, 2, 64


@dataclass(frozen=True, slots=True)
class Steady:
    """Zero-delay activity: `toggles` per inference by net, over `inferences` in steady state.

    `interval` is clock cycles an inference.
    """

    toggles: Mapping[int, float]
    inferences: int
    interval: float


def steady_toggles(
    sim: NetlistSim, interface: Interface, inputs: Mapping[str, Beats], seed: int = 0
) -> Steady:
    """Activity while tensors follow one another without gaps, in a random order of `inputs`.

    `inputs` are whole tensors as beats, by name. A run of n tensors a stream is taken from one of
    2n that begins alike, so that filling and draining the pipelines cancel.
    """
    each = min(_MOST, max(_FEWEST, _CYCLES // interface.initiation_interval))

    def run(tensors: int) -> tuple[Mapping[int, int], int]:
        found = sim.replay(drawn(interface, inputs, tensors, seed), toggles=True)
        assert found.toggles is not None
        return found.toggles.counts, found.cycles

    half, short = run(each * STREAMS)
    whole, long = run(2 * each * STREAMS)
    inferences = each * STREAMS
    moved = {net: (whole[net] - half[net]) / inferences for net in whole}
    return Steady(moved, inferences, (long - short) / each)


def drawn(
    interface: Interface, inputs: Mapping[str, Beats], tensors: int, seed: int
) -> dict[str, Beats]:
    """`tensors` of `inputs` (whole tensors as beats, by name) in a random order, with repeats.

    Fewer of the same seed are the first of more.
    """
    beats = {g.tensor: g.stream.beats for g in interface.inputs}
    name, rows = next(iter(inputs.items()))
    count = len(rows) // beats[name]
    order = np.random.default_rng(seed).integers(0, count, tensors)
    return {
        tensor: np.ascontiguousarray(
            data.reshape(count, beats[tensor], -1)[order].reshape(-1, data.shape[1])
        )
        for tensor, data in inputs.items()
    }
