// Sums eight signed 6-bit lanes; three pipeline stages under one enable, two-entry output buffer.
// Lane 8 is no summand: its last non-zero value since reset selects a fault (0: none).
//   1 drops a beat under back-pressure   2 data change while stalled   3 valid falls while stalled
//   4 never outputs                      5 outputs a beat too many     6 reset forgets the pipeline
module adder_tree (
  input clk,
  input rst,
  input [50:0] x_data_i,
  input x_valid_i,
  output x_ready_o,
  output [8:0] y_data_o,
  output y_valid_o,
  input y_ready_i
);
  reg [2:0] fault;
  reg [2:0] v;
  reg [8:0] q0, q1;
  reg [1:0] count;
  reg waited;
  wire [8:0] sum;
  wire room = count != 2'd2 || fault == 3'd1;
  wire en = ~v[2] | room;
  wire push = v[2] & room;
  wire pop = y_valid_o & y_ready_i;

  assign x_ready_o = en;
  assign y_valid_o = count != 2'd0 && fault != 3'd4 && ~(fault == 3'd3 & waited);
  assign y_data_o = (fault == 3'd2 & waited) ? ~q0 : q0;

  adder_tree__sum sum_i (.clk(clk), .en(en), .in_data_i(x_data_i[47:0]), .out_data_o(sum));

  always @(posedge clk) begin
    if (en) v <= {v[1:0], x_valid_i};
    if (x_valid_i & x_ready_o & (x_data_i[50:48] != 3'd0)) fault <= x_data_i[50:48];
    waited <= y_valid_o & ~y_ready_i;
    if (pop) q0 <= count == 2'd2 ? q1 : sum;
    else if (count == 2'd0) q0 <= sum;
    if (push) q1 <= sum;
    if (push & ~pop & (count != 2'd2)) count <= count + 2'd1;
    if (pop & ~push & (fault != 3'd5)) count <= count - 2'd1;
    if (rst) begin
      fault <= 3'd0;
      waited <= 1'b0;
      if (fault != 3'd6) begin
        v <= 3'd0;
        count <= 2'd0;
      end
    end
  end
endmodule

module adder_tree__sum (
  input clk,
  input en,
  input [47:0] in_data_i,
  output [8:0] out_data_o
);
  wire signed [5:0] x0 = in_data_i[5:0];
  wire signed [5:0] x1 = in_data_i[11:6];
  wire signed [5:0] x2 = in_data_i[17:12];
  wire signed [5:0] x3 = in_data_i[23:18];
  wire signed [5:0] x4 = in_data_i[29:24];
  wire signed [5:0] x5 = in_data_i[35:30];
  wire signed [5:0] x6 = in_data_i[41:36];
  wire signed [5:0] x7 = in_data_i[47:42];
  reg signed [6:0] a0, a1, a2, a3;
  reg signed [7:0] b0, b1;
  reg signed [8:0] c0;
  assign out_data_o = c0;
  always @(posedge clk) if (en) begin
    a0 <= {x0[5], x0} + {x1[5], x1};
    a1 <= {x2[5], x2} + {x3[5], x3};
    a2 <= {x4[5], x4} + {x5[5], x5};
    a3 <= {x6[5], x6} + {x7[5], x7};
    b0 <= {a0[6], a0} + {a1[6], a1};
    b1 <= {a2[6], a2} + {a3[6], a3};
    c0 <= {b0[7], b0} + {b1[7], b1};
  end
endmodule
