"""Stage energy: what an inference costs, from the netlist's activity."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from hwflow.config import DesignConfig
from hwflow.flow import StageContext
from hwflow.plan.interface_file import read_interface
from hwflow.plan.targets import target
from hwflow.power.elements import elements_of
from hwflow.power.fpga import Energy, fpga_energy
from hwflow.power.moves import move
from hwflow.stages.activity import load_activity
from hwflow.stages.files import part_names, read_json, write_json

__all__ = ["run"]


def run(config: DesignConfig, context: StageContext) -> None:
    """Energy per inference on data and on uniform inputs, by kind of element and by layer."""
    text = (context.inputs["generate"] / "interface.json").read_text(encoding="utf-8")
    interface = read_interface(text)
    layers = part_names(read_json(context.inputs["plan"] / "plan.json"))
    module = read_json(context.inputs["synth"] / "netlist.json")["modules"][interface.top]
    if config.hardware.asic:
        from hwflow.stages.cell_energy import estimate

        record = estimate(config, context, module, layers, interface)
    else:
        record = _elements(config, context, module, layers)
    write_json(context.out / "energy.json", record)


def _elements(
    config: DesignConfig, context: StageContext, module: Mapping[str, Any], layers: list[str]
) -> dict[str, Any]:
    elements = elements_of(target(config.hardware.target))
    simulated, activities = load_activity(
        context.inputs["netlist"], context.inputs["synth"] / "netlist.json"
    )
    clock = float(config.hardware.clock)
    record: dict[str, Any] = {
        "model": f"element energies {elements.source}",
        "activity": simulated,
        "notes": [
            "glitches are not counted: each net moves at most once a clock cycle",
            "static power is included"
            if elements.static
            else "static power is not known for this device and left out",
        ],
    }
    for name, steady in activities.items():
        energy = fpga_energy(module, layers, steady.toggles, steady.interval, clock, elements)
        record[name] = _record(energy)
    total = record["data"]["total"]
    uniform = record["uniform"]["total"]["value"]
    record["moves"] = [
        move("element energies", {"lowest": total["low"], "highest": total["high"]}),
        move("activity", {str(simulated["data"]): total["value"], "uniform inputs": uniform}),
    ]
    return record


def _record(energy: Energy) -> Mapping[str, Any]:
    return {
        "total": asdict(energy.total),
        "kinds": {kind: asdict(part) for kind, part in energy.kinds.items()},
        "layers": {layer: asdict(part) for layer, part in energy.layers.items()},
    }
