"""Triple modular redundancy: each register becomes three copies behind majority voters.

A copy holds one bit in a module of its own whose border tools are told to keep, as is a voter:
three flip-flops that load the same net, or three voters of the same nets, are one to an optimizer.

A register that loads something new at every clock has one voter for each bit, which everything
downstream reads. One that can hold has either of two forms:

- Data: no reset, and never loaded with what follows from itself. Its copies are three banks, each
  with its own enable (a clock enable, a clock gate), and one voter for each bit. An upset copy is
  wrong until the next load. A bank that holds costs no clock energy; what is loaded once and then
  kept must be written back now and then, as the weight loader does.
- Control: everything else. Three voters: each copy reloads what its own voter says, so an upset
  copy is right again at the next clock even while the register holds, and a disturbed voter spoils
  one copy only. Logic downstream reads the first. Data are held so, too, where flip-flops have no
  enable.

What stays single is the combinational logic, the clock and the reset.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from hwflow.backends.amaranth.rtlil import (
    Assign,
    Case,
    Cell,
    Chunk,
    Module,
    Process,
    SigSpec,
    Statement,
    Switch,
    Wire,
)

__all__ = ["SUFFIXES", "triplicated"]

SUFFIXES = ("a", "b", "c")
"""The three copies."""


def triplicated(module: Module, top: str, *, enables: bool) -> Module:
    """The module with an instance of the design's protected register for each flip-flop cell.

    `enables`: flip-flops can hold by themselves, so that data need no voters to.
    """
    processes = {_target(process): process for process in module.processes}
    widths = {wire.name: wire.width for wire in module.wires}
    taken, gone = set(widths), set[str]()
    wires, cells = list(module.wires), []
    for cell in module.cells:
        if cell.kind != "$dff":
            cells.append(cell)
            continue
        (register,) = (chunk.wire for chunk in cell.ports["Q"])
        source = _whole(cell.ports["D"], widths)
        process = processes.get(source)
        if process is None or not _reads(process.body, register):
            cells.append(_loading(cell, register, widths[register], top))
            continue
        if enables and _is_data(process.body, register, widths):
            enable = _free(f"{register}_load", taken)
            wires.append(Wire(enable, 1))
            processes[enable] = Process(f"{process.name}{enable}", _loads(process.body, enable))
            first, *more = _values(process.body[1:])
            value = cell.ports["D"]
            if more:
                processes[source] = replace(process, body=(first, *process.body[1:]))
            else:
                del processes[source]
                gone.add(source)
                value = tuple(_ranged(chunk, widths) for chunk in first.value)
            cells.append(_banked(cell, register, enable, value, top))
            continue
        del processes[source]
        gone.add(source)
        names = _names(register, taken)
        for nexts, voted in names:
            wires.append(Wire(nexts, widths[register]))
            if voted != register:
                wires.append(Wire(voted, widths[register]))
            body = _renamed(process.body, {source: nexts, register: voted})
            processes[nexts] = Process(f"{process.name}{nexts}", body)
        cells.append(_holding(cell, register, names, widths[register], top))
    kept = tuple(wire for wire in wires if wire.name not in gone)
    return Module(module.name, kept, tuple(cells), tuple(processes.values()), module.connects)


def _target(process: Process) -> str:
    first = process.body[0]
    assert isinstance(first, Assign), "Amaranth's processes begin with the default"
    return first.target.wire


def _whole(spec: SigSpec, widths: dict[str, int]) -> str:
    """The one wire that the signal is all of, or ""."""
    if len(spec) != 1 or not spec[0].wire:
        return ""
    (chunk,) = spec
    full = chunk.high < 0 or (chunk.low, chunk.high) == (0, widths[chunk.wire] - 1)
    return chunk.wire if full else ""


def _reads(body: Iterable[Statement], wire: str) -> bool:
    for statement in body:
        if isinstance(statement, Assign):
            if any(chunk.wire == wire for chunk in statement.value):
                return True
        elif any(_reads(case.body, wire) for case in statement.cases):
            return True
    return False


def _is_data(body: Sequence[Statement], register: str, widths: dict[str, int]) -> bool:
    """It holds, or takes a whole new value in some case of one decision; a reset is another."""
    if len(body) != 2 or not isinstance(body[1], Switch):
        return False
    hold = body[0]
    assert isinstance(hold, Assign)
    if _whole(hold.value, widths) != register or _reads(body[1:], register):
        return False
    return all(_whole((assign.target,), widths) for assign in _values(body[1:]))


def _values(body: Iterable[Statement]) -> Iterator[Assign]:
    for statement in body:
        if isinstance(statement, Assign):
            yield statement
        else:
            for case in statement.cases:
                yield from _values(case.body)


def _ranged(chunk: Chunk, widths: dict[str, int]) -> Chunk:
    """With its range, which tells inputs of instances from outputs."""
    return replace(chunk, high=widths[chunk.wire] - 1) if chunk.wire and chunk.high < 0 else chunk


def _loads(body: Sequence[Statement], enable: str) -> tuple[Statement, ...]:
    """The same decisions, for 1 where the register takes a value."""
    loading = Assign(Chunk(enable, 0, 0), (Chunk(bits="1"),))

    def one(statement: Statement) -> Statement:
        if isinstance(statement, Assign):
            return loading
        cases = tuple(Case(c.patterns, tuple(one(s) for s in c.body)) for c in statement.cases)
        return Switch(statement.selector, cases)

    holding = Assign(Chunk(enable, 0, 0), (Chunk(bits="0"),))
    return (holding, *(one(statement) for statement in body[1:]))


def _renamed(body: Iterable[Statement], names: dict[str, str]) -> tuple[Statement, ...]:
    def said(spec: SigSpec) -> SigSpec:
        return tuple(replace(c, wire=names.get(c.wire, c.wire)) for c in spec)

    def one(statement: Statement) -> Statement:
        if isinstance(statement, Assign):
            return Assign(said((statement.target,))[0], said(statement.value))
        cases = tuple(Case(c.patterns, _renamed(c.body, names)) for c in statement.cases)
        return Switch(said(statement.selector), cases)

    return tuple(one(statement) for statement in body)


def _names(register: str, taken: set[str]) -> list[tuple[str, str]]:
    """For each copy: the wire of its next value, and of its own voter's."""
    found = []
    for suffix in SUFFIXES:
        nexts = _free(f"{register}_next_{suffix}", taken)
        found.append((nexts, register if suffix == "a" else _free(f"{register}_{suffix}", taken)))
    return found


def _free(name: str, taken: set[str]) -> str:
    while name in taken:
        name += "_"
    taken.add(name)
    return name


def _loading(cell: Cell, register: str, width: int, top: str) -> Cell:
    ports = {"clk": cell.ports["CLK"], "d_i": cell.ports["D"], "q_o": (Chunk(register),)}
    return Cell(f"\\{top}__tmr_{width}", f"{register}_tmr", {}, ports)


def _holding(cell: Cell, register: str, names: list[tuple[str, str]], width: int, top: str) -> Cell:
    ports: dict[str, SigSpec] = {"clk": cell.ports["CLK"]}
    for suffix, (nexts, voted) in zip(SUFFIXES, names, strict=True):
        ports[f"{suffix}_i"] = (Chunk(nexts, width - 1, 0),)
        ports[f"{suffix}_o"] = (Chunk(voted),)
    return Cell(f"\\{top}__tmr_held_{width}", f"{register}_tmr", {}, ports)


def _banked(cell: Cell, register: str, enable: str, value: SigSpec, top: str) -> Cell:
    width = int(cell.parameters["WIDTH"])
    ports: dict[str, SigSpec] = {
        "clk": cell.ports["CLK"],
        "en_i": (Chunk(enable, 0, 0),),
        "d_i": value,
        "q_o": (Chunk(register),),
    }
    return Cell(f"\\{top}__tmr_banks_{width}", f"{register}_tmr", {}, ports)
