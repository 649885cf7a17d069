"""The planning target of a standard-cell library: its delays follow from two of its own."""

from __future__ import annotations

from dataclasses import replace

from hwflow.asic.delays import LibraryDelays
from hwflow.plan.targets import DelayModel, Target, target

__all__ = ["asic_target"]


def asic_target(delays: LibraryDelays, *, clock_gates: bool = False) -> Target:
    """The target "asic" with a library's delays, which are in NAND2 delays at fan-out 4.

    Flip-flops have an enable where the library has `clock_gates` that may be used.

    A bit of a ripple carry takes one gate of two levels, what four LUT inputs compute about three
    levels; the ends of an adder are two XORs. Wires are part of the fan-out assumed.
    """
    gate = delays.gate
    model = DelayModel(
        lut=round(3 * gate, 4),
        carry=round(1.6 * gate, 4),
        carry_entry=round(4 * gate, 4),
        clock_overhead=round(1.1 * delays.register, 4),
        trees=True,
    )
    return replace(target("asic"), delay=model, enables=clock_gates)
