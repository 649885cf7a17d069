"""Whether triplication survived synthesis: every flip-flop one of three that voters alone read.

A voter is found by what it computes, the majority of three flip-flops, of however many gates it is
made: a LUT, or a few standard cells.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from hwflow.errors import CheckFailed
from hwflow.verify.netlist.circuit import Circuit, read_circuit
from hwflow.verify.netlist.copies import check_copies, loader_copies
from hwflow.verify.netlist.majority import MAJORITY, VOTES, Cone, joined
from hwflow.verify.netlist.parts import ONE, ZERO

__all__ = ["Triples", "check_triples", "find_triples"]

_END = -1


@dataclass(frozen=True, slots=True)
class Triples:
    """Counted in a netlist: `voted` holds, for each voter's net, the three nets that it votes on.

    `held` are the triples whose copies load from different nets and have a voter each, `gated`
    those whose copies keep what they have behind an enable; `weights` are bits of the loader's
    words (which have one voter), `inside` nets between a triple and its voters.
    """

    flip_flops: int
    bits: int
    held: int
    gated: int
    weights: int
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
    loader there are three whole copies: nothing but voters reads nets of more than one, a
    flip-flop's output stays within its copy otherwise, and only words have one voter.

    Raises:
        CheckFailed: "synth.tmr", naming flip-flops; also when a memory is left.
    """
    circuit = read_circuit(netlist, top).with_flip_flops()
    if circuit.memories:
        raise _failed(f"{circuit.memories[0].cell} is a memory, whose words are not voted")
    triples = find_triples(circuit)
    cells = {register.q: register.cell for register in circuit.registers}
    copies = loader_copies(circuit)
    wrong = check_copies(circuit, {q: letter for q, (letter, _) in copies.items()}, cells)
    if wrong:
        raise _failed(wrong)
    alone = set(cells) - {q for nets in triples.voted.values() for q in nets}
    if alone:
        raise _failed(f"{len(alone)} flip-flops without a voter, first {_first(alone, cells)}")
    readers = _readers(circuit)
    of: dict[int, set[frozenset[int]]] = defaultdict(set)
    for nets in triples.voted.values():
        for q in nets:
            of[q].add(nets)
    between = {*triples.voted, *triples.inside}
    for q, found in of.items():
        if len(found) != 1 or (q not in copies and not readers[q] <= between):
            raise _failed(f"{cells[q]} is read by more than the voters of one triple")
    loads = _loads(circuit)
    voters: dict[frozenset[int], int] = defaultdict(int)
    for nets in triples.voted.values():
        voters[nets] += 1
    for nets, count in voters.items():
        letters = {copies[q][0] for q in nets if q in copies}
        if letters and len(letters) != VOTES:
            raise _failed(f"{_first(nets, cells)} is voted with another copy's register")
        words = all(q in copies and copies[q][1] for q in nets)
        if len({loads[q] for q in nets}) > 1 and count != VOTES and not words:
            raise _failed(f"{_first(nets, cells)} and its copies share {count} voters")
    return triples


def find_triples(circuit: Circuit) -> Triples:
    """Every net that is the majority of three flip-flops, and what it votes on.

    Latches count as flip-flops.
    """
    circuit = circuit.with_flip_flops()
    cones: dict[int, Cone] = {register.q: ((register.q,), 0b10) for register in circuit.registers}
    cones |= {ZERO: ((), 0), ONE: ((), 1)}
    voted: dict[int, frozenset[int]] = {}
    for gate in circuit.gates:
        cone = None if gate.memory else joined(gate.init, [cones.get(net) for net in gate.ins])
        if cone is None:
            continue
        if cone[1] == MAJORITY and len(cone[0]) == VOTES:
            voted[gate.out] = frozenset(cone[0])
        else:
            cones[gate.out] = cone
    loads, distinct = _loads(circuit), set(voted.values())
    held = {nets for nets in distinct if len({loads[q] for q in nets}) > 1}
    gated = {nets for nets in distinct - held if all(loads[q][1] != ONE for q in nets)}
    triple = {q: nets for nets in distinct for q in nets}
    readers, inside = _readers(circuit), set[int]()
    for gate in reversed(circuit.gates):
        flops = cones.get(gate.out, ((), 0))[0]
        own = triple.get(flops[0], frozenset()) if flops else frozenset()
        alone = flops and own.issuperset(flops)
        if alone and all(net in voted or net in inside for net in readers[gate.out]):
            inside.add(gate.out)
    copies = loader_copies(circuit)
    weights = {nets for nets in held if all(q in copies and copies[q][1] for q in nets)}
    counts = (len(loads), len(distinct), len(held), len(gated), len(weights))
    return Triples(*counts, voted, frozenset(inside))


def _loads(circuit: Circuit) -> dict[int, tuple[int, int]]:
    """What each flip-flop loads, and when."""
    return {register.q: (register.d, register.enable) for register in circuit.registers}


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


def _first(nets: Iterable[int], cells: dict[int, str]) -> str:
    return min(cells[q] for q in nets)


def _failed(what: str) -> CheckFailed:
    return CheckFailed(
        "synth.tmr",
        f"triplication did not survive synthesis: {what}",
        hint="a tool merged copies or voters; please report it together with the design",
    )
