"""Repeated modules mapped once: what is shared, what constants at their ports do, equality."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest

from hwflow.synth.asic import AsicResult, synthesize_cells
from hwflow.synth.asic.sharing import share_modules
from hwflow.verify.netlist.circuit import read_circuit
from tests.asic import samples
from tests.verify.netlist.test_models import ALL, SlowSim

# Four kernels of two products each; the outer ones see zeros, the last of them in part.
RTL = """
module net__l__product(input clk, input [4:0] a, input [4:0] b, output reg [9:0] y);
  always @(posedge clk) y <= a * b;
endmodule
module net__l__kernel(input clk, input [9:0] x, input [4:0] w, output [9:0] y);
  wire [9:0] p, q;
  net__l__product one(.clk(clk), .a(x[4:0]), .b(w), .y(p));
  net__l__product two(.clk(clk), .a(x[9:5]), .b(w), .y(q));
  assign y = p + q;
endmodule
module net__l(input clk, input [39:0] x, input [4:0] w, output [39:0] y);
  net__l__kernel k0(.clk(clk), .x({x[4:0], 5'b0}), .w(w), .y(y[9:0]));
  net__l__kernel k1(.clk(clk), .x(x[19:10]), .w(w), .y(y[19:10]));
  net__l__kernel k2(.clk(clk), .x(x[29:20]), .w(w), .y(y[29:20]));
  net__l__kernel k3(.clk(clk), .x({3'b0, x[36:30]}), .w(w), .y(y[39:30]));
endmodule
module net(input clk, input [39:0] x, input [4:0] w, output [39:0] y);
  net__l l(.clk(clk), .x(x), .w(w), .y(y));
endmodule
"""


def built(folder: Path, flat: bool) -> AsicResult:
    folder.mkdir()
    (folder / "rtl.v").write_text(RTL, encoding="utf-8")
    library = samples.write(folder)
    rtl, work = folder / "rtl.v", folder / "work"
    return synthesize_cells(rtl, "net", ("net__l",), library, folder, work, flat=flat)


@pytest.mark.tool
def test_shared_equals_flat(tmp_path: Path) -> None:
    results = {flat: built(tmp_path / str(flat), flat) for flat in (True, False)}
    assert (results[True].shared, results[False].shared) == (None, 2)
    assert results[False].whole.um2 < 1.1 * results[True].whole.um2
    shared = json.loads((tmp_path / "False/work/shared.json").read_text(encoding="utf-8"))
    kept = [n for n, m in shared["modules"].items() if m["attributes"].get("keep_hierarchy")]
    assert kept == ["net__l__kernel", "net__l__product"]
    sims = [SlowSim(read_circuit(tmp_path / str(f) / "netlist.json", "net")) for f in results]
    rng = random.Random(2)
    for cycle in range(20):
        inputs = {pin: rng.getrandbits(64) & ALL for pin in sims[0].input_bits}
        first, second = (sim.cycle(inputs) for sim in sims)
        assert cycle < 2 or first == second


def _cell(kind: str, **pins: list[Any]) -> dict[str, Any]:
    return {"type": kind, "connections": pins}


def _module(cells: dict[str, Any], ports: dict[str, tuple[str, list[Any]]]) -> dict[str, Any]:
    return {
        "attributes": {},
        "cells": cells,
        "ports": {n: {"direction": way, "bits": bits} for n, (way, bits) in ports.items()},
        "netnames": {n: {"bits": list(bits)} for n, (_, bits) in ports.items()},
    }


def test_a_pattern_of_constants_is_a_module() -> None:
    """Two instances share one; the ports stay, what they feed is constant."""
    leaf = _module(
        {"g": _cell("$and", A=[2], B=[3], Y=[4])},
        {"a": ("input", [2, 3]), "y": ("output", [4, 2])},
    )
    cells = {
        "one": _cell("leaf", a=["0", 5], y=[6, 7]),
        "two": _cell("leaf", a=["0", 8], y=[9, 10]),
        "three": _cell("leaf", a=[5, 8], y=[11, 12]),
    }
    top = _module(cells, {"x": ("input", [5, 8])})
    netlist = {"modules": {"top": top, "leaf": leaf, "unused": _module({}, {})}}
    assert share_modules(netlist, "top", ()) == 1
    modules = netlist["modules"]
    assert sorted(modules) == ["leaf", "leaf$constant_0", "top"]
    assert [c["type"] for c in cells.values()] == ["leaf$constant_0", "leaf$constant_0", "leaf"]
    twin = modules["leaf$constant_0"]
    assert twin["cells"]["g"]["connections"] == {"A": ["0"], "B": [3], "Y": [4]}
    assert twin["ports"]["a"]["bits"] == [5, 3]
    assert twin["ports"]["y"]["bits"] == [4, "0"]
    assert twin["netnames"]["a"]["bits"] == [5, 3]
    assert "keep_hierarchy" in twin["attributes"]
    assert "keep_hierarchy" not in modules["leaf"]["attributes"]


def test_layers_take_no_constants() -> None:
    layer = _module({}, {"a": ("input", [2])})
    top = _module({"one": _cell("layer", a=["1"])}, {})
    netlist = {"modules": {"top": top, "layer": layer}}
    assert share_modules(netlist, "top", ("layer",)) == 0
    assert top["cells"]["one"]["type"] == "layer"
