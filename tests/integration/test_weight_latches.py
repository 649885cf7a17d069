"""Weights in latches: the netlist computes what the graph says, in another simulator too."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from hwflow.asic.delays import library_delays
from hwflow.asic.kit import kit_of
from hwflow.asic.liberty import load_library
from hwflow.backends.amaranth.generate import generate_verilog
from hwflow.plan.asic import asic_target
from hwflow.plan.plan import Options, make_plan
from hwflow.synth.asic import AsicResult, synthesize_cells
from hwflow.synth.prove import never
from hwflow.verify.netlist import NetlistSim
from hwflow.verify.netlist.held import MOVES, moving_data
from hwflow.verify.rtl import build_replay
from tests.verify.netlist.test_latches import library
from tests.verify.test_loading import Case, programmable

pytestmark = pytest.mark.tool

# The sample library's cells, for a simulator that knows nothing of Liberty.
MODELS = """
/* verilator lint_off LATCH */ /* verilator lint_off COMBDLY */
module INV(input A, output Y); assign Y = ~A; endmodule
module BUF(input A, output Y); assign Y = A; endmodule
module NAND2(input A, B, output Y); assign Y = ~(A & B); endmodule
module NOR2(input A, B, output Y); assign Y = ~(A | B); endmodule
module XOR2(input A, B, output Y); assign Y = A ^ B; endmodule
module TIE0(output Y); assign Y = 0; endmodule
module TIE1(output Y); assign Y = 1; endmodule
module DFF(input CK, D, output reg Q); always @(posedge CK) Q <= D; endmodule
module LATCH(input G, D, output reg Q); always @* if (G) Q = D; endmodule
module CKGATE(input CLK, EN, output GCLK);
  reg open;
  always @* if (!CLK) open = EN;
  assign GCLK = CLK & open;
endmodule
"""


def mapped(case: Case, cells: Path, folder: Path, latches: bool = True) -> AsicResult:
    """The design of `case` in `cells`."""
    found = load_library(cells)
    device = asic_target(library_delays(found, kit_of(found)), clock_gates=True)
    chosen = Options(device, Fraction(40_000_000), "valid_only", {})
    case.plan = make_plan(programmable(), chosen)
    case.face = case.plan.interface
    folder.mkdir(exist_ok=True)
    rtl, work = folder / "design.v", folder / "work"
    rtl.write_text(generate_verilog(case.plan), encoding="utf-8")
    layers = [f"programmable__{layer.name}" for layer in case.plan.layers]
    return synthesize_cells(
        rtl, "programmable", layers, cells, folder, work, weight_latches=latches
    )


def test_two_sets_of_weights(tmp_path: Path) -> None:
    case = Case("valid_only", 100)
    result = mapped(case, library(tmp_path), tmp_path / "latches")
    assert result.whole.latches == case.store.bits
    netlist = tmp_path / "latches" / "netlist.json"
    assert never(moving_data(netlist, "programmable"), MOVES, tmp_path / "held")
    cells = json.loads(netlist.read_text(encoding="utf-8"))["modules"]["programmable"]["cells"]
    assert sum(cell["type"] == "LATCH" for cell in cells.values()) == case.store.bits
    for load, wanted in zip(case.loads, case.wanted, strict=True):
        sim = NetlistSim.build(netlist, case.face, tmp_path / "n", load=load)
        np.testing.assert_array_equal(sim.replay(case.beats).outputs["z"], wanted)


@pytest.mark.long
def test_against_flip_flops_and_another_simulator(tmp_path: Path) -> None:
    case, cells = Case("valid_only", 100), library(tmp_path)
    result = mapped(case, cells, tmp_path / "latches")
    plain = mapped(case, cells, tmp_path / "plain", latches=False)
    assert result.whole.um2 == pytest.approx(plain.whole.um2 - 8 * case.store.bits)
    assert result.whole.ff == plain.whole.ff - case.store.bits
    gates = (tmp_path / "latches" / "netlist.v").read_text(encoding="utf-8")
    verilog = tmp_path / "cells.v"
    verilog.write_text(MODELS + gates, encoding="utf-8")
    for load, wanted in zip(case.loads, case.wanted, strict=True):
        replay = build_replay(verilog, case.face, tmp_path / "r", load=load)
        np.testing.assert_array_equal(replay.run(case.beats).outputs["z"], wanted)
