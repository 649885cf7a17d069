"""The Verilog of triple modular redundancy: copies, voters, registers, memories."""

from __future__ import annotations

from collections.abc import Iterable
from textwrap import dedent

from hwflow.backends.amaranth.memory import MemoryModule, RamModule, RomModule
from hwflow.backends.amaranth.rtlil import Module
from hwflow.backends.amaranth.verilog import KEPT

__all__ = ["primitives", "protected_memory"]


def primitives(
    modules: Iterable[Module], memories: Iterable[MemoryModule], top: str, *, enables: bool
) -> list[str]:
    """Verilog of the copy, the voter, and the registers of every width in use."""
    kinds = {cell.kind.removeprefix("\\") for module in modules for cell in module.cells}
    stored = {memory.width for memory in memories if isinstance(memory, (RamModule, RomModule))}
    widths: dict[str, set[int]] = {"": set(), "_held": set(), "_banks": set()}
    widths["_banks" if enables else "_held"] |= stored
    for kind in kinds:
        for form, found in widths.items():
            prefix, _, width = kind.rpartition("_")
            if prefix == f"{top}__tmr{form}":
                found.add(int(width))
    text = {"": _LOADING, "_held": _HOLDING, "_banks": _BANKS}
    return [
        _COPY.format(top=top, kept=KEPT),
        _VOTER.format(top=top, kept=KEPT),
        *(
            text[form].format(top=top, kept=KEPT, high=width - 1, width=width)
            for form, found in widths.items()
            for width in sorted(found)
        ),
    ]


def protected_memory(memory: MemoryModule, top: str, *, enables: bool) -> str:
    """The memory's Verilog with its words (where they can be written) and its output protected.

    The words of a RAM are registers of data.
    """
    form = "banks" if enables else "held"
    if isinstance(memory, RamModule):
        bits = len(memory.read_address)
        fill = {
            "name": memory.name, "top": top, "width": memory.width, "high": memory.width - 1,
            "depth": memory.depth, "last": bits - 1, "all": memory.depth * memory.width - 1,
        }  # fmt: skip
        return _RAM.format(
            **fill,
            word=_WORD[form].format(**fill),
            output=_OUTPUT[form].format(**fill, next="chosen"),
        )
    assert isinstance(memory, RomModule)
    fill = {"top": top, "width": memory.width, "high": memory.width - 1}
    return memory.verilog(dedent(_OUTPUT[form].format(**fill, next="words[addr_i]")))


_COPY = """\
// One copy of a protected bit.
{kept}
module {top}__tmr_copy (
    input wire clk,
    input wire d_i,
    output reg q_o
);
  always @(posedge clk) q_o <= d_i;
endmodule
"""

_VOTER = """\
// What at least two of three copies say.
{kept}
module {top}__tmr_voter (
    input wire a_i,
    input wire b_i,
    input wire c_i,
    output wire y_o
);
  assign y_o = (a_i & b_i) | (a_i & c_i) | (b_i & c_i);
endmodule
"""

_LOADING = """\
// A register that loads at every clock: three copies, one voter for each bit.
module {top}__tmr_{width} (
    input wire clk,
    input wire [{high}:0] d_i,
    output wire [{high}:0] q_o
);
  wire [{high}:0] a, b, c;
  {top}__tmr_copy copy_a [{high}:0] (.clk(clk), .d_i(d_i), .q_o(a));
  {top}__tmr_copy copy_b [{high}:0] (.clk(clk), .d_i(d_i), .q_o(b));
  {top}__tmr_copy copy_c [{high}:0] (.clk(clk), .d_i(d_i), .q_o(c));
  {top}__tmr_voter voter [{high}:0] (.a_i(a), .b_i(b), .c_i(c), .y_o(q_o));
endmodule
"""

_HOLDING = """\
// A register that can hold: three copies, each with its own next value and its own voter.
module {top}__tmr_held_{width} (
    input wire clk,
    input wire [{high}:0] a_i,
    input wire [{high}:0] b_i,
    input wire [{high}:0] c_i,
    output wire [{high}:0] a_o,
    output wire [{high}:0] b_o,
    output wire [{high}:0] c_o
);
  wire [{high}:0] a, b, c;
  {top}__tmr_copy copy_a [{high}:0] (.clk(clk), .d_i(a_i), .q_o(a));
  {top}__tmr_copy copy_b [{high}:0] (.clk(clk), .d_i(b_i), .q_o(b));
  {top}__tmr_copy copy_c [{high}:0] (.clk(clk), .d_i(c_i), .q_o(c));
  {top}__tmr_voter voter_a [{high}:0] (.a_i(a), .b_i(b), .c_i(c), .y_o(a_o));
  {top}__tmr_voter voter_b [{high}:0] (.a_i(a), .b_i(b), .c_i(c), .y_o(b_o));
  {top}__tmr_voter voter_c [{high}:0] (.a_i(a), .b_i(b), .c_i(c), .y_o(c_o));
endmodule
"""

_BANKS = """\
// One copy of a register of data: it keeps what it has until it is loaded.
{kept}
module {top}__tmr_bank_{width} (
    input wire clk,
    input wire en_i,
    input wire [{high}:0] d_i,
    output reg [{high}:0] q_o
);
  always @(posedge clk) if (en_i) q_o <= d_i;
endmodule

// A register of data: three banks, one voter for each bit.
module {top}__tmr_banks_{width} (
    input wire clk,
    input wire en_i,
    input wire [{high}:0] d_i,
    output wire [{high}:0] q_o
);
  wire [{high}:0] a, b, c;
  {top}__tmr_bank_{width} bank_a (.clk(clk), .en_i(en_i), .d_i(d_i), .q_o(a));
  {top}__tmr_bank_{width} bank_b (.clk(clk), .en_i(en_i), .d_i(d_i), .q_o(b));
  {top}__tmr_bank_{width} bank_c (.clk(clk), .en_i(en_i), .d_i(d_i), .q_o(c));
  {top}__tmr_voter voter [{high}:0] (.a_i(a), .b_i(b), .c_i(c), .y_o(q_o));
endmodule
"""

_RAM = """\
module {name} (
  input wire clk,
  input wire write_i,
  input wire [{last}:0] write_addr_i,
  input wire [{high}:0] write_data_i,
  input wire en_i,
  input wire [{last}:0] read_addr_i,
  output wire [{high}:0] data_o
);
  wire [{all}:0] words;
  genvar row;
  generate
    for (row = 0; row < {depth}; row = row + 1) begin : word
      wire here = write_i & (write_addr_i == row[{last}:0]);
{word}    end
  endgenerate
  wire [{high}:0] chosen = words[read_addr_i * {width} +: {width}];
{output}endmodule
"""

_WORD = {
    "held": """\
      wire [{high}:0] b, c;
      {top}__tmr_held_{width} stored (
          .clk(clk),
          .a_i(here ? write_data_i : words[row * {width} +: {width}]),
          .b_i(here ? write_data_i : b),
          .c_i(here ? write_data_i : c),
          .a_o(words[row * {width} +: {width}]),
          .b_o(b),
          .c_o(c)
      );
""",
    "banks": """\
      {top}__tmr_banks_{width} stored (
          .clk(clk),
          .en_i(here),
          .d_i(write_data_i),
          .q_o(words[row * {width} +: {width}])
      );
""",
}

_OUTPUT = {
    "held": """\
  wire [{high}:0] data_b, data_c;
  {top}__tmr_held_{width} data (
      .clk(clk),
      .a_i(en_i ? {next} : data_o),
      .b_i(en_i ? {next} : data_b),
      .c_i(en_i ? {next} : data_c),
      .a_o(data_o),
      .b_o(data_b),
      .c_o(data_c)
  );
""",
    "banks": """\
  {top}__tmr_banks_{width} data (.clk(clk), .en_i(en_i), .d_i({next}), .q_o(data_o));
""",
}
