# What lies outside of the design when OpenSTA times it (target: asic), in ns and pF. The clock,
# ports and wire loads are added by hwflow (hwflow/synth/asic/timing.py).
set_input_transition 0.1 [all_inputs]
set_load 0.02 [all_outputs]
