"""Device targets: what a device holds, how quick it is, and what nextpnr calls it.

Resource figures are those of the device's public data sheet or product table. Delays are
estimates for planning pipelines (typical routing included); place and route, where it exists,
has the last word.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass, replace
from typing import Final, Literal

from hwflow.errors import InputError

__all__ = [
    "DSP_OPERANDS",
    "PARTS",
    "TARGETS",
    "DelayModel",
    "Family",
    "Resources",
    "Target",
    "larger_targets",
    "multiplies_in_dsps",
    "protected",
    "target",
]

PARTS: Final = {
    "xc7-a35t": "xc7a35tcpg236-1",
    "xc7-z020": "xc7z020clg400-1",
    "xcup-zu3eg": "xczu3eg-sbva484-1-e",
    "xcup-vu13p": "xcvu13p-flga2577-2-e",
}
"""What Xilinx' own tools call a target."""

Family = Literal["ice40", "ecp5", "gowin", "xc7", "xcup", "generic", "asic"]


DSP_OPERANDS: Final[dict[Family, tuple[int, int]]] = {
    "ice40": (16, 16),
    "ecp5": (18, 18),
    "xc7": (25, 18),
    "xcup": (27, 18),
}
"""Bits of the signed operands that one DSP multiplies, where a synthesis recipe maps to it."""


@dataclass(frozen=True, slots=True)
class Resources:
    """What a device holds, in its own units.

    `carry` counts carry cells (SB_CARRY, CCU2C, CARRY4; a CARRY8 is two CARRY4), None where the
    cell takes the place of LUTs that are already counted (Gowin). `dsp` counts 18x18-class
    multipliers (16x16 on iCE40), `bram` the device's block RAMs.
    """

    lut: int
    ff: int
    carry: int | None
    dsp: int
    bram: int


@dataclass(frozen=True, slots=True)
class DelayModel:
    """Planning delays in nanoseconds.

    `lut` is one LUT and a typical route to it, `carry` one bit along a carry chain,
    `carry_entry` getting onto the chain and off it again (routes included), `clock_overhead`
    clock-to-output, setup and margin of one register stage, `dsp` a product in a multiplier block
    (its routes included), `bram` a block RAM's clock to output. `product` is that of
    every product, None where LUTs multiply. `trees`: nothing is faster along a carry chain, so
    sums of many words are carry-save trees.
    """

    lut: float
    carry: float
    carry_entry: float
    clock_overhead: float
    dsp: float = 5.0
    bram: float = 3.0
    product: float | None = None
    trees: bool = False

    def adder(self, bits: int) -> float:
        """Delay in ns of a carry-chain adder `bits` wide, its input routes included."""
        return self.carry_entry + self.carry * bits


@dataclass(frozen=True, slots=True)
class Target:
    """One device (or a plain LUT fabric when `resources` is None) and its tools' names.

    `enables`: its flip-flops can keep what they have, by a clock enable or a clock gate.
    """

    name: str
    family: Family
    lut_inputs: int
    device: str | None
    package: str | None
    resources: Resources | None
    delay: DelayModel
    enables: bool = True


# iCE40 HX (data sheet FPGA-DS-02029): LUT 0.4 ns, carry 0.13 ns a bit, routes 0.6-1.2 ns.
_ICE40_HX = DelayModel(lut=1.3, carry=0.13, carry_entry=1.8, clock_overhead=1.4)
# iCE40 UltraPlus (FPGA-DS-02008): low power process, LUT 1.2 ns, carry 0.28 ns a bit.
_ICE40_UP = DelayModel(lut=3.0, carry=0.28, carry_entry=4.2, clock_overhead=3.2, dsp=15.0)
# ECP5 speed grade 6 (FPGA-DS-02012): LUT4 0.24 ns, carry 0.036 ns a bit, routes 0.5-1.2 ns.
_ECP5 = DelayModel(lut=1.1, carry=0.036, carry_entry=2.0, clock_overhead=1.2, dsp=6.0, bram=7.0)
# Gowin LittleBee C6/I5 (DS117): LUT4 about 1 ns, ALU carry 0.057 ns a bit.
_GW1N = DelayModel(lut=1.9, carry=0.06, carry_entry=2.8, clock_overhead=1.6)
# Gowin Arora C8/I7 (DS102): about 0.55 of LittleBee.
_GW2A = DelayModel(lut=1.1, carry=0.04, carry_entry=1.7, clock_overhead=1.0)
# Xilinx 7-series speed grade -1 (DS181, DS187): LUT6 0.124 ns, CARRY4 0.114 ns, routes 0.5-0.9.
_XC7 = DelayModel(lut=0.85, carry=0.029, carry_entry=1.7, clock_overhead=0.9, dsp=4.0)
# UltraScale+ speed grade -1 (DS925): LUT6 0.09 ns, CARRY8 0.1 ns, routes 0.3-0.5.
_XCUP = DelayModel(lut=0.5, carry=0.014, carry_entry=0.95, clock_overhead=0.5, dsp=2.5)
# No device: figures of a mid-range LUT fabric, so that plans are comparable.
_LUT4 = DelayModel(lut=1.2, carry=0.05, carry_entry=2.0, clock_overhead=1.2)
_LUT6 = DelayModel(lut=0.9, carry=0.03, carry_entry=1.7, clock_overhead=0.9)

# Standard cells: a typical 130 nm library, until the design's own gives its delays (plan/asic.py).
_CELLS = DelayModel(lut=0.2, carry=0.1, carry_entry=0.26, clock_overhead=0.35)

# Within a family targets stand from small to large: `larger_targets` relies on LUT counts only.
TARGETS: tuple[Target, ...] = (
    # iCE40 LP/HX family data sheet FPGA-DS-02029, table 1.1: 7,680 LUT + FF, 32 EBR4k.
    Target(
        "ice40-hx8k",
        "ice40",
        4,
        "hx8k",
        "ct256",
        Resources(7680, 7680, 7680, 0, 32),
        _ICE40_HX,
    ),
    # iCE40 UltraPlus data sheet FPGA-DS-02008, table 1.1: 5,280 LUT + FF, 30 EBR4k, 8 MAC16.
    Target(
        "ice40-up5k",
        "ice40",
        4,
        "up5k",
        "sg48",
        Resources(5280, 5280, 5280, 8, 30),
        _ICE40_UP,
    ),
    # ECP5 family data sheet FPGA-DS-02012, table 1.1 (nominal 24k/44k/84k LUTs); the exact counts
    # are slices x 2: one LUT4 and one register each, one CCU2C a slice.
    Target(
        "ecp5-25k",
        "ecp5",
        4,
        "25k",
        "CABGA381",
        Resources(24288, 24288, 12144, 28, 56),
        _ECP5,
    ),
    Target(
        "ecp5-45k",
        "ecp5",
        4,
        "45k",
        "CABGA381",
        Resources(43848, 43848, 21924, 72, 108),
        _ECP5,
    ),
    Target(
        "ecp5-85k",
        "ecp5",
        4,
        "85k",
        "CABGA756",
        Resources(83640, 83640, 41820, 156, 208),
        _ECP5,
    ),
    # GW1N series data sheet DS100, table 1-1: 8,640 LUT4, 6,480 registers, 26 BSRAM, 20 18x18.
    Target(
        "gowin-gw1n-9",
        "gowin",
        4,
        "GW1NR-LV9QN88PC6/I5",
        "GW1N-9C",
        Resources(8640, 6480, None, 20, 26),
        _GW1N,
    ),
    # GW2A series data sheet DS102, table 1-1: 20,736 LUT4, 15,552 registers, 46 BSRAM, 48 18x18.
    Target(
        "gowin-gw2a-18",
        "gowin",
        4,
        "GW2AR-LV18QN88C8/I7",
        "GW2A-18C",
        Resources(20736, 15552, None, 48, 46),
        _GW2A,
    ),
    # 7 Series overview DS180, table 4: 5,200 slices of 4 LUT6, 8 FF and one CARRY4; 90 DSP48.
    Target("xc7-a35t", "xc7", 6, None, None, Resources(20800, 41600, 5200, 90, 50), _XC7),
    # Zynq-7000 overview DS190, table 1: 53,200 LUT6, 106,400 FF, 220 DSP48, 140 RAMB36.
    Target(
        "xc7-z020",
        "xc7",
        6,
        None,
        None,
        Resources(53200, 106400, 13300, 220, 140),
        _XC7,
    ),
    # Zynq UltraScale+ overview DS891, table 1: 70,560 LUT6, 141,120 FF, 360 DSP48, 216 RAMB36;
    # one CARRY8 (two CARRY4) for each eight LUTs.
    Target(
        "xcup-zu3eg",
        "xcup",
        6,
        None,
        None,
        Resources(70560, 141120, 17640, 360, 216),
        _XCUP,
    ),
    # UltraScale+ product table: 1,728,000 LUT6, 3,456,000 FF, 12,288 DSP48, 2,688 RAMB36.
    Target(
        "xcup-vu13p",
        "xcup",
        6,
        None,
        None,
        Resources(1728000, 3456000, 432000, 12288, 2688),
        _XCUP,
    ),
    Target("lut4", "generic", 4, None, None, None, _LUT4),
    Target("lut6", "generic", 6, None, None, None, _LUT6),
    Target("asic", "asic", 4, None, None, None, _CELLS),
)


def protected(plain: Target) -> Target:
    """The target as a design with triplicated state sees it.

    Voters cannot reach the words of a block RAM: there are none. Between two registers lie a voter
    and, where they can hold, the multiplexer that took the place of the clock enable.
    """
    resources = plain.resources and replace(plain.resources, bram=0)
    overhead = plain.delay.clock_overhead + 2 * plain.delay.lut
    return replace(plain, resources=resources, delay=replace(plain.delay, clock_overhead=overhead))


def target(name: str) -> Target:
    """Return the target called `name`.

    Raises:
        InputError: `target.unknown`, with the nearest names.
    """
    for known in TARGETS:
        if known.name == name:
            return known
    names = [known.name for known in TARGETS]
    close = difflib.get_close_matches(name.lower(), names, n=1, cutoff=0.5)
    hint = f"did you mean {close[0]!r}? " if close else ""
    raise InputError(
        "target.unknown",
        f"unknown target {name!r}, expected one of: {', '.join(names)}",
        hint=f"{hint}`hwflow targets` lists them",
    )


def larger_targets(small: Target) -> tuple[Target, ...]:
    """Return the targets of the same family that hold more LUTs, smallest first."""
    if small.resources is None:
        return ()
    floor = small.resources.lut
    bigger = [
        (known.resources.lut, known)
        for known in TARGETS
        if known.family == small.family and known.resources and known.resources.lut > floor
    ]
    return tuple(known for _, known in sorted(bigger, key=lambda pair: pair[0]))


def multiplies_in_dsps(device: Target) -> bool:
    """Whether products can be put into the device's DSPs: Gowin's have no recipe."""
    resources = device.resources
    return resources is not None and resources.dsp > 0 and device.family in DSP_OPERANDS
