"""Area of a netlist of library cells, whole and by layer, in um2 and gate equivalents."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hwflow.asic.kit import Kit
from hwflow.asic.liberty import Library
from hwflow.errors import ToolFailed
from hwflow.synth.netlist import layer_of

__all__ = ["CellArea", "areas"]


@dataclass(frozen=True, slots=True)
class CellArea:
    """Counted cells of a netlist or a layer; area of the cells alone, without routing.

    `um2` as the library states it, `ge` in areas of its NAND2; `ff_um2` and `latch_um2` are the
    parts of flip-flops and latches.
    """

    um2: float
    ge: float
    ff: int
    ff_um2: float
    latches: int
    latch_um2: float
    cells: tuple[tuple[str, int], ...]


def areas(
    module: Any, layers: Sequence[str], library: Library, kit: Kit
) -> tuple[CellArea, dict[str, CellArea]]:
    """Count a flat module: the whole, and each layer ("" is what lies outside of layers).

    Raises:
        ToolFailed: `synth.cell` for a cell that is not the library's.
    """
    kinds: dict[str, Counter[str]] = {layer: Counter() for layer in ("", *layers)}
    for name, cell in module["cells"].items():
        if cell["type"] not in library.cells:
            raise ToolFailed(
                "synth.cell",
                f"the mapped netlist holds a cell of type {cell['type']!r}, which is not in the "
                f"library {library.name}",
                hint="the library lacks a cell for it; the log is beside the netlist",
            )
        kinds[layer_of(name, layers)][cell["type"]] += 1
    per_layer = {layer: _area(found, library, kit) for layer, found in kinds.items()}
    return _area(sum(kinds.values(), Counter()), library, kit), per_layer


def _area(kinds: Mapping[str, int], library: Library, kit: Kit) -> CellArea:
    cells = [(library.cells[kind], number) for kind, number in sorted(kinds.items())]
    total = sum(cell.area * number for cell, number in cells)
    registers = [(cell, number) for cell, number in cells if cell.ff is not None]
    latches = [(cell, number) for cell, number in cells if cell.transparent is not None]
    return CellArea(
        um2=round(total, 3),
        ge=round(kit.equivalents(total), 3),
        ff=sum(number for _, number in registers),
        ff_um2=round(sum(cell.area * number for cell, number in registers), 3),
        latches=sum(number for _, number in latches),
        latch_um2=round(sum(cell.area * number for cell, number in latches), 3),
        cells=tuple(sorted(kinds.items())),
    )
