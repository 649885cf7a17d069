"""Synthesis to the standard cells of a Liberty library: area by layer, netlist, timing."""

from __future__ import annotations

from hwflow.synth.asic.area import CellArea
from hwflow.synth.asic.sizing import Speed
from hwflow.synth.asic.synthesize import AsicResult, synthesize_cells

__all__ = ["AsicResult", "CellArea", "Speed", "synthesize_cells"]
