"""Stage hls: the HLS tool on hls4ml's project, for its estimates."""

from __future__ import annotations

from dataclasses import asdict

from hwflow.backends.hls4ml.hls import synthesize
from hwflow.backends.hls4ml.project import HlsInterface
from hwflow.config import DesignConfig
from hwflow.flow import StageContext
from hwflow.stages.files import write_json
from hwflow.stages.hls4ml import INTERFACE
from hwflow.stages.hls_tool import hls_tool

__all__ = ["run"]


def run(config: DesignConfig, context: StageContext) -> None:
    """Latency, interval, clock and area as the tool estimates them."""
    tool = hls_tool(config)
    assert tool is not None
    made = context.inputs["hls4ml"]
    interface = HlsInterface.from_json((made / INTERFACE).read_text(encoding="utf-8"))
    context.progress(0.0, f"{tool}: C synthesis")
    report = synthesize(tool, made / "project", interface, context.scratch)
    write_json(context.out / "hls.json", {"tool": tool, **asdict(report)})
