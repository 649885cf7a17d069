"""Memories as Verilog text, and the whole file byte for byte from one process to the next."""

from __future__ import annotations

import hashlib
import os
import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from hwflow.backends.amaranth.generate import generate_verilog
from hwflow.backends.amaranth.memory import RamModule, RomModule
from hwflow.plan.folded import FoldedPlan
from hwflow.plan.folding import Folding
from hwflow.plan.plan import Plan
from hwflow.plan.rom import Rom, memory_style
from hwflow.plan.targets import target
from tests.backends.chains import make
from tests.backends.folded_nets import residual_net

ROM = """\
// Layer d: weights, 3 rows of 2 fields
module net__d__weights (
  input wire clk,
  input wire en_i,
  input wire [1:0] addr_i,
  output wire [5:0] data_o
);
  (* rom_style = "logic" *)
  reg [5:0] words [0:2];
  reg [5:0] data;
  always @(posedge clk)
    if (en_i)
      data <= words[addr_i];
  assign data_o = data;
  initial begin
    words[0] = 6'h0d;
    words[1] = 6'h30;
    words[2] = 6'h23;
  end
endmodule
"""

RAM = """\
module net__d__lines (
  input wire clk,
  input wire write_i,
  input wire [2:0] write_addr_i,
  input wire [4:0] write_data_i,
  input wire en_i,
  input wire [2:0] read_addr_i,
  output wire [4:0] data_o
);
  (* ram_style = "block", no_rw_check *)
  reg [4:0] words [0:7];
  reg [4:0] data;
  always @(posedge clk) begin
    if (write_i)
      words[write_addr_i] <= write_data_i;
    if (en_i)
      data <= words[read_addr_i];
  end
  assign data_o = data;
endmodule
"""


def test_a_rom_is_this_text() -> None:
    """Fields -3..3 (3 bits, signed) and 1..6 (3 bits, unsigned), the first in the low bits."""
    rom = Rom(np.array([[-3, 1], [0, 6], [3, 4]]), "logic")
    header = "Layer d: weights, 3 rows of 2 fields"
    assert RomModule("net__d__weights", rom, header, generate=True).verilog() == ROM


def test_a_ram_is_this_text() -> None:
    assert RamModule("net__d__lines", 8, 5, "block", generate=True).verilog() == RAM


def test_fields_without_bits() -> None:
    """A column of zeros takes no bits; a table of nothing but zeros is one bit wide."""
    rom = Rom(np.array([[0, 2], [0, -1]]), "block")
    assert rom.stream.widths == (0, 3)
    assert rom.rows() == [2, 7]
    nothing = Rom(np.zeros((2, 1), dtype=np.int64), "logic")
    assert "words[1] = 1'h0;" in RomModule("m", nothing, "", generate=True).verilog()


@pytest.mark.parametrize(
    ("device", "words", "bits", "writable", "style"),
    [
        ("ecp5-85k", 16, 8, True, "distributed"),
        ("ecp5-85k", 1024, 8, True, "block"),
        ("ecp5-85k", 16, 8, False, "logic"),
        ("ecp5-85k", 1024, 8, False, "block"),
        ("ice40-up5k", 8, 8, True, "logic"),
        ("ice40-up5k", 64, 8, True, "block"),
        ("lut4", 4096, 8, True, "logic"),
        ("lut6", 4096, 8, False, "logic"),
    ],
)
def test_what_a_memory_becomes(
    device: str, words: int, bits: int, writable: bool, style: str
) -> None:
    assert memory_style(target(device), words, bits, writable=writable) == style


def folded_plan() -> Plan:
    fold = {"a": Folding(1, 2), "b": Folding(2, 1), "c": Folding(pos=1), "d": Folding(1, 4)}
    return make(residual_net(random.Random(0), 3, 2), "axi_stream", fold)


def test_weights_in_the_file_are_the_graphs() -> None:
    """Row by row in the order in which a position reads them: group of outputs, tap, inputs."""
    plan = folded_plan()
    layer = next(part for part in plan.layers if part.name == "a")
    assert isinstance(layer, FoldedPlan)
    assert layer.weights is not None
    node = next(n for n in plan.graph.nodes if n.op.name == "conv" and n.layer == "a")
    constant = plan.graph.node(node.args[1]).op.values  # type: ignore[attr-defined]
    points = np.broadcast_to(plan.graph.types[node.args[1]].elem.frac, constant.shape)
    constant = constant << (points.max(axis=(0, 1, 2)) - points)
    expected = [constant[r, c, :, o] for o in range(2) for r in range(3) for c in range(3)]
    assert (layer.weights.values == np.array(expected)).all()
    rom = layer.weights
    text = generate_verilog(plan).partition("module net__a__weights (")[2].partition("endmodule")[0]
    for index, row in enumerate(rom.rows()):
        low, fields = 0, []
        for width, is_signed in zip(rom.stream.widths, rom.stream.signed, strict=True):
            field = row >> low & ((1 << width) - 1)
            fields.append(field - (1 << width if is_signed and field >> width - 1 else 0))
            low += width
        assert fields == rom.values[index].tolist()
        assert f"words[{index}] = {low}'h{row:0{-(-low // 4)}x};" in text


def test_every_memory_is_one_module() -> None:
    text = generate_verilog(folded_plan())
    for role in ("a__weights", "a__lines", "b__weights", "b__lines", "d__weights", "d__lines"):
        assert text.count(f"module net__{role} (") == 1
    modules = [line.split()[1] for line in text.splitlines() if line.startswith("module ")]
    assert len(modules) == len(set(modules))


SCRIPT = """
import hashlib
from hwflow.backends.amaranth.generate import generate_verilog
from tests.backends.test_memory import folded_plan
print(hashlib.sha256(generate_verilog(folded_plan()).encode()).hexdigest())
"""


def test_the_file_is_the_same_in_every_process() -> None:
    """Here and in processes whose sets are ordered by other hashes."""
    here = {hashlib.sha256(generate_verilog(folded_plan()).encode()).hexdigest()}
    root = Path(__file__).resolve().parents[2]
    for seed in ("0", "4711"):
        found = subprocess.run(
            (sys.executable, "-c", SCRIPT),
            cwd=root,
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        )
        here.add(found.stdout.strip())
    assert len(here) == 1
