"""Synthesis and place and route: counted area, and estimated timing where nextpnr has a device."""

from __future__ import annotations

from hwflow.synth.area import Area, Use
from hwflow.synth.pnr import PathStep, PnrResult, place_and_route
from hwflow.synth.synthesize import LayerArea, SynthResult, synthesize

__all__ = [
    "Area",
    "LayerArea",
    "PathStep",
    "PnrResult",
    "SynthResult",
    "Use",
    "place_and_route",
    "synthesize",
]
