// valid_only: takes a pair of signed 20-bit lanes every second cycle, gives one negated lane a beat.
module negate_pair (
  input clk,
  input rst,
  input [39:0] x_data_i,
  input x_valid_i,
  output [20:0] y_data_o,
  output y_valid_o
);
  reg [19:0] now, later;
  reg [1:0] left;
  assign y_valid_o = left != 2'd0;
  assign y_data_o = 21'd0 - {now[19], now};
  always @(posedge clk) begin
    now <= later;
    left <= {1'b0, left[1]};
    if (x_valid_i) begin
      now <= x_data_i[19:0];
      later <= x_data_i[39:20];
      left <= 2'b11;
    end
    if (rst) left <= 2'd0;
  end
endmodule
