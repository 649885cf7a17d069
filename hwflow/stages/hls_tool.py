"""The HLS tool that an hls4ml project is for, and the part it is built on."""

from __future__ import annotations

from typing import Final

from hwflow.config import DesignConfig
from hwflow.errors import InputError, ToolMissing
from hwflow.plan.targets import PARTS
from hwflow.tools import find

__all__ = ["hls_tool", "part_of"]

_TOOLS: Final = {"vitis": "vitis-run", "vivado": "vivado_hls"}


def part_of(config: DesignConfig) -> str | None:
    """The part that hardware.target stands for; None leaves it to hls4ml, for the rung alone.

    Raises:
        InputError: "hls4ml.target": backend: hls4ml without a part of the flavour's vendor.
    """
    hardware = config.hardware
    part = PARTS.get(hardware.target) if hardware.hls4ml.flavour in _TOOLS else None
    if part is None and hardware.backend == "hls4ml" and hardware.hls4ml.flavour in _TOOLS:
        raise InputError(
            "hls4ml.target",
            f"{hardware.hls4ml.flavour} has no part for the target {hardware.target}",
            hint=f"write target: {next(reversed(PARTS))} (one of {', '.join(PARTS)})",
            place=config.place("hardware.target"),
        )
    return part


def hls_tool(config: DesignConfig) -> str | None:
    """The HLS tool to run, None where it is not on this machine or hwflow cannot run it."""
    tool = _TOOLS.get(config.hardware.hls4ml.flavour)
    if tool is None:
        return None
    try:
        find(tool)
    except ToolMissing:
        return None
    return tool
