"""Foldings: how many outputs, inputs and positions of a layer are handled in one clock."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from hwflow.errors import Place

__all__ = ["Candidate", "Cost", "Folding", "Multiplier"]

Multiplier = Literal["lut", "dsp", "serial", "plain", "radix4", "radix8"]


@dataclass(frozen=True, slots=True)
class Folding:
    """Outputs (pe), inputs (simd) and output positions (pos) handled in one clock.

    All three "all": fully parallel. pe and simd "all": one constant block that positions share.
    Otherwise weights come from a memory and `multiplier` says what multiplies: LUTs, DSPs, or
    AND gates that take inputs digit by digit. With weights loaded at run time `multiplier` is the
    recoding of the weights, and inputs come in `digits` parts, the highest first. `place` is where
    the user asked for it, for messages.
    """

    pe: int | Literal["all"] = "all"
    simd: int | Literal["all"] = "all"
    pos: int | Literal["all"] = "all"
    multiplier: Multiplier = "lut"
    digits: int = 1
    place: Place | None = field(default=None, compare=False)

    @property
    def folded(self) -> bool:
        """Whether weights are read from a memory, some a clock."""
        return (self.pe, self.simd) != ("all", "all")


@dataclass(frozen=True, slots=True)
class Cost:
    """Planning estimates: adders and their full-adder positions, LUTs, flip-flops, DSPs, BRAMs."""

    adders: int = 0
    adder_bits: int = 0
    luts: int = 0
    ffs: int = 0
    dsps: int = 0
    brams: int = 0

    def __add__(self, other: Cost) -> Cost:
        return Cost(
            self.adders + other.adders,
            self.adder_bits + other.adder_bits,
            self.luts + other.luts,
            self.ffs + other.ffs,
            self.dsps + other.dsps,
            self.brams + other.brams,
        )


@dataclass(frozen=True, slots=True)
class Candidate:
    """One way to build a layer: clock cycles per tensor and estimated cost."""

    layer: str
    folding: Folding
    cycles: int
    cost: Cost
