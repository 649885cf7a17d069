"""Small circuits shared by the tests of synthesis and of the netlist rung."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from hwflow.plan.streams import Interface, PortGroup, StreamType

LAYERS = ("tiny__scale", "tiny__sum")
LATENCY = 3

# Two pipelined layers under valid/ready: three signed 5-bit inputs, wide enough for carry chains,
# a saturation, registers with enable, and with enable and reset to one.
TINY = """
module tiny__scale(input clk, input en, input rst,
                   input [14:0] in_data_i, output [29:0] out_data_o);
  wire signed [4:0] a = in_data_i[4:0];
  wire signed [4:0] b = in_data_i[9:5];
  wire signed [4:0] c = in_data_i[14:10];
  reg signed [9:0] p, q, r;
  always @(posedge clk) if (en) begin
    p <= (a <<< 3) - a + b;
    q <= (b <<< 2) + c - (a <<< 1);
    r <= (c <<< 4) - (b <<< 1);
  end
  assign out_data_o = {r, q, p};
endmodule

module tiny__sum(input clk, input en, input rst, input [29:0] in_data_i, output [7:0] out_data_o);
  wire signed [9:0] p = in_data_i[9:0];
  wire signed [9:0] q = in_data_i[19:10];
  wire signed [9:0] r = in_data_i[29:20];
  reg signed [11:0] s;
  reg signed [7:0] y;
  wire signed [11:0] low = -12'sd128;
  wire signed [11:0] high = 12'sd127;
  always @(posedge clk) begin
    if (rst) s <= 12'hfff; else if (en) s <= p + q - r;
    if (en) y <= s < low ? low[7:0] : s > high ? high[7:0] : s[7:0];
  end
  assign out_data_o = y;
endmodule

module tiny(input clk, input rst, input [14:0] x_data_i, input x_valid_i, output x_ready_o,
            output [7:0] y_data_o, output y_valid_o, input y_ready_i);
  reg [2:0] valid;
  wire en = y_ready_i | ~valid[2];
  assign x_ready_o = en;
  assign y_valid_o = valid[2];
  always @(posedge clk) if (rst) valid <= 0; else if (en) valid <= {valid[1:0], x_valid_i};
  wire [29:0] middle;
  tiny__scale scale(.clk(clk), .en(en), .rst(rst), .in_data_i(x_data_i), .out_data_o(middle));
  tiny__sum sum(.clk(clk), .en(en), .rst(rst), .in_data_i(middle), .out_data_o(y_data_o));
endmodule
"""


def tiny_middle(x: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """What layer `scale` computes."""
    a, b, c = x.T
    return np.stack([7 * a + b, 4 * b + c - 2 * a, 16 * c - 2 * b], axis=1)


def tiny_output(x: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """What the circuit computes."""
    p, q, r = tiny_middle(x).T
    return np.clip(p + q - r, -128, 127).reshape(-1, 1).astype(np.int64)


def tiny_vectors(count: int) -> npt.NDArray[np.int64]:
    """Corners first, then random."""
    corners = np.array([[-16] * 3, [15] * 3, [0] * 3, [-16, 15, -16], [15, -16, 15]])
    noise = np.random.default_rng(7).integers(-16, 16, (count, 3))
    return np.concatenate([corners, noise])[:count].astype(np.int64)


def valid_ready(
    top: str,
    inputs: tuple[tuple[int, ...], bool, int],
    outputs: tuple[tuple[int, ...], bool, int],
    latency: int,
    interval: int = 1,
) -> Interface:
    """A valid/ready interface with one input `x` and one output `y`: widths, signed, beats."""
    groups = []
    for tensor, (widths, signed, beats) in (("x", inputs), ("y", outputs)):
        way, back = ("i", "o") if tensor == "x" else ("o", "i")
        stream = StreamType(widths, (signed,) * len(widths), beats)
        groups.append(
            PortGroup(
                tensor=tensor,
                shape=(stream.elements,),
                stream=stream,
                data=f"{tensor}_data_{way}",
                valid=f"{tensor}_valid_{way}",
                ready=f"{tensor}_ready_{back}",
                last=None,
                data_bits=stream.bits,
            )
        )
    return Interface(
        top=top,
        kind="valid_ready",
        clock="clk",
        reset="rst",
        reset_active_high=True,
        reset_cycles=2,
        inputs=(groups[0],),
        outputs=(groups[1],),
        latency=latency,
        initiation_interval=interval,
    )


def tiny_interface() -> Interface:
    """The interface of TINY."""
    return valid_ready("tiny", ((5, 5, 5), True, 1), ((8,), True, 1), LATENCY)
