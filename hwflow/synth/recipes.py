"""The Yosys script for a design and a target.

The order matters more than the commands. Each adder becomes a carry chain of its own (`adders.v`)
inside its layer *before* anything is flattened; otherwise `alumacc` fuses adder chains into
compressor trees that cost three LUTs a bit. Mapping by plain `abc` with `strash; dc2; if -a` then
beats `abc9` in time and in area on adder graphs. Layers keep their hierarchy until everything is
mapped, so that each cell of the final netlist belongs to exactly one layer and is counted there.

A memory becomes block RAM or distributed RAM only where its `ram_style` or `rom_style` asks for it
and the family has it; any other becomes LUTs and flip-flops. A multiplier becomes DSPs only inside
the modules named for it. Only modes of these cells that have a model (`testbench/cells`,
`hwflow.verify.netlist.cells`) may be emitted: what is counted must be simulated first.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from hwflow.errors import InputError
from hwflow.plan.targets import Target
from hwflow.synth.families import RECIPES, Recipe

__all__ = [
    "ADDERS",
    "DESIGN",
    "MAPPED",
    "NOTHING",
    "RECIPES",
    "TOP_ONLY",
    "Content",
    "Recipe",
    "content",
    "flatten",
    "front",
    "maps",
    "script",
]

ADDERS: Final = "adders.v"
DESIGN: Final = "design.v"
MAPPED: Final = "mapped.json"
TOP_ONLY: Final = "top.json"
# Inline, blanks as commas: abc reads a script file through an unquoted path, which a space breaks.
_ABC: Final = "+strash;dc2;if,-a"
# How deep a module that holds a layer's multipliers may lie below the layer.
_DEPTH: Final = 4
_STYLE: Final = re.compile(r"\b(?:ram|rom)_style\b")
# Stars that are no product: comments, sensitivity lists, attributes.
_NO_PRODUCT: Final = re.compile(r"//[^\n]*|/\*.*?\*/|@\s*\*|@\s*\(\s*\*\s*\)|\(\*.*?\*\)", re.S)
_IDENTIFIER: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")


@dataclass(frozen=True, slots=True)
class Content:
    """What a design holds besides adders and registers; the rest of the script is left out.

    So a design without it is mapped as it always was, to the byte.
    """

    memories: bool = False
    products: bool = False


NOTHING: Final = Content()


def content(rtl: str) -> Content:
    """Return what a design's Verilog holds: memories that ask for RAM, multiplications."""
    plain = _NO_PRODUCT.sub("", rtl)
    return Content(memories=_STYLE.search(rtl) is not None, products="*" in plain)


def maps(target: Target) -> tuple[str, ...]:
    """Return the files of `maps/` that a script for `target` may read."""
    return (ADDERS, *_recipe(target).products)


def script(
    top: str,
    layer_modules: Sequence[str],
    target: Target,
    *,
    dsp_modules: Sequence[str] = (),
    holds: Content = NOTHING,
) -> str:
    """Return the Yosys script that maps `design.v` for `target`.

    The script reads `design.v` and the files of `maps`; it writes `top.json` (the top module
    before mapping: which instance is which layer) and `mapped.json` (the flat result), all by these
    fixed names in the working folder.

    Raises:
        InputError: `synth.name` when a module name is no plain Verilog identifier.
    """
    recipe = _recipe(target)
    _check_dsps(dsp_modules, target, recipe)
    start = front(top, layer_modules, recipe, dsp_modules, holds)
    lines = (*start, *_map(recipe, holds), *flatten())
    return "\n".join(lines) + "\n"


def _recipe(target: Target) -> Recipe:
    for family, lut_inputs, recipe in RECIPES:
        if (family, lut_inputs) == (target.family, target.lut_inputs):
            return recipe
    raise AssertionError(f"no recipe for {target.name}")


def _check_dsps(dsp_modules: Sequence[str], target: Target, recipe: Recipe) -> None:
    have = target.resources.dsp if target.resources else 0
    if dsp_modules and not (have and recipe.multipliers):
        raise InputError(
            "synth.no-dsp",
            f"multipliers of {sorted(dsp_modules)} in DSPs: {target.name} has no DSP that a recipe "
            "maps to",
            hint="use `multiplier: lut`, or a target with DSPs (`hwflow targets`)",
        )


def front(
    top: str,
    layer_modules: Sequence[str],
    recipe: Recipe,
    dsp_modules: Sequence[str] = (),
    holds: Content = NOTHING,
    read: str = f"read_verilog {DESIGN}",
) -> tuple[str, ...]:
    """The lines that `read` the design and write `top.json`: all up to technology.

    Raises:
        InputError: `synth.name`.
    """
    for name in (top, *layer_modules):
        if not _IDENTIFIER.match(name):
            raise InputError(
                "synth.name",
                f"module name: found {name!r}, expected letters, digits and underscores",
                hint="rename the module",
            )
    keep = tuple(f"setattr -mod -set keep_hierarchy 1 {name}" for name in layer_modules)
    extra = recipe.extra if dsp_modules or holds.memories else ()
    library = (recipe.library, *extra) if recipe.library else ()
    return (
        *(f"read_verilog -lib {name}" for name in library),
        read,
        f"hierarchy -check -top {top}",
        *keep,
        "proc",
        "opt_expr",
        "opt_clean",
        "wreduce",
        "peepopt",
        "opt_clean",
        *_multipliers(recipe, dsp_modules, holds),
        f"techmap -map {ADDERS}",
        "alumacc",
        "flatten -noscopeinfo",
        "opt_expr",
        "opt_clean",
        f"select -module {top}",
        f"write_json -selected {TOP_ONLY}",
        "select -clear",
    )


def _multipliers(recipe: Recipe, dsp_modules: Sequence[str], holds: Content) -> tuple[str, ...]:
    lines: tuple[str, ...] = ()
    if dsp_modules:
        lines = (
            f"select -set dsps {' '.join(dsp_modules)}",
            *("select -set dsps @dsps @dsps %M %u" for _ in range(_DEPTH)),
            f"{recipe.multipliers} @dsps",
            "setattr -unset mul2dsp a:mul2dsp",
            "chtype -set $mul t:$__soft_mul",
            "opt_expr",
            "opt_clean",
        )
    if recipe.products and holds.products:
        lines = (*lines, f"techmap{''.join(f' -map {name}' for name in recipe.products)}")
    return lines


def _map(recipe: Recipe, holds: Content) -> tuple[str, ...]:
    return (
        "opt",
        "memory -nomap",
        "opt_clean",
        *(recipe.memories if holds.memories else ()),
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


def flatten() -> tuple[str, ...]:
    """The lines that flatten what is mapped and write `mapped.json`."""
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
