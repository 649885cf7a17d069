"""Yosys recipes, one row per FPGA family, and the script made from a row.

The order matters more than the commands. Each adder becomes a carry chain of its own (`adders.v`)
inside its layer *before* anything is flattened; otherwise `alumacc` fuses adder chains into
compressor trees that cost three LUTs a bit. Mapping by plain `abc` with `strash; dc2; if -a` then
beats `abc9` in time and in area on adder graphs. Layers keep their hierarchy until everything is
mapped, so that each cell of the final netlist belongs to exactly one layer and is counted there.

Memories become flip-flops and multipliers become LUTs: Yosys has no behaviour for several block-RAM
and DSP primitives, and what is counted must be simulated first.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from hwflow.errors import InputError
from hwflow.plan.targets import Family, Target

__all__ = [
    "ADDERS",
    "DESIGN",
    "MAPPED",
    "RECIPES",
    "TOP_ONLY",
    "Recipe",
    "script",
]

ADDERS: Final = "adders.v"
DESIGN: Final = "design.v"
MAPPED: Final = "mapped.json"
TOP_ONLY: Final = "top.json"
# Inline, blanks as commas: abc reads a script file through an unquoted path, which a space breaks.
_ABC: Final = "+strash;dc2;if,-a"
_IDENTIFIER: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")


@dataclass(frozen=True, slots=True)
class Recipe:
    """How one family is mapped.

    `library` declares the family's cells (directions of their pins), `luts` are abc's LUT costs
    from one input upwards, `carries` the commands that turn `$alu` into carry chains, `registers`
    the flip-flop kinds and their cells, `cells` what turns `$lut` into the family's LUTs.
    """

    library: str
    luts: str
    carries: tuple[str, ...]
    registers: tuple[str, ...]
    before_luts: tuple[str, ...]
    cells: tuple[str, ...]


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

_XILINX = Recipe(
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
    ("xc7", 6, _XILINX),
    ("xcup", 6, _XILINX),
    ("generic", 4, _generic("-luts 2:2,3,4")),
    ("generic", 6, _generic("-luts 2:2,3,6:5")),
)


def script(top: str, layer_modules: Sequence[str], target: Target) -> str:
    """Return the Yosys script that maps `design.v` for `target`.

    The script reads `design.v` and `adders.v`; it writes `top.json` (the top module
    before mapping: which instance is which layer) and `mapped.json` (the flat result), all by these
    fixed names in the working folder.

    Raises:
        InputError: `synth.name` when a module name is no plain Verilog identifier.
    """
    for name in (top, *layer_modules):
        if not _IDENTIFIER.match(name):
            raise InputError(
                "synth.name",
                f"module name: found {name!r}, expected letters, digits and underscores",
                hint="rename the module",
            )
    recipe = _recipe(target)
    lines = (*_front(top, layer_modules, recipe), *_map(recipe), *_flat())
    return "\n".join(lines) + "\n"


def _recipe(target: Target) -> Recipe:
    for family, lut_inputs, recipe in RECIPES:
        if (family, lut_inputs) == (target.family, target.lut_inputs):
            return recipe
    raise AssertionError(f"no recipe for {target.name}")


def _front(top: str, layer_modules: Sequence[str], recipe: Recipe) -> tuple[str, ...]:
    keep = tuple(f"setattr -mod -set keep_hierarchy 1 {name}" for name in layer_modules)
    library = (f"read_verilog -lib {recipe.library}",) if recipe.library else ()
    return (
        *library,
        f"read_verilog {DESIGN}",
        f"hierarchy -check -top {top}",
        *keep,
        "proc",
        "opt_expr",
        "opt_clean",
        "wreduce",
        "peepopt",
        "opt_clean",
        f"techmap -map {ADDERS}",
        "alumacc",
        "flatten -noscopeinfo",
        "opt_expr",
        "opt_clean",
        f"select -module {top}",
        f"write_json -selected {TOP_ONLY}",
        "select -clear",
    )


def _map(recipe: Recipe) -> tuple[str, ...]:
    return (
        "opt",
        "memory -nomap",
        "opt_clean",
        "opt -fast -mux_undef -undriven -fine",
        "memory_map",
        "opt -undriven -fine",
        *recipe.carries,
        "opt_clean",
        *recipe.registers,
        "opt_clean",
        *recipe.before_luts,
        f"abc {recipe.luts} -script {_ABC}",
        "clean",
        *recipe.cells,
        "clean",
    )


def _flat() -> tuple[str, ...]:
    return (
        "setattr -mod -unset keep_hierarchy *",
        "flatten -noscopeinfo",
        "clean",
        "setundef -zero -params",
        "blackbox =A:whitebox",
        "check -assert",
        "setattr -unset src",
        f"write_json {MAPPED}",
    )
