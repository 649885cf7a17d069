"""Triple modular redundancy: each register becomes three copies behind majority voters.

A copy holds one bit in a module of its own whose border tools are told to keep, as is a voter:
three flip-flops that load the same net, or three voters of the same nets, are one to an optimizer.

A register that loads something new at every clock has one voter for each bit, which everything
downstream reads. One that can hold (an enable, a stall) has three: each copy reloads what its own
voter says, so an upset copy is right again at the next clock even while the register holds, and a
disturbed voter spoils one copy only. Logic downstream reads the first. What stays single is the
combinational logic, the clock and the reset.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from hwflow.backends.amaranth.memory import MemoryModule, RamModule, RomModule
from hwflow.backends.amaranth.rtlil import (
    Assign,
    Case,
    Cell,
    Chunk,
    Module,
    Process,
    SigSpec,
    Statement,
    Switch,
    Wire,
)
from hwflow.backends.amaranth.verilog import KEPT

__all__ = ["SUFFIXES", "primitives", "protected_memory", "triplicated"]

SUFFIXES = ("a", "b", "c")
"""The three copies."""


def triplicated(module: Module, top: str) -> Module:
    """The module with an instance of the design's protected register for each flip-flop cell."""
    processes = {_target(process): process for process in module.processes}
    widths = {wire.name: wire.width for wire in module.wires}
    taken, gone = set(widths), set[str]()
    wires, cells = list(module.wires), []
    for cell in module.cells:
        if cell.kind != "$dff":
            cells.append(cell)
            continue
        (register,) = (chunk.wire for chunk in cell.ports["Q"])
        source = _whole(cell.ports["D"], widths)
        process = processes.get(source)
        if process is None or not _reads(process.body, register):
            cells.append(_loading(cell, register, widths[register], top))
            continue
        del processes[source]
        gone.add(source)
        names = _names(register, taken)
        for nexts, voted in names:
            wires.append(Wire(nexts, widths[register]))
            if voted != register:
                wires.append(Wire(voted, widths[register]))
            body = _renamed(process.body, {source: nexts, register: voted})
            processes[nexts] = Process(f"{process.name}{nexts}", body)
        cells.append(_holding(cell, register, names, widths[register], top))
    kept = tuple(wire for wire in wires if wire.name not in gone)
    return Module(module.name, kept, tuple(cells), tuple(processes.values()), module.connects)


def _target(process: Process) -> str:
    first = process.body[0]
    assert isinstance(first, Assign), "Amaranth's processes begin with the default"
    return first.target.wire


def _whole(spec: SigSpec, widths: dict[str, int]) -> str:
    """The one wire that the signal is all of, or ""."""
    if len(spec) != 1 or not spec[0].wire:
        return ""
    (chunk,) = spec
    full = chunk.high < 0 or (chunk.low, chunk.high) == (0, widths[chunk.wire] - 1)
    return chunk.wire if full else ""


def _reads(body: Iterable[Statement], wire: str) -> bool:
    for statement in body:
        if isinstance(statement, Assign):
            if any(chunk.wire == wire for chunk in statement.value):
                return True
        elif any(_reads(case.body, wire) for case in statement.cases):
            return True
    return False


def _renamed(body: Iterable[Statement], names: dict[str, str]) -> tuple[Statement, ...]:
    def said(spec: SigSpec) -> SigSpec:
        return tuple(replace(c, wire=names.get(c.wire, c.wire)) for c in spec)

    def one(statement: Statement) -> Statement:
        if isinstance(statement, Assign):
            return Assign(said((statement.target,))[0], said(statement.value))
        cases = tuple(Case(c.patterns, _renamed(c.body, names)) for c in statement.cases)
        return Switch(said(statement.selector), cases)

    return tuple(one(statement) for statement in body)


def _names(register: str, taken: set[str]) -> list[tuple[str, str]]:
    """For each copy: the wire of its next value, and of its own voter's."""
    found = []
    for suffix in SUFFIXES:
        nexts = _free(f"{register}_next_{suffix}", taken)
        found.append((nexts, register if suffix == "a" else _free(f"{register}_{suffix}", taken)))
    return found


def _free(name: str, taken: set[str]) -> str:
    while name in taken:
        name += "_"
    taken.add(name)
    return name


def _loading(cell: Cell, register: str, width: int, top: str) -> Cell:
    ports = {"clk": cell.ports["CLK"], "d_i": cell.ports["D"], "q_o": (Chunk(register),)}
    return Cell(f"\\{top}__tmr_{width}", f"{register}_tmr", {}, ports)


def _holding(cell: Cell, register: str, names: list[tuple[str, str]], width: int, top: str) -> Cell:
    ports: dict[str, SigSpec] = {"clk": cell.ports["CLK"]}
    for suffix, (nexts, voted) in zip(SUFFIXES, names, strict=True):
        ports[f"{suffix}_i"] = (Chunk(nexts, width - 1, 0),)
        ports[f"{suffix}_o"] = (Chunk(voted),)
    return Cell(f"\\{top}__tmr_held_{width}", f"{register}_tmr", {}, ports)


def primitives(modules: Iterable[Module], memories: Iterable[MemoryModule], top: str) -> list[str]:
    """Verilog of the copy, the voter, and the registers of every width in use."""
    kinds = {cell.kind.removeprefix("\\") for module in modules for cell in module.cells}
    held = {memory.width for memory in memories if isinstance(memory, (RamModule, RomModule))}
    plain = set()
    for kind in kinds:
        prefix, _, width = kind.rpartition("_")
        if prefix == f"{top}__tmr":
            plain.add(int(width))
        elif prefix == f"{top}__tmr_held":
            held.add(int(width))
    return [
        _COPY.format(top=top, kept=KEPT),
        _VOTER.format(top=top, kept=KEPT),
        *(_LOADING.format(top=top, high=width - 1, width=width) for width in sorted(plain)),
        *(_HOLDING.format(top=top, high=width - 1, width=width) for width in sorted(held)),
    ]


def protected_memory(memory: MemoryModule, top: str) -> str:
    """The memory's Verilog with its words (where they can be written) and its output protected.

    The words of a RAM are registers, so that each is voted and reloaded at every clock.
    """
    if isinstance(memory, RamModule):
        bits = len(memory.read_address)
        return _RAM.format(
            name=memory.name, top=top, width=memory.width, high=memory.width - 1,
            depth=memory.depth, last=bits - 1, all=memory.depth * memory.width - 1, bits=bits,
        )  # fmt: skip
    assert isinstance(memory, RomModule)
    return memory.verilog(_ROM.format(top=top, width=memory.width, high=memory.width - 1))


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
    end
  endgenerate
  wire [{high}:0] chosen = words[read_addr_i * {width} +: {width}];
  wire [{high}:0] data_b, data_c;
  {top}__tmr_held_{width} data (
      .clk(clk),
      .a_i(en_i ? chosen : data_o),
      .b_i(en_i ? chosen : data_b),
      .c_i(en_i ? chosen : data_c),
      .a_o(data_o),
      .b_o(data_b),
      .c_o(data_c)
  );
endmodule
"""

_ROM = """\
wire [{high}:0] data_b, data_c;
{top}__tmr_held_{width} data (
    .clk(clk),
    .a_i(en_i ? words[addr_i] : data_o),
    .b_i(en_i ? words[addr_i] : data_b),
    .c_i(en_i ? words[addr_i] : data_c),
    .a_o(data_o),
    .b_o(data_b),
    .c_o(data_c)
);
"""
