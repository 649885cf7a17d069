// Two LUTs a bit. An iCE40 carry cell takes its operands from pins of its LUT, so that negating a
// row would cost a third: instead of a - b the row computes ~(~a + b), and the LUT's free pin
// inverts each sum into what the next row needs. A comes inverted where this row subtracts.
(* techmap_celltype = "hwflow_booth_row" *)
module hwflow_booth_row_ice40 (A, X, Z, NEXT, S);
  parameter WIDTH = 1;
  parameter FIRST = 0;
  input [WIDTH-1:0] A, X;
  input [2:0] Z;
  input NEXT;
  output [WIDTH-1:0] S;
  wire one = Z[1] ^ Z[0];
  wire two = (Z[2] ^ Z[1]) & ~one;
  wire [WIDTH-1:0] addend = {WIDTH{one}} & X | {WIDTH{two}} & {X, 1'b0};
  wire [WIDTH-1:0] a = FIRST ? {WIDTH{Z[2]}} : A;
  wire invert = Z[2] ^ NEXT;
  wire [WIDTH:0] carry;
  assign carry[0] = 1'b0;
  genvar k;
  generate
    for (k = 0; k < WIDTH; k = k + 1) begin : slice
      // I0 ^ A ^ B ^ CI; the two lowest bits are the product's.
      \$__ICE40_CARRY_WRAPPER #(.LUT(16'b1001_0110_0110_1001 ^ 16'hFFFF), .I3_IS_CI(1'b1)) cell (
        .A(a[k]), .B(addend[k]), .CI(carry[k]), .I0(k < 2 ? Z[2] : invert), .I3(1'bx),
        .CO(carry[k+1]), .O(S[k])
      );
    end
  endgenerate
endmodule
