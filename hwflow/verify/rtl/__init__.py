"""The RTL rung: lint, bulk replay through Verilator, waveforms, and the cocotb testbenches."""

from __future__ import annotations

from hwflow.verify.rtl.cocotb_run import CocotbResult, run_cocotb
from hwflow.verify.rtl.replay import (
    Port,
    Replay,
    ReplayResult,
    build_layer_replay,
    build_replay,
    check_timing,
    replay_layer,
)
from hwflow.verify.rtl.verilator import lint
from hwflow.verify.rtl.waveform import settle_cycles, trace, trace_vector
from hwflow.verify.rtl.wrapper import LayerPorts

__all__ = [
    "CocotbResult",
    "LayerPorts",
    "Port",
    "Replay",
    "ReplayResult",
    "build_layer_replay",
    "build_replay",
    "check_timing",
    "lint",
    "replay_layer",
    "run_cocotb",
    "settle_cycles",
    "trace",
    "trace_vector",
]
