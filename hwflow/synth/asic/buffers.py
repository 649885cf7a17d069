"""Fan-out trees: nets with many loads get buffers, over the borders of layers too.

abc sees one layer at a time, and the enable of a pipeline leads to all of them. The clock is left
alone, before and behind clock gates: its tree is made with the placement, and timing takes it as
ideal.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from hwflow.asic.kit import Kit
from hwflow.asic.liberty import Library
from hwflow.asic.wires import wire_pf
from hwflow.synth.netlist import layer_of

__all__ = ["FAN_OUT", "buffer_nets"]

FAN_OUT: Final = 16
"""Loads of one net at the most."""
_ROOM: Final = 2
"""A buffer is chosen that may drive this many times its load: at the limit edges are slow."""

# A module of Yosys' JSON.
Json = Any


@dataclass(frozen=True, slots=True)
class _Load:
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
    trees = _Trees(module, library, kit)
    for bit, loads in sorted(_loads(module, layers, library).items()):
        trees.add(bit, loads)
    module["cells"].update(trees.cells)
    return len(trees.cells)


def _loads(module: Json, layers: Sequence[str], library: Library) -> dict[int, list[_Load]]:
    """The loads of every net that clocks nothing."""
    found: dict[int, list[_Load]] = {}
    clocks: set[Any] = set()
    for name, cell in sorted(module["cells"].items()):
        kind = library.cells[cell["type"]]
        clocked = kind.clocks
        for pin, bits in sorted(cell["connections"].items()):
            if cell["port_directions"][pin] != "input" or not isinstance(bits[0], int):
                continue
            if pin in clocked:
                clocks.add(bits[0])
            load = _Load(layer_of(name, layers), bits, 0, kind.pins[pin].capacitance)
            found.setdefault(bits[0], []).append(load)
    for _, port in sorted(module["ports"].items()):
        if port["direction"] == "output":
            for position, bit in enumerate(port["bits"]):
                if isinstance(bit, int):
                    found.setdefault(bit, []).append(_Load("", port["bits"], position, 0.0))
    return {bit: loads for bit, loads in found.items() if bit not in clocks}


class _Trees:
    """Builds the trees of one module."""

    def __init__(self, module: Json, library: Library, kit: Kit) -> None:
        self.cells: dict[str, Json] = {}
        self._buffers = [library.cells[name] for name in kit.buffers]
        self._wire = wire_pf(library, kit)
        self._numbers: Counter[tuple[str, str]] = Counter()
        for name, cell in module["cells"].items():
            kind = str(cell["type"])
            self._numbers[name.removesuffix(_tail(name)), kind] += 1
        lists = [cell["connections"].values() for cell in module["cells"].values()]
        nets = [bit for bits in lists for row in bits for bit in row if isinstance(bit, int)]
        nets += [b for p in module["ports"].values() for b in p["bits"] if isinstance(b, int)]
        self._net = max(nets, default=1)

    def add(self, bit: int, loads: list[_Load]) -> None:
        """Reduce the loads of one net to FAN_OUT, level by level, neighbours in a layer first."""
        while len(loads) > FAN_OUT:
            by_layer: dict[str, list[_Load]] = {}
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
                rest += [self._buffer(bit, layer, row[i::parts]) for i in range(parts)]
            loads = rest

    def _buffer(self, bit: int, layer: str, loads: list[_Load]) -> _Load:
        """Put a buffer before the loads; returns its own input as a load of the net."""
        self._net += 1
        for load in loads:
            load.bits[load.position] = self._net
        total = sum(load.pf for load in loads) + self._wire * len(loads)
        able = [
            b for b in self._buffers if (b.pins[b.outputs[0]].max_capacitance or 0) >= _ROOM * total
        ]
        chosen = able[0] if able else self._buffers[-1]
        source, out = chosen.inputs[0], chosen.outputs[0]
        prefix = f"{layer}." if layer else ""
        number = self._numbers[prefix, chosen.name]
        self._numbers[prefix, chosen.name] += 1
        bits = [bit]
        self.cells[f"{prefix}{chosen.name}_{number}"] = {
            "attributes": {},
            "connections": {source: bits, out: [self._net]},
            "hide_name": 0,
            "parameters": {},
            "port_directions": {source: "input", out: "output"},
            "type": chosen.name,
        }
        return _Load(layer, bits, 0, chosen.pins[source].capacitance)


def _tail(name: str) -> str:
    """`conv.inner.NAND2_4` -> `NAND2_4`."""
    return name.rpartition(".")[2]
