"""Energy of a netlist of library cells, as the energy stage records it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from hwflow.asic.kit import kit_of
from hwflow.asic.liberty import load_library
from hwflow.asic.wires import wire_pf
from hwflow.config import DesignConfig
from hwflow.flow import StageContext
from hwflow.plan.streams import Interface
from hwflow.power.asic import KINDS
from hwflow.power.cells import WIRES, CellEnergy, cell_energy
from hwflow.power.clock import SINKS
from hwflow.power.delays import INPUT_SLEW
from hwflow.power.gates import read_gates
from hwflow.stages.activity import load_states
from hwflow.stages.cells import library_path
from hwflow.synth.netlist import layer_of

__all__ = ["estimate"]


def estimate(
    config: DesignConfig,
    context: StageContext,
    module: Mapping[str, Any],
    layers: list[str],
    interface: Interface,
) -> dict[str, Any]:
    """The record: both kinds of inputs, with glitches and without, and what moves the figures."""
    library = load_library(library_path(config))
    context.progress(0.0, "reading the netlist")
    wire = wire_pf(library, kit_of(library))
    netlist = read_gates(module, library, interface.clock, wire)
    simulated, nets, states = load_states(context.inputs["netlist"])
    column = {net: place for place, net in enumerate(nets)}
    chosen = [column[net] for net in netlist.network.sources]
    period = float(1_000_000_000 / config.hardware.clock)
    interval = int(simulated["interval"])
    record: dict[str, Any] = {
        "model": f"Liberty tables of {library.name}, {library.voltage:g} V, "
        f"{library.temperature:g} C, {1000 * wire:.3g} fF of wire a sink",
        "activity": simulated,
    }
    for step, (name, words) in enumerate(states.items()):
        context.progress((1 + 2 * step) / 5, f"waveforms of {simulated['inferences']} inferences")
        rows = np.ascontiguousarray(words[:, chosen])
        wires = (*WIRES, wire) if name == "data" else (wire,)
        found = cell_energy(
            netlist,
            library,
            rows,
            period,
            lambda cell: layer_of(cell, layers),
            context.scratch,
            wires,
        )
        record[name] = _record(found, interval)
        if name == "data":
            record["notes"] = _notes(found)
    return record


def _record(found: CellEnergy, interval: int) -> dict[str, Any]:
    def each(value: float) -> float:
        """pJ an inference from fJ a cycle."""
        return value * interval / 1000

    def part(timed: float, still: float) -> dict[str, float]:
        return {"value": each(timed), "low": each(still), "high": each(timed)}

    timed, still = found.timed, found.still
    total = part(timed.total, still.total)
    total["high"] = each(max(found.wires.values()))
    return {
        "total": total,
        "kinds": {kind: part(timed.kinds[kind], still.kinds[kind]) for kind in KINDS},
        "layers": {
            layer or "top": part(timed.layers[layer], still.layers.get(layer, 0.0))
            for layer in sorted(timed.layers)
        },
        "wires": {f"{1000 * wire:.3g} fF": each(energy) for wire, energy in found.wires.items()},
        "glitch_factor": found.glitches,
        "leakage_nw": timed.leakage_nw,
    }


def _notes(found: CellEnergy) -> list[str]:
    clock = found.timed.clock
    gates = [
        f"clock gates: {clock.gates} before {clock.gated} flip-flops, which "
        f"{100 * clock.opened:.3g}% of the clock edges reach"
    ][: clock.gates]
    return [
        "value: with glitches, by the cells' delays and loads; low: each net moves at most once a "
        f"cycle; high: {1000 * max(found.wires):g} fF of wire a sink",
        f"glitches multiply toggles by {found.glitches:.2f}; pulses shorter than a cell's delay do "
        "not show and cost nothing",
        f"{100 * found.late:.2g}% of the toggles come after the clock's period",
        f"clock tree: {clock.buffers} buffers, one for {SINKS} sinks; slews of inputs "
        f"and clock {INPUT_SLEW:g} ns; nothing is placed",
        *gates,
    ]
