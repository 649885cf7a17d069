"""How each FPGA family is mapped: Yosys' files and commands, one row per family.

LUTs of one signed product with a register on either side, by recipe (inverters and registers'
logic included; stock: Yosys' `maccmap`; booth: its `booth` pass; ours: `maps/`):

    family      product   stock  booth  ours
    ECP5        8x8         218    146    71
    ECP5        6x6         123     81    41
    iCE40       8x8         213    143    85
    iCE40       6x6         119     80    51
    7-series    8x8         132     93    36
    7-series    6x6          77     51    21

Unsigned 8x8: 197/157/71 on ECP5, 193/154/104 on iCE40, 126/103/47 on 7-series.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from hwflow.plan.targets import DSP_OPERANDS, Family

__all__ = ["RECIPES", "Recipe"]


@dataclass(frozen=True, slots=True)
class Recipe:
    """How one family is mapped.

    `library` declares the family's cells (directions of their pins), `luts` are abc's LUT costs
    from one input upwards, `carries` the commands that turn `$alu` into carry chains, `registers`
    the flip-flop kinds and their cells, `cells` what turns `$lut` into the family's LUTs.
    `memories` maps memories that ask for block or distributed RAM, `multipliers` maps the
    multipliers of selected modules onto DSPs; `extra` declares the cells that these need.
    `products` are our own maps (in `maps/`) of multipliers onto LUTs; without, Yosys decides.
    """

    library: str
    luts: str
    carries: tuple[str, ...]
    registers: tuple[str, ...]
    before_luts: tuple[str, ...]
    cells: tuple[str, ...]
    extra: tuple[str, ...] = ()
    memories: tuple[str, ...] = ()
    multipliers: str = ""
    products: tuple[str, ...] = ()


def _libmap(libraries: Sequence[str], maps: Sequence[str], conditions: str = "") -> tuple[str, ...]:
    """Yosys' own descriptions and maps; only memories that ask for it are mapped."""
    found = "".join(f" -lib +/{library}" for library in libraries)
    automatic = " -no-auto-block -no-auto-distributed -no-auto-huge"
    return (
        f"memory_libmap{found}{conditions}{automatic}",
        f"techmap{''.join(f' -map +/{name}' for name in maps)}",
        "opt_clean",
    )


def _dsp(cells: str, name: str, family: Family, options: str = "") -> str:
    """Products of at least 2x2 bits become the family's cells and, where too wide, adders."""
    a, b = DSP_OPERANDS[family]
    widths = f"-D DSP_A_MAXWIDTH={a} -D DSP_B_MAXWIDTH={b} -D DSP_A_MINWIDTH=2 -D DSP_B_MINWIDTH=2"
    return f"techmap -map +/mul2dsp.v -map +/{cells} {widths} -D DSP_NAME=$__{name}{options}"


_ICE40 = Recipe(
    library="+/ice40/cells_sim.v",
    luts="-luts 2:2,3,4",
    carries=(
        "techmap -map +/techmap.v -map +/ice40/arith_map.v",
        "opt -fast",
        "ice40_opt",
    ),
    registers=(
        "dfflegalize -cell $_DFF_P_ 0 -cell $_DFFE_PP_ 0 -cell $_DFF_PP?_ 0 -cell $_DFFE_PP?P_ 0 "
        "-cell $_SDFF_PP?_ 0 -cell $_SDFFCE_PP?P_ 0 -mince -1",
        "techmap -map +/ice40/ff_map.v",
        "opt_expr -mux_undef",
        "simplemap",
        "ice40_opt",
    ),
    before_luts=(),
    cells=(
        "ice40_wrapcarry -unwrap",
        "techmap -map +/ice40/ff_map.v",
        "opt_lut -tech ice40",
        "techmap -map +/ice40/cells_map.v",
    ),
    memories=(
        # There is no distributed RAM: a memory that asks for it becomes flip-flops.
        "setattr -unset ram_style a:ram_style=distributed",
        *_libmap(("ice40/brams.txt",), ("ice40/brams_map.v",)),
    ),
    multipliers=_dsp("ice40/dsp_map.v", "MUL16X16", "ice40"),
    products=("multipliers_booth.v", "booth_ice40.v"),
)

_ECP5 = Recipe(
    library="+/lattice/cells_sim_ecp5.v",
    luts="-luts 2:2,3,4",
    carries=("techmap -map +/techmap.v -map +/lattice/arith_map_ccu2c.v", "opt -fast"),
    registers=(
        "dfflegalize -cell $_DFF_P_ 01 -cell $_DFF_PP?_ r -cell $_SDFF_PP?_ r "
        "-cell $_DFFE_PP_ 01 -cell $_DFFE_PP?P_ r -cell $_SDFFE_PP?P_ r",
        "techmap -D NO_LUT -map +/lattice/cells_map_trellis.v",
        "opt_expr -undriven -mux_undef",
        "simplemap",
    ),
    before_luts=(),
    cells=("techmap -map +/lattice/cells_map_trellis.v", "opt_lut_ins -tech lattice"),
    extra=("+/lattice/cells_bb_ecp5.v",),
    memories=_libmap(
        ("lattice/lutrams_trellis.txt", "lattice/brams_16kd.txt"),
        ("lattice/lutrams_map_trellis.v", "lattice/brams_map_16kd.v"),
    ),
    multipliers=_dsp("lattice/dsp_map_18x18.v", "MUL18X18", "ecp5"),
    products=("multipliers_ecp5.v",),
)

_GOWIN = Recipe(
    library="+/gowin/cells_sim.v",
    luts="-luts 2:2,3,4",
    carries=("techmap -map +/techmap.v -map +/gowin/arith_map.v", "opt -fast"),
    registers=(
        "dfflegalize -cell $_DFF_P_ 0 -cell $_DFFE_PP_ 0 -cell $_SDFF_PP?_ r "
        "-cell $_SDFFE_PP?P_ r -cell $_DFF_PP?_ r -cell $_DFFE_PP?P_ r",
        "techmap -map +/gowin/cells_map.v t:$_DFF* t:$_SDFF*",
        "opt_expr -mux_undef",
        "simplemap",
    ),
    before_luts=(),
    cells=(
        "techmap -map +/gowin/cells_map.v",
        "opt_lut_ins -tech gowin",
        "setundef -undriven -params -zero",
    ),
)

_DSP48: Final = " -D DSP_A_MAXWIDTH_PARTIAL=18 -D DSP_SIGNEDONLY=1"
_XC7 = Recipe(
    library="+/xilinx/cells_sim.v",
    luts="-luts 2:2,3,6:5",
    carries=("techmap -map +/techmap.v -D LUT_SIZE=6 -map +/xilinx/arith_map.v", "opt -fast"),
    registers=(
        "dfflegalize -cell $_DFFE_PP?P_ 01 -cell $_SDFFE_PP?P_ 01",
        "techmap -map +/xilinx/ff_map.v",
    ),
    before_luts=("opt_expr -mux_undef -noclkinv",),
    cells=(
        "techmap -map +/xilinx/lut_map.v -map +/xilinx/cells_map.v -D LUT_WIDTH=6",
        "opt_lut_ins -tech xilinx",
    ),
    extra=("+/xilinx/cells_xtra.v",),
    memories=_libmap(
        ("xilinx/lutrams_xc5v.txt", "xilinx/brams_xc4v.txt"),
        ("xilinx/lutrams_xc5v_map.v", "xilinx/brams_xc6v_map.v"),
        " -D HAS_SIZE_36 -D HAS_CONFLICT_BUG -D HAS_MIXWIDTH_SDP",
    ),
    multipliers=_dsp("xilinx/xc7_dsp_map.v", "MUL25X18", "xc7", _DSP48),
    products=("multipliers_booth.v", "booth_xilinx.v"),
)
_XCUP = replace(
    _XC7,
    memories=_libmap(
        ("xilinx/lutrams_xcu.txt", "xilinx/brams_xc4v.txt"),
        ("xilinx/lutrams_xc5v_map.v", "xilinx/brams_xcu_map.v"),
        " -D HAS_SIZE_36 -D HAS_MIXWIDTH_SDP -D HAS_ADDRCE",
    ),
    multipliers=_dsp("xilinx/xcu_dsp_map.v", "MUL27X18", "xcup", _DSP48),
)


def _generic(luts: str) -> Recipe:
    """Plain LUTs and one flip-flop kind: adders become ripple carries in LUTs."""
    return Recipe(
        library="",
        luts=luts,
        carries=("techmap -map +/techmap.v", "opt -fast"),
        registers=("dfflegalize -cell $_DFF_P_ 01 -cell $_SDFF_PP?_ 01 -cell $_SDFFE_PP?P_ 01",),
        before_luts=(),
        cells=(),
    )


RECIPES: Final[tuple[tuple[Family, int, Recipe], ...]] = (
    ("ice40", 4, _ICE40),
    ("ecp5", 4, _ECP5),
    ("gowin", 4, _GOWIN),
    ("xc7", 6, _XC7),
    ("xcup", 6, _XCUP),
    ("generic", 4, _generic("-luts 2:2,3,4")),
    ("generic", 6, _generic("-luts 2:2,3,6:5")),
)
