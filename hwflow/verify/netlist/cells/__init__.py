"""Cell models: one file per family, for exactly the cells and modes that the recipes emit.

Families reuse names (LUT4, DFF) with different pins, so the family is found from pins as well.
"""

from __future__ import annotations

from typing import Final

from hwflow.errors import ToolFailed
from hwflow.verify.netlist.cells import (
    ecp5,
    ecp5_blocks,
    generic,
    gowin,
    ice40,
    ice40_blocks,
    xilinx,
    xilinx_blocks,
)
from hwflow.verify.netlist.parts import Cell, Model, Parts

__all__ = ["model"]

_BLOCKS: Final = (ice40_blocks.MODELS, ecp5_blocks.MODELS, xilinx_blocks.MODELS)


def model(cell: Cell, init: int) -> Parts:
    """Return the tables and registers of a cell; `init` is the start value of the net it drives.

    Raises:
        ToolFailed: `netlist.cell` for a cell without a model, `netlist.mode` for such a mode.
    """
    if cell.kind == "$lut":
        return generic.lut(cell)
    if cell.kind == "$_NOT_":
        return generic.not_gate(cell)
    if generic.is_flip_flop(cell.kind):
        return generic.flip_flop(cell, init)
    for models in _families(cell):
        if cell.kind in models:
            return models[cell.kind](cell)
    raise ToolFailed(
        "netlist.cell",
        f"cell {cell.name!r} has the type {cell.kind!r}, which has no model",
        hint="only what hwflow's own recipes emit can be simulated",
    )


def _families(cell: Cell) -> tuple[dict[str, Model], ...]:
    """LUTs named alike differ in their output pin: Z on ECP5, F on Gowin, O on Xilinx."""
    if cell.kind.startswith("LUT"):
        by_output = {"Z": ecp5.MODELS, "F": gowin.MODELS}
        return next(
            ((models,) for pin, models in by_output.items() if pin in cell.pins),
            (xilinx.MODELS,),
        )
    return (ice40.MODELS, ecp5.MODELS, gowin.MODELS, xilinx.MODELS, *_BLOCKS)
