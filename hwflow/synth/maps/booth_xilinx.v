// One LUT6 a bit: it selects the digit's multiple of X, inverts it, and adds it to A on the carry
// chain, whose first carry completes the negation.
(* techmap_celltype = "hwflow_booth_row" *)
module hwflow_booth_row_xilinx (A, X, Z, NEXT, S);
  parameter WIDTH = 1;
  parameter FIRST = 0;
  input [WIDTH-1:0] A, X;
  input [2:0] Z;
  input NEXT;
  output [WIDTH-1:0] S;
  localparam COUNT = (WIDTH + 3) / 4;
  wire one = Z[1] ^ Z[0];
  wire two = (Z[2] ^ Z[1]) & ~one;
  wire [WIDTH-1:0] addend = {WIDTH{one}} & X | {WIDTH{two}} & {X, 1'b0};
  wire [4*COUNT-1:0] propagate = A ^ addend ^ {WIDTH{Z[2]}};
  wire [4*COUNT-1:0] a = A, sum;
  wire [4*COUNT:0] carry;
  assign carry[0] = Z[2];
  assign S = sum[WIDTH-1:0];
  genvar k;
  generate
    for (k = 0; k < COUNT; k = k + 1) begin : slice
      if (k == 0)
        CARRY4 cell (
          .CYINIT(Z[2]), .CI(1'b0), .DI(a[3:0]), .S(propagate[3:0]),
          .O(sum[3:0]), .CO(carry[4:1])
        );
      else
        CARRY4 cell (
          .CYINIT(1'b0), .CI(carry[4*k]), .DI(a[4*k+3:4*k]), .S(propagate[4*k+3:4*k]),
          .O(sum[4*k+3:4*k]), .CO(carry[4*k+4:4*k+1])
        );
    end
  endgenerate
endmodule
