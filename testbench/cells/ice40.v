// Behaviour of the iCE40 blocks in the modes that hwflow's recipes emit, written from Lattice's
// memory and DSP usage guides (FPGA-TN-02002, FPGA-TN-02007); other modes stop the simulation.

// 256 x 16, 512 x 8, 1024 x 4 or 2048 x 2: in narrow words address bits 8 and up select every
// second, fourth or eighth bit of a physical word. A mask bit that is high keeps its bit.
module SB_RAM40_4K (
  output reg [15:0] RDATA,
  input RCLK, input RCLKE, input RE, input [10:0] RADDR,
  input WCLK, input WCLKE, input WE, input [10:0] WADDR, input [15:0] MASK, input [15:0] WDATA
);
  parameter READ_MODE = 0;
  parameter WRITE_MODE = 0;
  parameter [255:0] INIT_0 = 0, INIT_1 = 0, INIT_2 = 0, INIT_3 = 0, INIT_4 = 0, INIT_5 = 0;
  parameter [255:0] INIT_6 = 0, INIT_7 = 0, INIT_8 = 0, INIT_9 = 0, INIT_A = 0, INIT_B = 0;
  parameter [255:0] INIT_C = 0, INIT_D = 0, INIT_E = 0, INIT_F = 0;
  localparam [4095:0] INIT = {
    INIT_F, INIT_E, INIT_D, INIT_C, INIT_B, INIT_A, INIT_9, INIT_8,
    INIT_7, INIT_6, INIT_5, INIT_4, INIT_3, INIT_2, INIT_1, INIT_0
  };

  reg [15:0] words [0:255];
  integer k;
  initial begin
    RDATA = 0;
    for (k = 0; k < 256; k = k + 1) words[k] = INIT[16*k +: 16];
  end

  // The pin on which bit `place` of a physical word appears in a narrow word.
  function automatic integer pin(input integer mode, input integer place);
    integer group;
    begin
      group = place >> mode << mode;
      pin = mode == 0 ? group : mode == 1 ? group : mode == 2 ? group + 1 : group + 3;
    end
  endfunction

  integer r, w;
  always @(posedge RCLK) if (RCLKE && RE)
    for (r = 0; r < 16; r = r + 1)
      if ((r & ((1 << READ_MODE) - 1)) == ({29'b0, RADDR[10:8]} & ((1 << READ_MODE) - 1)))
        RDATA[pin(READ_MODE, r)] <= words[RADDR[7:0]][r];
  always @(posedge WCLK) if (WCLKE && WE)
    for (w = 0; w < 16; w = w + 1)
      if ((w & ((1 << WRITE_MODE) - 1)) == ({29'b0, WADDR[10:8]} & ((1 << WRITE_MODE) - 1))
          && (WRITE_MODE != 0 || !MASK[w]))
        words[WADDR[7:0]][w] <= WDATA[pin(WRITE_MODE, w)];
endmodule

// A 16 x 16 multiplier without registers; each operand is signed or not.
module SB_MAC16 (input [15:0] A, input [15:0] B, output [31:0] O);
  parameter A_SIGNED = 0;
  parameter B_SIGNED = 0;
  parameter NEG_TRIGGER = 0, MODE_8x8 = 0;
  parameter A_REG = 0, B_REG = 0, C_REG = 0, D_REG = 0;
  parameter TOP_8x8_MULT_REG = 0, BOT_8x8_MULT_REG = 0;
  parameter PIPELINE_16x16_MULT_REG1 = 0, PIPELINE_16x16_MULT_REG2 = 0;
  parameter [1:0] TOPOUTPUT_SELECT = 0, BOTOUTPUT_SELECT = 0;
  parameter [1:0] TOPADDSUB_LOWERINPUT = 0, BOTADDSUB_LOWERINPUT = 0;
  parameter TOPADDSUB_UPPERINPUT = 0, BOTADDSUB_UPPERINPUT = 0;
  parameter [1:0] TOPADDSUB_CARRYSELECT = 0, BOTADDSUB_CARRYSELECT = 0;

  wire signed [32:0] a = {{17{A_SIGNED != 0 && A[15]}}, A};
  wire signed [32:0] b = {{17{B_SIGNED != 0 && B[15]}}, B};
  wire signed [32:0] product = a * b;
  assign O = product[31:0];
  initial if (TOPOUTPUT_SELECT != 3 || BOTOUTPUT_SELECT != 3 || MODE_8x8 != 0 || NEG_TRIGGER != 0
              || A_REG != 0 || B_REG != 0 || TOP_8x8_MULT_REG != 0 || BOT_8x8_MULT_REG != 0
              || PIPELINE_16x16_MULT_REG1 != 0 || PIPELINE_16x16_MULT_REG2 != 0) begin
    $display("SB_MAC16: only the 16 x 16 multiplier without registers has a model");
    $finish;
  end
endmodule
