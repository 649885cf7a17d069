// Behaviour of the Xilinx blocks in the modes that hwflow's recipes emit, written from UG473,
// UG479, UG573 and UG579; other modes stop the simulation. Some pins are as wide as Yosys' maps
// connect them, not as they are.

// What RAMB18 and RAMB36 of both generations share. Port A reads, port B writes words of up to
// twice the pins of a port; narrower words may be read and written at either port. A word's data
// bits lie in `data`, its parity bits in `parity`. A read in the cycle of a write gives the old
// word.
module hwflow_ramb #(
  parameter ADDRESS = 14,
  parameter READ_A = 0, parameter READ_B = 0, parameter WRITE_A = 0, parameter WRITE_B = 0,
  parameter SIZE = 1 << ADDRESS,
  parameter [SIZE-1:0] INIT = 0,
  parameter [SIZE/8-1:0] INITP = 0
) (
  input clk_a, input en_a, input [15:0] address_a, input [3:0] write_a,
  input clk_b, input en_b, input [15:0] address_b, input [7:0] write_b,
  input [31:0] data_a, input [3:0] parity_a, input [63:0] data_b, input [7:0] parity_b,
  output reg [63:0] out_a, output reg [7:0] outp_a, output reg [31:0] out_b, output reg [3:0] outp_b
);
  reg data [0:SIZE-1];
  reg parity [0:SIZE/8-1];
  integer k;
  initial begin
    out_a = 0;
    outp_a = 0;
    out_b = 0;
    outp_b = 0;
    for (k = 0; k < SIZE; k = k + 1) data[k] = INIT[k];
    for (k = 0; k < SIZE / 8; k = k + 1) parity[k] = INITP[k];
  end

  // Data bits of a word, and the first bit of the word at an address.
  function automatic integer bits(input integer width);
    bits = width < 9 ? width : width / 9 * 8;
  endfunction
  function automatic integer first(input integer width, input [15:0] address);
    integer one;
    begin
      one = 0;
      one[ADDRESS-1:0] = address[ADDRESS-1:0];
      first = width == 0 ? 0 : one / bits(width) * bits(width);
    end
  endfunction

  integer a, b;
  always @(posedge clk_a) if (en_a) begin
    for (a = 0; a < bits(READ_A); a = a + 1) out_a[a] <= data[first(READ_A, address_a) + a];
    for (a = 0; READ_A >= 9 && a < READ_A / 9; a = a + 1)
      outp_a[a] <= parity[first(READ_A, address_a) / 8 + a];
    for (a = 0; a < bits(WRITE_A); a = a + 1)
      if (write_a[WRITE_A < 9 ? 0 : a / 8]) data[first(WRITE_A, address_a) + a] <= data_a[a];
    for (a = 0; WRITE_A >= 9 && a < WRITE_A / 9; a = a + 1)
      if (write_a[a]) parity[first(WRITE_A, address_a) / 8 + a] <= parity_a[a];
  end
  always @(posedge clk_b) if (en_b) begin
    for (b = 0; b < bits(READ_B); b = b + 1) out_b[b] <= data[first(READ_B, address_b) + b];
    for (b = 0; READ_B >= 9 && b < READ_B / 9; b = b + 1)
      outp_b[b] <= parity[first(READ_B, address_b) / 8 + b];
    for (b = 0; b < bits(WRITE_B); b = b + 1)
      if (write_b[WRITE_B < 9 ? 0 : b / 8]) data[first(WRITE_B, address_b) + b] <= data_b[b];
    for (b = 0; WRITE_B >= 9 && b < WRITE_B / 9; b = b + 1)
      if (write_b[b]) parity[first(WRITE_B, address_b) / 8 + b] <= parity_b[b];
  end
endmodule

module RAMB18E1 (
  input CLKARDCLK, input CLKBWRCLK, input ENARDEN, input ENBWREN, input [15:0] ADDRARDADDR,
  input [15:0] ADDRBWRADDR, input [3:0] WEA, input [7:0] WEBWE, input [31:0] DIADI,
  input [31:0] DIBDI, input [3:0] DIPADIP, input [3:0] DIPBDIP, input REGCEAREGCE, input REGCEB,
  input RSTRAMARSTRAM, input RSTRAMB, input RSTREGARSTREG, input RSTREGB, output [31:0] DOADO,
  output [31:0] DOBDO, output [3:0] DOPADOP, output [3:0] DOPBDOP
);
  parameter READ_WIDTH_A = 0, READ_WIDTH_B = 0, WRITE_WIDTH_A = 0, WRITE_WIDTH_B = 0;
  parameter DOA_REG = 0, DOB_REG = 0, RAM_MODE = "TDP";
  parameter RAM_EXTENSION_A = "NONE", RAM_EXTENSION_B = "NONE";
  parameter WRITE_MODE_A = "READ_FIRST", WRITE_MODE_B = "READ_FIRST";
  parameter [71:0] INIT_A = 0, INIT_B = 0, SRVAL_A = 0, SRVAL_B = 0;
  parameter [255:0] INIT_00 = 0, INIT_01 = 0, INIT_02 = 0, INIT_03 = 0;
  parameter [255:0] INIT_04 = 0, INIT_05 = 0, INIT_06 = 0, INIT_07 = 0;
  parameter [255:0] INIT_08 = 0, INIT_09 = 0, INIT_0A = 0, INIT_0B = 0;
  parameter [255:0] INIT_0C = 0, INIT_0D = 0, INIT_0E = 0, INIT_0F = 0;
  parameter [255:0] INIT_10 = 0, INIT_11 = 0, INIT_12 = 0, INIT_13 = 0;
  parameter [255:0] INIT_14 = 0, INIT_15 = 0, INIT_16 = 0, INIT_17 = 0;
  parameter [255:0] INIT_18 = 0, INIT_19 = 0, INIT_1A = 0, INIT_1B = 0;
  parameter [255:0] INIT_1C = 0, INIT_1D = 0, INIT_1E = 0, INIT_1F = 0;
  parameter [255:0] INIT_20 = 0, INIT_21 = 0, INIT_22 = 0, INIT_23 = 0;
  parameter [255:0] INIT_24 = 0, INIT_25 = 0, INIT_26 = 0, INIT_27 = 0;
  parameter [255:0] INIT_28 = 0, INIT_29 = 0, INIT_2A = 0, INIT_2B = 0;
  parameter [255:0] INIT_2C = 0, INIT_2D = 0, INIT_2E = 0, INIT_2F = 0;
  parameter [255:0] INIT_30 = 0, INIT_31 = 0, INIT_32 = 0, INIT_33 = 0;
  parameter [255:0] INIT_34 = 0, INIT_35 = 0, INIT_36 = 0, INIT_37 = 0;
  parameter [255:0] INIT_38 = 0, INIT_39 = 0, INIT_3A = 0, INIT_3B = 0;
  parameter [255:0] INIT_3C = 0, INIT_3D = 0, INIT_3E = 0, INIT_3F = 0;
  parameter [255:0] INITP_00 = 0, INITP_01 = 0, INITP_02 = 0, INITP_03 = 0;
  parameter [255:0] INITP_04 = 0, INITP_05 = 0, INITP_06 = 0, INITP_07 = 0;
  wire [63:0] out_a;
  wire [7:0] outp_a;
  wire [31:0] out_b;
  wire [3:0] outp_b;
  localparam WIDE_READ = READ_WIDTH_A > 18;
  localparam WIDE_WRITE = WRITE_WIDTH_B > 18;
  hwflow_ramb #(
    .ADDRESS(14),
    .READ_A(READ_WIDTH_A), .READ_B(READ_WIDTH_B), .WRITE_A(WRITE_WIDTH_A), .WRITE_B(WRITE_WIDTH_B),
    .INIT({
      INIT_3F, INIT_3E, INIT_3D, INIT_3C, INIT_3B, INIT_3A, INIT_39, INIT_38, INIT_37, INIT_36,
      INIT_35, INIT_34, INIT_33, INIT_32, INIT_31, INIT_30, INIT_2F, INIT_2E, INIT_2D, INIT_2C,
      INIT_2B, INIT_2A, INIT_29, INIT_28, INIT_27, INIT_26, INIT_25, INIT_24, INIT_23, INIT_22,
      INIT_21, INIT_20, INIT_1F, INIT_1E, INIT_1D, INIT_1C, INIT_1B, INIT_1A, INIT_19, INIT_18,
      INIT_17, INIT_16, INIT_15, INIT_14, INIT_13, INIT_12, INIT_11, INIT_10, INIT_0F, INIT_0E,
      INIT_0D, INIT_0C, INIT_0B, INIT_0A, INIT_09, INIT_08, INIT_07, INIT_06, INIT_05, INIT_04,
      INIT_03, INIT_02, INIT_01, INIT_00
    }),
    .INITP({
      INITP_07, INITP_06, INITP_05, INITP_04, INITP_03, INITP_02, INITP_01, INITP_00
    })
  ) ram (
    .clk_a(CLKARDCLK), .en_a(ENARDEN), .address_a(ADDRARDADDR), .write_a(WEA),
    .clk_b(CLKBWRCLK), .en_b(ENBWREN), .address_b(ADDRBWRADDR), .write_b(WEBWE),
    .data_a(DIADI), .parity_a(DIPADIP),
    .data_b(WIDE_WRITE ? {32'b0, DIBDI[15:0], DIADI[15:0]} : {32'b0, DIBDI}),
    .parity_b(WIDE_WRITE ? {4'b0, DIPBDIP[1:0], DIPADIP[1:0]} : {4'b0, DIPBDIP}),
    .out_a(out_a), .outp_a(outp_a), .out_b(out_b), .outp_b(outp_b)
  );
  assign DOADO = {16'b0, out_a[15:0]};
  assign DOPADOP = {2'b0, outp_a[1:0]};
  assign DOBDO = WIDE_READ ? {16'b0, out_a[31:16]} : out_b;
  assign DOPBDOP = WIDE_READ ? {2'b0, outp_a[3:2]} : outp_b;
  initial if (DOA_REG != 0 || DOB_REG != 0 || RSTRAMARSTRAM || RSTRAMB || RSTREGARSTREG
              || RSTREGB) begin
    $display("RAMB18E1: output registers and resets have no model");
    $finish;
  end
endmodule

module RAMB36E1 (
  input CLKARDCLK, input CLKBWRCLK, input ENARDEN, input ENBWREN, input [15:0] ADDRARDADDR,
  input [15:0] ADDRBWRADDR, input [3:0] WEA, input [7:0] WEBWE, input [31:0] DIADI,
  input [31:0] DIBDI, input [3:0] DIPADIP, input [3:0] DIPBDIP, input REGCEAREGCE, input REGCEB,
  input RSTRAMARSTRAM, input RSTRAMB, input RSTREGARSTREG, input RSTREGB, output [31:0] DOADO,
  output [31:0] DOBDO, output [3:0] DOPADOP, output [3:0] DOPBDOP
);
  parameter READ_WIDTH_A = 0, READ_WIDTH_B = 0, WRITE_WIDTH_A = 0, WRITE_WIDTH_B = 0;
  parameter DOA_REG = 0, DOB_REG = 0, RAM_MODE = "TDP";
  parameter RAM_EXTENSION_A = "NONE", RAM_EXTENSION_B = "NONE";
  parameter WRITE_MODE_A = "READ_FIRST", WRITE_MODE_B = "READ_FIRST";
  parameter [71:0] INIT_A = 0, INIT_B = 0, SRVAL_A = 0, SRVAL_B = 0;
  parameter [255:0] INIT_00 = 0, INIT_01 = 0, INIT_02 = 0, INIT_03 = 0;
  parameter [255:0] INIT_04 = 0, INIT_05 = 0, INIT_06 = 0, INIT_07 = 0;
  parameter [255:0] INIT_08 = 0, INIT_09 = 0, INIT_0A = 0, INIT_0B = 0;
  parameter [255:0] INIT_0C = 0, INIT_0D = 0, INIT_0E = 0, INIT_0F = 0;
  parameter [255:0] INIT_10 = 0, INIT_11 = 0, INIT_12 = 0, INIT_13 = 0;
  parameter [255:0] INIT_14 = 0, INIT_15 = 0, INIT_16 = 0, INIT_17 = 0;
  parameter [255:0] INIT_18 = 0, INIT_19 = 0, INIT_1A = 0, INIT_1B = 0;
  parameter [255:0] INIT_1C = 0, INIT_1D = 0, INIT_1E = 0, INIT_1F = 0;
  parameter [255:0] INIT_20 = 0, INIT_21 = 0, INIT_22 = 0, INIT_23 = 0;
  parameter [255:0] INIT_24 = 0, INIT_25 = 0, INIT_26 = 0, INIT_27 = 0;
  parameter [255:0] INIT_28 = 0, INIT_29 = 0, INIT_2A = 0, INIT_2B = 0;
  parameter [255:0] INIT_2C = 0, INIT_2D = 0, INIT_2E = 0, INIT_2F = 0;
  parameter [255:0] INIT_30 = 0, INIT_31 = 0, INIT_32 = 0, INIT_33 = 0;
  parameter [255:0] INIT_34 = 0, INIT_35 = 0, INIT_36 = 0, INIT_37 = 0;
  parameter [255:0] INIT_38 = 0, INIT_39 = 0, INIT_3A = 0, INIT_3B = 0;
  parameter [255:0] INIT_3C = 0, INIT_3D = 0, INIT_3E = 0, INIT_3F = 0;
  parameter [255:0] INIT_40 = 0, INIT_41 = 0, INIT_42 = 0, INIT_43 = 0;
  parameter [255:0] INIT_44 = 0, INIT_45 = 0, INIT_46 = 0, INIT_47 = 0;
  parameter [255:0] INIT_48 = 0, INIT_49 = 0, INIT_4A = 0, INIT_4B = 0;
  parameter [255:0] INIT_4C = 0, INIT_4D = 0, INIT_4E = 0, INIT_4F = 0;
  parameter [255:0] INIT_50 = 0, INIT_51 = 0, INIT_52 = 0, INIT_53 = 0;
  parameter [255:0] INIT_54 = 0, INIT_55 = 0, INIT_56 = 0, INIT_57 = 0;
  parameter [255:0] INIT_58 = 0, INIT_59 = 0, INIT_5A = 0, INIT_5B = 0;
  parameter [255:0] INIT_5C = 0, INIT_5D = 0, INIT_5E = 0, INIT_5F = 0;
  parameter [255:0] INIT_60 = 0, INIT_61 = 0, INIT_62 = 0, INIT_63 = 0;
  parameter [255:0] INIT_64 = 0, INIT_65 = 0, INIT_66 = 0, INIT_67 = 0;
  parameter [255:0] INIT_68 = 0, INIT_69 = 0, INIT_6A = 0, INIT_6B = 0;
  parameter [255:0] INIT_6C = 0, INIT_6D = 0, INIT_6E = 0, INIT_6F = 0;
  parameter [255:0] INIT_70 = 0, INIT_71 = 0, INIT_72 = 0, INIT_73 = 0;
  parameter [255:0] INIT_74 = 0, INIT_75 = 0, INIT_76 = 0, INIT_77 = 0;
  parameter [255:0] INIT_78 = 0, INIT_79 = 0, INIT_7A = 0, INIT_7B = 0;
  parameter [255:0] INIT_7C = 0, INIT_7D = 0, INIT_7E = 0, INIT_7F = 0;
  parameter [255:0] INITP_00 = 0, INITP_01 = 0, INITP_02 = 0, INITP_03 = 0;
  parameter [255:0] INITP_04 = 0, INITP_05 = 0, INITP_06 = 0, INITP_07 = 0;
  parameter [255:0] INITP_08 = 0, INITP_09 = 0, INITP_0A = 0, INITP_0B = 0;
  parameter [255:0] INITP_0C = 0, INITP_0D = 0, INITP_0E = 0, INITP_0F = 0;
  wire [63:0] out_a;
  wire [7:0] outp_a;
  wire [31:0] out_b;
  wire [3:0] outp_b;
  localparam WIDE_READ = READ_WIDTH_A > 36;
  localparam WIDE_WRITE = WRITE_WIDTH_B > 36;
  hwflow_ramb #(
    .ADDRESS(15),
    .READ_A(READ_WIDTH_A), .READ_B(READ_WIDTH_B), .WRITE_A(WRITE_WIDTH_A), .WRITE_B(WRITE_WIDTH_B),
    .INIT({
      INIT_7F, INIT_7E, INIT_7D, INIT_7C, INIT_7B, INIT_7A, INIT_79, INIT_78, INIT_77, INIT_76,
      INIT_75, INIT_74, INIT_73, INIT_72, INIT_71, INIT_70, INIT_6F, INIT_6E, INIT_6D, INIT_6C,
      INIT_6B, INIT_6A, INIT_69, INIT_68, INIT_67, INIT_66, INIT_65, INIT_64, INIT_63, INIT_62,
      INIT_61, INIT_60, INIT_5F, INIT_5E, INIT_5D, INIT_5C, INIT_5B, INIT_5A, INIT_59, INIT_58,
      INIT_57, INIT_56, INIT_55, INIT_54, INIT_53, INIT_52, INIT_51, INIT_50, INIT_4F, INIT_4E,
      INIT_4D, INIT_4C, INIT_4B, INIT_4A, INIT_49, INIT_48, INIT_47, INIT_46, INIT_45, INIT_44,
      INIT_43, INIT_42, INIT_41, INIT_40, INIT_3F, INIT_3E, INIT_3D, INIT_3C, INIT_3B, INIT_3A,
      INIT_39, INIT_38, INIT_37, INIT_36, INIT_35, INIT_34, INIT_33, INIT_32, INIT_31, INIT_30,
      INIT_2F, INIT_2E, INIT_2D, INIT_2C, INIT_2B, INIT_2A, INIT_29, INIT_28, INIT_27, INIT_26,
      INIT_25, INIT_24, INIT_23, INIT_22, INIT_21, INIT_20, INIT_1F, INIT_1E, INIT_1D, INIT_1C,
      INIT_1B, INIT_1A, INIT_19, INIT_18, INIT_17, INIT_16, INIT_15, INIT_14, INIT_13, INIT_12,
      INIT_11, INIT_10, INIT_0F, INIT_0E, INIT_0D, INIT_0C, INIT_0B, INIT_0A, INIT_09, INIT_08,
      INIT_07, INIT_06, INIT_05, INIT_04, INIT_03, INIT_02, INIT_01, INIT_00
    }),
    .INITP({
      INITP_0F, INITP_0E, INITP_0D, INITP_0C, INITP_0B, INITP_0A, INITP_09, INITP_08, INITP_07,
      INITP_06, INITP_05, INITP_04, INITP_03, INITP_02, INITP_01, INITP_00
    })
  ) ram (
    .clk_a(CLKARDCLK), .en_a(ENARDEN), .address_a(ADDRARDADDR), .write_a(WEA),
    .clk_b(CLKBWRCLK), .en_b(ENBWREN), .address_b(ADDRBWRADDR), .write_b(WEBWE),
    .data_a(DIADI), .parity_a(DIPADIP),
    .data_b(WIDE_WRITE ? {DIBDI[31:0], DIADI[31:0]} : {32'b0, DIBDI}),
    .parity_b(WIDE_WRITE ? {DIPBDIP[3:0], DIPADIP[3:0]} : {4'b0, DIPBDIP}),
    .out_a(out_a), .outp_a(outp_a), .out_b(out_b), .outp_b(outp_b)
  );
  assign DOADO = {out_a[31:0]};
  assign DOPADOP = {outp_a[3:0]};
  assign DOBDO = WIDE_READ ? {out_a[63:32]} : out_b;
  assign DOPBDOP = WIDE_READ ? {outp_a[7:4]} : outp_b;
  initial if (DOA_REG != 0 || DOB_REG != 0 || RSTRAMARSTRAM || RSTRAMB || RSTREGARSTREG
              || RSTREGB) begin
    $display("RAMB36E1: output registers and resets have no model");
    $finish;
  end
endmodule

module RAMB18E2 (
  input CLKARDCLK, input CLKBWRCLK, input ENARDEN, input ENBWREN, input [15:0] ADDRARDADDR,
  input [15:0] ADDRBWRADDR, input [3:0] WEA, input [7:0] WEBWE, input [31:0] DINADIN,
  input [31:0] DINBDIN, input [3:0] DINPADINP, input [3:0] DINPBDINP, input REGCEAREGCE,
  input REGCEB, input RSTRAMARSTRAM, input RSTRAMB, input RSTREGARSTREG, input RSTREGB,
  input ADDRENA, input ADDRENB, input SLEEP, output [31:0] DOUTADOUT, output [31:0] DOUTBDOUT,
  output [3:0] DOUTPADOUTP, output [3:0] DOUTPBDOUTP
);
  parameter READ_WIDTH_A = 0, READ_WIDTH_B = 0, WRITE_WIDTH_A = 0, WRITE_WIDTH_B = 0;
  parameter DOA_REG = 0, DOB_REG = 0, RAM_MODE = "TDP";
  parameter RAM_EXTENSION_A = "NONE", RAM_EXTENSION_B = "NONE";
  parameter WRITE_MODE_A = "READ_FIRST", WRITE_MODE_B = "READ_FIRST";
  parameter [71:0] INIT_A = 0, INIT_B = 0, SRVAL_A = 0, SRVAL_B = 0;
  parameter [255:0] INIT_00 = 0, INIT_01 = 0, INIT_02 = 0, INIT_03 = 0;
  parameter [255:0] INIT_04 = 0, INIT_05 = 0, INIT_06 = 0, INIT_07 = 0;
  parameter [255:0] INIT_08 = 0, INIT_09 = 0, INIT_0A = 0, INIT_0B = 0;
  parameter [255:0] INIT_0C = 0, INIT_0D = 0, INIT_0E = 0, INIT_0F = 0;
  parameter [255:0] INIT_10 = 0, INIT_11 = 0, INIT_12 = 0, INIT_13 = 0;
  parameter [255:0] INIT_14 = 0, INIT_15 = 0, INIT_16 = 0, INIT_17 = 0;
  parameter [255:0] INIT_18 = 0, INIT_19 = 0, INIT_1A = 0, INIT_1B = 0;
  parameter [255:0] INIT_1C = 0, INIT_1D = 0, INIT_1E = 0, INIT_1F = 0;
  parameter [255:0] INIT_20 = 0, INIT_21 = 0, INIT_22 = 0, INIT_23 = 0;
  parameter [255:0] INIT_24 = 0, INIT_25 = 0, INIT_26 = 0, INIT_27 = 0;
  parameter [255:0] INIT_28 = 0, INIT_29 = 0, INIT_2A = 0, INIT_2B = 0;
  parameter [255:0] INIT_2C = 0, INIT_2D = 0, INIT_2E = 0, INIT_2F = 0;
  parameter [255:0] INIT_30 = 0, INIT_31 = 0, INIT_32 = 0, INIT_33 = 0;
  parameter [255:0] INIT_34 = 0, INIT_35 = 0, INIT_36 = 0, INIT_37 = 0;
  parameter [255:0] INIT_38 = 0, INIT_39 = 0, INIT_3A = 0, INIT_3B = 0;
  parameter [255:0] INIT_3C = 0, INIT_3D = 0, INIT_3E = 0, INIT_3F = 0;
  parameter [255:0] INITP_00 = 0, INITP_01 = 0, INITP_02 = 0, INITP_03 = 0;
  parameter [255:0] INITP_04 = 0, INITP_05 = 0, INITP_06 = 0, INITP_07 = 0;
  wire [63:0] out_a;
  wire [7:0] outp_a;
  wire [31:0] out_b;
  wire [3:0] outp_b;
  localparam WIDE_READ = READ_WIDTH_A > 18;
  localparam WIDE_WRITE = WRITE_WIDTH_B > 18;
  hwflow_ramb #(
    .ADDRESS(14),
    .READ_A(READ_WIDTH_A), .READ_B(READ_WIDTH_B), .WRITE_A(WRITE_WIDTH_A), .WRITE_B(WRITE_WIDTH_B),
    .INIT({
      INIT_3F, INIT_3E, INIT_3D, INIT_3C, INIT_3B, INIT_3A, INIT_39, INIT_38, INIT_37, INIT_36,
      INIT_35, INIT_34, INIT_33, INIT_32, INIT_31, INIT_30, INIT_2F, INIT_2E, INIT_2D, INIT_2C,
      INIT_2B, INIT_2A, INIT_29, INIT_28, INIT_27, INIT_26, INIT_25, INIT_24, INIT_23, INIT_22,
      INIT_21, INIT_20, INIT_1F, INIT_1E, INIT_1D, INIT_1C, INIT_1B, INIT_1A, INIT_19, INIT_18,
      INIT_17, INIT_16, INIT_15, INIT_14, INIT_13, INIT_12, INIT_11, INIT_10, INIT_0F, INIT_0E,
      INIT_0D, INIT_0C, INIT_0B, INIT_0A, INIT_09, INIT_08, INIT_07, INIT_06, INIT_05, INIT_04,
      INIT_03, INIT_02, INIT_01, INIT_00
    }),
    .INITP({
      INITP_07, INITP_06, INITP_05, INITP_04, INITP_03, INITP_02, INITP_01, INITP_00
    })
  ) ram (
    .clk_a(CLKARDCLK), .en_a(ENARDEN), .address_a(ADDRARDADDR), .write_a(WEA),
    .clk_b(CLKBWRCLK), .en_b(ENBWREN), .address_b(ADDRBWRADDR), .write_b(WEBWE),
    .data_a(DINADIN), .parity_a(DINPADINP),
    .data_b(WIDE_WRITE ? {32'b0, DINBDIN[15:0], DINADIN[15:0]} : {32'b0, DINBDIN}),
    .parity_b(WIDE_WRITE ? {4'b0, DINPBDINP[1:0], DINPADINP[1:0]} : {4'b0, DINPBDINP}),
    .out_a(out_a), .outp_a(outp_a), .out_b(out_b), .outp_b(outp_b)
  );
  assign DOUTADOUT = {16'b0, out_a[15:0]};
  assign DOUTPADOUTP = {2'b0, outp_a[1:0]};
  assign DOUTBDOUT = WIDE_READ ? {16'b0, out_a[31:16]} : out_b;
  assign DOUTPBDOUTP = WIDE_READ ? {2'b0, outp_a[3:2]} : outp_b;
  initial if (DOA_REG != 0 || DOB_REG != 0 || RSTRAMARSTRAM || RSTRAMB || RSTREGARSTREG
              || RSTREGB || SLEEP) begin
    $display("RAMB18E2: output registers and resets have no model");
    $finish;
  end
endmodule

module RAMB36E2 (
  input CLKARDCLK, input CLKBWRCLK, input ENARDEN, input ENBWREN, input [15:0] ADDRARDADDR,
  input [15:0] ADDRBWRADDR, input [3:0] WEA, input [7:0] WEBWE, input [31:0] DINADIN,
  input [31:0] DINBDIN, input [3:0] DINPADINP, input [3:0] DINPBDINP, input REGCEAREGCE,
  input REGCEB, input RSTRAMARSTRAM, input RSTRAMB, input RSTREGARSTREG, input RSTREGB,
  input ADDRENA, input ADDRENB, input SLEEP, output [31:0] DOUTADOUT, output [31:0] DOUTBDOUT,
  output [3:0] DOUTPADOUTP, output [3:0] DOUTPBDOUTP
);
  parameter READ_WIDTH_A = 0, READ_WIDTH_B = 0, WRITE_WIDTH_A = 0, WRITE_WIDTH_B = 0;
  parameter DOA_REG = 0, DOB_REG = 0, RAM_MODE = "TDP";
  parameter RAM_EXTENSION_A = "NONE", RAM_EXTENSION_B = "NONE";
  parameter WRITE_MODE_A = "READ_FIRST", WRITE_MODE_B = "READ_FIRST";
  parameter [71:0] INIT_A = 0, INIT_B = 0, SRVAL_A = 0, SRVAL_B = 0;
  parameter [255:0] INIT_00 = 0, INIT_01 = 0, INIT_02 = 0, INIT_03 = 0;
  parameter [255:0] INIT_04 = 0, INIT_05 = 0, INIT_06 = 0, INIT_07 = 0;
  parameter [255:0] INIT_08 = 0, INIT_09 = 0, INIT_0A = 0, INIT_0B = 0;
  parameter [255:0] INIT_0C = 0, INIT_0D = 0, INIT_0E = 0, INIT_0F = 0;
  parameter [255:0] INIT_10 = 0, INIT_11 = 0, INIT_12 = 0, INIT_13 = 0;
  parameter [255:0] INIT_14 = 0, INIT_15 = 0, INIT_16 = 0, INIT_17 = 0;
  parameter [255:0] INIT_18 = 0, INIT_19 = 0, INIT_1A = 0, INIT_1B = 0;
  parameter [255:0] INIT_1C = 0, INIT_1D = 0, INIT_1E = 0, INIT_1F = 0;
  parameter [255:0] INIT_20 = 0, INIT_21 = 0, INIT_22 = 0, INIT_23 = 0;
  parameter [255:0] INIT_24 = 0, INIT_25 = 0, INIT_26 = 0, INIT_27 = 0;
  parameter [255:0] INIT_28 = 0, INIT_29 = 0, INIT_2A = 0, INIT_2B = 0;
  parameter [255:0] INIT_2C = 0, INIT_2D = 0, INIT_2E = 0, INIT_2F = 0;
  parameter [255:0] INIT_30 = 0, INIT_31 = 0, INIT_32 = 0, INIT_33 = 0;
  parameter [255:0] INIT_34 = 0, INIT_35 = 0, INIT_36 = 0, INIT_37 = 0;
  parameter [255:0] INIT_38 = 0, INIT_39 = 0, INIT_3A = 0, INIT_3B = 0;
  parameter [255:0] INIT_3C = 0, INIT_3D = 0, INIT_3E = 0, INIT_3F = 0;
  parameter [255:0] INIT_40 = 0, INIT_41 = 0, INIT_42 = 0, INIT_43 = 0;
  parameter [255:0] INIT_44 = 0, INIT_45 = 0, INIT_46 = 0, INIT_47 = 0;
  parameter [255:0] INIT_48 = 0, INIT_49 = 0, INIT_4A = 0, INIT_4B = 0;
  parameter [255:0] INIT_4C = 0, INIT_4D = 0, INIT_4E = 0, INIT_4F = 0;
  parameter [255:0] INIT_50 = 0, INIT_51 = 0, INIT_52 = 0, INIT_53 = 0;
  parameter [255:0] INIT_54 = 0, INIT_55 = 0, INIT_56 = 0, INIT_57 = 0;
  parameter [255:0] INIT_58 = 0, INIT_59 = 0, INIT_5A = 0, INIT_5B = 0;
  parameter [255:0] INIT_5C = 0, INIT_5D = 0, INIT_5E = 0, INIT_5F = 0;
  parameter [255:0] INIT_60 = 0, INIT_61 = 0, INIT_62 = 0, INIT_63 = 0;
  parameter [255:0] INIT_64 = 0, INIT_65 = 0, INIT_66 = 0, INIT_67 = 0;
  parameter [255:0] INIT_68 = 0, INIT_69 = 0, INIT_6A = 0, INIT_6B = 0;
  parameter [255:0] INIT_6C = 0, INIT_6D = 0, INIT_6E = 0, INIT_6F = 0;
  parameter [255:0] INIT_70 = 0, INIT_71 = 0, INIT_72 = 0, INIT_73 = 0;
  parameter [255:0] INIT_74 = 0, INIT_75 = 0, INIT_76 = 0, INIT_77 = 0;
  parameter [255:0] INIT_78 = 0, INIT_79 = 0, INIT_7A = 0, INIT_7B = 0;
  parameter [255:0] INIT_7C = 0, INIT_7D = 0, INIT_7E = 0, INIT_7F = 0;
  parameter [255:0] INITP_00 = 0, INITP_01 = 0, INITP_02 = 0, INITP_03 = 0;
  parameter [255:0] INITP_04 = 0, INITP_05 = 0, INITP_06 = 0, INITP_07 = 0;
  parameter [255:0] INITP_08 = 0, INITP_09 = 0, INITP_0A = 0, INITP_0B = 0;
  parameter [255:0] INITP_0C = 0, INITP_0D = 0, INITP_0E = 0, INITP_0F = 0;
  wire [63:0] out_a;
  wire [7:0] outp_a;
  wire [31:0] out_b;
  wire [3:0] outp_b;
  localparam WIDE_READ = READ_WIDTH_A > 36;
  localparam WIDE_WRITE = WRITE_WIDTH_B > 36;
  hwflow_ramb #(
    .ADDRESS(15),
    .READ_A(READ_WIDTH_A), .READ_B(READ_WIDTH_B), .WRITE_A(WRITE_WIDTH_A), .WRITE_B(WRITE_WIDTH_B),
    .INIT({
      INIT_7F, INIT_7E, INIT_7D, INIT_7C, INIT_7B, INIT_7A, INIT_79, INIT_78, INIT_77, INIT_76,
      INIT_75, INIT_74, INIT_73, INIT_72, INIT_71, INIT_70, INIT_6F, INIT_6E, INIT_6D, INIT_6C,
      INIT_6B, INIT_6A, INIT_69, INIT_68, INIT_67, INIT_66, INIT_65, INIT_64, INIT_63, INIT_62,
      INIT_61, INIT_60, INIT_5F, INIT_5E, INIT_5D, INIT_5C, INIT_5B, INIT_5A, INIT_59, INIT_58,
      INIT_57, INIT_56, INIT_55, INIT_54, INIT_53, INIT_52, INIT_51, INIT_50, INIT_4F, INIT_4E,
      INIT_4D, INIT_4C, INIT_4B, INIT_4A, INIT_49, INIT_48, INIT_47, INIT_46, INIT_45, INIT_44,
      INIT_43, INIT_42, INIT_41, INIT_40, INIT_3F, INIT_3E, INIT_3D, INIT_3C, INIT_3B, INIT_3A,
      INIT_39, INIT_38, INIT_37, INIT_36, INIT_35, INIT_34, INIT_33, INIT_32, INIT_31, INIT_30,
      INIT_2F, INIT_2E, INIT_2D, INIT_2C, INIT_2B, INIT_2A, INIT_29, INIT_28, INIT_27, INIT_26,
      INIT_25, INIT_24, INIT_23, INIT_22, INIT_21, INIT_20, INIT_1F, INIT_1E, INIT_1D, INIT_1C,
      INIT_1B, INIT_1A, INIT_19, INIT_18, INIT_17, INIT_16, INIT_15, INIT_14, INIT_13, INIT_12,
      INIT_11, INIT_10, INIT_0F, INIT_0E, INIT_0D, INIT_0C, INIT_0B, INIT_0A, INIT_09, INIT_08,
      INIT_07, INIT_06, INIT_05, INIT_04, INIT_03, INIT_02, INIT_01, INIT_00
    }),
    .INITP({
      INITP_0F, INITP_0E, INITP_0D, INITP_0C, INITP_0B, INITP_0A, INITP_09, INITP_08, INITP_07,
      INITP_06, INITP_05, INITP_04, INITP_03, INITP_02, INITP_01, INITP_00
    })
  ) ram (
    .clk_a(CLKARDCLK), .en_a(ENARDEN), .address_a(ADDRARDADDR), .write_a(WEA),
    .clk_b(CLKBWRCLK), .en_b(ENBWREN), .address_b(ADDRBWRADDR), .write_b(WEBWE),
    .data_a(DINADIN), .parity_a(DINPADINP),
    .data_b(WIDE_WRITE ? {DINBDIN[31:0], DINADIN[31:0]} : {32'b0, DINBDIN}),
    .parity_b(WIDE_WRITE ? {DINPBDINP[3:0], DINPADINP[3:0]} : {4'b0, DINPBDINP}),
    .out_a(out_a), .outp_a(outp_a), .out_b(out_b), .outp_b(outp_b)
  );
  assign DOUTADOUT = {out_a[31:0]};
  assign DOUTPADOUTP = {outp_a[3:0]};
  assign DOUTBDOUT = WIDE_READ ? {out_a[63:32]} : out_b;
  assign DOUTPBDOUTP = WIDE_READ ? {outp_a[7:4]} : outp_b;
  initial if (DOA_REG != 0 || DOB_REG != 0 || RSTRAMARSTRAM || RSTRAMB || RSTREGARSTREG
              || RSTREGB || SLEEP) begin
    $display("RAMB36E2: output registers and resets have no model");
    $finish;
  end
endmodule

// P = A * B, 25 x 18 bits, signed, without registers.
module DSP48E1 (
  input [29:0] A, input [17:0] B, input [47:0] C, input [24:0] D, input CARRYIN,
  input [4:0] INMODE, input [3:0] ALUMODE, input [6:0] OPMODE, input [2:0] CARRYINSEL,
  input [29:0] ACIN, input [17:0] BCIN, input [47:0] PCIN, output [47:0] P
);
  parameter ACASCREG = 0, ADREG = 0, ALUMODEREG = 0, AREG = 0, BCASCREG = 0, BREG = 0,
    CARRYINREG = 0,
    CARRYINSELREG = 0, CREG = 0, DREG = 0, INMODEREG = 0, MREG = 0, OPMODEREG = 0, PREG = 0;
  parameter A_INPUT = "DIRECT", B_INPUT = "DIRECT", USE_MULT = "MULTIPLY";
  parameter USE_SIMD = "ONE48", USE_DPORT = "FALSE";
  wire signed [47:0] a = {{23{A[24]}}, A[24:0]};
  wire signed [47:0] b = {{30{B[17]}}, B};
  assign P = a * b;
  initial if (OPMODE != 5 || ALUMODE != 0 || INMODE != 0 || CARRYIN || AREG != 0 || BREG != 0
              || MREG != 0 || PREG != 0) begin
    $display("DSP48E1: only the multiplier without registers has a model");
    $finish;
  end
endmodule

// P = A * B, 27 x 18 bits, signed, without registers.
module DSP48E2 (
  input [29:0] A, input [17:0] B, input [47:0] C, input [26:0] D, input CARRYIN,
  input [4:0] INMODE, input [3:0] ALUMODE, input [8:0] OPMODE, input [2:0] CARRYINSEL,
  input [29:0] ACIN, input [17:0] BCIN, input [47:0] PCIN, output [47:0] P
);
  parameter ACASCREG = 0, ADREG = 0, ALUMODEREG = 0, AREG = 0, BCASCREG = 0, BREG = 0,
    CARRYINREG = 0,
    CARRYINSELREG = 0, CREG = 0, DREG = 0, INMODEREG = 0, MREG = 0, OPMODEREG = 0, PREG = 0;
  parameter A_INPUT = "DIRECT", B_INPUT = "DIRECT", USE_MULT = "MULTIPLY";
  parameter USE_SIMD = "ONE48", AMULTSEL = "A", BMULTSEL = "B";
  wire signed [47:0] a = {{21{A[26]}}, A[26:0]};
  wire signed [47:0] b = {{30{B[17]}}, B};
  assign P = a * b;
  initial if (OPMODE != 5 || ALUMODE != 0 || INMODE != 0 || CARRYIN || AREG != 0 || BREG != 0
              || MREG != 0 || PREG != 0) begin
    $display("DSP48E2: only the multiplier without registers has a model");
    $finish;
  end
endmodule
