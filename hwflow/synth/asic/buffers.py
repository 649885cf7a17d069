"""Fan-out trees: nets with many loads get buffers, over the borders of layers too.

abc sees one layer at a time, and the enable of a pipeline leads to all of them. The clock is left
alone, before and behind clock gates: its tree is made with the placement, and timing takes it as
ideal.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from hwflow.asic.kit import Kit
from hwflow.asic.liberty import Cell, Library
from hwflow.asic.wires import wire_pf
from hwflow.synth.asic.names import Names
from hwflow.synth.netlist import layer_of

__all__ = ["FAN_OUT", "Load", "Trees", "buffer_nets"]

FAN_OUT: Final = 24
"""Loads of one net at the most: some 0.3 pF of small inputs and wires on sg13g2, which is what its
weakest cells may drive."""
_ROOM: Final = 2
"""A buffer is chosen that may drive this many times its load: at the limit edges are slow."""

# A module of Yosys' JSON.
Json = Any


@dataclass(frozen=True, slots=True)
class Load:
    """A place in a list of bits that reads a net, its layer, and its capacitance in pF."""

    layer: str
    bits: list[Any]
    position: int
    pf: float


def buffer_nets(module: Json, layers: Sequence[str], library: Library, kit: Kit) -> int:
    """Insert buffers, in place, until no net but the clock has more than FAN_OUT loads.

    Each buffer belongs to the layer of its loads. Returns how many buffers were inserted: none
    where the library has no buffer.
    """
    if not kit.buffers:
        return 0
    trees = Trees(module, library, kit)
    for bit, loads in sorted(_net_loads(module, layers, library).items()):
        trees.add(bit, loads)
    return trees.made


def _net_loads(module: Json, layers: Sequence[str], library: Library) -> dict[int, list[Load]]:
    """The loads of every net that clocks nothing."""
    found: dict[int, list[Load]] = {}
    clocks: set[Any] = set()
    for name, cell in sorted(module["cells"].items()):
        kind = library.cells[cell["type"]]
        clocked = kind.clocks
        for pin, bits in sorted(cell["connections"].items()):
            if cell["port_directions"][pin] != "input" or not isinstance(bits[0], int):
                continue
            if pin in clocked:
                clocks.add(bits[0])
            load = Load(layer_of(name, layers), bits, 0, kind.pins[pin].capacitance)
            found.setdefault(bits[0], []).append(load)
    for _, port in sorted(module["ports"].items()):
        if port["direction"] == "output":
            for position, bit in enumerate(port["bits"]):
                if isinstance(bit, int):
                    found.setdefault(bit, []).append(Load("", port["bits"], position, 0.0))
    return {bit: loads for bit, loads in found.items() if bit not in clocks}


class Trees:
    """Puts buffers into one module, each into the layer that is told."""

    def __init__(self, module: Json, library: Library, kit: Kit) -> None:
        self._cells = module["cells"]
        self._names = Names(self._cells)
        self._buffers = [library.cells[name] for name in kit.buffers]
        self._wire = wire_pf(library, kit)
        lists = [cell["connections"].values() for cell in self._cells.values()]
        nets = [bit for bits in lists for row in bits for bit in row if isinstance(bit, int)]
        nets += [b for p in module["ports"].values() for b in p["bits"] if isinstance(b, int)]
        self._net = max(nets, default=1)
        self.made = 0

    def add(self, bit: int, loads: list[Load]) -> None:
        """Reduce the loads of one net to FAN_OUT, level by level, neighbours in a layer first."""
        while len(loads) > FAN_OUT:
            by_layer: dict[str, list[Load]] = {}
            for load in loads:
                by_layer.setdefault(load.layer, []).append(load)
            # A layer with few loads keeps its direct connection unless too many layers do.
            large = {layer for layer, row in by_layer.items() if len(row) > FAN_OUT}
            if not large:
                by_layer, large = {"": loads}, {""}
            rest = [load for layer, row in by_layer.items() if layer not in large for load in row]
            for layer in sorted(large):
                row = by_layer[layer]
                parts = -(-len(row) // FAN_OUT)
                rest += [self._grow(bit, layer, row[i::parts]) for i in range(parts)]
            loads = rest

    def _grow(self, bit: int, layer: str, loads: list[Load]) -> Load:
        total = sum(load.pf for load in loads) + self._wire * len(loads)
        able = [
            b for b in self._buffers if (b.pins[b.outputs[0]].max_capacitance or 0) >= _ROOM * total
        ]
        return self.insert(bit, layer, loads, able[0] if able else self._buffers[-1])

    def insert(self, bit: int, layer: str, loads: Sequence[Load], buffer: Cell) -> Load:
        """Put a buffer before the loads; returns its own input as a load of the net."""
        self._net += 1
        for load in loads:
            load.bits[load.position] = self._net
        source, out = buffer.inputs[0], buffer.outputs[0]
        bits = [bit]
        self._cells[self._names.fresh(layer, buffer.name)] = {
            "attributes": {},
            "connections": {source: bits, out: [self._net]},
            "hide_name": 0,
            "parameters": {},
            "port_directions": {source: "input", out: "output"},
            "type": buffer.name,
        }
        self.made += 1
        return Load(layer, bits, 0, buffer.pins[source].capacitance)
