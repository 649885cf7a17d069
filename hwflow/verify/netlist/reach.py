"""Which LUT configuration bits can never be read: a proof by enumerating a cut of the fan-in."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from hwflow.verify.netlist.circuit import FaultTerm, Gate, read_circuit

__all__ = ["unreachable"]

_MOST_LEAVES: Final = 16
_MOST_GATES: Final = 400
Bits = npt.NDArray[np.bool_]


def unreachable(netlist: Path, top: str, cell: str, bit: int) -> bool:
    """Whether no values of registers and inputs ever make LUT `cell` read configuration `bit`.

    True is a proof: the LUT's fan-in is cut at 16 nets at most, the cut is enumerated with all
    its nets free, and the LUT's inputs never take the bit's row (or constants exclude it, or
    nothing reads the LUT). False means no proof was found.
    """
    circuit = read_circuit(netlist, top, [(cell, bit)])
    driver = {gate.out: gate for gate in circuit.gates if not gate.memory}
    rank = {gate.out: position for position, gate in enumerate(circuit.gates)}
    terms = [(gate, term) for gate in circuit.gates for term in gate.faults]
    return all(not _satisfiable(term, driver, rank) for _, term in terms)


def _satisfiable(term: FaultTerm, driver: dict[int, Gate], rank: dict[int, int]) -> bool:
    wanted = dict(term.minterm)
    if len(wanted) < len(set(term.minterm)):
        return False  # one net would have to be 0 and 1
    leaves, inside = set(wanted), set[int]()
    while len(inside) < _MOST_GATES:
        growing = [
            net
            for net in leaves
            if net in driver and len(leaves | set(driver[net].ins)) - 1 <= _MOST_LEAVES
        ]
        if not growing:
            break
        net = max(growing, key=lambda n: rank[n])
        leaves = (leaves - {net}) | (set(driver[net].ins) - inside)
        inside.add(net)
        if not _possible(wanted, leaves, inside, driver, rank):
            return False
    return True


def _possible(
    wanted: dict[int, int],
    leaves: set[int],
    inside: set[int],
    driver: dict[int, Gate],
    rank: dict[int, int],
) -> bool:
    """Whether some values of `leaves` give the wanted net values."""
    rows = np.arange(1 << len(leaves))
    values: dict[int, Bits] = {0: np.zeros(len(rows), bool), 1: np.ones(len(rows), bool)}
    for position, net in enumerate(sorted(leaves)):
        values[net] = (rows >> position) & 1 == 1
    for net in sorted(inside, key=lambda n: rank[n]):
        gate = driver[net]
        index = sum(values[i].astype(np.int64) << k for k, i in enumerate(gate.ins))
        table = np.array([(gate.init >> r) & 1 == 1 for r in range(1 << len(gate.ins))])
        values[net] = table[index]
    hit = np.ones(len(rows), bool)
    for net, value in wanted.items():
        hit &= values[net] == bool(value)
    return bool(hit.any())
