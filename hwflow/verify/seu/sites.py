"""Where upsets can strike: every flip-flop with its class and layer, and every net between."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from hwflow.verify.netlist.circuit import Circuit
from hwflow.verify.netlist.csource import Source

__all__ = ["CLASSES", "FlipFlop", "class_of", "flip_flops"]

CLASSES: Final = {
    "data": "pipelines, accumulators, line and stream buffers",
    "handshake": "valid bits, and what a fork or a FIFO has given away",
    "counter": "beat, row, column and address counters, and flags of a folded layer's steps",
    "memory": "words of memories that are flip-flops",
    "weight": "weights loaded at run time",
    "loader": "the weight loader's state, addresses and check",
}
"""The classes of flip-flops; `class_of` finds them by the names of the generated RTL."""

_COPY: Final = re.compile(r"_tmr\.(?:[abc]|copy_[abc]\[\d+\]\.q_o|bank_[abc]\.q_o)$")
_MEMORY: Final = re.compile(r"(?:^|\.)(?:word\[\d+\]\.stored\.|words\[\d+\]$)")
_LOADER: Final = re.compile(r"loader\.(?:copy_[abc]\.)?")
_WEIGHT: Final = re.compile(r"word_\d+|weights_[abco]")
_HANDSHAKE: Final = re.compile(r"\w*valid(?:_s\d+|_o)?|done|output_full|out_valid_o")
_COUNTER: Final = re.compile(
    r"beat|\w+_beat|(?:tap_)?(?:row|column)(?:_at)?|(?:constant|weight)_row|input|output"
    r"|raster_step|(?:read|write)_(?:address|at)|step_(?:first|last)_s\d+|stored|word_inside"
    r"|words_(?:ahead|held)|lead\w*"
)


@dataclass(frozen=True, slots=True)
class FlipFlop:
    """A bit of state: its place in the simulator's state, its RTL name, class and layer."""

    place: int
    name: str
    kind: str
    layer: str


def flip_flops(circuit: Circuit, source: Source, layers: Sequence[str]) -> tuple[FlipFlop, ...]:
    """Every flip-flop and latch of the netlist, and the output registers of its memories (data)."""
    names: dict[int, list[str]] = defaultdict(list)
    for name, bits in circuit.nets.items():
        if not name.startswith("$"):
            for bit in bits:
                names[bit].append(name)
    held = {latch.register.q: latch.held for latch in circuit.latches}
    found = [
        FlipFlop(
            source.slots[held.get(r.q, r.q)], *_named(names[r.q], r.cell), _layer(r.cell, layers)
        )
        for r in circuit.with_flip_flops().registers
    ]
    for memory in circuit.memories:
        for net in memory.read.out if memory.read else ():
            layer = _layer(memory.cell, layers)
            found.append(FlipFlop(source.slots[net], memory.cell, "data", layer))
    return tuple(sorted(found, key=lambda f: f.place))


def _named(names: Sequence[str], cell: str) -> tuple[str, str]:
    """The name that tells most, and the class."""
    kinds = {name: class_of(name) for name in names}
    for name in sorted(names, key=lambda n: (n.count("."), n)):
        if kinds[name] != "data":
            return name, kinds[name]
    return min(names, key=lambda n: (-n.count("."), n), default=cell), "data"


def class_of(name: str) -> str:
    """The class of a register by its hierarchical name, copies of a triple included."""
    if _MEMORY.search(name):
        return "memory"
    last = _COPY.sub("", name).rpartition(".")[2]
    if _LOADER.match(name):
        return "weight" if _WEIGHT.fullmatch(last) else "loader"
    if _HANDSHAKE.fullmatch(last):
        return "handshake"
    return "counter" if _COUNTER.fullmatch(last) else "data"


def _layer(cell: str, layers: Sequence[str]) -> str:
    return next((layer for layer in layers if cell.startswith(f"{layer}.")), "top")
