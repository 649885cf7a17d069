"""Whether triplication survived synthesis: every flip-flop one of three that voters alone read.

A voter is found by what it computes, the majority of three flip-flops, of however many gates it is
made: a LUT, or a few standard cells.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from hwflow.errors import CheckFailed
from hwflow.verify.netlist.circuit import Circuit, read_circuit
from hwflow.verify.netlist.parts import ONE, ZERO, table_of

__all__ = ["Triples", "check_triples", "find_triples"]

MAJORITY: Final = table_of(3, lambda a, b, c: a & b | a & c | b & c)
_COPIES: Final = 3
_END: Final = -1
_COPY: Final = re.compile(r"loader\.copy_([abc])\.(word|weights)?")

Cone = tuple[tuple[int, ...], int]
"""Flip-flops in ascending order, and the function of them."""


@dataclass(frozen=True, slots=True)
class Triples:
    """Counted in a netlist: `voted` holds, for each voter's net, the three nets that it votes on.

    `held` are the triples whose copies load from different nets and have a voter each, `gated`
    those whose copies keep what they have behind an enable; `inside` are nets between a triple and
    its voters.
    """

    flip_flops: int
    bits: int
    held: int
    gated: int
    voted: dict[int, frozenset[int]]
    inside: frozenset[int] = frozenset()

    @property
    def voters(self) -> int:
        """Majority gates that vote on a triple."""
        return len(self.voted)


def check_triples(netlist: Path, top: str) -> Triples:
    """Check a mapped netlist of a design with `protect: tmr`.

    Every flip-flop belongs to exactly one triple; its output goes to voters of that triple and
    nowhere else; three copies that do not load the same net have three voters. Of the weight
    loader there are three whole copies: a flip-flop is read by voters and within its copy, and only
    words may have a single voter.

    Raises:
        CheckFailed: "synth.tmr", naming flip-flops; also when a memory is left.
    """
    circuit = read_circuit(netlist, top)
    if circuit.memories:
        raise _failed(f"{circuit.memories[0].cell} is a memory, whose words are not voted")
    triples = find_triples(circuit)
    cells = {register.q: register.cell for register in circuit.registers}
    copies = _copies(circuit)
    _check_copies(circuit, triples, {q: letter for q, (letter, _) in copies.items()}, cells)
    alone = set(cells) - {q for nets in triples.voted.values() for q in nets}
    if alone:
        raise _failed(f"{len(alone)} flip-flops without a voter, first {_first(alone, cells)}")
    readers = _readers(circuit)
    of: dict[int, set[frozenset[int]]] = defaultdict(set)
    for nets in triples.voted.values():
        for q in nets:
            of[q].add(nets)
    for q, found in of.items():
        inside = q in copies or _to_voters(q, next(iter(found)), triples, readers)
        if len(found) != 1 or not inside:
            raise _failed(f"{cells[q]} is read by more than the voters of one triple")
    loads = {register.q: (register.d, register.enable) for register in circuit.registers}
    voters: dict[frozenset[int], int] = defaultdict(int)
    for nets in triples.voted.values():
        voters[nets] += 1
    for nets, count in voters.items():
        letters = {copies[q][0] for q in nets if q in copies}
        if letters and len(letters) != _COPIES:
            raise _failed(f"{_first(nets, cells)} is voted with another copy's register")
        words = all(q in copies and copies[q][1] for q in nets)
        if len({loads[q] for q in nets}) > 1 and count != _COPIES and not words:
            raise _failed(f"{_first(nets, cells)} and its copies share {count} voters")
    return triples


def find_triples(circuit: Circuit) -> Triples:
    """Every net that is the majority of three flip-flops, and what it votes on."""
    cones: dict[int, Cone] = {register.q: ((register.q,), 0b10) for register in circuit.registers}
    cones |= {ZERO: ((), 0), ONE: ((), 1)}
    voted: dict[int, frozenset[int]] = {}
    inside: set[int] = set()
    for gate in circuit.gates:
        cone = None if gate.memory else _joined(gate.init, [cones.get(net) for net in gate.ins])
        if cone is None:
            continue
        if cone[1] == MAJORITY and len(cone[0]) == _COPIES:
            voted[gate.out] = frozenset(cone[0])
        else:
            cones[gate.out] = cone
            inside.add(gate.out)
    loads = {register.q: (register.d, register.enable) for register in circuit.registers}
    distinct = Counter(voted.values())
    held = sum(1 for nets, n in distinct.items() if n > 1 and len({loads[q] for q in nets}) > 1)
    gated = sum(1 for nets in distinct if all(loads[q][1] != ONE for q in nets)) - held
    kept = frozenset(net for net in inside if _within(cones[net][0], distinct))
    return Triples(len(loads), len(distinct), held, max(0, gated), voted, kept)


def _within(flops: tuple[int, ...], triples: Iterable[frozenset[int]]) -> bool:
    return any(triple.issuperset(flops) for triple in triples)


def _joined(init: int, cones: list[Cone | None]) -> Cone | None:
    """What a gate computes of at most three flip-flops, None of more or of anything else."""
    known = [cone for cone in cones if cone is not None]
    flops = tuple(sorted({q for cone in known for q in cone[0]}))
    if len(known) < len(cones) or len(flops) > _COPIES:
        return None
    shapes = tuple((tuple(flops.index(q) for q in of), table) for of, table in known)
    return flops, _composed(init, shapes, len(flops))


@cache
def _composed(init: int, shapes: tuple[tuple[tuple[int, ...], int], ...], inputs: int) -> int:
    table = 0
    for row in range(1 << inputs):
        address = 0
        for place, (of, inner) in enumerate(shapes):
            state = sum((row >> k & 1) << i for i, k in enumerate(of))
            address |= (inner >> state & 1) << place
        table |= (init >> address & 1) << row
    return table


def _copies(circuit: Circuit) -> dict[int, tuple[str, bool]]:
    """The flip-flops of the loader's copies: which copy, and whether they hold a weight."""
    state = {register.q for register in circuit.registers}
    found: dict[int, tuple[str, bool]] = {}
    for name, bits in circuit.nets.items():
        if match := _COPY.match(name):
            for bit in state.intersection(bits):
                found[bit] = match[1], bool(match[2]) or (bit in found and found[bit][1])
    return found


def _check_copies(
    circuit: Circuit, triples: Triples, copies: Mapping[int, str], cells: Mapping[int, str]
) -> None:
    """Nothing but votes passes from one copy of the loader to another, or to the design."""
    none: frozenset[str] = frozenset()
    inside = {q: frozenset(letter) for q, letter in copies.items()}
    for gate in circuit.gates:
        mixed = none.union(*(inside.get(net, none) for net in gate.ins))
        if not mixed or gate.out in triples.voted:
            continue
        if len(mixed) > 1 and gate.out not in triples.inside:
            raise _failed(f"copies {', '.join(sorted(mixed))} of the loader meet in logic")
        inside[gate.out] = mixed
    for register in circuit.registers:
        own = inside.get(register.q, none)
        for net in (register.d, register.enable, register.reset):
            if not inside.get(net, none) <= own:
                raise _failed(f"{cells[register.q]} loads from another copy of the loader")
    if any(bit in inside for bits in circuit.outputs.values() for bit in bits):
        raise _failed("an output comes from one copy of the loader")


def _readers(circuit: Circuit) -> dict[int, set[int]]:
    """For each net the gates that read it; _END stands for anything else that does."""
    readers: dict[int, set[int]] = defaultdict(set)
    for gate in circuit.gates:
        for net in gate.ins:
            readers[net].add(gate.out)
    ends = [bit for bits in circuit.outputs.values() for bit in bits]
    for register in circuit.registers:
        ends += [register.d, register.enable, register.reset]
    for net in ends:
        readers[net].add(_END)
    return readers


def _to_voters(
    net: int, triple: frozenset[int], triples: Triples, readers: Mapping[int, set[int]]
) -> bool:
    """Whether all that reads `net`, and what reads that in turn, ends in voters of `triple`."""
    waiting, seen = [net], {net}
    while waiting:
        for reader in readers[waiting.pop()]:
            if triples.voted.get(reader) == triple or reader in seen:
                continue
            if reader not in triples.inside:
                return False
            seen.add(reader)
            waiting.append(reader)
    return True


def _first(nets: Iterable[int], cells: dict[int, str]) -> str:
    return min(cells[q] for q in nets)


def _failed(what: str) -> CheckFailed:
    return CheckFailed(
        "synth.tmr",
        f"triplication did not survive synthesis: {what}",
        hint="a tool merged copies or voters; please report it together with the design",
    )
