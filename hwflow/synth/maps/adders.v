// One carry chain for each adder and subtractor of the design. Left to itself, Yosys merges a
// chain of adders into one compressor tree, which costs three LUTs a bit instead of one.
(* techmap_celltype = "$add $sub" *)
module hwflow_adder (A, B, Y);
  parameter A_SIGNED = 0;
  parameter B_SIGNED = 0;
  parameter A_WIDTH = 1;
  parameter B_WIDTH = 1;
  parameter Y_WIDTH = 1;
  parameter _TECHMAP_CELLTYPE_ = "";
  localparam SIGNED = A_SIGNED && B_SIGNED;
  localparam SUBTRACT = _TECHMAP_CELLTYPE_ == "$sub";
  input [A_WIDTH-1:0] A;
  input [B_WIDTH-1:0] B;
  output [Y_WIDTH-1:0] Y;
  wire [Y_WIDTH-1:0] propagate;
  wire [Y_WIDTH-1:0] carry;
  \$alu #(
    .A_SIGNED(SIGNED), .B_SIGNED(SIGNED),
    .A_WIDTH(A_WIDTH), .B_WIDTH(B_WIDTH), .Y_WIDTH(Y_WIDTH)
  ) _TECHMAP_REPLACE_ (
    .A(A), .B(B), .CI(SUBTRACT), .BI(SUBTRACT), .X(propagate), .Y(Y), .CO(carry)
  );
endmodule
