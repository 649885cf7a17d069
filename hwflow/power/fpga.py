"""Energy per inference on an FPGA: toggles of the netlist times what each element costs."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hwflow.power.elements import Elements, Range
from hwflow.synth.area import COSTS
from hwflow.synth.netlist import layer_of

__all__ = ["KINDS", "Energy", "fpga_energy"]

KINDS = ("logic", "carry", "registers", "memory", "dsp", "clock", "static")
_NONE = Range(0.0, 0.0, 0.0)
_TOP = "top"


@dataclass(frozen=True, slots=True)
class Energy:
    """Energy per inference in pJ: the whole, by kind of element and by layer (clock and static
    apart, which belong to no layer)."""

    total: Range
    kinds: Mapping[str, Range]
    layers: Mapping[str, Range]


def fpga_energy(
    module: Mapping[str, Any],
    layers: Sequence[str],
    toggles: Mapping[int, float],
    interval: float,
    clock_hz: float,
    elements: Elements,
) -> Energy:
    """Energy of a flat netlist `module` (Yosys' JSON) from net `toggles` per inference.

    `interval` is clock cycles an inference, idle and stalled ones included. A DSP or block RAM
    works in as many cycles as its busiest output implies: random data toggle in half of them.
    """
    kinds = dict.fromkeys(KINDS, _NONE)
    by_layer = dict.fromkeys((*layers, _TOP), _NONE)
    cells = 0
    for name, cell in module["cells"].items():
        kind, unit = _kind(cell["type"], elements)
        moved = [toggles.get(bit, 0.0) for bit in _outputs(cell)]
        if kind in ("memory", "dsp"):
            count = min(interval, 2 * max(moved, default=0.0))
        else:
            count = sum(moved)
            cells += kind == "logic"
        energy = unit.times(count)
        layer = layer_of(name, layers) or _TOP
        kinds[kind] += energy
        by_layer[layer] += energy
    share = max(1, math.ceil(cells / elements.clock_cells))
    kinds["clock"] = elements.clock.times(share * interval)
    if elements.static is not None:
        kinds["static"] = elements.static.times(interval / clock_hz * 1e6)
    total = _NONE
    for energy in kinds.values():
        total += energy
    return Energy(total, kinds, by_layer)


def _kind(cell: str, elements: Elements) -> tuple[str, Range]:
    cost = COSTS.get(cell)
    if cost is None or cost.ff:
        return "registers", elements.logic  # every flip-flop that has no entry of its own
    if cost.dsp:
        return "dsp", elements.dsp
    if cost.half_bram:
        return "memory", elements.bram
    if cost.carry and not cost.lut:
        return "carry", elements.carry
    return "logic", elements.logic


def _outputs(cell: Mapping[str, Any]) -> list[int]:
    return [
        bit
        for pin, bits in cell["connections"].items()
        if cell["port_directions"].get(pin) == "output"
        for bit in bits
        if isinstance(bit, int)
    ]
