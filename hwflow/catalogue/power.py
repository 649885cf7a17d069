"""Explanations of the codes of activity, power and energy."""

from __future__ import annotations

from hwflow.catalogue.explanation import Explanation

__all__ = ["POWER"]

POWER: dict[str, Explanation] = {
    "internal.memory": Explanation(
        "There was no memory for the waveforms of the netlist.",
        "A very large netlist on a machine with little memory.",
        "Use a larger machine, or set synth.energy to false.",
    ),
    "power.activity": Explanation(
        "The netlist and the activity that was simulated do not belong together.",
        "One of the two was replaced or edited after the rung `netlist` ran.",
        "Run `hwflow build --force netlist`.",
    ),
    "power.cell": Explanation(
        "A cell of the netlist cannot be given a power.",
        "The netlist and the library are of different builds, or a cell has more inputs, clocks or "
        "outputs than are modelled.",
        "Use the netlist and the library of one build.",
    ),
    "power.loop": Explanation(
        "The netlist has a combinational loop.",
        "A cell reads its own output through other cells, without a register between.",
        "Break the loop with a register.",
    ),
    "power.still": Explanation(
        "Nothing would toggle: all vectors of the design are the same.",
        "A data file whose rows are equal, or a single vector. Energy would be that of an idle "
        "circuit, and lower than any real one.",
        "Give data that differ, raise verify.vectors, or set synth.energy to false.",
    ),
    "power.tables": Explanation(
        "The library says nothing of power, or has no buffer for the clock tree.",
        "A Liberty file for timing alone.",
        "Use a corner's Liberty file with internal_power tables.",
    ),
}
"""By code."""
