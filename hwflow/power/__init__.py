"""Activity of a gate-level netlist, and the power and energy that follow from it."""
