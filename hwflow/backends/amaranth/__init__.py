"""Hardware written in Amaranth, printed as Verilog."""
