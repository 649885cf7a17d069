"""A hand-written design that is slower than the UART: three beats in, two beats out."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from hwflow.plan.streams import Interface, PortGroup, StreamType

__all__ = ["INTERFACE", "VERILOG", "expected", "tensors"]

INTERFACE = Interface(
    top="slow",
    kind="axi_stream",
    clock="aclk",
    reset="aresetn",
    reset_active_high=False,
    reset_cycles=2,
    inputs=(
        PortGroup(
            "x",
            (3,),
            StreamType((11,), (False,), 3),
            "s_axis_x_tdata",
            "s_axis_x_tvalid",
            "s_axis_x_tready",
            "s_axis_x_tlast",
            16,
        ),
    ),
    outputs=(
        PortGroup(
            "y",
            (2,),
            StreamType((17,), (False,), 2),
            "m_axis_y_tdata",
            "m_axis_y_tvalid",
            "m_axis_y_tready",
            "m_axis_y_tlast",
            24,
        ),
    ),
    latency=2400,
    initiation_interval=2400,
)

VERILOG = """\
// Takes a beat every 800 clocks; y = (sum of 3 x + 17 * place of the tensor's last x, XOR of 3 x).
// TLAST ends a tensor: where it comes late or early, the sums are wrong.
module slow (
  input wire aclk, input wire aresetn,
  input wire [15:0] s_axis_x_tdata, input wire s_axis_x_tvalid, output wire s_axis_x_tready,
  input wire s_axis_x_tlast,
  output wire [23:0] m_axis_y_tdata, output wire m_axis_y_tvalid, input wire m_axis_y_tready,
  output wire m_axis_y_tlast
);
  reg [9:0] rest;
  reg [1:0] out;
  reg [16:0] total, parity, total_out, parity_out;
  reg [1:0] place;
  assign s_axis_x_tready = rest == 0 && out == 0;
  assign m_axis_y_tvalid = out != 0;
  assign m_axis_y_tlast = out == 1;
  assign m_axis_y_tdata = {7'd0, out == 2 ? total_out : parity_out};
  wire [16:0] x = {1'b0, s_axis_x_tdata};
  always @(posedge aclk) begin
    if (rest != 0) rest <= rest - 1'b1;
    if (s_axis_x_tvalid && s_axis_x_tready) begin
      rest <= 10'd799;
      total <= total + x;
      parity <= parity ^ x;
      place <= place + 1'b1;
      if (s_axis_x_tlast) begin
        total_out <= total + x + 17'd17 * place;
        parity_out <= parity ^ x;
        total <= 0;
        parity <= 0;
        place <= 0;
        out <= 2;
      end
    end
    if (out != 0 && m_axis_y_tready) out <= out - 1'b1;
    if (!aresetn) begin
      rest <= 0; out <= 0; total <= 0; parity <= 0; place <= 0;
    end
  end
endmodule
"""


def tensors(count: int) -> npt.NDArray[np.int64]:
    """Random inputs (count, 3)."""
    return np.random.default_rng(7).integers(0, 1 << 11, (count, 3))


def expected(x: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """What the design computes: (n, 2)."""
    return np.stack([x.sum(axis=1) + 34, x[:, 0] ^ x[:, 1] ^ x[:, 2]], axis=1)
