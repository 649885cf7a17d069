"""Clock gates of a netlist of cells: equal ones merged, and counted."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from hwflow.asic.kit import ClockGate, Kit
from hwflow.synth.netlist import layer_of, plain_name

__all__ = ["Gating", "count_gating", "merge_gates"]

# A module of Yosys' JSON.
Json = Any
_COPY: Final = re.compile(r"\.bank_([abc])\.")


@dataclass(frozen=True, slots=True)
class Gating:
    """`cell` is the library's clock gate ("" for none).

    Flip-flops and latches are counted behind gates.
    """

    cell: str
    wanted: bool
    gates: int
    gated_ff: int


def merge_gates(mapped: Json, top: str, layers: Sequence[str], kit: Kit) -> None:
    """Keep one of the gates of a layer that have the same clock and enable, in place.

    One that is always open goes.

    Modules are mapped one by one, so that instances with one enable come with a gate each. The
    banks of triplicated registers keep a gate for each copy: `mapped` still has their names.
    """
    gate = kit.clock_gate
    if gate is None:
        return
    module = mapped["modules"][top]
    kept: dict[tuple[str, ...], Any] = {}
    alias: dict[Any, Any] = {}
    gone: list[str] = []
    for name, pins in _gates(module, gate):
        reads = (str(pins[pin][0]) for pin in (gate.clock, gate.enable, *gate.tests))
        net = pins[gate.out][0]
        if pins[gate.enable][0] == "1":
            alias[net] = pins[gate.clock][0]
            gone.append(name)
            continue
        path = plain_name(name)
        copy = _COPY.search(path)
        place = layer_of(path, layers), copy[1] if copy else ""
        first = kept.setdefault((*place, *reads), net)
        if first != net:
            alias[net] = first
            gone.append(name)
    for name in gone:
        del module["cells"][name]
    for cell in module["cells"].values() if alias else ():
        for bits in cell["connections"].values():
            bits[:] = [alias.get(bit, bit) for bit in bits]


def count_gating(module: Json, kit: Kit, wanted: bool) -> Gating:
    """Count the gates of a flat module and the flip-flops behind them."""
    gate = kit.clock_gate
    if gate is None:
        return Gating("", wanted, 0, 0)
    outs = {pins[gate.out][0] for _, pins in _gates(module, gate)}
    read = Counter(
        bit
        for cell in module["cells"].values()
        for pin, bits in cell["connections"].items()
        if cell["port_directions"][pin] == "input"
        for bit in bits
    )
    return Gating(gate.cell, wanted, len(outs), sum(read[net] for net in outs))


def _gates(module: Json, gate: ClockGate) -> list[tuple[str, Any]]:
    cells = sorted(module["cells"].items())
    return [(name, cell["connections"]) for name, cell in cells if cell["type"] == gate.cell]
