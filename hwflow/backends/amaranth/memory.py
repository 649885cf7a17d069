# amaranth: UnusedElaboratable=no
"""Memories with a synchronous read: modules that are written as Verilog text.

Amaranth's simulator runs them as its own memories; the RTL has them as plain arrays, which every
synthesizer infers block RAM, distributed RAM or logic from.
"""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import dedent, indent

from amaranth import Module
from amaranth.lib.memory import Memory

from hwflow.backends.amaranth.module import HwModule
from hwflow.plan.rom import MemoryStyle, Rom

__all__ = ["MemoryModule", "RamModule", "RomModule"]


class MemoryModule(HwModule):
    """A module whose RTL is `verilog()`; `build` is for Amaranth's simulator."""

    def verilog(self) -> str:
        """The module's Verilog."""
        raise NotImplementedError


class RomModule(MemoryModule):
    """`data_o` is row `addr_i` one clock later; it holds while `en_i` is low."""

    def __init__(self, name: str, rom: Rom, header: str, *, generate: bool) -> None:
        super().__init__(name, generate=generate)
        self.rom, self.header = rom, header
        self.width = max(1, rom.stream.bits)
        self.enable = self.add_input("en_i", 1)
        self.address = self.add_input("addr_i", _address_bits(rom.depth))
        self.data = self.add_output("data_o", self.width)

    def build(self, m: Module) -> None:
        memory = Memory(shape=self.width, depth=self.rom.depth, init=self.rom.rows())
        m.submodules.memory = memory
        port = memory.read_port()
        m.d.comb += [
            port.en.eq(self.enable),
            port.addr.eq(self.address),
            self.data.eq(port.data),
        ]

    def verilog(self, output: str = "") -> str:
        """The module's Verilog; `output` says how `data_o` comes from `words` if not plainly."""
        digits = -(-self.width // 4)
        rows = [
            f"    words[{index}] = {self.width}'h{row:0{digits}x};"
            for index, row in enumerate(self.rom.rows())
        ]
        style = "block" if self.rom.style == "block" else "logic"
        text = f"""\
            module {self.name} (
              input wire clk,
              input wire en_i,
              input wire [{len(self.address) - 1}:0] addr_i,
              output wire [{self.width - 1}:0] data_o
            );
              (* rom_style = "{style}" *)
              reg [{self.width - 1}:0] words [0:{self.rom.depth - 1}];
            """
        plain = f"""\
            reg [{self.width - 1}:0] data;
            always @(posedge clk)
              if (en_i)
                data <= words[addr_i];
            assign data_o = data;
            """
        body = indent(output or dedent(plain), "  ")
        return _commented(self.header) + "\n".join(
            [dedent(text) + body + "  initial begin", *rows, *_TAIL]
        )


class RamModule(MemoryModule):
    """One write and one read port; a word is never read in the cycle in which it is written."""

    def __init__(
        self, name: str, depth: int, width: int, style: MemoryStyle, *, generate: bool
    ) -> None:
        super().__init__(name, generate=generate)
        self.depth, self.width, self.style = depth, max(1, width), style
        bits = _address_bits(depth)
        self.write = self.add_input("write_i", 1)
        self.write_address = self.add_input("write_addr_i", bits)
        self.write_data = self.add_input("write_data_i", self.width)
        self.enable = self.add_input("en_i", 1)
        self.read_address = self.add_input("read_addr_i", bits)
        self.data = self.add_output("data_o", self.width)

    def build(self, m: Module) -> None:
        memory = Memory(shape=self.width, depth=self.depth, init=())
        m.submodules.memory = memory
        write, read = memory.write_port(), memory.read_port()
        m.d.comb += [
            write.en.eq(self.write),
            write.addr.eq(self.write_address),
            write.data.eq(self.write_data),
            read.en.eq(self.enable),
            read.addr.eq(self.read_address),
            self.data.eq(read.data),
        ]

    def verilog(self) -> str:
        high = len(self.read_address) - 1
        return dedent(
            f"""\
            module {self.name} (
              input wire clk,
              input wire write_i,
              input wire [{high}:0] write_addr_i,
              input wire [{self.width - 1}:0] write_data_i,
              input wire en_i,
              input wire [{high}:0] read_addr_i,
              output wire [{self.width - 1}:0] data_o
            );
              (* ram_style = "{self.style}", no_rw_check *)
              reg [{self.width - 1}:0] words [0:{self.depth - 1}];
              reg [{self.width - 1}:0] data;
              always @(posedge clk) begin
                if (write_i)
                  words[write_addr_i] <= write_data_i;
                if (en_i)
                  data <= words[read_addr_i];
              end
              assign data_o = data;
            endmodule
            """
        )


_TAIL: Sequence[str] = ("  end", "endmodule", "")


def _address_bits(depth: int) -> int:
    return max(1, (depth - 1).bit_length())


def _commented(text: str) -> str:
    return "".join(f"// {line}\n" for line in text.splitlines())
