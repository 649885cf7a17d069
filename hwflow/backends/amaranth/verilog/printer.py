"""One module as Verilog-2001 text."""

from __future__ import annotations

import textwrap
from collections import defaultdict
from collections.abc import Iterable, Mapping

from hwflow.backends.amaranth.rtlil import Module
from hwflow.backends.amaranth.verilog.control import Choice, Statement, is_full
from hwflow.backends.amaranth.verilog.definitions import (
    Definitions,
    NextValue,
    declaration,
    definitions_of,
)
from hwflow.backends.amaranth.verilog.demand import demand_of
from hwflow.backends.amaranth.verilog.drivers import Instance, Set
from hwflow.backends.amaranth.verilog.names import identifier
from hwflow.backends.amaranth.verilog.netlist import Netlist, netlist_of
from hwflow.backends.amaranth.verilog.statements import Writer, indented
from hwflow.backends.amaranth.verilog.vocabulary import Vocabulary, vocabulary_of
from hwflow.backends.amaranth.verilog.words import Word

__all__ = ["print_module"]

_CLOCKS = ("clk", "aclk")
_RESETS = ("rst", "aresetn")


def print_module(module: Module, header: str, outputs: Mapping[str, frozenset[str]]) -> str:
    """One module; `outputs` names the output ports of every module it may instantiate.

    Raises:
        InternalError: "rtlil.unsupported".
    """
    netlist = netlist_of(module, outputs)
    demand = demand_of(netlist)
    vocabulary = vocabulary_of(netlist, demand)
    return _Page(netlist, vocabulary, definitions_of(netlist, demand, vocabulary)).text(header)


class _Page:
    """Collects the sections; what is printed is what the outputs and instances lead to."""

    def __init__(self, netlist: Netlist, vocabulary: Vocabulary, definitions: Definitions) -> None:
        self.netlist = netlist
        self.vocabulary = vocabulary
        self.words = vocabulary.book.words
        self.definitions = definitions
        self.read: dict[int, int] = defaultdict(int)
        self.printed: set[int] = set()

    def text(self, header: str) -> str:
        instances = [self._instance(instance) for instance in self.netlist.instances]
        ports = [i for i, word in enumerate(self.words) if word.port == "output"]
        ports.sort(key=self._place)
        blocks = self._registers(ports)
        sections = [
            self._declarations(),
            self._combinational(),
            *blocks,
            *instances,
            self._outputs(ports),
            self._unused(),
        ]
        body = [line for section in sections if section for line in ["", *indented(section)]]
        comment = [f"// {line}".rstrip() for line in header.splitlines()]
        name = identifier(self.netlist.name)
        heading = [f"module {name} (", *indented(self._ports(), 4), ");"]
        return "\n".join([*comment, *heading, *body[1:], "endmodule"]) + "\n"

    def _need(self, reads: Iterable[tuple[int, int]], found: list[int]) -> None:
        for number, mask in reads:
            self.read[number] |= mask
            if number not in self.printed:
                self.printed.add(number)
                found.append(number)

    def _registers(self, ports: list[int]) -> list[list[str]]:
        """The clocked blocks; leaves `read` and `printed` complete."""
        found = [n for n in (*self.read, *ports) if not self.printed.add(n)]  # type: ignore[func-returns-value]
        clocked: set[int] = set()
        while found:
            number = found.pop()
            if number in self.definitions.words:
                self._need(self.definitions.words[number].reads, found)
            elif number in self.definitions.registers:
                clocked.add(number)
                writer = Writer(self.definitions.speaker, None, "<=")
                value = self.definitions.registers[number]
                writer.lines([(self.words[number], value.body)])
                clock = self.definitions.speaker.say((value.clock,))
                self._need((*writer.reads, *clock.reads), found)
        return self._clocked(sorted(clocked, key=self._place))

    def _place(self, number: int) -> int:
        """Words stand in the order in which their author named them."""
        return self.words[number].key[-1]

    def _clocked(self, numbers: list[int]) -> list[list[str]]:
        groups: dict[object, list[int]] = defaultdict(list)
        for number in numbers:
            value = self.definitions.registers[number]
            groups[_shape(value, number, self.words[number].width)].append(number)
        blocks: list[list[str]] = []
        for members in groups.values():
            value = self.definitions.registers[members[0]]
            speaker = self.definitions.speaker
            writer = Writer(speaker, None, "<=")
            bodies = [(self.words[n], self.definitions.registers[n].body) for n in members]
            edge = "posedge" if value.rising else "negedge"
            head = f"always @({edge} {speaker.say((value.clock,)).text}) begin"
            blocks.append([head, *indented(writer.lines(bodies)), "end"])
        return blocks

    def _ports(self) -> list[str]:
        kinds: dict[str, str] = {}
        for number, word in enumerate(self.words):
            made = self.definitions.words.get(number)
            variable = number in self.definitions.registers or (made and made.variable)
            if word.port:
                kinds[word.name] = "output reg" if variable else f"{word.port} wire"
        ports = [word for word in self.words if word.port]
        ports.sort(key=self._port_order)
        lines = [declaration(word, kinds[word.name]) for word in ports]
        return [line + ("," if line is not lines[-1] else "") for line in lines]

    def _port_order(self, word: Word) -> tuple[int, int]:
        index = word.key[-1]
        if word.port == "output":
            return 3, index
        if word.name in _CLOCKS or self.vocabulary.clocks.intersection(word.nets):
            return 0, index
        return (1 if word.name in _RESETS else 2), index

    def _declarations(self) -> list[str]:
        driven = {wire for i in self.netlist.instances for _, wire in i.outputs}
        wires = {self.vocabulary.of_wire[wire] for wire in driven}
        lines = []
        for number in sorted(self.printed, key=self._place):
            word = self.words[number]
            if word.port:
                continue
            if number in self.definitions.registers:
                lines.append(declaration(word, "reg") + ";")
            elif number in wires:
                lines.append(declaration(word, "wire") + ";")
        return lines

    def _combinational(self) -> list[str]:
        """Definitions, each after what it reads."""
        lines: list[str] = []
        done: set[int] = set()
        made = self.definitions.words
        for root in sorted(self.printed, key=self._place):
            stack = [(root, False)]
            while stack:
                number, ready = stack.pop()
                if ready:
                    lines.extend(made[number].lines)
                elif number not in done and number in made and not self.words[number].port:
                    done.add(number)
                    stack.append((number, True))
                    reads = sorted({n for n, _ in made[number].reads}, key=self._place)
                    stack.extend((n, False) for n in reversed(reads))
        return lines

    def _outputs(self, ports: list[int]) -> list[str]:
        made = self.definitions.words
        return [line for number in ports if number in made for line in made[number].lines]

    def _instance(self, instance: Instance) -> list[str]:
        pins: dict[str, str] = {}
        for port, nets in instance.inputs:
            said = self.definitions.speaker.say(nets)
            for number, mask in said.reads:
                self.read[number] |= mask
            pins[port] = said.text
        for port, wire in instance.outputs:
            number = self.vocabulary.of_wire[wire]
            self.read.setdefault(number, 0)
            pins[port] = self.words[number].name
        lines = [f".{identifier(port)}({text})" for port, text in pins.items()]
        values = [f".{identifier(name)}({text})" for name, text in instance.parameters]
        head = f"{identifier(instance.kind)} "
        if values:
            head += f"#({', '.join(values)}) "
        label = self.vocabulary.names.unique(instance.name)
        commas = [line + ("," if line is not lines[-1] else "") for line in lines]
        return [f"{head}{label} (", *indented(commas, 4), ");"]

    def _unused(self) -> list[str]:
        """Bits that nobody reads, gathered so that linters know it is meant."""
        parts = []
        for number, word in enumerate(self.words):
            if word.port == "output" or (word.port != "input" and number not in self.printed):
                continue
            missing = ((1 << word.width) - 1) & ~self.read.get(number, 0)
            if missing == (1 << word.width) - 1:
                parts.append(word.name)
                continue
            for low, high in _runs(missing):
                parts.append(f"{word.name}[{high}:{low}]" if high > low else f"{word.name}[{low}]")
        if not parts:
            return []
        name = self.vocabulary.names.unique("unused")
        lines = textwrap.wrap(", ".join(["1'b0", *parts]), 92, break_long_words=False)
        if len(lines) == 1:
            return [f"wire {name} = &{{{lines[0]}}};"]
        return [f"wire {name} = &{{", *indented(lines), "};"]


def _runs(mask: int) -> Iterable[tuple[int, int]]:
    """The runs of ones, lowest first."""
    low = 0
    while mask >> low:
        while not mask >> low & 1:
            low += 1
        high = low
        while mask >> (high + 1) & 1:
            high += 1
        yield low, high
        low = high + 1


def _shape(value: NextValue, number: int, width: int) -> object:
    """Registers of one shape share a block: the same clock and the same conditions."""
    clock = (value.clock, value.rising)
    if len(value.body) == 1:
        statement: Statement = value.body[0]
        if isinstance(statement, Set) and is_full(value.body, width):
            return clock
        if isinstance(statement, Choice):
            bodies = [body for _, body in statement.arms]
            bodies.append(statement.otherwise or ())
            if all(not body or is_full(body, width) for body in bodies):
                matches = tuple(match for match, _ in statement.arms)
                return clock, matches, statement.otherwise is None
    return clock, number
