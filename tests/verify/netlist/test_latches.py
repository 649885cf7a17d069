"""Latches behind clock gates: what they show, and whether flip-flops would hold the same."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest

from hwflow.asic.kit import Latch, kit_of
from hwflow.asic.liberty import load_library
from hwflow.errors import CheckFailed, ToolFailed
from hwflow.stages.synth import _check_held
from hwflow.synth.asic import synthesize_cells
from hwflow.verify.netlist.circuit import read_circuit
from hwflow.verify.netlist.held import moving_data
from tests.asic import samples
from tests.verify.netlist.test_models import ALL, SlowSim
from tests.verify.netlist.test_standard_cells import LIBRARIES

LATCH = {"state": "IQ", "inverse": "IQN", "enable": "G", "data_in": "D"}

# `{data}` is what the data register does at every edge; `go` opens the word's clock gate.
LOADER = """
module store__loader(input clk, input rst, input write, input [7:0] d, output [7:0] q);
  reg [7:0] data, word_0;
  reg go;
  always @(posedge clk) go <= write;
  always @(posedge clk) {data}
  always @(posedge clk) if (go) word_0 <= {word};
  assign q = word_0;
endmodule
module store(input clk, input rst, input write, input [7:0] d, output [7:0] q);
  store__loader loader(.clk(clk), .rst(rst), .write(write), .d(d), .q(q));
endmodule
"""
HELD = "if (!go) data <= d;"
CASES = {
    "held": (HELD, "data", True),
    "held behind logic": (HELD, "data ^ {data[0], data[7:1]}", True),
    "moves": ("data <= d;", "data", False),
    "moves with reset": ("if (rst) data <= 0; else if (!go) data <= d;", "data", False),
    "an input": (HELD, "d", False),
}


def library(folder: Path, *more: str) -> Path:
    cells = (*samples.CELLS, samples.GATE, *(more or (samples.latch(),)))
    return samples.write(folder, samples.library(cells))


def mapped(folder: Path, cells: Path, data: str, word: str, latches: bool = True) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "rtl.v").write_text(LOADER.format(data=data, word=word), encoding="utf-8")
    work = folder / "work"
    result = synthesize_cells(
        folder / "rtl.v", "store", (), cells, folder, work, weight_latches=latches
    )
    assert result.whole.latches == 8 * latches
    assert result.gating.gated_ff >= 8
    return folder / "netlist.json"


def test_the_latch_is_found(tmp_path: Path) -> None:
    plain, small = samples.latch(), samples.latch("SMALL", 11)
    for more, wanted in (
        ((plain,), "LATCH"),
        ((plain, small), "SMALL"),
        ((samples.latch(area=0),), ""),  # no area: nothing could be counted
        ((samples.latch(area=20),), ""),  # no smaller than the flip-flop
        ((samples.latch(more='clear : "D";'),), ""),
        ((samples.latch(enable="G'"),), ""),
    ):
        found = kit_of(load_library(library(tmp_path, *more))).latch
        assert found == (Latch(wanted, "G", "D", "Q") if wanted else None)
    assert kit_of(load_library(library(tmp_path)), avoid=("LATCH",)).latch is None


@LIBRARIES
def test_latches_of_real_libraries(real_library: Path) -> None:
    """OSU018 has one without an area, and no clock gate."""
    found = kit_of(load_library(real_library)).latch
    sg13g2 = Latch("sg13g2_dlhq_1", "GATE", "D", "Q")
    assert found == (sg13g2 if "sg13g2" in real_library.name else None)


def by_hand(folder: Path, latch: dict[str, str], gated: bool = True) -> Path:
    """A latch between ports, behind a clock gate or on the clock."""
    pins = {"clk": 2, "d": 3, "e": 4}
    ways = {"CLK": "input", "EN": "input", "GCLK": "output", "D": "input", "Q": "output"}

    def cell(kind: str, **nets: int) -> dict[str, Any]:
        connections = {pin: [net] for pin, net in nets.items()}
        directions = {pin: ways.get(pin, "input") for pin in nets}
        return {
            "type": kind,
            "parameters": {},
            "connections": connections,
            "port_directions": directions,
        }

    ports = {name: {"direction": "input", "bits": [bit]} for name, bit in pins.items()}
    ports["q"] = {"direction": "output", "bits": [5]}
    cells = {
        "gate": cell("CG", CLK=2, EN=4, GCLK=6),
        "latch": cell("L", G=6 if gated else 2, D=3, Q=5),
    }
    record = {
        "modules": {"top": {"cells": cells, "ports": ports, "netnames": {}}},
        "liberty": {
            "library": "l",
            "cells": {
                "L": {"outputs": {"Q": "IQ"}, "latch": latch},
                "CG": {"outputs": {}, "gate": {"clock": "CLK", "enable": "EN", "out": "GCLK"}},
            },
        },
    }
    path = folder / "netlist.json"
    path.write_text(json.dumps(record), encoding="utf-8")
    return path


def test_open_it_shows_its_data_and_then_holds_them(tmp_path: Path) -> None:
    """Data of the cycle after the edge, where a flip-flop takes those before it."""
    circuit = read_circuit(by_hand(tmp_path, LATCH), "top")
    latch, flop = SlowSim(circuit), SlowSim(circuit.with_flip_flops())
    assert [register.cell for register in flop.circuit.registers] == ["latch"]
    rng = random.Random(4)
    held = opened = taken = 0
    for cycle in range(100):
        d, e = rng.getrandbits(64), ALL if cycle == 0 else rng.getrandbits(64)
        pins = {("clk", 0): 0, ("d", 0): d, ("e", 0): e}
        held = (d & opened) | (held & ~opened)
        shown, loaded = latch.cycle(pins)["q", 0], flop.cycle(pins)["q", 0]
        assert cycle == 0 or (shown, loaded) == (held, taken)
        opened, taken = e, (d & e) | (taken & ~e)


@pytest.mark.parametrize(
    ("latch", "gated"),
    [(LATCH, False), ({**LATCH, "clear": "D"}, True), ({**LATCH, "enable": "G'"}, True)],
)
def test_latches_without_a_model(latch: dict[str, str], gated: bool, tmp_path: Path) -> None:
    with pytest.raises(ToolFailed) as caught:
        read_circuit(by_hand(tmp_path, latch, gated), "top")
    assert caught.value.code == "netlist.mode"


@pytest.mark.tool
@pytest.mark.parametrize("case", CASES)
def test_data_that_move_are_found_and_simulate_wrong(case: str, tmp_path: Path) -> None:
    data, word, holds = CASES[case]
    cells = library(tmp_path)
    netlist = mapped(tmp_path / "latches", cells, data, word)
    plain = mapped(tmp_path / "plain", cells, data, word, latches=False)
    assert moving_data(plain, "store") == ""
    if holds:
        _check_held(netlist, "store", tmp_path)
    else:
        with pytest.raises(CheckFailed) as caught:
            _check_held(netlist, "store", tmp_path)
        assert caught.value.code == "synth.latch"
    latches, flops = (SlowSim(read_circuit(path, "store")) for path in (netlist, plain))
    rng = random.Random(7)
    same = True
    for cycle in range(60):
        pins = {pin: rng.getrandbits(64) for pin in latches.input_bits}
        if cycle < 8:  # every stream loads a word first
            pins |= {("write", 0): ALL * (cycle % 2), ("rst", 0): 0}
        first, second = latches.cycle(pins), flops.cycle(pins)
        same = same and (cycle < 8 or first == second)
    assert same == holds


@pytest.mark.tool
def test_a_word_that_is_its_own_data_is_a_loop(tmp_path: Path) -> None:
    netlist = mapped(tmp_path / "loop", library(tmp_path), HELD, "word_0 + data")
    with pytest.raises(ToolFailed) as caught:
        moving_data(netlist, "store")
    assert caught.value.code == "netlist.loop"
