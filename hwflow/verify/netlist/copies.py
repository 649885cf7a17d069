"""The weight loader's three copies: that nothing but votes passes from one to another."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from hwflow.verify.netlist.circuit import Circuit, Gate
from hwflow.verify.netlist.majority import MAJORITY, VOTES, Cone, joined
from hwflow.verify.netlist.parts import ONE, ZERO

__all__ = ["check_copies", "loader_copies"]

_COPY: Final = re.compile(r"loader\.copy_([abc])\.(word|weights)?")
_NOTHING: Final[frozenset[str]] = frozenset()


def loader_copies(circuit: Circuit) -> dict[int, tuple[str, bool]]:
    """The flip-flops of the loader's copies: which copy, and whether they hold a weight."""
    state = {register.q for register in circuit.registers}
    found: dict[int, tuple[str, bool]] = {}
    for name, bits in circuit.nets.items():
        if match := _COPY.match(name):
            word = match[2] in ("word", "weights")
            for bit in state.intersection(bits):
                found[bit] = match[1], word or (bit in found and found[bit][1])
    return found


def check_copies(circuit: Circuit, copies: Mapping[int, str], cells: Mapping[int, str]) -> str:
    """What is wrong if anything but votes passes from a copy to another or to the design, or "".

    `copies` names the copy of each flip-flop of the loader.
    """
    inside: dict[int, frozenset[str]] = {q: frozenset(letter) for q, letter in copies.items()}
    cones: dict[int, Cone] = {ZERO: ((), 0), ONE: ((), 1)}
    parts: set[int] = set()
    for gate in circuit.gates if copies else ():
        mixed = _NOTHING.union(*(inside.get(net, _NOTHING) for net in gate.ins))
        if len(mixed) > 1:
            cone = _cone(gate, inside, cones)
            letters = [inside[net] for net in cone[0]] if cone else []
            if cone is None or len(set(letters)) < len(letters):
                return f"copies {', '.join(sorted(mixed))} of the loader meet in logic"
            if cone[1] != MAJORITY or len(letters) != VOTES:
                cones[gate.out], inside[gate.out] = cone, mixed
                parts.add(gate.out)
        elif mixed:
            inside[gate.out] = mixed
            if len(gate.ins) == 1 and (cone := _cone(gate, inside, cones)):
                cones[gate.out] = cone  # an inverter before a vote
    for register in circuit.registers:
        own = inside.get(register.q, _NOTHING)
        for net in (register.d, register.enable, register.reset):
            if not inside.get(net, _NOTHING) <= own:
                return f"{cells[register.q]} loads from another copy of the loader"
    if any(bit in inside for bits in circuit.outputs.values() for bit in bits):
        return "an output comes from one copy of the loader"
    return ""


def _cone(
    gate: Gate, inside: Mapping[int, frozenset[str]], cones: Mapping[int, Cone]
) -> Cone | None:
    """What the gate computes of nets of single copies."""
    own = {net: ((net,), 0b10) for net in gate.ins if len(inside.get(net, _NOTHING)) == 1}
    return joined(gate.init, [cones.get(net) or own.get(net) for net in gate.ins])
