"""Boards: a design behind a UART on a real board, as Verilog, pins, bitstream and host."""
