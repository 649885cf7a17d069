"""Weights loaded at run time in latches: smaller than flip-flops, and as good here.

A word of the loader stands behind a clock gate of its own. A flip-flop takes its data at the edge
that the gate lets through, a latch in the half cycle behind it: the same where the data stay as
they are over that edge, which `hwflow.verify.netlist.held` says of a mapped netlist.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Final

from hwflow.asic.kit import Kit
from hwflow.asic.liberty import Cell, Library
from hwflow.synth.asic.words import WORD
from hwflow.synth.netlist import plain_name

__all__ = ["weights_in_latches"]

_SAME: Final = 0b10

# A module of Yosys' JSON.
Json = Any


def weights_in_latches(mapped: Json, top: str, library: Library, kit: Kit) -> None:
    """Put a latch for each flip-flop of a word that has a clock gate, in place."""
    gate, latch = kit.clock_gate, kit.latch
    if gate is None or latch is None:
        return
    module = mapped["modules"][top]
    words = {
        bit
        for name, net in module["netnames"].items()
        if WORD.fullmatch(plain_name(name))
        for bit in net["bits"]
    }
    cells = module["cells"].values()
    clocks = {cell["connections"][gate.out][0] for cell in cells if cell["type"] == gate.cell}
    for cell in cells:
        pins = _pins(cell, library.cells.get(cell["type"]), words)
        if pins is None or pins[0] not in clocks:
            continue
        clock, data, out = pins
        cell["type"] = latch.cell
        cell["connections"] = {latch.clock: [clock], latch.data: [data], latch.out: [out]}
        cell["port_directions"] = {
            latch.clock: "input",
            latch.data: "input",
            latch.out: "output",
        }


def _pins(cell: Json, kind: Cell | None, words: Collection[Any]) -> tuple[Any, Any, Any] | None:
    """Clock, data and output of a flip-flop that holds one of `words` and does nothing else."""
    if kind is None or kind.ff is None:
        return None
    nets = {pin: bits[0] for pin, bits in cell["connections"].items()}
    kept = (kind.ff.clocked_on, kind.ff.next_state)
    (clock, *_), (data, *_) = (function.inputs for function in kept)
    rest = [nets[pin] for pin in kind.inputs if pin not in (clock, data)]
    outs = [pin for pin in kind.outputs if nets.get(pin) in words]
    function = kind.pins[outs[0]].function if len(outs) == 1 else None
    if function is None or function.inputs != (kind.ff.state,):
        return None
    if any(f.table != _SAME for f in (*kept, function)) or not {"0", "1"}.issuperset(rest):
        return None
    return nets[clock], nets[data], nets[outs[0]]
