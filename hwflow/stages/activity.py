"""What the netlist rung leaves for the energy stage: how often each net moves an inference."""

from __future__ import annotations

import hashlib
from collections.abc import Container, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from hwflow.errors import InputError
from hwflow.power.activity import Steady, drawn, steady_toggles
from hwflow.stages.files import read_json, write_json
from hwflow.stages.rungs import Golden
from hwflow.verify.netlist import NetlistSim
from hwflow.verify.netlist.library import STREAMS

__all__ = ["INPUTS", "load_activity", "load_states", "save_activity", "save_states"]

INPUTS = ("data", "uniform")
"""What activity is counted on: the design's data, and uniform inputs as a worse case."""

_SEED = 0
_UNIFORM = 1024
_STATES = 16
"""Clock cycles of 64 streams: about a thousand inferences at an interval of one."""
_FILE = "activity.json"

Beats = npt.NDArray[np.uint8]
Words = npt.NDArray[np.uint64]


def save_activity(sim: NetlistSim, golden: Golden, netlist: Path, out: Path) -> None:
    """Simulate both kinds of inputs on the file `netlist` and write what moves.

    Raises:
        InputError: "power.still" where the design's vectors are all the same.
    """
    data, packed = _data(golden)
    record: dict[str, object] = {
        "data": data,
        "netlist": _digest(netlist),
        "order": f"drawn at random with seed {_SEED}, tensor after tensor without gaps",
    }
    for name, inputs in zip(INPUTS, (packed, _uniform(golden)), strict=True):
        steady = steady_toggles(sim, golden.interface, inputs, _SEED)
        nets = sorted(steady.toggles)
        np.save(out / f"{name}_nets.npy", np.array(nets, np.int64), allow_pickle=False)
        moved = np.array([steady.toggles[net] for net in nets], np.float64)
        np.save(out / f"{name}_toggles.npy", moved, allow_pickle=False)
        record |= {"inferences": steady.inferences, "interval": steady.interval}
    write_json(out / _FILE, record)


def load_activity(folder: Path, netlist: Path) -> tuple[Mapping[str, object], dict[str, Steady]]:
    """What `save_activity` wrote: what was simulated, and the activity on each kind of inputs.

    Raises:
        InputError: "power.activity" where it is not of the file `netlist`.
    """
    record = _record(folder, netlist)
    found = {}
    for name in INPUTS:
        nets = np.load(folder / f"{name}_nets.npy", allow_pickle=False).tolist()
        moved = np.load(folder / f"{name}_toggles.npy", allow_pickle=False).tolist()
        toggles = dict(zip(nets, moved, strict=True))
        found[name] = Steady(toggles, record["inferences"], record["interval"])
    return record, found


def save_states(
    sim: NetlistSim,
    golden: Golden,
    netlist: Path,
    registers: Container[str],
    out: Path,
) -> None:
    """Simulate both kinds of inputs and write the values that registers and inputs take.

    `registers` are the types of cells of the file `netlist` whose outputs hold state. Kept is a
    window in which the pipelines are full: as many whole inferences as give about a thousand.

    Raises:
        InputError: "power.still" where the design's vectors are all the same.
    """
    interface = golden.interface
    interval = interface.initiation_interval
    window = interval * max(1, _STATES // interval)
    each = 2 + -(-(interface.latency + window) // interval)
    module = read_json(netlist)["modules"][interface.top]
    nets = _sources(module, registers, interface.clock)
    np.save(out / "nets.npy", np.array(nets, np.int64), allow_pickle=False)
    data, packed = _data(golden)
    begin = interface.latency + interface.reset_cycles + 1
    for name, inputs in zip(INPUTS, (packed, _uniform(golden)), strict=True):
        words = sim.states(drawn(interface, inputs, each * STREAMS, _SEED), nets)
        np.save(out / f"{name}_states.npy", words[begin : begin + window + 1], allow_pickle=False)
    record = {
        "data": data,
        "netlist": _digest(netlist),
        "order": f"drawn at random with seed {_SEED}, tensor after tensor without gaps",
        "inferences": STREAMS * window // interval,
        "interval": interval,
    }
    write_json(out / _FILE, record)


def load_states(
    folder: Path, netlist: Path
) -> tuple[Mapping[str, Any], list[int], dict[str, Words]]:
    """What `save_states` wrote: what was simulated, net numbers, words (cycles + 1, nets).

    Raises:
        InputError: "power.activity" where it is not of the file `netlist`.
    """
    record = _record(folder, netlist)
    words = {n: np.load(folder / f"{n}_states.npy", allow_pickle=False) for n in INPUTS}
    nets = np.load(folder / "nets.npy", allow_pickle=False).tolist()
    return record, nets, words


def _record(folder: Path, netlist: Path) -> Any:
    record = read_json(folder / _FILE)
    if record["netlist"] != _digest(netlist):
        raise InputError(
            "power.activity",
            f"the activity in {folder.name} was simulated on another netlist than {netlist.name}",
            hint="bring the rung `netlist` up to date: `hwflow build --force netlist`",
        )
    return record


def _digest(netlist: Path) -> str:
    return hashlib.sha256(netlist.read_bytes()).hexdigest()


def _sources(module: Mapping[str, Any], registers: Container[str], clock: str) -> list[int]:
    nets = [
        bit
        for cell in module["cells"].values()
        if cell["type"] in registers
        for pin, bits in cell["connections"].items()
        if cell["port_directions"][pin] == "output"
        for bit in bits
    ]
    nets += [
        bit
        for name, port in module["ports"].items()
        if port["direction"] == "input" and name != clock
        for bit in port["bits"]
    ]
    return sorted({bit for bit in nets if isinstance(bit, int)})


def _data(golden: Golden) -> tuple[str, dict[str, Beats]]:
    """What the data are, and their beats: the dataset's vectors if there are some, else others."""
    classes = {c.name: (c.start, c.stop) for c in golden.vectors.classes if c.stop > c.start + 1}
    name = next(name for name in ("dataset", "random", *classes) if name in classes)
    first, last = classes[name]
    packed = golden.packed()
    beats = {g.tensor: g.stream.beats for g in golden.interface.inputs}
    chosen = {t: data[first * beats[t] : last * beats[t]] for t, data in packed.items()}
    tensors = (data.reshape(last - first, -1) for data in chosen.values())
    if all((rows == rows[0]).all() for rows in tensors):
        raise InputError(
            "power.still",
            f"nothing toggles: the {last - first} {name} vectors are all the same",
            hint="give data that differ (data, verify.vectors), or set synth.energy to false",
        )
    return f"{last - first} {name} vectors", chosen


def _uniform(golden: Golden) -> dict[str, Beats]:
    rng = np.random.default_rng(_SEED)
    packed = {}
    for group in golden.interface.inputs:
        kind = golden.graph.types[group.tensor]
        low, high, _ = (np.asarray(part).reshape(-1) for part in kind.elem.full(kind.shape))
        values = rng.integers(
            low.astype(np.int64), high.astype(np.int64) + 1, (_UNIFORM, kind.size)
        )
        packed[group.tensor] = group.pack(values.astype(np.int64))
    return packed
