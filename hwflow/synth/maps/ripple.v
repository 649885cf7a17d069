// Ripple-carry adders: the smallest form, and pipelining already gives each adder its time. Wide
// ones are left to Yosys' own map, which builds parallel-prefix carries: there the loads on each
// carry add up to more than was planned.
(* techmap_celltype = "$alu" *)
module hwflow_ripple (A, B, CI, BI, X, Y, CO);
  parameter A_SIGNED = 0;
  parameter B_SIGNED = 0;
  parameter A_WIDTH = 1;
  parameter B_WIDTH = 1;
  parameter Y_WIDTH = 1;
  (* force_downto *) input [A_WIDTH-1:0] A;
  (* force_downto *) input [B_WIDTH-1:0] B;
  input CI, BI;
  (* force_downto *) output [Y_WIDTH-1:0] X, Y, CO;
  wire _TECHMAP_FAIL_ = Y_WIDTH > 15;
  (* force_downto *) wire [Y_WIDTH-1:0] a, b;
  \$pos #(.A_SIGNED(A_SIGNED), .A_WIDTH(A_WIDTH), .Y_WIDTH(Y_WIDTH)) ea (.A(A), .Y(a));
  \$pos #(.A_SIGNED(B_SIGNED), .A_WIDTH(B_WIDTH), .Y_WIDTH(Y_WIDTH)) eb (.A(B), .Y(b));
  (* force_downto *) wire [Y_WIDTH-1:0] c = BI ? ~b : b;
  (* force_downto *) wire [Y_WIDTH:0] k = {CO, CI};
  assign X = a ^ c;
  assign Y = X ^ k[Y_WIDTH-1:0];
  assign CO = (a & c) | (X & k[Y_WIDTH-1:0]);
endmodule
