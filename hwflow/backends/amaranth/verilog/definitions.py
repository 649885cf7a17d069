"""What each word of a module is: an expression, a process, or a register's next value."""

from __future__ import annotations

from dataclasses import dataclass

from hwflow.backends.amaranth.verilog.control import (
    Choice,
    Statement,
    control,
    held,
    is_full,
    settled,
)
from hwflow.backends.amaranth.verilog.demand import Demand
from hwflow.backends.amaranth.verilog.drivers import Operator, Register, Set, Table
from hwflow.backends.amaranth.verilog.expressions import Expression, Speaker
from hwflow.backends.amaranth.verilog.netlist import Netlist
from hwflow.backends.amaranth.verilog.statements import Writer, indented
from hwflow.backends.amaranth.verilog.vocabulary import Vocabulary
from hwflow.backends.amaranth.verilog.words import Key, Word

__all__ = ["Definition", "Definitions", "NextValue", "declaration", "definitions_of", "range_of"]

INLINE_LENGTH = 48
"""Unnamed results of at most this many characters are written where they are used."""


@dataclass(frozen=True, slots=True)
class Definition:
    """Lines that define one combinational word, and the (word, bits) they read."""

    lines: tuple[str, ...]
    reads: tuple[tuple[int, int], ...]
    variable: bool = False


@dataclass(frozen=True, slots=True)
class NextValue:
    """What a register does at its clock edge."""

    clock: int
    rising: bool
    body: tuple[Statement, ...]


@dataclass(frozen=True, slots=True)
class Definitions:
    """By word number."""

    words: dict[int, Definition]
    registers: dict[int, NextValue]
    speaker: Speaker


def range_of(word: Word) -> str:
    """`signed [7:0] ` as it stands in a declaration."""
    signed = "signed " if word.signed else ""
    return signed + (f"[{word.width - 1}:0] " if word.width > 1 else "")


def declaration(word: Word, kind: str) -> str:
    """`wire signed [7:0] name`."""
    return f"{kind} {range_of(word)}{word.name}"


def definitions_of(netlist: Netlist, demand: Demand, vocabulary: Vocabulary) -> Definitions:
    """Every word that may be printed."""
    return _Definer(netlist, demand, vocabulary).define()


class _Definer:
    def __init__(self, netlist: Netlist, demand: Demand, vocabulary: Vocabulary) -> None:
        self.netlist = netlist
        self.demand = demand
        self.vocabulary = vocabulary
        self.book = vocabulary.book
        self.speaker = Speaker(self.book)
        self.words: dict[int, Definition] = {}
        self.registers: dict[int, NextValue] = {}

    def define(self) -> Definitions:
        for wire in self.netlist.order:
            driver = self.netlist.drivers[wire]
            if wire not in self.demand.span or wire in self.vocabulary.merged:
                continue
            if isinstance(driver, Operator):
                self._operator(wire, driver)
            elif isinstance(driver, Table):
                self._table(self.vocabulary.of_wire[wire], driver, (self.netlist.level[wire],))
        for number in (*self.vocabulary.aliases.values(), *self.vocabulary.outputs.values()):
            word = self.book.words[number]
            self._assign(number, self.speaker.say(word.nets, word.key, word.signed))
        for wire, driver in self.netlist.drivers.items():
            if isinstance(driver, Register) and wire in self.demand.span:
                self._register(wire, driver)
        return Definitions(self.words, self.registers, self.speaker)

    def _assign(self, number: int, value: Expression) -> None:
        word = self.book.words[number]
        head = f"assign {word.name}" if word.port else declaration(word, "wire")
        self.words[number] = Definition((f"{head} = {value.text};",), value.reads)

    def _operator(self, wire: int, driver: Operator) -> None:
        netlist, span = self.netlist, self.demand.span[wire]
        number = self.vocabulary.of_wire.get(wire)
        level = netlist.level[wire]
        signed = number is not None and self.book.words[number].signed
        value = self.speaker.operator(driver, span, (level,), signed)
        nets = netlist.nets(wire)[span[0] : span[1] + 1]
        if number is None:
            if wire in self.vocabulary.single and len(value.text) <= INLINE_LENGTH:
                self.speaker.inlined[wire] = value
                self.book.inline(wire, nets)
                return
            name = self.vocabulary.names.temporary()
            number = self.book.add(Word(name, nets, False, (level, 0, len(nets), wire)))
        elif self.book.words[number].nets != nets:
            # The word also holds bits from elsewhere: say all of it, with this result in place.
            self.speaker.inlined[wire] = value
            self.book.inline(wire, nets)
            value = self.speaker.say(self.book.words[number].nets, (level,))
            self.book.forget(nets)
        self._assign(number, value)

    def _table(self, number: int, table: Table, limit: Key) -> None:
        word = self.book.words[number]
        body = control(table.steps)
        default = body[0]
        assert isinstance(default, Set), "a process begins with its default"
        ended = settled(body[1:], table.width, default)
        body = ended or body
        writer = Writer(self.speaker, limit, "=")
        if len(body) == 1 and (value := self._ternary(word, body[0], writer, limit)):
            head = f"assign {word.name}" if word.port else declaration(word, "wire")
            self.words[number] = Definition((f"{head} = {value};",), tuple(writer.reads))
            return
        lines = ["always @* begin", *indented(writer.lines([(word, body)])), "end"]
        if not word.port:
            lines.insert(0, declaration(word, "reg") + ";")
        self.words[number] = Definition(tuple(lines), tuple(writer.reads), variable=True)

    def _ternary(self, word: Word, statement: Statement, writer: Writer, limit: Key) -> str:
        """The statement as one expression; "" where a block reads better."""
        if isinstance(statement, Set):
            arms: tuple[tuple[str, Set], ...] = ()
            last: Statement = statement
        elif isinstance(statement, Choice) and len(statement.arms) <= 2:
            bodies = [body for _, body in statement.arms] + [statement.otherwise or ()]
            if not all(is_full(body, word.width) for body in bodies):
                return ""
            tests = [writer.test(match) for match, _ in statement.arms]
            sets = [body[0] for body in bodies]
            arms = tuple((t, s) for t, s in zip(tests, sets, strict=False) if isinstance(s, Set))
            last = sets[-1]
        else:
            return ""
        assert isinstance(last, Set)
        words = []
        for test, chosen in arms:
            said = self.speaker.say(chosen.value, limit, word.signed)
            writer.reads.extend(said.reads)
            words.append(f"{f'({test})' if ' ' in test else test} ? {said.inner} : ")
        said = self.speaker.say(last.value, limit, word.signed)
        writer.reads.extend(said.reads)
        return "".join(words) + (said.inner if arms else said.text)

    def _register(self, wire: int, register: Register) -> None:
        body: tuple[Statement, ...] = (Set(0, register.data),)
        source = self.netlist.owner[register.data[0]]
        if source in self.vocabulary.merged:
            table = self.netlist.drivers[source]
            assert isinstance(table, Table)
            own = self.netlist.nets(wire)
            body = held(control(table.steps), own) or (Set(0, own),)
        number = self.vocabulary.of_wire[wire]
        self.registers[number] = NextValue(register.clock, register.rising, body)
