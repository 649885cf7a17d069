"""When each layer's result is there: read from a waveform, beside what the plan says."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import numpy as np

from hwflow.flow import Build
from hwflow.ir import Graph, evaluate
from hwflow.ir.exact import IntArray
from hwflow.plan.archive import load_circuits, load_foldings
from hwflow.plan.dataflow import Region
from hwflow.plan.plan import Options, Plan, make_plan
from hwflow.plan.targets import DelayModel, protected, target
from hwflow.stages.files import load_params
from hwflow.verify.rtl import settle_cycles

__all__ = ["LayerTime", "layer_times"]


@dataclass(frozen=True, slots=True)
class LayerTime:
    """The cycle in which a value is there: in the waveform, and by the plan.

    Cycles count from the edge that accepts the first input beat. `found` is None where the bus
    never takes the graph's value, `expected` where the plan leaves it to the streams' pace.
    """

    layer: str
    value: str
    beats: int
    found: int | None
    expected: int | None


def layer_times(
    build: Build, graph: Graph, inputs: Mapping[str, IntArray], vector: int, vcd: Path
) -> tuple[LayerTime, ...]:
    """The time of each layer's last beat for one vector; `inputs` are (n, *shape)."""
    plan = _plan_of(build, graph)
    one = {name: array[vector : vector + 1] for name, array in inputs.items()}
    params = load_params(build.artifact("lower") / "params", graph)
    values = evaluate(graph, {**one, **params}, keep="layers")
    signals: dict[str, int] = {}
    known: list[tuple[str, str, int, str]] = []
    for layer in plan.layers:
        for index, value in enumerate(layer.outputs):
            stream = layer.stream(value)
            if not stream.bits:
                continue
            many = str(index) if len(layer.outputs) > 1 else ""
            path = f"{layer.name}.out{many}_data_o"
            rows = np.asarray(values[value].reshape(1, -1), dtype=np.int64)
            signals[path] = int.from_bytes(stream.pack(rows)[-1].tobytes(), "little")
            known.append((layer.name, value, stream.beats, path))
    found = settle_cycles(vcd, signals)
    expected = _expected(plan)
    return tuple(
        LayerTime(layer, value, beats, found[path], expected.get(value))
        for layer, value, beats, path in known
    )


def _expected(plan: Plan) -> dict[str, int]:
    """Where the whole design is one region every value has its cycle."""
    if len(plan.stages) != 1 or not isinstance(plan.stages[0], Region):
        return {}
    return dict(plan.stages[0].times)


def _plan_of(build: Build, graph: Graph) -> Plan:
    """The plan as it was made, from what the stage kept."""
    folder = build.artifact("plan")
    record = json.loads((folder / "plan.json").read_text(encoding="utf-8"))
    folds = load_foldings((folder / "foldings.json").read_text(encoding="utf-8"))
    device, protect = target(record["target"]), record.get("protect", "none")
    if "delays" in record:
        device = replace(device, delay=DelayModel(**record["delays"]))
    elif protect == "tmr":
        device = protected(device)
    options = Options(device, Fraction(record["clock_hz"]), record["interface"], folds, protect)
    circuits = load_circuits((folder / "circuits.json").read_text(encoding="utf-8"))
    return make_plan(graph, options, circuits)
