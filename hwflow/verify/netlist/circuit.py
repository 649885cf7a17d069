"""A netlist as an ordered list of gates: read, decomposed, folded, sorted by dependence."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any, Final

from hwflow.errors import InputError, ToolFailed
from hwflow.verify.netlist.cells import model
from hwflow.verify.netlist.cells.liberty import StandardCell, standard_cells
from hwflow.verify.netlist.gated import through_gates
from hwflow.verify.netlist.latches import Latch, simulated
from hwflow.verify.netlist.parts import (
    NO_FAULTS,
    NO_MEMORY,
    ONE,
    ZERO,
    Cell,
    ClockGate,
    Memory,
    Parts,
    Register,
    Table,
    through,
)

__all__ = ["Circuit", "FaultTerm", "Gate", "fault_sites", "highest_net", "read_circuit"]

_BUFFER: Final = 0b10


@dataclass(frozen=True, slots=True)
class FaultTerm:
    """Fault number `index` flips the gate's output where every net has its bit."""

    index: int
    minterm: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Gate:
    """A truth table without constant, repeated or unused inputs, and the faults it can show.

    With a `memory` (the name of its cell) it is instead bit `init` of the word that `ins` address.
    """

    out: int
    ins: tuple[int, ...]
    init: int
    faults: tuple[FaultTerm, ...] = ()
    memory: str = ""


@dataclass(frozen=True, slots=True)
class Circuit:
    """Gates in an order in which every input is ready, registers, memories, ports, named nets.

    All nets are canonical: buffers and constants have been resolved, `alias` leads from the nets
    that went to those that stand for them. `dangling` lists, by name, the bits of a named net that
    mapping left without a driver; they read as 0. What `latches` are made of stands among the gates
    and registers.
    """

    gates: tuple[Gate, ...]
    registers: tuple[Register, ...]
    memories: tuple[Memory, ...]
    inputs: dict[str, tuple[int, ...]]
    outputs: dict[str, tuple[int, ...]]
    nets: dict[str, tuple[int, ...]]
    dangling: dict[str, tuple[int, ...]]
    alias: dict[int, int]
    latches: tuple[Latch, ...] = ()

    def with_flip_flops(self) -> Circuit:
        """The same with a flip-flop for each latch, which takes its data before the edge."""
        inside = {net for latch in self.latches for net in (latch.held, latch.opened)}
        shown = {latch.register.q for latch in self.latches}
        kept = (register for register in self.registers if register.q not in inside)
        return replace(
            self,
            gates=tuple(gate for gate in self.gates if gate.out not in shown),
            registers=(*kept, *(latch.register for latch in self.latches)),
            latches=(),
        )


def read_circuit(path: Path, top: str, faults: Sequence[tuple[str, int]] = ()) -> Circuit:
    """Read `netlist.json`; `faults` are pairs (cell, configuration bit) that can be flipped.

    Raises:
        ToolFailed: a cell or mode without a model, a combinational loop, two drivers.
        InputError: `netlist.fault` for a cell or bit that does not exist, `netlist.read`.
    """
    module, standard = _module(path, top)
    parts, latches = _decompose(module, standard)
    _check_faults(parts.tables, faults)
    inputs, outputs = _ports(module)
    roots = [bit for bits in outputs.values() for bit in bits]
    for register in parts.registers:
        roots += [register.d, register.enable, register.reset, register.clock]
    for memory in parts.memories:
        roots += memory.reads()
    sources = {bit for bits in inputs.values() for bit in bits} | {r.q for r in parts.registers}
    sources.update(net for memory in parts.memories if memory.read for net in memory.read.out)
    ordered = _in_order(parts.tables, roots, sources | {ZERO, ONE})
    gates, alias = _fold(ordered, faults)
    return Circuit(
        gates=gates,
        registers=tuple(register.renamed(alias) for register in parts.registers),
        memories=tuple(memory.renamed(alias) for memory in parts.memories),
        inputs=inputs,
        outputs={name: through(bits, alias) for name, bits in outputs.items()},
        nets={name: through(_bits(net["bits"]), alias) for name, net in module["netnames"].items()},
        dangling={
            name: tuple(place for place, bit in enumerate(net["bits"]) if bit == "x")
            for name, net in module["netnames"].items()
        },
        alias=alias,
        latches=tuple(replace(x, register=x.register.renamed(alias)) for x in latches),
    )


def fault_sites(path: Path, top: str) -> tuple[tuple[str, int], ...]:
    """Return every (cell, configuration bit) of the netlist's LUTs, in a stable order."""
    tables = _decompose(*_module(path, top))[0].tables
    sites = {
        (table.cell, table.base + row)
        for table in tables
        if table.base != NO_FAULTS
        for row in range(1 << len(table.ins))
    }
    return tuple(sorted(sites))


def highest_net(path: Path, top: str) -> int:
    """The highest net number of the netlist itself; nets above are inside of cells."""
    return _highest(_module(path, top)[0])


def _module(path: Path, top: str) -> tuple[Any, Mapping[str, StandardCell]]:
    """The module, and the functions of its standard cells (none on FPGAs)."""
    try:
        netlist = json.loads(path.read_text(encoding="utf-8"))
        module = netlist["modules"][top]
        standard = standard_cells(netlist.get("liberty"))
        return {key: module[key] for key in ("cells", "netnames", "ports")}, standard
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            "netlist.read",
            f"{path.name}: expected a netlist with module {top!r}, found {type(error).__name__}",
            hint="use the netlist.json that synthesis wrote",
        ) from None


def _bits(bits: Sequence[object]) -> tuple[int, ...]:
    """Net numbers; unknown constants become 0, as the recipes define them."""
    return tuple(bit if isinstance(bit, int) else int(bit == "1") for bit in bits)


def _ports(module: Any) -> tuple[dict[str, tuple[int, ...]], dict[str, tuple[int, ...]]]:
    by_direction: dict[str, dict[str, tuple[int, ...]]] = {"input": {}, "output": {}}
    for name, port in module["ports"].items():
        by_direction[port["direction"]][name] = _bits(port["bits"])
    return by_direction["input"], by_direction["output"]


def _decompose(module: Any, standard: Mapping[str, StandardCell]) -> tuple[Parts, list[Latch]]:
    start = _start_values(module)
    numbers = count(1 + _highest(module))
    tables: list[Table] = []
    registers: list[Register] = []
    memories: list[Memory] = []
    gates: list[ClockGate] = []
    latches: list[Register] = []
    for name, raw in module["cells"].items():
        pins = {pin: _bits(b) for pin, b in raw["connections"].items() if "x" not in b}
        cell = Cell(name, raw["type"], raw["parameters"], pins, lambda: next(numbers))
        known = standard.get(cell.kind)
        parts = known.parts(cell) if known else model(cell, start.get(cell.pin("Q"), 0))
        tables += parts.tables
        registers += parts.registers
        memories += parts.memories
        gates += parts.gates
        latches += parts.latches
    if gates:
        found, more = through_gates((*registers, *latches), gates, tables, lambda: next(numbers))
        registers, latches = found[: len(registers)], found[len(registers) :]
        tables += more
    made, state, shown = simulated(latches, lambda: next(numbers))
    return Parts((*tables, *shown), (*registers, *state), tuple(memories)), made


def _start_values(module: Any) -> dict[int, int]:
    values: dict[int, int] = {}
    for net in module["netnames"].values():
        init = net["attributes"].get("init")
        if init is not None:
            digits = str(init)[::-1]
            values |= {b: int(d == "1") for b, d in zip(_bits(net["bits"]), digits, strict=False)}
    return values


def _highest(module: Any) -> int:
    nets = [bit for port in module["ports"].values() for bit in _bits(port["bits"])]
    for cell in module["cells"].values():
        for bits in cell["connections"].values():
            nets += _bits(bits)
    return max(nets, default=1)


def _in_order(tables: Sequence[Table], roots: list[int], sources: set[int]) -> Iterator[Table]:
    """The tables that reach a root, each after the tables it reads (depth first)."""
    driver = {table.out: table for table in tables}
    if len(driver) < len(tables):
        raise ToolFailed("netlist.drivers", "a net of the netlist has two drivers")
    done, entered = set(sources), set[int]()
    for root in roots:
        stack = [root]
        while stack:
            net = stack[-1]
            if net in done:
                stack.pop()
                continue
            table = driver.get(net)
            if table is None:
                done.add(net)  # nothing drives it: it reads as 0, as in `_fold`
                continue
            waiting = [n for n in table.ins if n not in done]
            if not waiting:
                done.add(net)
                yield table
            elif net in entered:
                raise ToolFailed("netlist.loop", f"a combinational loop through {table.cell!r}")
            else:
                entered.add(net)
                stack += waiting


def _fold(
    ordered: Iterator[Table], faults: Sequence[tuple[str, int]]
) -> tuple[tuple[Gate, ...], dict[int, int]]:
    numbered: dict[str, list[tuple[int, int]]] = {}
    for index, (cell, bit) in enumerate(faults):
        numbered.setdefault(cell, []).append((bit, index))
    alias: dict[int, int] = {}
    gates: list[Gate] = []
    for table in ordered:
        ins = through(table.ins, alias)
        if table.memory_bit != NO_MEMORY:
            gates.append(Gate(table.out, ins, table.memory_bit, (), table.cell))
            continue
        terms = _terms(table, ins, numbered.get(table.cell, ()))
        pattern = tuple(n if n <= ONE else ins.index(n) + 2 for n in ins)
        init, kept = _reduced(table.init, pattern)
        gate = Gate(table.out, tuple(ins[k] for k in kept), init, terms)
        if not terms and len(kept) == 0:
            alias[table.out] = ONE if init else ZERO
        elif not terms and len(kept) == 1 and init == _BUFFER:
            alias[table.out] = gate.ins[0]
        else:
            gates.append(gate)
    return tuple(gates), alias


def _terms(
    table: Table, ins: tuple[int, ...], faults: Sequence[tuple[int, int]]
) -> tuple[FaultTerm, ...]:
    """The faults that this table shows; rows that constants never address show nothing."""
    terms: list[FaultTerm] = []
    for bit, index in faults:
        row = bit - table.base
        if table.base == NO_FAULTS or not 0 <= row < 1 << len(ins):
            continue
        wanted = [(net, (row >> position) & 1) for position, net in enumerate(ins)]
        if all(net > ONE or net == value for net, value in wanted):
            terms.append(FaultTerm(index, tuple((n, v) for n, v in wanted if n > ONE)))
    return tuple(terms)


@cache
def _reduced(init: int, pattern: tuple[int, ...]) -> tuple[int, tuple[int, ...]]:
    """Drop inputs that are constant (0, 1), repeat another one, or do not matter.

    `pattern` holds 0, 1 or 2 + the position of the input's first occurrence; returned is the
    smaller table and the positions it reads.
    """
    free = [p for p, kind in enumerate(pattern) if kind == p + 2]

    def row(assignment: int) -> int:
        value = {p: (assignment >> k) & 1 for k, p in enumerate(free)}
        bits = (kind if kind <= ONE else value[kind - 2] for kind in pattern)
        return (init >> sum(bit << p for p, bit in enumerate(bits))) & 1

    rows = [row(assignment) for assignment in range(1 << len(free))]
    for k in reversed(range(len(free))):
        low = [r for i, r in enumerate(rows) if not (i >> k) & 1]
        if low == [r for i, r in enumerate(rows) if (i >> k) & 1]:
            rows = low
            del free[k]
    return sum(r << i for i, r in enumerate(rows)), tuple(free)


def _check_faults(tables: Sequence[Table], faults: Sequence[tuple[str, int]]) -> None:
    size: dict[str, int] = {}
    for table in tables:
        if table.base != NO_FAULTS:
            size[table.cell] = max(size.get(table.cell, 0), table.base + (1 << len(table.ins)))
    for cell, bit in faults:
        if not 0 <= bit < size.get(cell, 0):
            raise InputError(
                "netlist.fault",
                f"fault {cell!r} bit {bit}: expected a LUT of the netlist and one of its "
                f"{size.get(cell, 0)} bits",
                hint="choose from fault_sites()",
            )
