"""Stage timing: OpenSTA on the netlist of cells, at the design's clock."""

from __future__ import annotations

from hwflow.config import DesignConfig
from hwflow.flow import StageContext
from hwflow.plan.interface_file import read_interface
from hwflow.stages.cells import SDC, library_path
from hwflow.stages.files import part_names, read_json
from hwflow.synth.asic.timing import Corners, check_timing

__all__ = ["run"]


def run(config: DesignConfig, context: StageContext) -> None:
    """Setup at the slow corner and hold at the fast one, as far as they are given."""
    text = (context.inputs["generate"] / "interface.json").read_text(encoding="utf-8")
    interface = read_interface(text)
    layers = part_names(read_json(context.inputs["plan"] / "plan.json"))
    corners = config.hardware.corners
    context.progress(0.0, "OpenSTA")
    check_timing(
        context.inputs["synth"],
        interface.top,
        layers,
        interface.clock,
        float(1_000_000_000 / config.hardware.clock),
        Corners(library_path(config), corners.slow, corners.fast),
        SDC,
        context.out,
        context.scratch,
    )
