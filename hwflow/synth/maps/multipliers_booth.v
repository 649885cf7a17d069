// Products in LUTs by Booth's digits -2 to 2 (radix 4): a row adds a digit times the wider operand,
// so there are half as many carry chains as the narrower operand has bits. The families' row maps
// say how a row is built.
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
  localparam NARROW = A_WIDTH > B_WIDTH ? B_WIDTH : A_WIDTH;
  // Unsigned operands have a sign bit of zero.
  localparam ROWS = (NARROW + (SIGNED ? 1 : 2)) / 2;
  // A row's sum is below four times the wider operand; what lies above Y is never built.
  localparam SUM = WIDE + (SIGNED ? 2 : 3);
  wire _TECHMAP_FAIL_ = NARROW < 2 || A_SIGNED != B_SIGNED;

  wire [WIDE-1:0] wide = A_WIDTH > B_WIDTH ? A : B;
  wire [NARROW-1:0] narrow = A_WIDTH > B_WIDTH ? B : A;
  wire [SUM-1:0] x = {{SUM - WIDE{SIGNED ? wide[WIDE-1] : 1'b0}}, wide};
  wire sign = SIGNED ? narrow[NARROW-1] : 1'b0;
  wire [2*ROWS:0] z = {{2 * ROWS - NARROW{sign}}, narrow, 1'b0};
  wire [ROWS*SUM-1:0] sums;
  wire [2*ROWS+SUM-1:0] product;

  genvar k;
  generate
    for (k = 0; k < ROWS; k = k + 1) begin : row
      localparam LENGTH = Y_WIDTH - 2 * k < SUM ? Y_WIDTH - 2 * k : SUM;
      if (LENGTH > 0) begin
        wire [SUM-1:0] before;
        if (k > 0) assign before = {{2{sums[k*SUM-1]}}, sums[k*SUM-1:(k-1)*SUM+2]};
        else assign before = 0;
        hwflow_booth_row #(.WIDTH(LENGTH), .FIRST(k == 0)) chain (
          .A(before[LENGTH-1:0]), .X(x[LENGTH-1:0]), .Z(z[2*k+2:2*k]),
          .NEXT(k == ROWS - 1 ? 1'b0 : z[2*k+4 > 2*ROWS ? 0 : 2*k+4]), .S(sums[k*SUM+:LENGTH])
        );
        if (LENGTH < SUM) assign sums[k*SUM+LENGTH+:SUM-LENGTH] = 0;
      end else assign sums[k*SUM+:SUM] = 0;
      assign product[2*k+:2] = sums[k*SUM+:2];
    end
    assign product[2*ROWS+SUM-1:2*ROWS] = {{2{sums[ROWS*SUM-1]}}, sums[ROWS*SUM-1:(ROWS-1)*SUM+2]};
    if (Y_WIDTH > 2 * ROWS + SUM)
      assign Y = {{Y_WIDTH - 2 * ROWS - SUM{SIGNED ? product[2*ROWS+SUM-1] : 1'b0}}, product};
    else
      assign Y = product[Y_WIDTH-1:0];
  endgenerate
endmodule
