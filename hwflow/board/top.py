"""The Verilog around a design: board top, power-on reset, UART bridge."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from hwflow.board.boards import Board
from hwflow.board.bridge import Protocol, check_interface
from hwflow.plan.streams import Interface, PortGroup

__all__ = ["BRIDGE", "DESIGN", "bridge_module", "top_verilog"]

BRIDGE: Final = "bridge"
DESIGN: Final = "network"
"""Instance names in the board top."""

_UART: Final = Path(__file__).with_name("uart.v")
_RESET_BITS: Final = 8
"""iCE40 block RAMs read as zero for some 3 us after configuration: stay in reset for longer."""

_BLOCK_BYTES: Final = 64


def bridge_module(design: str) -> str:
    """The name of the module that holds the bridge."""
    return f"{design}_bridge"


def top_verilog(interface: Interface, board: Board, protocol: Protocol) -> str:
    """Top and bridge; the design's own modules are in design.v.

    Raises:
        InputError: as `check_interface`.
    """
    source, sink = check_interface(interface)
    parts = (
        "/* verilator lint_off UNUSEDSIGNAL */ // what this interface does not need\n",
        _top(interface, board, protocol, source, sink),
        _bridge(interface, protocol, source, sink),
        _store(protocol),
        _UART.read_text(encoding="utf-8"),
    )
    return "\n".join(parts)


def _top(
    interface: Interface, board: Board, protocol: Protocol, source: PortGroup, sink: PortGroup
) -> str:
    highs = [name for name, _ in board.high]
    ports = [
        "input  wire clk",
        "input  wire uart_rx",
        "output wire uart_tx",
        "output wire led_busy",
        "output wire led_error",
        *(f"output wire {name}" for name in highs),
    ]
    wires = [f"  wire {_range(group.data_bits)}{group.data};" for group in (source, sink)]
    singles = [n for g in (source, sink) for n in (g.valid, g.ready, g.last) if n is not None]
    shared = [interface.reset, *singles]
    invert = "!" if board.leds_active_low else ""
    pins = [name for g in (source, sink) for name in (g.data, g.valid, g.ready, g.last) if name]
    bridge_pins = [p for p in pins if p != sink.last]
    lines = [
        f"// {interface.top} on {board.title}: UART 8N1 at {board.baud} baud, "
        f"{protocol.clocks_per_bit} clocks a bit at {board.clock_hertz} Hz.",
        f"// In:  {source.tensor}, {protocol.input_bytes} bytes a tensor "
        f"({protocol.input_beats} x {protocol.input_beat_bytes}), little endian.",
        f"// Out: {sink.tensor}, {protocol.output_bytes} bytes a tensor "
        f"({protocol.output_beats} x {protocol.output_beat_bytes}).",
        f"// At most {protocol.window} tensors on their way; a silence of 2**"
        f"{protocol.timeout_bits} clocks forgets half a tensor.",
        f"module {protocol.top} (",
        ",\n".join(f"  {port}" for port in ports),
        ");",
        *(f"  wire {name};" for name in shared),
        *wires,
        "  wire busy, error;",
        f"  assign led_busy = {invert}busy;",
        f"  assign led_error = {invert}error;",
        *(f"  assign {name} = 1'b1;" for name in highs),
        f"  {bridge_module(interface.top)} {BRIDGE} (",
        "    .clk(clk), .uart_rx(uart_rx), .uart_tx(uart_tx), .busy(busy), .error(error),",
        f"    .{interface.reset}({interface.reset}),",
        ",\n".join(f"    .{name}({name})" for name in bridge_pins),
        "  );",
        f"  {interface.top} {DESIGN} (",
        f"    .{interface.clock}(clk), .{interface.reset}({interface.reset}),",
        ",\n".join(f"    .{name}({name})" for name in pins),
        "  );",
        "endmodule",
    ]
    return "\n".join(lines) + "\n"


def _bridge(interface: Interface, protocol: Protocol, source: PortGroup, sink: PortGroup) -> str:
    """The bridge under the design's port names, with the reset that boards lack."""
    ports = [
        "input  wire clk",
        "input  wire uart_rx",
        "output wire uart_tx",
        "output wire busy",
        "output wire error",
        f"output wire {interface.reset}",
        f"output wire {_range(source.data_bits)}{source.data}",
        f"output wire {source.valid}",
        f"input  wire {source.ready}",
        *([f"output wire {source.last}"] if source.last else []),
        f"input  wire {_range(sink.data_bits)}{sink.data}",
        f"input  wire {sink.valid}",
        f"output wire {sink.ready}",
    ]
    assert interface.reset_cycles < (1 << _RESET_BITS) - 1
    level = "" if interface.reset_active_high else "!"
    spare = 8 * protocol.output_beat_bytes - sink.data_bits
    result = f"{{{spare}'d0, {sink.data}}}" if spare else sink.data
    lines = [
        "// The bridge, and a reset after power-up: registers of an iCE40 start at 0.",
        f"module {bridge_module(interface.top)} (",
        ",\n".join(f"  {port}" for port in ports),
        ");",
        f"  reg [{_RESET_BITS - 1}:0] started;",
        f"  initial started = {_RESET_BITS}'d0;",
        "  wire in_reset = !(&started);",
        "  always @(posedge clk) if (in_reset) started <= started + 1'b1;",
        f"  assign {interface.reset} = {level}in_reset;",
        f"  wire [{8 * protocol.input_beat_bytes - 1}:0] beat;",
        f"  assign {source.data} = beat[{source.data_bits - 1}:0];",
        "  wire last;",
        *([f"  assign {source.last} = last;"] if source.last else []),
        "  hwflow_uart_bridge #(",
        f"    .CLOCKS({protocol.clocks_per_bit}), .IN_BYTES({protocol.input_beat_bytes}),",
        f"    .IN_BEATS({protocol.input_beats}), .OUT_BYTES({protocol.output_beat_bytes}),",
        f"    .ADDRESS({protocol.address_bits}), .TIMEOUT({protocol.timeout_bits})",
        "  ) uart (",
        "    .clk(clk), .rst(in_reset), .rx_i(uart_rx), .tx_o(uart_tx), .busy_o(busy),",
        f"    .error_o(error), .in_data_o(beat), .in_valid_o({source.valid}),",
        f"    .in_ready_i({source.ready}), .in_last_o(last), .out_data_i({result}),",
        f"    .out_valid_i({sink.valid}), .out_ready_o({sink.ready})",
        "  );",
        "endmodule",
    ]
    return "\n".join(lines) + "\n"


def _store(protocol: Protocol) -> str:
    """The bytes received: a block RAM, or registers where a block would be wasted."""
    words = 1 << protocol.address_bits
    style = "block" if words >= _BLOCK_BYTES else "distributed"
    address = f"[{protocol.address_bits - 1}:0]"
    lines = [
        "// Received bytes; a byte is never read in the cycle in which it is written.",
        "module hwflow_uart_store (",
        "  input  wire clk,",
        "  input  wire write_i,",
        f"  input  wire {address} write_addr_i,",
        "  input  wire [7:0] write_data_i,",
        "  input  wire en_i,",
        f"  input  wire {address} read_addr_i,",
        "  output wire [7:0] data_o",
        ");",
        f'  (* ram_style = "{style}", no_rw_check *)',
        f"  reg [7:0] words [0:{words - 1}];",
        "  reg [7:0] data;",
        "  always @(posedge clk) begin",
        "    if (write_i) words[write_addr_i] <= write_data_i;",
        "    if (en_i) data <= words[read_addr_i];",
        "  end",
        "  assign data_o = data;",
        "endmodule",
    ]
    return "\n".join(lines) + "\n"


def _range(bits: int) -> str:
    return f"[{bits - 1}:0] " if bits > 1 else ""
