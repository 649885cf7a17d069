"""Straight-line C from a circuit: one 64-bit word per net, one bit of it per stream."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache

from hwflow.errors import ToolFailed
from hwflow.verify.netlist.circuit import Circuit, Gate
from hwflow.verify.netlist.memories import Memories
from hwflow.verify.netlist.parts import ONE, ZERO, Register

__all__ = ["Source", "generate"]

_STATEMENTS = 500
"""Statements per C function: compilers take longer than linear on long functions."""

_SEARCHED = 4
"""Up to this many inputs every expansion order is tried; above, inputs are split last first."""


@dataclass(frozen=True, slots=True)
class Source:
    """C text and the word in which each net lives; the constants have words of their own.

    The first `state` words are registers and what memories read. `stores` are the sizes in bits of
    the memories whose words can change, and their cells.
    """

    text: str
    slots: dict[int, int]
    size: int
    state: int = 0
    stores: tuple[tuple[int, str], ...] = ()


def generate(circuit: Circuit, clock: str, faults: int) -> Source:
    """Return the C of `circuit`; registers and what memories read come first.

    So a clock edge is one copy.

    Raises:
        ToolFailed: `netlist.clock` for a register on another clock than the port `clock`.
    """
    _check_clock(circuit, clock)
    inputs = [bit for bits in circuit.inputs.values() for bit in bits]
    state = [r.q for r in circuit.registers]
    state += [net for memory in circuit.memories if memory.read for net in memory.read.out]
    order = state + inputs + [gate.out for gate in circuit.gates]
    slots = {net: slot for slot, net in enumerate(dict.fromkeys(order))}
    slots[ZERO], slots[ONE] = len(slots), len(slots) + 1
    memories = Memories(circuit, slots)
    size = len(slots)
    start = [f"n[{slots[ONE]}] = ~(u64)0;"]
    start += [f"n[{k}] = ~(u64)0;" for k, r in enumerate(circuit.registers) if r.init]
    lines = [
        "#include <string.h>",
        "typedef unsigned long long u64;",
        f"static u64 n[{size}], next[{max(1, len(state))}], fault[{max(1, faults)}];",
        "u64 *hw_nets(void) { return n; }",
        "u64 *hw_faults(void) { return fault; }",
        f"int hw_size(void) {{ return {size}; }}",
        *memories.declarations(),
        *memories.access(),
        *_functions("eval", (_gate(gate, slots, memories) for gate in circuit.gates), ""),
        *_functions(
            "clock",
            (f"next[{k}] = {_next(r, slots)};" for k, r in enumerate(circuit.registers)),
            f"{memories.clocked()}memcpy(n, next, {len(state)} * sizeof(u64));",
        ),
        *_functions("start", start, memories.started(), "memset(n, 0, sizeof n);"),
    ]
    stores = tuple((bits, memory.cell) for _, bits, memory in memories.stores())
    return Source("\n".join(lines) + "\n", slots, size, len(state), stores)


def _functions(name: str, statements: Iterable[str], last: str, first: str = "") -> list[str]:
    """Statements cut into several functions and one that calls them all."""
    everything = list(statements)
    lines: list[str] = []
    calls: list[str] = []
    for begin in range(0, len(everything), _STATEMENTS):
        part = f"{name}_{begin // _STATEMENTS}"
        lines += [f"static void {part}(void) {{", *everything[begin : begin + _STATEMENTS], "}"]
        calls.append(f"{part}();")
    return [*lines, f"void hw_{name}(void) {{ {first} {' '.join(calls)} {last} }}"]


def _gate(gate: Gate, slots: dict[int, int], memories: Memories) -> str:
    if gate.memory:
        return f"n[{slots[gate.out]}] = {memories.peek(gate)};"
    words = [_word(net, slots) for net in gate.ins]
    text = _expression(gate.init, tuple(range(len(words))))[1].format(*words)
    for term in gate.faults:
        hits = [f"{'' if value else '~'}{_word(net, slots)}" for net, value in term.minterm]
        text = f"({text}) ^ ({' & '.join([f'fault[{term.index}]', *hits])})"
    return f"n[{slots[gate.out]}] = {text};"


def _word(net: int, slots: dict[int, int]) -> str:
    """A net nobody drives reads as 0, like the unknown constants of the netlist."""
    return f"n[{slots.get(net, slots[ZERO])}]"


def _next(register: Register, slots: dict[int, int]) -> str:
    q, d = _word(register.q, slots), _word(register.d, slots)
    enable, reset = _word(register.enable, slots), _word(register.reset, slots)
    loaded = d
    if register.reset_needs_enable and register.reset != ZERO:
        loaded = _with_reset(d, reset, register.value)
    if register.enable != ONE:
        loaded = f"({q} ^ ({enable} & ({q} ^ {loaded})))"
    if register.reset != ZERO and not register.reset_needs_enable:
        loaded = _with_reset(loaded, reset, register.value)
    return loaded


def _with_reset(data: str, reset: str, value: int) -> str:
    return f"({data} | {reset})" if value else f"({data} & ~{reset})"


@cache
def _expression(init: int, names: tuple[int, ...]) -> tuple[int, str]:
    """Cost and C text ({0}, {1}, ... for inputs) of a truth table, by Shannon and Davio."""
    full = (1 << (1 << len(names))) - 1
    if init in (0, full):
        return 0, "~(u64)0" if init else "(u64)0"
    if len(names) == 1:
        return (0, f"{{{names[0]}}}") if init == 0b10 else (1, f"~{{{names[0]}}}")
    places = range(len(names)) if len(names) <= _SEARCHED else (len(names) - 1,)
    return min(_split(init, names, place) for place in places)


def _split(init: int, names: tuple[int, ...], place: int) -> tuple[int, str]:
    """f = x ? high : low, in the cheapest of its forms."""
    x, rest = f"{{{names[place]}}}", names[:place] + names[place + 1 :]
    low, high = _cofactors(init, len(names), place)
    full = (1 << (1 << len(rest))) - 1
    if low == high:
        return _expression(low, rest)
    if low == 0:
        return _joined(x, "&", high, rest)
    if high == full:
        return _joined(x, "|", low, rest)
    if high == 0:
        return _joined(f"~{x}", "&", low, rest, 1)
    if low == full:
        return _joined(f"~{x}", "|", high, rest, 1)
    if low == high ^ full:
        return _joined(x, "^", low, rest)
    cost_low, text_low = _expression(low, rest)
    cost_other, text_other = _expression(low ^ high, rest)
    return cost_low + cost_other + 2, f"({text_low} ^ ({x} & {text_other}))"


def _joined(
    x: str, operator: str, other: int, rest: Sequence[int], extra: int = 0
) -> tuple[int, str]:
    cost, text = _expression(other, tuple(rest))
    return cost + 1 + extra, f"({x} {operator} {text})"


def _cofactors(init: int, inputs: int, place: int) -> tuple[int, int]:
    halves = [0, 0]
    filled = [0, 0]
    for row in range(1 << inputs):
        side = (row >> place) & 1
        halves[side] |= ((init >> row) & 1) << filled[side]
        filled[side] += 1
    return halves[0], halves[1]


def _check_clock(circuit: Circuit, clock: str) -> None:
    expected = circuit.inputs.get(clock, (ZERO,))[0]
    clocked = [(register.cell, register.clock) for register in circuit.registers]
    clocked += [(m.cell, m.clock) for m in circuit.memories if m.read or m.write]
    for cell, net in clocked:
        if net != expected or expected == ZERO:
            raise ToolFailed(
                "netlist.clock",
                f"{cell!r} is not clocked by the port {clock!r}",
                hint="designs have one clock, used at its rising edge",
            )
