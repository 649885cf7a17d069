// Two AXI4-Stream inputs, one output. Tensor a: 4 beats of 3 unsigned 5-bit lanes; tensor b: 1 beat
// of one signed 7-bit lane. Tensor y: 2 beats of one signed 10-bit lane: sum(a) + b, then b.
// b[7] (above the lane) is the fault: TLAST in the wrong place.
module serial_sum (
  input aclk,
  input aresetn,
  input [15:0] s_axis_a_tdata,
  input s_axis_a_tvalid,
  output s_axis_a_tready,
  input s_axis_a_tlast,
  input [7:0] s_axis_b_tdata,
  input s_axis_b_tvalid,
  output s_axis_b_tready,
  input s_axis_b_tlast,
  output [15:0] m_axis_y_tdata,
  output m_axis_y_tvalid,
  input m_axis_y_tready,
  output m_axis_y_tlast
);
  reg [9:0] total;
  reg [7:0] b;
  reg has_a, has_b, second;
  wire take = m_axis_y_tvalid & m_axis_y_tready;
  wire [9:0] wide_b = {{3{b[6]}}, b[6:0]};
  wire [9:0] word = second ? wide_b : total + wide_b;
  assign s_axis_a_tready = ~has_a;
  assign s_axis_b_tready = ~has_b;
  assign m_axis_y_tvalid = has_a & has_b;
  assign m_axis_y_tdata = {6'd0, word};
  assign m_axis_y_tlast = second ^ b[7];
  always @(posedge aclk) begin
    if (s_axis_a_tvalid & s_axis_a_tready) begin
      total <= total + {5'd0, s_axis_a_tdata[4:0]} + {5'd0, s_axis_a_tdata[9:5]}
        + {5'd0, s_axis_a_tdata[14:10]};
      has_a <= s_axis_a_tlast;
    end
    if (s_axis_b_tvalid & s_axis_b_tready) begin
      b <= s_axis_b_tdata;
      has_b <= s_axis_b_tlast;
    end
    if (take) second <= ~second;
    if (take & second) begin
      total <= 10'd0;
      has_a <= 1'b0;
      has_b <= 1'b0;
    end
    if (~aresetn) begin
      total <= 10'd0;
      has_a <= 1'b0;
      has_b <= 1'b0;
      second <= 1'b0;
    end
  end
endmodule
