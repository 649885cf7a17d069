"""The Yosys script that maps a design to the cells of a Liberty library.

As on FPGAs each adder is one by itself inside its layer before anything is flattened. It becomes a
ripple-carry adder, from 16 bits on a parallel-prefix one (`ripple.v`). Area in um2 and longest path
in ns on sg13g2, as mapped (fan-outs of 16), of a constant 16 x 16 layer of 6-bit weights (registers
included) and of the dot product of 128 inputs of 6 bits with weights loaded at run time (radix 8;
paths from the weights, too):

    abc                              constant layer      dot product
    strash; &nf                      127,394   8.3       230,727  10.8
    strash; &dch -f; &nf             127,465   8.1       235,995  11.8
    strash; &nf -R 100 -F 20         126,830   8.9       218,443  10.9
    strash; &nf -R 10 -F 4           127,128   8.5       221,493  10.6
    strash; resub; &nf -R ..         125,576   8.9       217,249  11.5
    strash; &b; &nf -R ..            133,585   8.9       219,769  10.7
    strash; &dsdb; &nf -R ..         127,630   8.5       223,527  11.0
    strash; map -a                   132,847   8.7       239,672  10.2
    strash; amap                     128,163  10.2       247,260  12.7
    all adders prefix: &nf           148,309   9.0       235,968   9.5
                       &dch -f; &nf  131,063   8.4       238,715  10.7
                       &nf -R ..     146,315   9.3       219,517   9.9
    from 14 bits on:   &nf -R ..     129,826   9.3

What the choice is slower by, sizing gives back for less than the area that it saves.

abc's own `buffer -c` took 1.2 mm2 of buffers for the published ECON-T encoder (2.1 mm2 without),
and with `upsize; dnsize` 20% of the dot product for 0.7 ns; without it these two bring 0.1 ns,
as abc knows no loads. Fan-out trees are made and gates are sized afterwards, for the whole netlist
(`buffers`, `sizing`).

Full adders of the library, where it has them, are found in the logic before abc. OSU018's take the
layer from 435,216 um2 and 11.8 ns to 344,308 and 9.9, the dot product from 801,216 and 13.1 to
662,244 and 11.1; sg13g2 has none.

Start values of registers are dropped: cells have none, so only reset may decide.

Registers of one module that share an enable get one clock gate; fewer than `GATED` keep their
multiplexers, which are smaller then. Where reset wins over the enable the gate opens for both.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from hwflow.asic.kit import ClockGate, FullAdder, Kit
from hwflow.synth.families import Recipe
from hwflow.synth.recipes import ADDERS, DESIGN, flatten, front

__all__ = [
    "FULL_ADDER",
    "GATED",
    "LIBRARY",
    "MAPS",
    "PROTECTED",
    "SHARED",
    "full_adder",
    "hierarchy",
    "script",
]

LIBRARY: Final = "cells.lib"
"""The name under which the library lies in the working folder."""
GATED: Final = 3
"""Flip-flops with one enable that are worth a clock gate: it has the area of some two multiplexers
and its clock pin draws half of what a flip-flop's does."""
SHARED: Final = "shared.json"
"""The modules of the design before mapping, repeated ones marked."""
PROTECTED: Final = "protected.json"
"""The modules of a triplicated design after mapping, before they are flattened."""
FULL_ADDER: Final = "full_adder.v"
"""What `full_adder` writes; the script reads it where the library has such a cell."""
_RIPPLE: Final = "ripple.v"
MAPS: Final = (ADDERS, _RIPPLE)
# Blanks as commas: see recipes.
_ABC: Final = "+strash;&get,-n;&nf,-R,100,-F,20;&put"
_NO_TECHNOLOGY: Final = Recipe("", "", (), (), (), ())


def hierarchy(top: str) -> str:
    """Return the script that writes the modules of `design.v`, before mapping, to SHARED."""
    lines = (
        f"read_verilog {DESIGN}",
        f"hierarchy -check -top {top}",
        "proc",
        "opt_expr",
        "opt_clean",
        f"write_json {SHARED}",
    )
    return "\n".join(lines) + "\n"


def script(
    top: str,
    layer_modules: Sequence[str],
    kit: Kit,
    *,
    gated: bool = True,
    flat: bool = False,
    protected: bool = False,
) -> str:
    """Return the script; it reads `design.v`, `cells.lib` and MAPS and writes as `recipes` says.

    With `gated`, shared enables become clock gates where the library has one. Not `flat`, it reads
    SHARED, in which repeated modules are marked to be mapped once. With `protected` it writes
    PROTECTED, and every bank of copies has a clock gate of its own.

    Raises:
        InputError: `synth.name`.
    """
    avoid = "".join(f" -dont_use {name}" for name in kit.unused)
    source = f"read_verilog {DESIGN}" if flat else f"read_json {SHARED}"
    lines = (
        f"read_liberty -lib -ignore_miss_func {LIBRARY}",
        *front(top, layer_modules, _NO_TECHNOLOGY, read=source),
        "opt",
        "memory -nomap",
        "opt_clean",
        "opt -fast -mux_undef -undriven -fine",
        "memory_map",
        "opt -undriven -fine",
        f"techmap -map {_RIPPLE}",
        "techmap",
        "opt -fast",
        *(_adders() if kit.full_adder else ()),
        "setattr -unset init w:*",
        *(
            _gates(kit.clock_gate, f"{top}__tmr_bank_*" if protected else "")
            if gated and kit.clock_gate
            else ()
        ),
        f"dfflibmap -liberty {LIBRARY}{avoid}",
        "opt_clean",
        f"abc -liberty {LIBRARY}{avoid} -script {_ABC}",
        "clean",
        *((f"write_json {PROTECTED}",) if protected else ()),
        *flatten(),
    )
    return "\n".join(lines) + "\n"


def full_adder(adder: FullAdder) -> str:
    """Return the map of Yosys' `$fa` to the library's cell."""
    pins = ((pin, f"{port}[i]") for pin, port in zip(adder.inputs, "ABC", strict=True))
    outs = ((adder.sum, "Y[i]"), (adder.carry, "X[i]"))
    connected = ", ".join(f".{pin}({wire})" for pin, wire in (*pins, *outs))
    return f"""\
(* techmap_celltype = "$fa" *)
module hwflow_full_adder (A, B, C, X, Y);
  parameter WIDTH = 1;
  input [WIDTH-1:0] A, B, C;
  output [WIDTH-1:0] X, Y;
  genvar i;
  generate for (i = 0; i < WIDTH; i = i + 1) begin : bits
    {adder.cell} cell_ ({connected});
  end endgenerate
endmodule
"""


def _adders() -> tuple[str, ...]:
    """Logic that is the sum and the carry of three bits becomes full adders of the library."""
    return (
        "extract_fa -fa",
        "opt_clean",
        f"techmap -map {FULL_ADDER} t:$fa",
        "techmap",
        "opt -fast",
    )


def _gates(gate: ClockGate, banks: str) -> tuple[str, ...]:
    """`banks` are modules in which a single flip-flop has a gate, too."""
    resets = " ".join(f"-cell $_SDFF{kind}_ x" for kind in ("_PP?", "CE_PP?P"))
    insert = f"clockgate -pos {gate.cell} {gate.enable}:{gate.clock}:{gate.out}" + "".join(
        f" -tie_lo {pin}" for pin in gate.tests
    )
    return (
        f"dfflegalize -cell $_DFF_P_ x -cell $_DFFE_PP_ x {resets} t:$_SDFFE_*",
        "dfflegalize -cell $_DFF_P_ x -cell $_DFFE_PP_ x t:$_SDFF*",
        "opt_expr",
        "opt_merge",  # each flip-flop comes with its own `enable or reset`
        "opt_clean",
        *((f"{insert} {banks}",) if banks else ()),
        f"{insert} -min_net_size {GATED}",
    )
