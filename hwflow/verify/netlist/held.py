"""Whether a netlist's latches hold what flip-flops in their place would.

They do where the data of a latch stay as they are over each edge that opens it: a latch takes what
a flip-flop would have taken before. That is a question about one clock edge from any state, reached
or not, with any inputs: is there one at which a clock gate opens and the data that its latches read
change? The question is written as a circuit whose one output is 1 there; a SAT solver answers it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from itertools import count
from pathlib import Path

from hwflow.verify.netlist.circuit import Circuit, Gate, read_circuit
from hwflow.verify.netlist.parts import ONE, ZERO, table_of

__all__ = ["MOVES", "moving_data"]

MOVES = "moves"
"""The output of the question's circuit."""

_AND = table_of(2, lambda a, b: a & b)
_OR = table_of(2, lambda a, b: a | b)
_XOR = table_of(2, lambda a, b: a ^ b)
_MUX = table_of(3, lambda low, high, select: high if select else low)


def moving_data(netlist: Path, top: str) -> str:
    """The question as BLIF, "" for a netlist without latches.

    Inputs, latches and memories may be anything before and after the edge.
    """
    circuit = read_circuit(netlist, top)
    if not circuit.latches:
        return ""
    question = _Question(circuit)
    data_of: dict[int, set[int]] = defaultdict(set)
    for latch in circuit.latches:
        data_of[latch.register.enable].add(latch.register.d)
    opening: dict[frozenset[int], list[int]] = defaultdict(list)
    for enable, data in data_of.items():
        opening[frozenset(data)].append(enable)
    found = [
        question.table(
            _AND,
            question.any(enables),
            question.any([question.table(_XOR, net, question.after(net)) for net in sorted(data)]),
        )
        for data, enables in sorted(opening.items(), key=lambda item: sorted(item[0]))
    ]
    return question.text(question.any(found))


class _Question:
    """Grows the circuit; nets of the netlist keep their numbers."""

    def __init__(self, circuit: Circuit) -> None:
        self._latches = {latch.register.q for latch in circuit.latches}
        circuit = circuit.with_flip_flops()
        self._driver = {gate.out: gate for gate in circuit.gates if not gate.memory}
        self._rank = {gate.out: place for place, gate in enumerate(circuit.gates)}
        self._registers = {register.q: register for register in circuit.registers}
        named = (net for gate in circuit.gates for net in (gate.out, *gate.ins))
        self._fresh = count(1 + max((*named, *self._registers), default=ONE))
        self._made: dict[int, Gate] = {}
        self._after: dict[int, int] = {ZERO: ZERO, ONE: ONE}

    def table(self, init: int, *ins: int) -> int:
        """A gate of the question itself."""
        out = next(self._fresh)
        self._made[out] = Gate(out, ins, init)
        return out

    def any(self, nets: Iterable[int]) -> int:
        """OR of all as a balanced tree."""
        level = list(nets)
        while len(level) > 1:
            pairs = [level[i : i + 2] for i in range(0, len(level), 2)]
            level = [self.table(_OR, *pair) if len(pair) > 1 else pair[0] for pair in pairs]
        return level[0]

    def after(self, net: int) -> int:
        """The value of `net` after the edge."""
        cone = self._cone([net])
        for inner in cone:
            if inner not in self._after:
                gate = self._driver[inner]
                self._after[inner] = self.table(gate.init, *(self._leaf(n) for n in gate.ins))
        return self._leaf(net)

    def _leaf(self, net: int) -> int:
        """After the edge: a register is what it loads; anything else that has no gate, unknown."""
        if net in self._after:
            return self._after[net]
        register = self._registers.get(net)
        if register is None or net in self._latches:
            self._after[net] = next(self._fresh)
            return self._after[net]
        value = register.d
        if register.reset_needs_enable and register.reset != ZERO:
            value = self._reset(value, register.reset, register.value)
        if register.enable != ONE:
            value = self.table(_MUX, net, value, register.enable)
        if register.reset != ZERO and not register.reset_needs_enable:
            value = self._reset(value, register.reset, register.value)
        self._after[net] = value
        return value

    def _reset(self, value: int, reset: int, to: int) -> int:
        return self.table(_MUX, value, ONE if to else ZERO, reset)

    def _cone(self, roots: Iterable[int]) -> list[int]:
        """The nets with gates that `roots` depend on within a cycle, each after what it reads."""
        seen, stack = set[int](), list(roots)
        while stack:
            net = stack.pop()
            if net in self._driver and net not in seen:
                seen.add(net)
                stack += self._driver[net].ins
        return sorted(seen, key=lambda net: self._rank[net])

    def text(self, root: int) -> str:
        """BLIF of the gates that `root` depends on."""
        needed, stack = set[int](), [root]
        gates: list[Gate] = []
        while stack:
            net = stack.pop()
            if net in needed or net <= ONE:
                continue
            needed.add(net)
            gate = self._made.get(net) or self._driver.get(net)
            if gate is not None:
                gates.append(gate)
                stack += gate.ins
        free = sorted(needed - {gate.out for gate in gates})
        lines = [f".model {MOVES}", f".inputs {' '.join(_name(net) for net in free)}"]
        lines += [f".outputs {MOVES}", f".names {_name(ZERO)}", f".names {_name(ONE)}", "1"]
        for gate in gates:
            lines.append(f".names {' '.join(_name(net) for net in (*gate.ins, gate.out))}")
            rows = range(1 << len(gate.ins))
            lines += [f"{_row(row, len(gate.ins))} 1" for row in rows if gate.init >> row & 1]
        return "\n".join([*lines, f".names {_name(root)} {MOVES}", "1 1", ".end"]) + "\n"


def _name(net: int) -> str:
    return f"n{net}"


def _row(row: int, width: int) -> str:
    return "".join(str(row >> place & 1) for place in range(width))
