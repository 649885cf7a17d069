"""Settles by SAT whether a changed LUT bit of a netlist can show: an input, or a proof of none.

The netlist is taken as one function of one input vector: in a stream without stalls every register
of a feed-forward pipeline hands on its data pin a clock later, so registers become wires. It is cut
at two named nets, the input and the output of the LUT's layer; all values of the layer's input are
allowed, so "none" is a proof for the whole design, and an input is one of the layer.

Question 1: do any inputs make the LUT read the bit? Only the LUT's fan-in is looked at. Question 2,
if so: do any make an output differ? The changed copy of what is behind the LUT is added.

`outside` answers question 1 from the interval of a word that the LUT reads, without SAT.

Needs python-sat (1.9.dev17), which hwflow itself does not.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import combinations
from multiprocessing import Process, SimpleQueue
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from hwflow.verify.netlist.circuit import FaultTerm, Gate, read_circuit

__all__ = ["Cone", "Settled", "outside", "read_cone", "reads_only", "settle", "settle_within"]

Bits = npt.NDArray[np.bool_]
_SOLVER = "cadical153"


@dataclass(frozen=True, slots=True)
class Cone:
    """Gates between two named nets, each after the gates it reads; register outputs are wires."""

    gates: tuple[Gate, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]

    def evaluate(self, inputs: Bits, faulty: bool = False) -> Bits:
        """Output bits (n, outputs) for input bits (n, inputs); `faulty`: with every fault on."""
        values = {0: np.zeros(len(inputs), bool), 1: np.ones(len(inputs), bool)}
        values |= {net: inputs[:, k] for k, net in enumerate(self.inputs)}
        for gate in self.gates:
            row = np.zeros(len(inputs), np.int64)
            for k, net in enumerate(gate.ins):
                row |= values[net].astype(np.int64) << k
            table = np.array([(gate.init >> r) & 1 for r in range(1 << len(gate.ins))], bool)
            out = table[row]
            for term in gate.faults if faulty else ():
                hit = [values[net] == bool(value) for net, value in term.minterm]
                out = out ^ np.logical_and.reduce(hit)
            values[gate.out] = out
        return np.stack([values[net] for net in self.outputs], axis=1)


@dataclass(frozen=True, slots=True)
class Settled:
    """`how`: "unread", "masked" (read, but no output differs), "input" with its bits, "timeout"."""

    how: str
    inputs: Bits | None = None


def read_cone(
    netlist: Path, top: str, first: str, last: str, faults: Sequence[tuple[str, int]] = ()
) -> Cone:
    """The function from net `first` to net `last`; raises ValueError where it has state."""
    circuit = read_circuit(netlist, top, faults)
    wires = {r.q: r.d for r in circuit.registers}
    driver = {gate.out: gate for gate in circuit.gates}
    inputs, outputs = circuit.nets[first], circuit.nets[last]
    stop = {0, 1, *inputs}

    def source(net: int) -> int:
        while net not in stop and net in wires:
            net = wires[net]
        return net

    ordered: list[Gate] = []
    done, entered = set(stop), set[int]()
    stack = [source(net) for net in outputs]
    roots = tuple(stack)
    while stack:
        net = stack[-1]
        if net in done:
            stack.pop()
            continue
        if net not in driver:
            raise ValueError(f"net {net} between {first} and {last} comes from elsewhere")
        gate = driver[net]
        reads = [source(n) for n in (*gate.ins, *(n for t in gate.faults for n, _ in t.minterm))]
        waiting = [n for n in reads if n not in done]
        if waiting and net in entered:
            raise ValueError(f"net {net} between {first} and {last} depends on itself")
        entered.add(net)
        stack += waiting
        if not waiting:
            done.add(net)
            terms = tuple(
                FaultTerm(t.index, tuple((source(n), v) for n, v in t.minterm)) for t in gate.faults
            )
            ordered.append(Gate(net, tuple(map(source, gate.ins)), gate.init, terms))
    return Cone(tuple(ordered), inputs, roots)


def settle(cone: Cone) -> Settled:
    """Settles the cone's one fault (all terms of it together)."""
    sites = [gate for gate in cone.gates if gate.faults]
    if not sites:
        return Settled("unread")  # no path to an output, or constants exclude the row
    driver = {gate.out: gate for gate in cone.gates}
    from pysat.solvers import Solver  # `outside` and `read_cone` do without

    with Solver(name=_SOLVER) as solver:
        names = _Names()
        reads = []
        wanted = {n for g in sites for t in g.faults for n, _ in t.minterm}
        _add(solver, names, _fan_in(wanted, cone.gates, driver))
        for gate in sites:
            for term in gate.faults:
                hit = names.new()
                for net, value in term.minterm:
                    solver.add_clause([-hit, names.of(net) if value else -names.of(net)])
                reads.append(hit)
        solver.add_clause(reads)
        if not solver.solve():
            return Settled("unread")
        _add_changed(solver, names, cone, sites, wanted)
        if not solver.solve():
            return Settled("masked")
        model = solver.get_model()
        assert model is not None
        true = {literal for literal in model if literal > 0}
        return Settled("input", np.array([names.of(net) in true for net in cone.inputs]))


def settle_within(cone: Cone, seconds: float) -> Settled:
    """As `settle`, in a process of its own that is ended after `seconds`."""
    queue: SimpleQueue[Settled] = SimpleQueue()
    child = Process(target=_answer, args=(cone, queue))
    child.start()
    child.join(seconds)
    if child.is_alive():
        child.kill()
        child.join()
        return Settled("timeout")
    if child.exitcode != 0:
        raise RuntimeError("the solver's process failed")
    return queue.get()


def _answer(cone: Cone, queue: SimpleQueue[Settled]) -> None:
    queue.put(settle(cone))


def reads_only(cone: Cone, word: Sequence[int]) -> bool:
    """Whether the changed LUT reads nothing but functions of `word`."""
    inside, wanted = _local(cone, word)
    read = (wanted | {n for g in inside for n in g.ins}) - {g.out for g in inside}
    return read <= {0, 1, *word}


def outside(cone: Cone, word: Sequence[int], low: int, high: int) -> bool:
    """Whether the LUT reads the changed bit for no value of `word` in low..high.

    `word` lists the nets of a two's complement number, lowest bit first, and `reads_only` holds.
    True is a proof under the assumption that low..high are the word's bounds.
    """
    inside, wanted = _local(cone, word)
    numbers = np.arange(low, high + 1)
    bits = np.stack([(numbers >> k) & 1 == 1 for k in range(len(word))], axis=1)
    nets = tuple(sorted(wanted))
    values = Cone(tuple(inside), tuple(word), nets).evaluate(bits)
    column = {net: values[:, k] for k, net in enumerate(nets)}
    return not any(
        np.logical_and.reduce([column[net] == bool(value) for net, value in term.minterm]).any()
        for gate in cone.gates
        for term in gate.faults
    )


def _local(cone: Cone, word: Sequence[int]) -> tuple[list[Gate], set[int]]:
    """The gates between `word` and the changed LUT, and the nets that it reads."""
    stop = set(word)
    driver = {gate.out: gate for gate in cone.gates if gate.out not in stop}
    wanted = {n for gate in cone.gates for term in gate.faults for n, _ in term.minterm}
    return _fan_in(wanted, [g for g in cone.gates if g.out in driver], driver), wanted


class _Names:
    """Numbers of SAT variables: 1 is true; a changed copy of a net has a variable of its own."""

    def __init__(self) -> None:
        self._numbers: dict[int, int] = {}
        self._last = 1

    def new(self) -> int:
        self._last += 1
        return self._last

    def of(self, net: int) -> int:
        if net <= 1:
            return 1 if net else -1
        if net not in self._numbers:
            self._numbers[net] = self.new()
        return self._numbers[net]


def _fan_in(nets: Iterable[int], gates: Sequence[Gate], driver: dict[int, Gate]) -> list[Gate]:
    seen, stack = set[int](), list(nets)
    while stack:
        net = stack.pop()
        if net not in seen and net in driver:
            seen.add(net)
            stack += driver[net].ins
    return [gate for gate in gates if gate.out in seen]


def _add(solver: Any, names: _Names, gates: Iterable[Gate]) -> None:
    solver.add_clause([1])
    for gate in gates:
        _clauses(solver, names.of(gate.out), [names.of(n) for n in gate.ins], gate.init)


def _add_changed(
    solver: Any, names: _Names, cone: Cone, sites: Sequence[Gate], wanted: set[int]
) -> None:
    """Adds the rest of the circuit that matters, its changed copy, and that an output differs."""
    driver = {gate.out: gate for gate in cone.gates}
    changed: dict[int, int] = {}
    for gate in cone.gates:
        if gate.faults or any(net in changed for net in gate.ins):
            changed[gate.out] = names.new()
    affected = [net for net in cone.outputs if net in changed]
    known = {gate.out for gate in _fan_in(wanted, cone.gates, driver)}
    behind = _fan_in([*affected, *(g.out for g in sites)], cone.gates, driver)
    _add(solver, names, (gate for gate in behind if gate.out not in known))
    for gate in behind:
        if gate.out not in changed:
            continue
        out = changed[gate.out]
        plain = names.new() if gate.faults else out
        ins = [changed.get(n) or names.of(n) for n in gate.ins]
        _clauses(solver, plain, ins, gate.init)
        if gate.faults:
            flip = _any(solver, names, [_all(solver, names, t, changed) for t in gate.faults])
            _xor(solver, out, plain, flip)
    differ = []
    for net in affected:
        different = names.new()
        _xor(solver, different, names.of(net), changed[net])
        differ.append(different)
    solver.add_clause(differ)


def _all(solver: Any, names: _Names, term: FaultTerm, changed: dict[int, int]) -> int:
    literals = []
    for net, value in term.minterm:
        variable = changed.get(net) or names.of(net)
        literals.append(variable if value else -variable)
    return -_any(solver, names, [-literal for literal in literals])


def _any(solver: Any, names: _Names, literals: Sequence[int]) -> int:
    result = names.new()
    solver.add_clause([-result, *literals])
    for literal in literals:
        solver.add_clause([result, -literal])
    return result


def _xor(solver: Any, out: int, a: int, b: int) -> None:
    _clauses(solver, out, [a, b], 0b0110)


def _clauses(solver: Any, out: int, ins: Sequence[int], init: int) -> None:
    """`out` = the truth table's value: one clause per prime implicant of it and of its inverse."""
    for value in (0, 1):
        for row, mask in _implicants(init, len(ins), value):
            literals = [
                -net if (row >> k) & 1 else net for k, net in enumerate(ins) if (mask >> k) & 1
            ]
            solver.add_clause([*literals, out if value else -out])


@cache
def _implicants(init: int, width: int, value: int) -> tuple[tuple[int, int], ...]:
    """Cubes (row, mask of inputs that matter), the largest first, until every row is covered."""
    open_rows = {r for r in range(1 << width) if (init >> r) & 1 == value}
    rows = frozenset(open_rows)
    cubes: list[tuple[int, int]] = []
    for size in range(width + 1):
        for kept in combinations(range(width), size):
            mask = sum(1 << k for k in kept)
            for row in sorted({r & mask for r in open_rows}):
                inside = {r for r in range(1 << width) if r & mask == row}
                if inside <= rows and inside & open_rows:
                    cubes.append((row, mask))
                    open_rows -= inside
    return tuple(cubes)
