"""Whether triplication survived synthesis: every flip-flop one of three that voters alone read."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from hwflow.errors import CheckFailed
from hwflow.verify.netlist.circuit import Circuit, read_circuit
from hwflow.verify.netlist.parts import table_of

__all__ = ["Triples", "check_triples", "find_triples"]

MAJORITY: Final = table_of(3, lambda a, b, c: a & b | a & c | b & c)
_COPIES: Final = 3
_COPY: Final = re.compile(r"loader\.copy_([abc])\.(word|weights)?")


@dataclass(frozen=True, slots=True)
class Triples:
    """Counted in a netlist: `voted` holds, for each voter's net, the three nets that it votes on.

    `held` are the triples whose copies load from different nets and have a voter each.
    """

    flip_flops: int
    bits: int
    held: int
    voted: dict[int, frozenset[int]]

    @property
    def voters(self) -> int:
        """Majority gates that vote on a triple."""
        return len(self.voted)


def check_triples(netlist: Path, top: str) -> Triples:
    """Check a mapped netlist of a design with `protect: tmr`.

    Every flip-flop belongs to exactly one triple; its output goes to majority gates of that triple
    and nowhere else; three copies that do not load the same net have three voters. Of the weight
    loader there are three whole copies: nothing but majority gates reads nets of more than one, a
    flip-flop's output stays within its copy otherwise, and only words have one voter.

    Raises:
        CheckFailed: "synth.tmr", naming flip-flops; also when a memory is left.
    """
    circuit = read_circuit(netlist, top)
    if circuit.memories:
        raise _failed(f"{circuit.memories[0].cell} is a memory, whose words are not voted")
    triples = find_triples(circuit)
    cells = {register.q: register.cell for register in circuit.registers}
    inputs = {register.q: register.d for register in circuit.registers}
    copies = _copies(circuit)
    _check_copies(circuit, {q: letter for q, (letter, _) in copies.items()}, cells)
    alone = set(cells) - {q for nets in triples.voted.values() for q in nets}
    if alone:
        raise _failed(f"{len(alone)} flip-flops without a voter, first {_first(alone, cells)}")
    readers = _readers(circuit)
    of: dict[int, set[frozenset[int]]] = defaultdict(set)
    for nets in triples.voted.values():
        for q in nets:
            of[q].add(nets)
    for q, found in of.items():
        if len(found) != 1 or (q not in copies and not readers[q] <= set(triples.voted)):
            raise _failed(f"{cells[q]} is read by more than the voters of one triple")
    voters: dict[frozenset[int], int] = defaultdict(int)
    for nets in triples.voted.values():
        voters[nets] += 1
    for nets, count in voters.items():
        letters = {copies[q][0] for q in nets if q in copies}
        if letters and len(letters) != _COPIES:
            raise _failed(f"{_first(nets, cells)} is voted with another copy's register")
        words = all(q in copies and copies[q][1] for q in nets)
        if len({inputs[q] for q in nets}) > 1 and count != _COPIES and not words:
            raise _failed(f"{_first(nets, cells)} and its copies share {count} voters")
    return triples


def find_triples(circuit: Circuit) -> Triples:
    """Every majority gate of three flip-flops, and what it votes on."""
    state = {register.q for register in circuit.registers}
    voted = {
        gate.out: frozenset(gate.ins)
        for gate in circuit.gates
        if len(gate.ins) == _COPIES and gate.init == MAJORITY and state.issuperset(gate.ins)
    }
    inputs = {register.q: register.d for register in circuit.registers}
    distinct = set(voted.values())
    held = sum(1 for nets in distinct if len({inputs[q] for q in nets}) > 1)
    return Triples(len(state), len(distinct), held, voted)


def _copies(circuit: Circuit) -> dict[int, tuple[str, bool]]:
    """The flip-flops of the loader's copies: which copy, and whether they hold a weight."""
    state = {register.q for register in circuit.registers}
    found: dict[int, tuple[str, bool]] = {}
    for name, bits in circuit.nets.items():
        if match := _COPY.match(name):
            word = match[2] in ("word", "weights")
            for bit in state.intersection(bits):
                found[bit] = match[1], word or (bit in found and found[bit][1])
    return found


def _check_copies(circuit: Circuit, copies: Mapping[int, str], cells: Mapping[int, str]) -> None:
    """Nothing but votes passes from one copy of the loader to another, or to the design."""
    ends = [bit for bits in circuit.outputs.values() for bit in bits]
    inside: dict[int, frozenset[str]] = {q: frozenset(letter) for q, letter in copies.items()}
    none: frozenset[str] = frozenset()
    for gate in circuit.gates:
        read = [inside.get(net, none) for net in gate.ins]
        mixed = none.union(*read)
        if len(mixed) > 1:
            if gate.init != MAJORITY or sorted(map(sorted, read)) != [["a"], ["b"], ["c"]]:
                raise _failed(f"copies {', '.join(sorted(mixed))} of the loader meet in logic")
        elif mixed:
            inside[gate.out] = mixed
    for register in circuit.registers:
        own = inside.get(register.q, none)
        for net in (register.d, register.enable, register.reset):
            if not inside.get(net, none) <= own:
                raise _failed(f"{cells[register.q]} loads from another copy of the loader")
    if any(net in inside for net in ends):
        raise _failed("an output comes from one copy of the loader")


def _readers(circuit: Circuit) -> dict[int, set[int]]:
    """For each net the gates that read it; -1 stands for anything else that does."""
    readers: dict[int, set[int]] = defaultdict(set)
    for gate in circuit.gates:
        for net in gate.ins:
            readers[net].add(gate.out)
    ends = [bit for bits in circuit.outputs.values() for bit in bits]
    for register in circuit.registers:
        ends += [register.d, register.enable, register.reset]
    for net in ends:
        readers[net].add(-1)
    return readers


def _first(nets: Iterable[int], cells: dict[int, str]) -> str:
    return min(cells[q] for q in nets)


def _failed(what: str) -> CheckFailed:
    return CheckFailed(
        "synth.tmr",
        f"triplication did not survive synthesis: {what}",
        hint="a tool merged copies or voters; please report it together with the design",
    )
