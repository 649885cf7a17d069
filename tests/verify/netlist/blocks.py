"""A circuit of memories and multipliers in the styles that the folded backend writes.

Every instance has its own slice of the input and of the output; nothing is shared, so that a wrong
bit of the output names the instance.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hwflow.plan.streams import Interface
from tests.verify.netlist.circuits import valid_ready

TOP = "blocks"
STREAMS = 64
LANE = 48
Values = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Block:
    """One instance: its module, its named inputs (name, width) and its output's width."""

    name: str
    module: str
    inputs: tuple[tuple[str, int], ...]
    output: int
    depth: int = 0


def rom(name: str, width: int, depth: int, style: str = "block") -> Block:
    """A ROM with registered output, filled with noise."""
    bits = max(1, (depth - 1).bit_length())
    rng = np.random.default_rng(depth * width)
    words = [
        int.from_bytes(rng.bytes(-(-width // 8)), "little") % (1 << width) for _ in range(depth)
    ]
    lines = "\n".join(f"    words[{k}] = {width}'h{word:x};" for k, word in enumerate(words))
    text = f"""module {TOP}__{name} (input wire clk, input wire en_i,
  input wire [{bits - 1}:0] addr_i, output wire [{width - 1}:0] data_o);
  (* rom_style = "{style}" *)
  reg [{width - 1}:0] words [0:{depth - 1}];
  reg [{width - 1}:0] data;
  initial begin
{lines}
  end
  always @(posedge clk) if (en_i) data <= words[addr_i];
  assign data_o = data;
endmodule
"""
    return Block(name, text, (("en_i", 1), ("addr_i", bits)), width, depth)


def ram(name: str, width: int, depth: int, style: str = "block") -> Block:
    """A line memory: one write port, one registered read port."""
    bits = max(1, (depth - 1).bit_length())
    text = f"""module {TOP}__{name} (input wire clk, input wire write_i,
  input wire [{bits - 1}:0] write_addr_i, input wire [{width - 1}:0] write_data_i,
  input wire en_i, input wire [{bits - 1}:0] read_addr_i, output wire [{width - 1}:0] data_o);
  (* ram_style = "{style}", no_rw_check *)
  reg [{width - 1}:0] words [0:{depth - 1}];
  reg [{width - 1}:0] data;
  always @(posedge clk) begin
    if (write_i) words[write_addr_i] <= write_data_i;
    if (en_i) data <= words[read_addr_i];
  end
  assign data_o = data;
endmodule
"""
    pins = (("write_i", 1), ("write_addr_i", bits), ("write_data_i", width))
    return Block(name, text, (*pins, ("en_i", 1), ("read_addr_i", bits)), width, depth)


def multiplier(name: str, a: int, b: int, signed: bool, out: int | None = None) -> Block:
    """A product with a register behind it, in a module below the layer; `out` bits are kept."""
    kind = "signed " if signed else ""
    out = a + b if out is None else out
    text = f"""module {TOP}__{name}_lane (input wire clk, input wire {kind}[{a - 1}:0] a,
  input wire {kind}[{b - 1}:0] b, output reg {kind}[{out - 1}:0] p);
  always @(posedge clk) p <= a * b;
endmodule
module {TOP}__{name} (input wire clk, input wire [{a - 1}:0] a_i, input wire [{b - 1}:0] b_i,
  output wire [{out - 1}:0] data_o);
  {TOP}__{name}_lane lane(.clk(clk), .a(a_i), .b(b_i), .p(data_o));
endmodule
"""
    return Block(name, text, (("a_i", a), ("b_i", b)), out)


def started(text: str) -> str:
    """The same with zero where Verilator would start registers and memories with noise."""
    text = re.sub(r"(  reg (?:signed )?\[\d+:0\] data);", r"\1 = 0;", text)
    text = re.sub(r"(output reg (?:signed )?\[\d+:0\] p)\)", r"\1 = 0)", text)
    zero = r"\g<0>\n  integer k;\n  initial for (k = 0; k < \1 + 1; k = k + 1) words[k] = 0;"
    return re.sub(r"(?<=no_rw_check \*\)\n)  reg .* words \[0:(\d+)\];", zero, text)


def rtl(blocks: tuple[Block, ...]) -> str:
    """All modules and a top that gives each instance its slices."""
    inputs, outputs = _bits(blocks, True), _bits(blocks, False)
    instances: list[str] = []
    i = o = 0
    for block in blocks:
        pins = [".clk(clk)", f".data_o(y_data_o[{o + block.output - 1}:{o}])"]
        for pin, width in block.inputs:
            # The streams' data mean nothing until they are valid: reset must not write.
            gate = " & x_valid_i & ~rst" if pin in ("en_i", "write_i") else ""
            pins.append(f".{pin}(x_data_i[{i + width - 1}:{i}]{gate})")
            i += width
        o += block.output
        instances.append(f"  {TOP}__{block.name} {block.name}({', '.join(pins)});")
    body = "\n".join(instances)
    return (
        "".join(block.module for block in blocks)
        + f"""
module {TOP} (input wire clk, input wire rst, input wire [{inputs - 1}:0] x_data_i,
  input wire x_valid_i, output wire x_ready_o, output wire [{outputs - 1}:0] y_data_o,
  output reg y_valid_o, input wire y_ready_i);
  assign x_ready_o = 1'b1;
  initial y_valid_o = 1'b0;
  always @(posedge clk) y_valid_o <= x_valid_i & ~rst;
{body}
endmodule
"""
    )


def interface(blocks: tuple[Block, ...]) -> Interface:
    """Its streams: one beat each cycle, outputs one cycle behind."""
    inputs = _lanes([w for block in blocks for _, w in block.inputs])
    outputs = _lanes([block.output for block in blocks])
    return valid_ready(TOP, (inputs, False, 1), (outputs, False, 1), latency=1)


def vectors(blocks: tuple[Block, ...], steps: int, seed: int = 5) -> Values:
    """Rows of lanes; row i is step i // 64 of stream i % 64.

    In the first half control and addresses are the same in all streams, in the second half every
    stream goes its own way. Data always differ. No word is read while it is written.
    """
    rng = np.random.default_rng(seed)
    lanes: list[Values] = []
    for block in blocks:
        found: dict[str, list[Values]] = {}
        for pin, width in block.inputs:
            control = block.depth > 0 and pin != "write_data_i"
            top = block.depth if "addr" in pin else None
            parts = [_noise(rng, w, steps, control, top) for w in _lanes([width])]
            found[pin] = parts
        if "write_i" in found:
            same = found["write_addr_i"][0] == found["read_addr_i"][0]
            found["en_i"][0] &= ~(same & (found["write_i"][0] == 1)).astype(np.int64)
        for parts in found.values():
            lanes += [part.reshape(-1) for part in parts]
    return np.stack(lanes, axis=1)


def _noise(
    rng: np.random.Generator, width: int, steps: int, control: bool, top: int | None
) -> Values:
    noise = rng.integers(0, top if top is not None else 1 << width, (steps, STREAMS))
    extremes = rng.integers(0, 8, (steps, STREAMS))
    if not control:
        noise[extremes == 0] = (1 << width) - 1
        noise[extremes == 1] = 1 << (width - 1)
    if control:
        noise[: steps // 2] = noise[: steps // 2, :1]
    return noise.astype(np.int64)


def _lanes(widths: list[int]) -> tuple[int, ...]:
    lanes: list[int] = []
    for width in widths:
        lanes += [LANE] * (width // LANE) + ([width % LANE] if width % LANE else [])
    return tuple(lanes)


def _bits(blocks: tuple[Block, ...], inputs: bool) -> int:
    if inputs:
        return sum(width for block in blocks for _, width in block.inputs)
    return sum(block.output for block in blocks)
