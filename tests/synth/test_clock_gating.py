"""Enables as clock gates: how many, that the netlist computes the same, and what is refused."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hwflow.asic.kit import ClockGate, kit_of
from hwflow.asic.liberty import load_library
from hwflow.errors import ToolFailed
from hwflow.synth.asic import AsicResult, synthesize_cells
from hwflow.verify.netlist import NetlistSim
from hwflow.verify.netlist.circuit import read_circuit
from hwflow.verify.seu import run_campaign
from tests.asic import samples
from tests.verify.netlist.circuits import LAYERS, TINY, tiny_interface, tiny_output, tiny_vectors
from tests.verify.netlist.test_models import ALL, SlowSim
from tests.verify.netlist.test_standard_cells import FF, LIBRARIES

# Enables under a reset, over a reset, low, too few for a gate, and one enable in two registers.
KINDS = """
module kinds(input clk, input rst, input [2:0] en, input [7:0] d,
             output reg [7:0] a, output reg [7:0] b, output reg [7:0] c, output reg [1:0] e,
             output reg [7:0] f, output reg [7:0] g);
  always @(posedge clk) if (rst) a <= 8'h5a; else if (en[0]) a <= d;
  always @(posedge clk) if (en[1]) begin if (rst) b <= 0; else b <= b + d; end
  always @(posedge clk) if (!en[2]) c <= d ^ a;
  always @(posedge clk) if (en[0] & en[1]) e <= d[1:0];
  always @(posedge clk) if (en[1]) f <= d;
  always @(posedge clk) g <= f;
endmodule
"""


def gated_library(folder: Path, test: str = "") -> Path:
    cells = (*samples.CELLS, samples.clock_gate(test=test))
    return samples.write(folder, samples.library(cells))


def built(
    folder: Path, library: Path, top: str = "tiny", rtl: str = TINY, gating: bool = True
) -> AsicResult:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "rtl.v").write_text(rtl, encoding="utf-8")
    layers = LAYERS if top == "tiny" else ()
    work = folder / "work"
    return synthesize_cells(
        folder / "rtl.v", top, layers, library, folder, work, clock_gating=gating
    )


@pytest.mark.parametrize("test", ["", "TE"])
def test_the_gate_is_found(tmp_path: Path, test: str) -> None:
    kit = kit_of(load_library(gated_library(tmp_path, test)))
    tests = (test,) if test else ()
    assert kit.clock_gate == ClockGate("CKGATE", "CLK", "EN", "GCLK", tests)
    assert "CKGATE" in kit.unused


def test_falling_edge_gates_and_unknown_pins_are_not_used(tmp_path: Path) -> None:
    falling = samples.GATE.replace("latch_posedge", "latch_negedge")
    odd = samples.clock_gate(test="TE").replace("clock_gate_test_pin : true;", "")
    for cell in (falling, odd):
        library = load_library(samples.write(tmp_path, samples.library((*samples.CELLS, cell))))
        assert kit_of(library).clock_gate is None


@pytest.mark.tool
@pytest.mark.parametrize("test", ["", "TE"])
def test_counts_and_layers(tmp_path: Path, test: str) -> None:
    result = built(tmp_path, gated_library(tmp_path, test))
    cells = json.loads((tmp_path / "netlist.json").read_text(encoding="utf-8"))
    gates = [
        name for name, cell in cells["modules"]["tiny"]["cells"].items() if cell["type"] == "CKGATE"
    ]
    # One for `scale`; `sum` resets one of its registers; `valid` in the top.
    assert gates == ["CKGATE_0", "scale.CKGATE_0", "sum.CKGATE_0", "sum.CKGATE_1"]
    assert result.gating.gates == 4
    assert result.gating.gated_ff == result.whole.ff
    assert result.gating.cell == "CKGATE"
    plain = built(tmp_path / "plain", gated_library(tmp_path, test), gating=False)
    assert (plain.gating.gates, plain.gating.gated_ff) == (0, 0)
    assert result.whole.ff == plain.whole.ff
    assert result.whole.um2 < plain.whole.um2
    none = built(tmp_path / "none", samples.write(tmp_path))
    assert (none.gating.cell, none.gating.gates) == ("", 0)
    assert none.whole == plain.whole


@pytest.mark.tool
@LIBRARIES
def test_the_circuit_computes_what_it_should(real_library: Path, tmp_path: Path) -> None:
    result = built(tmp_path, real_library)
    assert (result.gating.gates > 0) == ("sg13g2" in real_library.name)
    face = tiny_interface()
    x = tiny_vectors(500)
    (source,), (sink,) = face.inputs, face.outputs
    sim = NetlistSim.build(tmp_path / "netlist.json", face, tmp_path / "sim")
    found = sim.replay({"x": source.pack(x)})
    assert np.array_equal(sink.unpack(found.outputs["y"]), tiny_output(x))
    assert (found.latency, found.initiation_interval) == (face.latency, 1)


@pytest.mark.tool
def test_every_kind_of_enable_equals_multiplexers(tmp_path: Path) -> None:
    library = gated_library(tmp_path, "TE")
    sims = []
    for gating in (True, False):
        folder = tmp_path / str(gating)
        result = built(folder, library, "kinds", KINDS, gating)
        # a; b; c; f with b's enable: the two flip-flops of e are too few.
        assert result.gating.gates == (3 if gating else 0)
        sims.append(SlowSim(read_circuit(folder / "netlist.json", "kinds")))
    rng = random.Random(3)
    for cycle in range(60):
        inputs = {pin: rng.getrandbits(64) for pin in sims[0].input_bits}
        inputs["rst", 0] = ALL if cycle < 4 else rng.getrandbits(64) & rng.getrandbits(64)
        if cycle < 4:
            inputs |= {("en", 0): ALL, ("en", 1): ALL, ("en", 2): 0}
        first, second = (sim.cycle(inputs) for sim in sims)
        assert cycle < 4 or first == second, f"cycle {cycle}"


def chain(folder: Path, ff: dict[str, Any], gates: int = 2) -> Path:
    """Clock 2 through `gates` gates with enables from 20 and a buffer each, to a flip-flop."""

    def cell(kind: str, out: str, **pins: int) -> dict[str, Any]:
        ways = {pin: "output" if pin == out else "input" for pin in pins}
        nets = {pin: [net] for pin, net in pins.items()}
        return {"type": kind, "parameters": {}, "connections": nets, "port_directions": ways}

    cells = {"ff": cell("FF", "Q", CK=2 + 2 * gates, D=10, R=11, Q=12)}
    for k in range(gates):
        cells[f"b{k}"] = cell("BUF", "Y", A=2 + 2 * k, Y=3 + 2 * k)
        cells[f"g{k}"] = cell("CG", "GCLK", CLK=3 + 2 * k, EN=20 + k, GCLK=4 + 2 * k)
    ports = {"clk": 2, "d": 10, "r": 11, **{f"e{k}": 20 + k for k in range(gates)}}
    record = {
        "modules": {
            "top": {
                "cells": cells,
                "ports": {
                    **{n: {"direction": "input", "bits": [bit]} for n, bit in ports.items()},
                    "q": {"direction": "output", "bits": [12]},
                },
                "netnames": {},
            }
        },
        "liberty": {
            "library": "l",
            "cells": {
                "FF": {"outputs": {"Q": "IQ"}, "ff": ff},
                "BUF": {"outputs": {"Y": "A"}},
                "CG": {"outputs": {}, "gate": {"clock": "CLK", "enable": "EN", "out": "GCLK"}},
            },
        },
    }
    path = folder / "netlist.json"
    path.write_text(json.dumps(record), encoding="utf-8")
    return path


@pytest.mark.parametrize("clear", [None, "R"])
def test_a_chain_of_buffers_and_gates(tmp_path: Path, clear: str | None) -> None:
    """The register loads where both are open; clear acts all the same."""
    circuit = read_circuit(chain(tmp_path, {**FF, "clear": clear}), "top")
    assert {register.clock for register in circuit.registers} == {2}
    sim = SlowSim(circuit)
    rng = random.Random(5)
    state = 0
    for cycle in range(100):
        d, r, one, other = (rng.getrandbits(64) for _ in range(4))
        if cycle == 0:
            one = other = ALL
        pins = {("clk", 0): 0, ("d", 0): d, ("r", 0): r, ("e0", 0): one, ("e1", 0): other}
        found = sim.cycle(pins)["q", 0]
        cleared = r if clear else 0
        assert cycle == 0 or found == state & ~cleared
        state = ((one & other & d) | (~(one & other) & state)) & ~cleared


def test_a_gate_in_a_loop(tmp_path: Path) -> None:
    text = chain(tmp_path, FF, 1).read_text(encoding="utf-8")
    (tmp_path / "netlist.json").write_text(text.replace('"A": [2]', '"A": [4]'), encoding="utf-8")
    with pytest.raises(ToolFailed) as caught:
        read_circuit(tmp_path / "netlist.json", "top")
    assert caught.value.code == "netlist.loop"


@pytest.mark.tool
def test_upsets_of_gates(tmp_path: Path) -> None:
    """An edge too many, or one missed, shows in most runs; registers in between hide some."""
    built(tmp_path, gated_library(tmp_path))
    face = tiny_interface()
    (source,), (sink,) = face.inputs, face.outputs
    x = tiny_vectors(200)
    netlist, beats = tmp_path / "netlist.json", {"x": source.pack(x)}
    right = {"y": sink.pack(tiny_output(x))}
    found = run_campaign(
        netlist, face, ("scale", "sum"), beats, right, tmp_path / "seu", samples=126, seed=1
    )
    (row,) = [row for row in found.rows if row.where == "clock gates"]
    assert (row.fault, row.population, row.samples) == ("pulse", 4, 126)
    assert row.outcomes["masked"] < 63
    assert row.outcomes["wrong"] + row.outcomes["handshake"] > 31
