// Products in LUTs: one carry chain a row, and no LUT besides it. A CCU2C adds A to any function of
// A, B and D, so that masking the multiplicand by a bit of the multiplier costs nothing; the first
// two rows share a chain. Rows belong to the narrower operand; a signed one's last is subtracted.
(* techmap_celltype = "$mul" *)
module hwflow_multiplier (A, B, Y);
  parameter A_SIGNED = 0;
  parameter B_SIGNED = 0;
  parameter A_WIDTH = 1;
  parameter B_WIDTH = 1;
  parameter Y_WIDTH = 1;
  (* force_downto *)
  input [A_WIDTH-1:0] A;
  (* force_downto *)
  input [B_WIDTH-1:0] B;
  (* force_downto *)
  output [Y_WIDTH-1:0] Y;

  localparam SIGNED = A_SIGNED && B_SIGNED;
  localparam WIDE = A_WIDTH > B_WIDTH ? A_WIDTH : B_WIDTH;
  localparam ROWS = A_WIDTH > B_WIDTH ? B_WIDTH : A_WIDTH;
  localparam ALONE = SIGNED && ROWS == 2;
  wire _TECHMAP_FAIL_ = ROWS < 2 || A_SIGNED != B_SIGNED;

  wire [WIDE-1:0] x = A_WIDTH > B_WIDTH ? A : B;
  wire [ROWS-1:0] z = A_WIDTH > B_WIDTH ? B : A;
  wire [WIDE+ROWS-1:0] product;
  // A row's sum has a bit more than x; its lowest bit is one of the product's.
  localparam SUM = WIDE + 1;
  wire [ROWS*SUM-1:0] sums;
  wire sign = SIGNED ? x[WIDE-1] : 1'b0;

  genvar k;
  generate
    assign sums[SUM-1:0] = {sign, x} & {SUM{z[0]}};
    for (k = 1; k < ROWS; k = k + 1) begin : row
      localparam FIRST = k == 1 && !ALONE;
      localparam SUBTRACT = SIGNED && k == ROWS - 1;
      wire [SUM-1:0] before = {SIGNED ? sums[k*SUM-1] : 1'b0, sums[k*SUM-1:(k-1)*SUM+1]};
      hwflow_multiplier_row #(.WIDTH(SUM), .FIRST(FIRST), .SUBTRACT(SUBTRACT)) chain (
        .A(FIRST ? {sign, sign, x[WIDE-1:1]} : before), .B(z[k-1]), .X({sign, x}), .Z(z[k]),
        .S(sums[k*SUM+:SUM])
      );
      assign product[k-1] = sums[(k-1)*SUM];
    end
    assign product[WIDE+ROWS-1:ROWS-1] = sums[ROWS*SUM-1:(ROWS-1)*SUM];
    if (Y_WIDTH > WIDE + ROWS)
      assign Y = {{Y_WIDTH - WIDE - ROWS{SIGNED ? product[WIDE+ROWS-1] : 1'b0}}, product};
    else
      assign Y = product[Y_WIDTH-1:0];
  endgenerate
endmodule

// S = A + X * Z, A - X * Z, or as the first row A * B + X * Z.
(* techmap_celltype = "hwflow_multiplier_row" *)
module hwflow_multiplier_row (A, B, X, Z, S);
  parameter WIDTH = 1;
  parameter FIRST = 0;
  parameter SUBTRACT = 0;
  input [WIDTH-1:0] A, X;
  input B, Z;
  output [WIDTH-1:0] S;
  localparam PAIRS = (WIDTH + 1) / 2;
  // Pins A, B, C, D. First row: A, B, X, Z; p = (A & B) ^ (X & Z), and A & B is generated.
  // Other rows: A, X, 1, Z; p = A ^ (X & Z) or its inverse, and A is generated (seen at C = 0).
  localparam [15:0] INIT = FIRST ? 16'h7888 : SUBTRACT ? 16'h9A5A : 16'h6AAA;
  wire [2*PAIRS-1:0] a = A, x = X, sum;
  wire [PAIRS:0] carry;
  assign carry[0] = SUBTRACT;
  assign S = sum[WIDTH-1:0];
  genvar k;
  generate
    for (k = 0; k < PAIRS; k = k + 1) begin : pair
      CCU2C #(.INIT0(INIT), .INIT1(INIT), .INJECT1_0("NO"), .INJECT1_1("NO")) cell (
        .CIN(carry[k]), .COUT(carry[k+1]),
        .A0(a[2*k]), .B0(FIRST ? B : x[2*k]), .C0(FIRST ? x[2*k] : 1'b1), .D0(Z), .S0(sum[2*k]),
        .A1(a[2*k+1]), .B1(FIRST ? B : x[2*k+1]), .C1(FIRST ? x[2*k+1] : 1'b1), .D1(Z),
        .S1(sum[2*k+1])
      );
    end
  endgenerate
endmodule
