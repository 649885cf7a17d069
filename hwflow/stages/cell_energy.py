"""Energy of a netlist of library cells, as the energy stage records it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from hwflow.asic.kit import kit_of
from hwflow.asic.liberty import Library, load_library
from hwflow.asic.power_data import without_power_data
from hwflow.asic.wires import wire_pf
from hwflow.config import DesignConfig
from hwflow.flow import StageContext
from hwflow.plan.streams import Interface
from hwflow.power.asic import KINDS
from hwflow.power.cells import SLEWS, WIRES, CellEnergy, cell_energy
from hwflow.power.clock import SINKS
from hwflow.power.delays import INPUT_SLEW
from hwflow.power.gates import GateNetlist, read_gates
from hwflow.power.moves import move
from hwflow.stages.activity import load_states
from hwflow.stages.cells import corner_files, library_path
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
    simulated, nets, states = load_states(
        context.inputs["netlist"], context.inputs["synth"] / "netlist.json"
    )
    column = {net: place for place, net in enumerate(nets)}
    chosen = [column[net] for net in netlist.network.sources]
    period = float(1_000_000_000 / config.hardware.clock)
    interval = int(simulated["interval"])
    record: dict[str, Any] = {
        "model": f"Liberty tables of {library.name}, {library.voltage:g} V, "
        f"{library.temperature:g} C, {1000 * wire:.3g} fF of wire a sink",
        "activity": simulated,
    }
    corners = _corners(config, module, library, interface.clock, wire)
    for step, (name, words) in enumerate(states.items()):
        context.progress((1 + 2 * step) / 5, f"waveforms of {simulated['inferences']} inferences")
        rows = np.ascontiguousarray(words[:, chosen])
        real = name == "data"
        found = cell_energy(
            netlist,
            library,
            rows,
            period,
            lambda cell: layer_of(cell, layers),
            context.scratch,
            (*WIRES, wire) if real else (wire,),
            SLEWS if real else (),
            corners if real else {},
        )
        record[name] = _record(found, interval)
        if real:
            record["notes"] = _notes(found)
            record["moves"] = _moves(found, interval, _label(library))
    uniform = record["uniform"]["total"]["value"]
    record["moves"].append(
        move("activity", {record["activity"]["data"]: record["data"]["total"]["value"],
                          "uniform inputs": uniform})
    )  # fmt: skip
    return record


def _corners(
    config: DesignConfig, module: Mapping[str, Any], library: Library, clock: str, wire: float
) -> dict[str, tuple[GateNetlist, Library]]:
    """The netlist in the other corners' cells, where they have power tables and the same pins."""
    found = {}
    used = {cell["type"] for cell in module["cells"].values()}
    for path in corner_files(config):
        other = load_library(path)
        if (
            used <= other.cells.keys()
            and all(_pins(library, kind) == _pins(other, kind) for kind in used)
            and not without_power_data(other, used)
        ):
            found[_label(other)] = (read_gates(module, other, clock, wire), other)
    return found


def _pins(library: Library, kind: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    return library.cells[kind].inputs, library.cells[kind].outputs


def _label(library: Library) -> str:
    return f"{library.voltage:g} V, {library.temperature:g} C"


def _moves(found: CellEnergy, interval: int, corner: str) -> list[dict[str, Any]]:
    """What the figure on data depends on, each with the energies that it gives."""

    def moved(what: str, by: Mapping[str, float]) -> dict[str, Any]:
        return move(what, {text: value * interval / 1000 for text, value in by.items()})

    timed = found.timed.total
    rows = [
        moved("glitches", {"each net once a cycle": found.still.total, "by delays": timed}),
        moved("wire", {f"{1000 * w:.3g} fF a sink": e for w, e in found.wires.items()}),
        moved("slew", {"as computed": timed} | {f"all x{f:g}": e for f, e in found.slews.items()}),
    ]
    if found.corners:
        rows.append(moved("corner", {corner: timed, **found.corners}))
    return rows


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
        f"clock gates: {clock.gates} before {clock.gated} registers, which "
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
