"""Our cell models against Yosys' own, under random data, handshakes and resets.

Yosys replaces each cell of a mapped netlist by its simulation model and maps the result to plain
LUTs and flip-flops, which a slow evaluator then runs beside the netlist itself.
"""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

import hwflow.synth.worker
from hwflow.plan.targets import target
from hwflow.synth import synthesize
from hwflow.tools import find, run
from hwflow.verify.netlist.circuit import Circuit, read_circuit
from hwflow.verify.netlist.parts import ONE, ZERO, Register
from tests.verify.netlist.circuits import LAYERS, TINY

pytestmark = pytest.mark.tool

ALL = (1 << 64) - 1
MODELS = {
    "ice40-hx8k": "+/ice40/cells_sim.v",
    "ecp5-25k": "+/lattice/cells_sim_ecp5.v",
    "gowin-gw1n-9": "+/gowin/cells_sim.v",
    "xc7-a35t": "+/xilinx/cells_sim.v",
}
PLAIN = """\
read_verilog -overwrite {models}
read_json cells.json
hierarchy -top {top}
proc
flatten -noscopeinfo
opt_expr
opt_clean
techmap
dfflegalize -cell $_DFF_P_ 01 -cell $_DFFE_PP_ 01 -cell $_DFF_PP?_ 01 -cell $_DFFE_PP?P_ 01 \
-cell $_SDFF_PP?_ 01 -cell $_SDFFE_PP?P_ 01
abc -lut 4
opt_clean
write_json plain.json
"""
# One register of every control the recipes can emit, set and cleared, with and without enable.
REGISTERS = "".join(
    f"  always @(posedge clk{', posedge rst' if kind == 'async' else ''}) "
    + (f"if (rst) y_data_o[{k}] <= {value}; else " if kind != "none" else "")
    + ("if (x_valid_i) " if enable else "")
    + f"y_data_o[{k}] <= x_data_i[{k}];\n"
    for k, (kind, value, enable) in enumerate(
        (kind, value, enable)
        for kind in ("none", "sync", "async")
        for value in (0, 1)
        for enable in (False, True)
    )
)
FLOPS = (
    "module flops(input clk, input rst, input [11:0] x_data_i, input x_valid_i, "
    f"output reg [11:0] y_data_o);\n{REGISTERS}endmodule\n"
)


@pytest.mark.parametrize(
    "name",
    # Yosys takes half a minute over the iCE40 library alone.
    [pytest.param(n, marks=pytest.mark.long if n.startswith("ice40") else ()) for n in MODELS],
)
@pytest.mark.parametrize(("top", "rtl"), [("tiny", TINY), ("flops", FLOPS)])
def test_models_equal_yosys(name: str, top: str, rtl: str, tmp_path: Path) -> None:
    (tmp_path / "rtl.v").write_text(rtl, encoding="utf-8")
    layers = LAYERS if top == "tiny" else ()
    synthesize(tmp_path / "rtl.v", top, layers, target(name), tmp_path, tmp_path / "work")
    drop_open_pins(tmp_path)
    script = PLAIN.format(models=MODELS[name], top=top)
    (tmp_path / "plain.ys").write_text(script, encoding="utf-8")
    worker = Path(hwflow.synth.worker.__file__)
    log = tmp_path / "plain.log"
    argv = (find("pyosys"), "-I", worker, "plain.ys")
    run(argv, cwd=tmp_path, log=log, timeout=120, tool="yosys")
    ours = SlowSim(read_circuit(tmp_path / "netlist.json", top))
    theirs = SlowSim(read_circuit(tmp_path / "plain.json", top))
    rng = random.Random(3)
    seen = set()
    for cycle in range(60):
        inputs = {name: rng.getrandbits(64) for name in ours.input_bits}
        reset = ALL if cycle < 2 else rng.getrandbits(64) & rng.getrandbits(64)
        inputs["rst", 0] = reset
        first, second = ours.cycle(inputs), theirs.cycle(inputs)
        # Registers start differently where a reset value was chosen as start value.
        if cycle > 4:
            assert first == second, f"cycle {cycle}"
        seen.add(tuple(first.values()))
    assert len(seen) > 50


def drop_open_pins(folder: Path) -> None:
    """Yosys takes an open output pin written as "x" for one that is tied to a constant."""
    netlist = json.loads((folder / "netlist.json").read_text(encoding="utf-8"))
    for module in netlist["modules"].values():
        for cell in module["cells"].values():
            pins = cell["connections"]
            cell["connections"] = {pin: bits for pin, bits in pins.items() if "x" not in bits}
    (folder / "cells.json").write_text(json.dumps(netlist), encoding="utf-8")


class SlowSim:
    """64 streams in Python integers, gate by gate."""

    def __init__(self, circuit: Circuit) -> None:
        self.circuit = circuit
        self.input_bits = [(n, k) for n, bits in circuit.inputs.items() for k in range(len(bits))]
        self.state = {r.q: ALL * r.init for r in circuit.registers}

    def cycle(self, inputs: dict[tuple[str, int], int]) -> dict[tuple[str, int], int]:
        value = {ZERO: 0, ONE: ALL, **self.state}
        value |= {self.circuit.inputs[name][bit]: inputs[name, bit] for name, bit in inputs}
        for gate in self.circuit.gates:
            word = 0
            for row in range(1 << len(gate.ins)):
                if (gate.init >> row) & 1:
                    hit = ALL
                    for place, net in enumerate(gate.ins):
                        hit &= value[net] if (row >> place) & 1 else ~value[net]
                    word |= hit
            value[gate.out] = word & ALL
        outputs = self.circuit.outputs.items()
        seen = {(name, k): value[bit] for name, bits in outputs for k, bit in enumerate(bits)}
        self.state = {r.q: following(r, value) for r in self.circuit.registers}
        return seen


def following(register: Register, value: dict[int, int]) -> int:
    """The state after the edge, straight from the register's definition."""
    reset, enable = value[register.reset], value[register.enable]
    if register.reset_needs_enable:
        reset &= enable
    kept = (value[register.d] & enable) | (value[register.q] & ~enable)
    return ((kept & ~reset) | (ALL * register.value & reset)) & ALL
