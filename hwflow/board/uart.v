// A UART (8N1) in front of a stream: bytes of whole tensors in, bytes of whole tensors out.
//
// hwflow_uart_bridge keeps a received tensor in a store until its last byte is there, and only then
// hands it to the design: whatever happens on the line, the design sees whole tensors. Every
// register that the reset does not reach is overwritten before it is read.

module hwflow_uart_rx #(
  parameter CLOCKS = 12                 // clock cycles per bit
) (
  input  wire       clk,
  input  wire       rst,
  input  wire       rx_i,
  output reg  [7:0] data_o,
  output reg        valid_o,            // for one cycle: data_o holds a new byte
  output reg        broken_o,           // for one cycle: a byte without its stop bit
  output wire       busy_o
);
  localparam W = $clog2(CLOCKS);
  localparam [W-1:0] WHOLE = CLOCKS - 1;
  localparam [W-1:0] HALF = CLOCKS / 2 - 1;

  // Two registers against metastability, a third to see the falling edge.
  reg [2:0] line;
  reg [W-1:0] wait_count;
  reg [3:0] place;                      // 0 start bit, 1..8 data bits, 9 stop bit
  reg busy;
  assign busy_o = busy;

  always @(posedge clk) begin
    line <= {line[1:0], rx_i};
    valid_o <= 1'b0;
    broken_o <= 1'b0;
    if (!busy) begin
      if (line[2] && !line[1]) begin
        busy <= 1'b1;
        place <= 4'd0;
        wait_count <= HALF;
      end
    end else if (wait_count != 0) begin
      wait_count <= wait_count - 1'b1;
    end else begin                      // the middle of a bit
      wait_count <= WHOLE;
      place <= place + 1'b1;
      data_o <= {line[1], data_o[7:1]};
      if (place == 4'd0 && line[1]) busy <= 1'b0;   // a glitch, not a start bit
      if (place == 4'd9) begin
        busy <= 1'b0;
        data_o <= data_o;
        valid_o <= line[1];
        broken_o <= !line[1];
      end
    end
    if (rst) begin
      line <= 3'b111;
      busy <= 1'b0;
      valid_o <= 1'b0;
      broken_o <= 1'b0;
    end
  end
endmodule

module hwflow_uart_tx #(
  parameter CLOCKS = 12
) (
  input  wire       clk,
  input  wire       rst,
  input  wire [7:0] data_i,
  input  wire       valid_i,
  output wire       ready_o,
  output wire       tx_o
);
  localparam W = $clog2(CLOCKS);
  localparam [W-1:0] WHOLE = CLOCKS - 1;

  reg [W-1:0] wait_count;
  reg [3:0] left;                       // bits still to end
  reg [8:0] rest;
  reg low;                              // inverted: the line is idle from power-up on
  assign ready_o = left == 4'd0;
  assign tx_o = !low;
  initial low = 1'b0;

  always @(posedge clk) begin
    if (left == 4'd0) begin
      if (valid_i) begin
        left <= 4'd10;
        low <= 1'b1;
        rest <= {1'b1, data_i};
        wait_count <= WHOLE;
      end
    end else if (wait_count != 0) begin
      wait_count <= wait_count - 1'b1;
    end else begin
      left <= left - 1'b1;
      low <= !rest[0];
      rest <= {1'b1, rest[8:1]};
      wait_count <= WHOLE;
    end
    if (rst) begin
      left <= 4'd0;
      low <= 1'b0;
    end
  end
endmodule

module hwflow_uart_bridge #(
  parameter CLOCKS = 12,                // clock cycles per bit
  parameter IN_BYTES = 1,               // bytes of an input beat
  parameter IN_BEATS = 1,               // input beats of a tensor
  parameter OUT_BYTES = 1,              // bytes of an output beat
  parameter ADDRESS = 4,                // the store holds 2**ADDRESS bytes
  parameter TIMEOUT = 18                // a silence of 2**TIMEOUT cycles drops half a tensor
) (
  input  wire                   clk,
  input  wire                   rst,
  input  wire                   rx_i,
  output wire                   tx_o,
  output wire [8*IN_BYTES-1:0]  in_data_o,
  output wire                   in_valid_o,
  input  wire                   in_ready_i,
  output wire                   in_last_o,
  input  wire [8*OUT_BYTES-1:0] out_data_i,
  input  wire                   out_valid_i,
  output wire                   out_ready_o,
  output wire                   busy_o,
  output reg                    error_o // from the first byte that was dropped, for ever
);
  localparam A = ADDRESS;
  localparam TENSOR = IN_BYTES * IN_BEATS;
  localparam [A:0] LAST_BYTE = TENSOR - 1;
  localparam [A:0] LAST_BEAT = IN_BEATS - 1;
  localparam [A:0] LAST_IN = IN_BYTES - 1;
  localparam V = $clog2(OUT_BYTES + 1);
  localparam [V-1:0] LAST_OUT = OUT_BYTES - 1;

  // ---- receive: bytes into the store; a tensor counts once its last byte is there --------------
  wire [7:0] byte_data;
  wire byte_valid, byte_broken, line_busy;
  hwflow_uart_rx #(.CLOCKS(CLOCKS)) rx (
    .clk(clk), .rst(rst), .rx_i(rx_i), .data_o(byte_data), .valid_o(byte_valid),
    .broken_o(byte_broken), .busy_o(line_busy)
  );

  reg [A:0] write_place, whole_place, read_place;   // one bit more than an address
  reg [A:0] filled;                                 // bytes of the tensor being received
  reg skipping;                                     // dropping bytes until the line is silent
  reg [TIMEOUT:0] silence;
  wire full = write_place - read_place == {1'b1, {A{1'b0}}};
  wire store_byte = byte_valid && !skipping && !full;
  wire silent = silence[TIMEOUT];

  always @(posedge clk) begin
    silence <= (line_busy || byte_valid || silent) ? {TIMEOUT + 1{1'b0}} : silence + 1'b1;
    if (store_byte) begin
      write_place <= write_place + 1'b1;
      filled <= filled + 1'b1;
      if (filled == LAST_BYTE) begin
        filled <= 0;
        whole_place <= write_place + 1'b1;
      end
    end
    if (byte_broken || (byte_valid && full && !skipping)) begin
      skipping <= 1'b1;
      error_o <= 1'b1;
      filled <= 0;
      write_place <= whole_place;
    end else if (silent) begin
      skipping <= 1'b0;
      if (filled != 0) error_o <= 1'b1;
      filled <= 0;
      write_place <= whole_place;
    end
    if (rst) begin
      write_place <= 0;
      whole_place <= 0;
      filled <= 0;
      skipping <= 1'b0;
      silence <= 0;
      error_o <= 1'b0;
    end
  end

  // ---- from the store into beats ----------------------------------------------------------------
  reg fetched, beat_full;
  reg [A:0] beat_filled, beats;
  reg [8*IN_BYTES-1:0] beat;
  wire [7:0] store_data;
  wire fetch = !fetched && !beat_full && read_place != whole_place;
  wire [8*IN_BYTES+7:0] longer = {store_data, beat};
  hwflow_uart_store store (
    .clk(clk), .write_i(store_byte), .write_addr_i(write_place[A-1:0]),
    .write_data_i(byte_data), .en_i(fetch), .read_addr_i(read_place[A-1:0]), .data_o(store_data)
  );
  assign in_data_o = beat;
  assign in_valid_o = beat_full;
  assign in_last_o = beats == LAST_BEAT;

  always @(posedge clk) begin
    fetched <= fetch;
    if (fetch) read_place <= read_place + 1'b1;
    if (fetched) begin
      beat <= longer[8*IN_BYTES+7:8];
      beat_filled <= beat_filled + 1'b1;
      if (beat_filled == LAST_IN) begin
        beat_filled <= 0;
        beat_full <= 1'b1;
      end
    end
    if (beat_full && in_ready_i) begin
      beat_full <= 1'b0;
      beats <= in_last_o ? 0 : beats + 1'b1;
    end
    if (rst) begin
      read_place <= 0;
      fetched <= 1'b0;
      beat_full <= 1'b0;
      beat_filled <= 0;
      beats <= 0;
    end
  end

  // ---- results into bytes: a slow line holds the design back ------------------------------------
  reg out_full;
  reg [V-1:0] out_sent;
  reg [8*OUT_BYTES-1:0] out_data;
  wire tx_ready;
  wire [8*OUT_BYTES+7:0] shifted = {8'd0, out_data};
  hwflow_uart_tx #(.CLOCKS(CLOCKS)) tx (
    .clk(clk), .rst(rst), .data_i(out_data[7:0]), .valid_i(out_full), .ready_o(tx_ready),
    .tx_o(tx_o)
  );
  assign out_ready_o = !out_full;
  assign busy_o = line_busy || filled != 0 || read_place != whole_place || fetched
    || beat_full || out_full || !tx_ready;

  always @(posedge clk) begin
    if (!out_full) begin
      out_full <= out_valid_i;
      out_data <= out_data_i;
      out_sent <= 0;
    end else if (tx_ready) begin
      out_data <= shifted[8*OUT_BYTES+7:8];
      out_sent <= out_sent + 1'b1;
      if (out_sent == LAST_OUT) out_full <= 1'b0;
    end
    if (rst) out_full <= 1'b0;
  end
endmodule
