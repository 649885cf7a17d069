"""Stage pnr: nextpnr on the netlist, for the clock it can really run at."""

from __future__ import annotations

from hwflow.config import DesignConfig
from hwflow.flow import StageContext
from hwflow.plan.interface_file import read_interface
from hwflow.plan.targets import target
from hwflow.stages.files import part_names, read_json
from hwflow.synth.pnr import place_and_route

__all__ = ["run"]

_TIMEOUT_SECONDS = 4 * 3600.0


def run(config: DesignConfig, context: StageContext) -> None:
    """Place and route at the design's clock."""
    device = config.hardware.target
    text = (context.inputs["generate"] / "interface.json").read_text(encoding="utf-8")
    interface = read_interface(text)
    layers = part_names(read_json(context.inputs["plan"] / "plan.json"))
    context.progress(0.0, f"nextpnr for {device}; a large design takes an hour")
    place_and_route(
        context.inputs["synth"] / "netlist.json",
        interface.top,
        layers,
        target(device),
        interface.clock,
        float(config.hardware.clock),
        context.out,
        context.scratch,
        timeout=_TIMEOUT_SECONDS,
    )
