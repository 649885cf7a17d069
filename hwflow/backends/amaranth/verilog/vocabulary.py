"""Choosing which wires become words, under which names, and what is said inline."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from hwflow.backends.amaranth.verilog.control import Select, Statement, control
from hwflow.backends.amaranth.verilog.demand import (
    Carrier,
    Demand,
    is_named,
    operands_at,
)
from hwflow.backends.amaranth.verilog.drivers import (
    Nets,
    Operator,
    Register,
    Set,
    Table,
    reads,
)
from hwflow.backends.amaranth.verilog.names import Names
from hwflow.backends.amaranth.verilog.netlist import Netlist
from hwflow.backends.amaranth.verilog.words import Book, Key, Word

__all__ = ["Vocabulary", "vocabulary_of"]


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Word numbers.

    `of_wire`: what carries each needed driven wire that has a name from the start; `carrier`: the
    words that an unnamed operator's result is printed in; `aliases`: second names; `outputs`:
    output ports with only a value; `single`: unnamed operators read in one piece, once.
    """

    book: Book
    names: Names
    of_wire: dict[int, int]
    carrier: dict[int, Carrier]
    aliases: dict[int, int]
    outputs: dict[int, int]
    merged: frozenset[int]
    single: frozenset[int]
    clocks: frozenset[int]


def vocabulary_of(netlist: Netlist, demand: Demand) -> Vocabulary:
    """Every word that is known before any expression is written."""
    return _Chooser(netlist, demand).choose()


_ABOVE = 1 << 62
"""The level of output ports that carry a value: above every word."""


class _Chooser:
    def __init__(self, netlist: Netlist, demand: Demand) -> None:
        self.netlist = netlist
        self.demand = demand
        self.book = Book()
        self.names = Names()
        self.of_wire: dict[int, int] = {}
        self.carrier: dict[int, Carrier] = {}
        self.aliases: dict[int, int] = {}
        self.outputs: dict[int, int] = {}
        self.labels: dict[int, str] = {}

    def choose(self) -> Vocabulary:
        clocks = frozenset(
            driver.clock
            for wire, driver in self.netlist.drivers.items()
            if isinstance(driver, Register) and wire in self.demand.span
        )
        merged = self._merged()
        self._label()
        self._carriers()
        self._driven(merged)
        self._second_names(clocks)
        return Vocabulary(
            self.book,
            self.names,
            self.of_wire,
            self.carrier,
            self.aliases,
            self.outputs,
            merged,
            self._single(merged),
            clocks,
        )

    def _label(self) -> None:
        """Ports keep their names whatever else is called so; then the author's names."""
        wires = list(enumerate(self.netlist.wires))
        named = [(i, w) for i, w in wires if w.width and w.name.startswith("\\")]
        for i, wire in sorted(named, key=lambda item: (not item[1].port, "$" in item[1].name)):
            self.labels[i] = self.names.unique(wire.name)

    def _merged(self) -> frozenset[int]:
        """Unnamed processes that are one register's next value and nothing else."""
        readers: Counter[int] = Counter()
        owner = self.netlist.owner
        for wire, driver in self.netlist.drivers.items():
            if wire not in self.demand.span:
                continue
            operands = (driver.data,) if isinstance(driver, Register) else reads(driver)
            for w in {owner[net] for nets in operands for net in nets if net > 1}:
                readers[w] += 1
        fed = [nets for i in self.netlist.instances for _, nets in i.inputs]
        for nets in (*self.netlist.aliases.values(), *fed):
            readers.update({owner[net] for net in nets if net > 1})
        merged = set()
        for wire, driver in self.netlist.drivers.items():
            if isinstance(driver, Register) and wire in self.demand.span and driver.data[0] > 1:
                source = owner[driver.data[0]]
                table = self.netlist.drivers[source]
                if (
                    isinstance(table, Table)
                    and not is_named(self.netlist, source)
                    and readers[source] == 1
                    and driver.data == self.netlist.nets(source)
                    and isinstance(table.steps[0], Set)
                ):
                    merged.add(source)
        return frozenset(merged)

    def _carriers(self) -> None:
        for wire, (low, high) in self.demand.span.items():
            fitting = [
                c
                for c in self.demand.carriers.get(wire, ())
                if (c.low, c.low + c.width - 1) == (low, high) and self._carries(c)
            ]
            if fitting:
                self.carrier[wire] = min(fitting, key=self._preference)

    def _carries(self, carrier: Carrier) -> bool:
        """Whatever else is in the word must come from strictly below the operator."""
        if self.netlist.wires[carrier.word].port and not carrier.pure:
            return False
        nets = self.netlist.aliases[carrier.word]
        rest = nets[: carrier.at] + nets[carrier.at + carrier.width :]
        level = self.netlist.level[carrier.wire]
        return all(self.netlist.net_level(net) < level for net in rest)

    def _preference(self, carrier: Carrier) -> tuple[bool, bool, int]:
        wire = self.netlist.wires[carrier.word]
        return bool(wire.port), not carrier.pure, carrier.word

    def _add(self, wire: int, name: str, nets: Nets, key: Key, *, readable: bool = True) -> int:
        source = self.netlist.wires[wire]
        return self.book.add(Word(name, nets, source.signed, key, source.port), readable=readable)

    def _driven(self, merged: frozenset[int]) -> None:
        """Ports, registers, instances' outputs, processes, and operators with a name."""
        netlist = self.netlist
        for i, wire in enumerate(netlist.wires):
            driver = netlist.drivers.get(i)
            needed = i in self.demand.span or wire.port == "input"
            if not wire.width or i not in netlist.drivers or not needed or i in merged:
                continue
            key = (netlist.level[i], 0, wire.width, i)
            if i in self.carrier:
                word = self.carrier[i].word
                nets = netlist.aliases[word]
                home = (netlist.level[i], 0, len(nets), word)
                self.of_wire[i] = self._add(word, self.labels[word], nets, home)
            elif i in self.labels:
                self.of_wire[i] = self._add(i, self.labels[i], netlist.nets(i), key)
            elif not isinstance(driver, Operator):
                self.of_wire[i] = self._add(i, self.names.temporary(), netlist.nets(i), key)

    def _second_names(self, clocks: frozenset[int]) -> None:
        netlist = self.netlist
        homes = {carrier.word for carrier in self.carrier.values()}
        known = {word.nets for word in self.book.words}
        for i, nets in netlist.aliases.items():
            wire = netlist.wires[i]
            if i in homes or wire.port == "input":
                continue
            if wire.port == "output":
                self.outputs[i] = self._add(i, self.labels[i], nets, (_ABOVE, i), readable=False)
                continue
            copy = ("$" in wire.name or wire.width == 1) and nets in known
            if copy or clocks.intersection(nets) or all(net <= 1 for net in nets):
                continue
            if any(net > 1 and not self._exists(net) for net in nets):
                continue
            level = max(netlist.net_level(net) for net in nets)
            key = (level, 1, wire.width, i)
            self.aliases[i] = self._add(i, self.labels[i], nets, key)
            known.add(nets)

    def _exists(self, net: int) -> bool:
        """Whether the net is printed at all: a name alone does not make hardware."""
        wire = self.netlist.owner[net]
        if self.netlist.drivers[wire] is None:
            return True
        low, high = self.demand.span.get(wire, (0, -1))
        return low <= net - self.netlist.base[wire] <= high

    def _single(self, merged: frozenset[int]) -> frozenset[int]:
        """Unnamed operators whose printed bits are read once, together, under no other name."""
        netlist, span = self.netlist, self.demand.span
        pieces: Counter[int] = Counter()
        spoilt: set[int] = set()

        def count(nets: Nets) -> None:
            at = 0
            while at < len(nets):
                end = at + 1
                wire = netlist.owner[nets[at]] if nets[at] > 1 else -1
                while end < len(nets) and wire >= 0 and nets[end] == nets[end - 1] + 1:
                    if netlist.owner[nets[end]] != wire:
                        break
                    end += 1
                if wire >= 0 and wire in span:
                    low, high = (netlist.base[wire] + bit for bit in span[wire])
                    pieces[wire] += 1
                    if (nets[at], nets[end - 1]) != (low, high):
                        spoilt.add(wire)
                at = end

        for wire, bits in span.items():
            driver = netlist.drivers[wire]
            if isinstance(driver, Operator):
                for nets in operands_at(driver, bits):
                    count(nets)
            elif isinstance(driver, Register):
                count(driver.data)
            elif isinstance(driver, Table):
                for nets in _spoken(control(driver.steps)):
                    count(nets)
        for instance in netlist.instances:
            for _, nets in instance.inputs:
                count(nets)
        for i in self.outputs:
            count(netlist.aliases[i])
        named = {
            netlist.owner[net] for i in self.aliases for net in netlist.aliases[i] if net > 1
        } | {
            netlist.owner[net]
            for carrier in self.carrier.values()
            for net in netlist.aliases[carrier.word]
            if net > 1 and netlist.owner[net] != carrier.wire
        }
        return frozenset(
            wire
            for wire, number in pieces.items()
            if number == 1
            and wire not in spoilt
            and wire not in named
            and wire not in self.of_wire
            and isinstance(driver := netlist.drivers[wire], Operator)
            and driver.kind != "$sshr"
        )


def _spoken(body: tuple[Statement, ...]) -> Iterator[Nets]:
    """What the statements read, in the pieces in which it is said."""
    for statement in body:
        if isinstance(statement, Set):
            yield statement.value
            continue
        if isinstance(statement, Select):
            yield statement.selector
        else:
            for match, _ in statement.arms:
                # One bit at a time: the conditions pick bits out of what is tested.
                yield from ((net,) for nets, _ in match for net in nets)
        for _, inner in statement.arms:
            yield from _spoken(inner)
        yield from _spoken(statement.otherwise or ())
