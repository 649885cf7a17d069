"""The Yosys script that maps a design to the cells of a Liberty library.

As on FPGAs each adder is one by itself inside its layer before anything is flattened. It becomes a
ripple-carry adder: its time is what pipelining planned for it. Area in um2 and longest path of a
constant 16 x 16 layer of 6-bit weights on sg13g2, by abc's script (flip-flops included):

    adders    script                                  area     path
    prefix    strash; dc2; &nf                     179,431   4.9 ns
    ripple    strash; dc2; &nf                     178,444   4.7 ns
    ripple    strash; dc2; map -a                  180,373   4.9 ns
    ripple    strash; &syn2; &nf                   219,874   5.5 ns
    ripple    strash; &nf                          174,037   5.1 ns

abc's own `buffer -c` took 1.2 mm2 of buffers for the published ECON-T encoder (2.1 mm2 without);
fan-out trees are made afterwards, for the whole netlist (`buffers`).

Start values of registers are dropped: cells have none, so only reset may decide.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from hwflow.asic.kit import Kit
from hwflow.synth.families import Recipe
from hwflow.synth.recipes import ADDERS, flatten, front

__all__ = ["LIBRARY", "MAPS", "script"]

LIBRARY: Final = "cells.lib"
"""The name under which the library lies in the working folder."""
_RIPPLE: Final = "ripple.v"
MAPS: Final = (ADDERS, _RIPPLE)
# Blanks as commas: see recipes.
_ABC: Final = "+strash;&get,-n;&nf;&put"
_NO_TECHNOLOGY: Final = Recipe("", "", (), (), (), ())


def script(top: str, layer_modules: Sequence[str], kit: Kit) -> str:
    """Return the script; it reads `design.v`, `cells.lib` and MAPS and writes as `recipes` says.

    Raises:
        InputError: `synth.name`.
    """
    avoid = "".join(f" -dont_use {name}" for name in kit.unused)
    lines = (
        f"read_liberty -lib -ignore_miss_func {LIBRARY}",
        *front(top, layer_modules, _NO_TECHNOLOGY),
        "opt",
        "memory -nomap",
        "opt_clean",
        "opt -fast -mux_undef -undriven -fine",
        "memory_map",
        "opt -undriven -fine",
        f"techmap -map {_RIPPLE}",
        "techmap",
        "opt -fast",
        "setattr -unset init w:*",
        f"dfflibmap -liberty {LIBRARY}{avoid}",
        "opt_clean",
        f"abc -liberty {LIBRARY}{avoid} -script {_ABC}",
        "clean",
        *flatten(),
    )
    return "\n".join(lines) + "\n"
