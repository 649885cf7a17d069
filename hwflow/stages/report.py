"""Stage report: metrics.json, the HTML page, and the design's limits."""

from __future__ import annotations

from hwflow.config import DesignConfig
from hwflow.flow import StageContext
from hwflow.report import check_limits, write_report
from hwflow.stages.pipeline import pipeline
from hwflow.tools import identity

__all__ = ["run"]


def run(config: DesignConfig, context: StageContext) -> None:
    """Report on all stages before this one."""
    tools = sorted({tool for stage in pipeline(config) for tool in stage.tools})
    versions = {name: identity(name).version for name in tools}
    metrics = write_report(context.inputs, config, versions, context.out)
    check_limits(metrics, config.limits)
