// Behaviour of the ECP5 blocks in the modes that hwflow's recipes emit, written from Lattice's
// memory and sysDSP usage guides (FPGA-TN-02204, FPGA-TN-02205); other modes stop the simulation.

// 18 kbit of block RAM: two ports of 1 to 18 bits without output registers, or one that writes (A)
// and one that reads (B) words of 36 bits. A read in the cycle of a write gives the old word.
module DP16KD (
  input CLKA, input CEA, input OCEA, input WEA, input RSTA, input CSA0, input CSA1, input CSA2,
  input ADA0, input ADA1, input ADA2, input ADA3, input ADA4, input ADA5, input ADA6, input ADA7,
  input ADA8, input ADA9, input ADA10, input ADA11, input ADA12, input ADA13, input DIA0,
  input DIA1, input DIA2, input DIA3, input DIA4, input DIA5, input DIA6, input DIA7, input DIA8,
  input DIA9, input DIA10, input DIA11, input DIA12, input DIA13, input DIA14, input DIA15,
  input DIA16, input DIA17, input CLKB, input CEB, input OCEB, input WEB, input RSTB, input CSB0,
  input CSB1, input CSB2, input ADB0, input ADB1, input ADB2, input ADB3, input ADB4, input ADB5,
  input ADB6, input ADB7, input ADB8, input ADB9, input ADB10, input ADB11, input ADB12,
  input ADB13, input DIB0, input DIB1, input DIB2, input DIB3, input DIB4, input DIB5, input DIB6,
  input DIB7, input DIB8, input DIB9, input DIB10, input DIB11, input DIB12, input DIB13,
  input DIB14, input DIB15, input DIB16, input DIB17, output DOA0, output DOA1, output DOA2,
  output DOA3, output DOA4, output DOA5, output DOA6, output DOA7, output DOA8, output DOA9,
  output DOA10, output DOA11, output DOA12, output DOA13, output DOA14, output DOA15,
  output DOA16, output DOA17, output DOB0, output DOB1, output DOB2, output DOB3, output DOB4,
  output DOB5, output DOB6, output DOB7, output DOB8, output DOB9, output DOB10, output DOB11,
  output DOB12, output DOB13, output DOB14, output DOB15, output DOB16, output DOB17
);
  parameter DATA_WIDTH_A = 18, DATA_WIDTH_B = 18;
  parameter REGMODE_A = "NOREG", REGMODE_B = "NOREG", RESETMODE = "SYNC";
  parameter ASYNC_RESET_RELEASE = "SYNC", GSR = "AUTO";
  parameter CSDECODE_A = "0b000", CSDECODE_B = "0b000", CLKAMUX = "CLKA", CLKBMUX = "CLKB";
  parameter WRITEMODE_A = "NORMAL", WRITEMODE_B = "NORMAL";
  parameter [319:0] INITVAL_00 = 0, INITVAL_01 = 0, INITVAL_02 = 0, INITVAL_03 = 0,
    INITVAL_04 = 0, INITVAL_05 = 0, INITVAL_06 = 0, INITVAL_07 = 0;
  parameter [319:0] INITVAL_08 = 0, INITVAL_09 = 0, INITVAL_0A = 0, INITVAL_0B = 0,
    INITVAL_0C = 0, INITVAL_0D = 0, INITVAL_0E = 0, INITVAL_0F = 0;
  parameter [319:0] INITVAL_10 = 0, INITVAL_11 = 0, INITVAL_12 = 0, INITVAL_13 = 0,
    INITVAL_14 = 0, INITVAL_15 = 0, INITVAL_16 = 0, INITVAL_17 = 0;
  parameter [319:0] INITVAL_18 = 0, INITVAL_19 = 0, INITVAL_1A = 0, INITVAL_1B = 0,
    INITVAL_1C = 0, INITVAL_1D = 0, INITVAL_1E = 0, INITVAL_1F = 0;
  parameter [319:0] INITVAL_20 = 0, INITVAL_21 = 0, INITVAL_22 = 0, INITVAL_23 = 0,
    INITVAL_24 = 0, INITVAL_25 = 0, INITVAL_26 = 0, INITVAL_27 = 0;
  parameter [319:0] INITVAL_28 = 0, INITVAL_29 = 0, INITVAL_2A = 0, INITVAL_2B = 0,
    INITVAL_2C = 0, INITVAL_2D = 0, INITVAL_2E = 0, INITVAL_2F = 0;
  parameter [319:0] INITVAL_30 = 0, INITVAL_31 = 0, INITVAL_32 = 0, INITVAL_33 = 0,
    INITVAL_34 = 0, INITVAL_35 = 0, INITVAL_36 = 0, INITVAL_37 = 0;
  parameter [319:0] INITVAL_38 = 0, INITVAL_39 = 0, INITVAL_3A = 0, INITVAL_3B = 0,
    INITVAL_3C = 0, INITVAL_3D = 0, INITVAL_3E = 0, INITVAL_3F = 0;
  localparam [20479:0] INIT = {
    INITVAL_3F, INITVAL_3E, INITVAL_3D, INITVAL_3C, INITVAL_3B, INITVAL_3A, INITVAL_39,
    INITVAL_38, INITVAL_37, INITVAL_36, INITVAL_35, INITVAL_34, INITVAL_33, INITVAL_32,
    INITVAL_31, INITVAL_30, INITVAL_2F, INITVAL_2E, INITVAL_2D, INITVAL_2C, INITVAL_2B,
    INITVAL_2A, INITVAL_29, INITVAL_28, INITVAL_27, INITVAL_26, INITVAL_25, INITVAL_24,
    INITVAL_23, INITVAL_22, INITVAL_21, INITVAL_20, INITVAL_1F, INITVAL_1E, INITVAL_1D,
    INITVAL_1C, INITVAL_1B, INITVAL_1A, INITVAL_19, INITVAL_18, INITVAL_17, INITVAL_16,
    INITVAL_15, INITVAL_14, INITVAL_13, INITVAL_12, INITVAL_11, INITVAL_10, INITVAL_0F,
    INITVAL_0E, INITVAL_0D, INITVAL_0C, INITVAL_0B, INITVAL_0A, INITVAL_09, INITVAL_08,
    INITVAL_07, INITVAL_06, INITVAL_05, INITVAL_04, INITVAL_03, INITVAL_02, INITVAL_01, INITVAL_00
  };
  wire [13:0] address_a = {
    ADA13, ADA12, ADA11, ADA10, ADA9, ADA8, ADA7, ADA6, ADA5, ADA4, ADA3, ADA2, ADA1, ADA0
  };
  wire [17:0] data_a = {
    DIA17, DIA16, DIA15, DIA14, DIA13, DIA12, DIA11, DIA10, DIA9, DIA8, DIA7, DIA6, DIA5, DIA4,
    DIA3, DIA2, DIA1, DIA0
  };
  reg [17:0] out_a;
  assign {
    DOA17, DOA16, DOA15, DOA14, DOA13, DOA12, DOA11, DOA10, DOA9, DOA8, DOA7, DOA6, DOA5, DOA4,
    DOA3, DOA2, DOA1, DOA0
  } = out_a;
  wire [13:0] address_b = {
    ADB13, ADB12, ADB11, ADB10, ADB9, ADB8, ADB7, ADB6, ADB5, ADB4, ADB3, ADB2, ADB1, ADB0
  };
  wire [17:0] data_b = {
    DIB17, DIB16, DIB15, DIB14, DIB13, DIB12, DIB11, DIB10, DIB9, DIB8, DIB7, DIB6, DIB5, DIB4,
    DIB3, DIB2, DIB1, DIB0
  };
  reg [17:0] out_b;
  assign {
    DOB17, DOB16, DOB15, DOB14, DOB13, DOB12, DOB11, DOB10, DOB9, DOB8, DOB7, DOB6, DOB5, DOB4,
    DOB3, DOB2, DOB1, DOB0
  } = out_b;

  // A bit a word: bit b of byte k (nine bits) of the array is bits[9 * k + b].
  reg bits [0:18431];
  integer k;
  initial begin
    out_a = 0;
    out_b = 0;
    for (k = 0; k < 18432; k = k + 1) bits[k] = INIT[20 * (k / 18) + k % 18];
    if (REGMODE_A != "NOREG" || REGMODE_B != "NOREG" || CLKAMUX != "CLKA" || CLKBMUX != "CLKB"
        || RSTA || RSTB) begin
      $display("DP16KD: only ports without output registers and resets have a model");
      $finish;
    end
  end

  // Where bit n of the word at an address lies.
  function automatic integer place(input integer width, input [13:0] address, input integer n);
    integer one;
    begin
      one = 0;
      one[13:0] = address;
      case (width)
        36: place = 36 * (one >> 5) + n;
        18: place = 18 * (one >> 4) + n;
        9: place = 9 * (one >> 3) + n;
        4: place = 9 * (one >> 3) + (one & 4) + n;
        2: place = 9 * (one >> 3) + (one & 6) + n;
        default: place = 9 * (one >> 3) + (one & 7);
      endcase
    end
  endfunction

  // From 18 bits on, the lowest address bits are enables of bytes.
  integer a, b;
  always @(posedge CLKA) if (CEA) begin
    if (DATA_WIDTH_A != 36 && !(WEA && WRITEMODE_A == "NORMAL"))
      for (a = 0; a < DATA_WIDTH_A; a = a + 1)
        out_a[a] <= bits[place(DATA_WIDTH_A, address_a, a)];
    if (WEA) for (a = 0; a < DATA_WIDTH_A; a = a + 1)
      if (DATA_WIDTH_A < 18 || address_a[a / 9])
        bits[place(DATA_WIDTH_A, address_a, a)] <= a < 18 ? data_a[a % 18] : data_b[a % 18];
  end
  always @(posedge CLKB) if (CEB) begin
    if (DATA_WIDTH_B == 36) begin
      for (b = 0; b < 18; b = b + 1) begin
        out_a[b] <= bits[place(36, address_b, b)];
        out_b[b] <= bits[place(36, address_b, b + 18)];
      end
    end else if (!(WEB && WRITEMODE_B == "NORMAL"))
      for (b = 0; b < DATA_WIDTH_B; b = b + 1)
        out_b[b] <= bits[place(DATA_WIDTH_B, address_b, b)];
    if (WEB && DATA_WIDTH_B != 36) for (b = 0; b < DATA_WIDTH_B; b = b + 1)
      if (DATA_WIDTH_B < 18 || address_b[b / 9])
        bits[place(DATA_WIDTH_B, address_b, b)] <= data_b[b];
  end
endmodule

// Sixteen words of four bits, written at a clock edge, read without one.
module TRELLIS_DPR16X4 (
  input [3:0] DI, input [3:0] WAD, input WRE, input WCK, input [3:0] RAD, output [3:0] DO
);
  parameter WCKMUX = "WCK", WREMUX = "WRE";
  parameter [63:0] INITVAL = 0;
  reg [3:0] words [0:15];
  integer k;
  initial begin
    for (k = 0; k < 16; k = k + 1) words[k] = INITVAL[4*k +: 4];
    if (WCKMUX != "WCK" || WREMUX != "WRE") begin
      $display("TRELLIS_DPR16X4: inverted controls have no model");
      $finish;
    end
  end
  always @(posedge WCK) if (WRE) words[WAD] <= DI;
  assign DO = words[RAD];
endmodule

// An 18 x 18 multiplier without registers; SIGNEDA and SIGNEDB say how operands are read.
module MULT18X18D (
  input A0, input A1, input A2, input A3, input A4, input A5, input A6, input A7, input A8,
  input A9, input A10, input A11, input A12, input A13, input A14, input A15, input A16,
  input A17, input B0, input B1, input B2, input B3, input B4, input B5, input B6, input B7,
  input B8, input B9, input B10, input B11, input B12, input B13, input B14, input B15, input B16,
  input B17, input C0, input C1, input C2, input C3, input C4, input C5, input C6, input C7,
  input C8, input C9, input C10, input C11, input C12, input C13, input C14, input C15, input C16,
  input C17, input SIGNEDA, input SIGNEDB, input SOURCEA, input SOURCEB, output P0, output P1,
  output P2, output P3, output P4, output P5, output P6, output P7, output P8, output P9,
  output P10, output P11, output P12, output P13, output P14, output P15, output P16, output P17,
  output P18, output P19, output P20, output P21, output P22, output P23, output P24, output P25,
  output P26, output P27, output P28, output P29, output P30, output P31, output P32, output P33,
  output P34, output P35
);
  wire signed [36:0] a = {
    {19{SIGNEDA & A17}}, A17, A16, A15, A14, A13, A12, A11, A10, A9, A8, A7, A6, A5, A4, A3, A2,
    A1, A0
  };
  wire signed [36:0] b = {
    {19{SIGNEDB & B17}}, B17, B16, B15, B14, B13, B12, B11, B10, B9, B8, B7, B6, B5, B4, B3, B2,
    B1, B0
  };
  wire signed [36:0] product = a * b;
  assign {
    P35, P34, P33, P32, P31, P30, P29, P28, P27, P26, P25, P24, P23, P22, P21, P20, P19, P18, P17,
    P16, P15, P14, P13, P12, P11, P10, P9, P8, P7, P6, P5, P4, P3, P2, P1, P0
  } = product[35:0];
  initial if (SOURCEA || SOURCEB) begin
    $display("MULT18X18D: shifted operands have no model");
    $finish;
  end
endmodule
