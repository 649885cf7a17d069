"""The verification ladder: every rung equal to the integer graph, bit for bit."""
