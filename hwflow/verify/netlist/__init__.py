"""The netlist rung: a levelised bit-parallel simulator generated from the mapped netlist."""

from __future__ import annotations

from hwflow.verify.netlist.circuit import fault_sites
from hwflow.verify.netlist.reach import unreachable
from hwflow.verify.netlist.sim import NetlistSim
from hwflow.verify.netlist.trace import Beats, MutantRun, Replay, Toggles, Trace

__all__ = [
    "Beats",
    "MutantRun",
    "NetlistSim",
    "Replay",
    "Toggles",
    "Trace",
    "fault_sites",
    "unreachable",
]
