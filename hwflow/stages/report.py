"""Stage report: metrics.json, the HTML page, and the design's limits."""

from __future__ import annotations

from collections.abc import Sequence

from hwflow.config import DesignConfig, as_json
from hwflow.flow import Stage, StageContext
from hwflow.report import check_limits, write_report
from hwflow.tools import identity

__all__ = ["stage"]


def stage(config: DesignConfig, before: Sequence[Stage]) -> Stage:
    """Report on the stages `before` it."""
    tools = tuple(sorted({tool for earlier in before for tool in earlier.tools}))
    limits = [[limit.metric, limit.min, limit.max] for limit in config.limits]

    def run(context: StageContext) -> None:
        versions = {name: identity(name).version for name in tools}
        metrics = write_report(context.inputs, config, versions, context.out)
        check_limits(metrics, config.limits)

    return Stage(
        "report",
        run,
        inputs=tuple(s.name for s in before),
        config={
            "report": as_json(config.report),
            "design": config.design,
            "hardware": as_json(config.hardware),
            "limits": limits,
        },
        tools=("jinja2", *tools),
        modules=("hwflow.stages.report",),
    )
