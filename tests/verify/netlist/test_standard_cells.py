"""Standard cells simulated from Liberty, against Yosys' own reading of the library."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hwflow.errors import InputError, ToolFailed
from hwflow.synth.asic import synthesize_cells
from hwflow.tools import find, run
from hwflow.verify.netlist import NetlistSim
from hwflow.verify.netlist.circuit import read_circuit
from tests.asic import samples
from tests.synth.test_asic import WORKER
from tests.verify.netlist.circuits import LAYERS, TINY, tiny_interface, tiny_output, tiny_vectors
from tests.verify.netlist.test_models import ALL, FLOPS, SlowSim, drop_open_pins

LIBRARIES = pytest.mark.parametrize("real_library", ["sg13g2", "osu018"], indirect=True)
# Yosys reads no function of tri-state buffers and of clock gates: see test_clock_gating.
PLAIN = """\
read_liberty -ignore_miss_func -ignore_miss_dir cells.lib
read_json cells.json
hierarchy -top {top}
flatten -noscopeinfo
opt_expr
opt_clean
techmap
dfflegalize -cell $_DFF_P_ x -cell $_DFF_PP?_ x
abc -lut 4
opt_clean
write_json plain.json
"""


def mapped(folder: Path, library: Path, top: str, rtl: str, gated: bool = True) -> Path:
    (folder / "rtl.v").write_text(rtl, encoding="utf-8")
    layers = LAYERS if top == "tiny" else ()
    work = folder / "work"
    synthesize_cells(folder / "rtl.v", top, layers, library, folder, work, clock_gating=gated)
    return folder / "netlist.json"


@pytest.mark.tool
@LIBRARIES
@pytest.mark.parametrize(("top", "rtl"), [("tiny", TINY), ("flops", FLOPS)])
def test_functions_equal_yosys(real_library: Path, top: str, rtl: str, tmp_path: Path) -> None:
    if top == "flops" and "osu018" in real_library.name:
        rtl = rtl.replace(", posedge rst", "")  # its plain flip-flops have no reset
    netlist = mapped(tmp_path, real_library, top, rtl, gated=False)
    drop_open_pins(tmp_path)
    (tmp_path / "cells.lib").write_bytes(real_library.read_bytes())
    (tmp_path / "plain.ys").write_text(PLAIN.format(top=top), encoding="utf-8")
    argv = (find("pyosys"), "-I", WORKER, "plain.ys")
    run(argv, cwd=tmp_path, log=tmp_path / "plain.log", timeout=120, tool="yosys")
    ours = SlowSim(read_circuit(netlist, top))
    theirs = SlowSim(read_circuit(tmp_path / "plain.json", top))
    rng = random.Random(3)
    seen = set()
    for cycle in range(60):
        inputs = {name: rng.getrandbits(64) for name in ours.input_bits}
        inputs["rst", 0] = ALL if cycle < 2 else rng.getrandbits(64) & rng.getrandbits(64)
        if cycle < 12:  # fill the registers that reset leaves alone
            inputs |= {pin: ALL for pin in inputs if pin[0] in ("x_valid_i", "y_ready_i")}
        first, second = ours.cycle(inputs), theirs.cycle(inputs)
        if cycle > 12:
            assert first == second, f"cycle {cycle}"
        seen.add(tuple(first.values()))
    assert len(seen) > 50


@pytest.mark.tool
@LIBRARIES
def test_circuit_computes_what_it_should(real_library: Path, tmp_path: Path) -> None:
    netlist = mapped(tmp_path, real_library, "tiny", TINY)
    face = tiny_interface()
    x = tiny_vectors(500)
    (source,), (sink,) = face.inputs, face.outputs
    found = NetlistSim.build(netlist, face, tmp_path / "sim").replay({"x": source.pack(x)})
    assert np.array_equal(sink.unpack(found.outputs["y"]), tiny_output(x))
    assert (found.latency, found.initiation_interval) == (face.latency, 1)


def _netlist(folder: Path, ff: dict[str, Any], outputs: dict[str, str]) -> Path:
    """One flip-flop: clock 2, D 3, R 4, S 5, and its outputs from 10."""
    pins = {"CK": [2], "D": [3], "R": [4], "S": [5]}
    outs = {name: [10 + i] for i, name in enumerate(outputs)}
    ways = {**dict.fromkeys(pins, "input"), **dict.fromkeys(outs, "output")}
    cell = {
        "type": "FF", "parameters": {}, "connections": {**pins, **outs}, "port_directions": ways,
    }  # fmt: skip
    ports = {n: {"direction": ways[n], "bits": bits} for n, bits in (pins | outs).items()}
    record = {
        "modules": {"top": {"cells": {"ff": cell}, "ports": ports, "netnames": {}}},
        "liberty": {"library": "l", "cells": {"FF": {"outputs": outputs, "ff": ff}}},
    }
    path = folder / "netlist.json"
    path.write_text(json.dumps(record), encoding="utf-8")
    return path


FF = {"state": "IQ", "inverse": "IQN", "clocked_on": "CK", "next_state": "D"}


@pytest.mark.parametrize("clear", [None, "R'"])
@pytest.mark.parametrize("preset", [None, "!S"])
def test_clear_preset_and_both_outputs(
    clear: str | None, preset: str | None, tmp_path: Path
) -> None:
    record = {**FF, "clear": clear, "preset": preset}
    path = _netlist(tmp_path, record, {"Q": "IQ", "QN": "IQN"})
    sim = SlowSim(read_circuit(path, "top"))
    rng = random.Random(5)
    state = None
    for _ in range(200):
        d, r, s = (rng.getrandbits(64) for _ in range(3))
        clears, presets = (~r & ALL if clear else 0), (~s & ALL if preset else 0)
        found = sim.cycle({("CK", 0): 0, ("D", 0): d, ("R", 0): r, ("S", 0): s})
        if state is not None:
            assert found["Q", 0] == (state | presets) & ~clears
            assert found["QN", 0] == found["Q", 0] ^ ALL
        state = (d | presets) & ~clears


def test_next_states_with_logic(tmp_path: Path) -> None:
    """An enable inside the flip-flop: the next state names the state."""
    record = {**FF, "next_state": "(D*S)+(IQ*S')"}
    sim = SlowSim(read_circuit(_netlist(tmp_path, record, {"Q": "IQ"}), "top"))
    rng = random.Random(6)
    state = None
    for _ in range(100):
        d, s = rng.getrandbits(64), rng.getrandbits(64)
        found = sim.cycle({("CK", 0): 0, ("D", 0): d, ("R", 0): 0, ("S", 0): s})["Q", 0]
        assert state is None or found == state
        state = (d & s) | (found & ~s)


def test_falling_edges_have_no_model(tmp_path: Path) -> None:
    path = _netlist(tmp_path, {**FF, "clocked_on": "!CK"}, {"Q": "IQ"})
    with pytest.raises(ToolFailed, match="rising edge") as caught:
        read_circuit(path, "top")
    assert caught.value.code == "netlist.mode"


def test_functions_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="Liberty") as caught:
        read_circuit(_netlist(tmp_path, FF, {"Q": "IQ +"}), "top")
    assert caught.value.code == "netlist.read"


@pytest.mark.tool
def test_registers_start_anywhere(tmp_path: Path) -> None:
    """Cells have no start value; some start as 1 here and some as 0."""
    netlist = mapped(tmp_path, samples.write(tmp_path), "tiny", TINY)
    starts = {register.init for register in read_circuit(netlist, "tiny").registers}
    assert starts == {0, 1}


@pytest.mark.tool
@LIBRARIES
def test_every_net_has_its_toggles(real_library: Path, tmp_path: Path) -> None:
    """Behind buffers and inverters as before them; what a flip-flop shows is counted."""
    netlist = mapped(tmp_path, real_library, "tiny", TINY)
    face = tiny_interface()
    (source,) = face.inputs
    sim = NetlistSim.build(netlist, face, tmp_path / "sim")
    found = sim.replay({"x": source.pack(tiny_vectors(640))}, toggles=True).toggles
    assert found is not None
    cells = json.loads(netlist.read_text(encoding="utf-8"))["modules"]["tiny"]["cells"]
    single = 0
    for cell in cells.values():
        pins = {pin: bits[0] for pin, bits in cell["connections"].items() if bits != ["x"]}
        outs = [pin for pin in pins if cell["port_directions"][pin] == "output"]
        outs = [pin for pin in outs if pin != "GCLK"]  # clocks do not move within a cycle
        ins = [pin for pin in pins if cell["port_directions"][pin] == "input"]
        assert all(pins[pin] in found.counts for pin in outs)
        if len(ins) == len(outs) == 1:
            single += 1
            assert found.counts[pins[outs[0]]] == found.counts[pins[ins[0]]]
    assert single > 5
    registers = [c["connections"] for c in cells.values() if "D" in c["connections"]]
    assert sum(found.counts[pins["Q"][0]] for pins in registers if "Q" in pins) > 1000
