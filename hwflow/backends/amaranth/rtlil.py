"""A strict reader of the RTLIL text that Amaranth 0.5 writes.

Only what Amaranth emits for hwflow's hardware is accepted: modules, wires, cells, whole-wire
connects and processes without edges. Anything else is an error, never skipped. Attributes are
read and dropped: they carry initial values and enumerations, which the Verilog does not use.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from hwflow.errors import InternalError

__all__ = [
    "Assign",
    "Case",
    "Cell",
    "Chunk",
    "Module",
    "Process",
    "Statement",
    "Switch",
    "Wire",
    "parse_rtlil",
]


@dataclass(frozen=True, slots=True)
class Chunk:
    """A run of bits: `bits` (most significant first) of a constant, or wire[high:low].

    `high` is -1 for a wire named without a range.
    """

    wire: str = ""
    high: int = -1
    low: int = 0
    bits: str = ""


SigSpec = tuple[Chunk, ...]
"""A concatenation, most significant chunk first."""


@dataclass(frozen=True, slots=True)
class Wire:
    """A wire; `port` is "" unless it is a port. Names keep RTLIL's leading backslash or dollar."""

    name: str
    width: int
    signed: bool = False
    port: Literal["", "input", "output"] = ""


@dataclass(frozen=True, slots=True)
class Cell:
    """An operator, a flip-flop, or an instance of a module (`kind` begins with a backslash)."""

    kind: str
    name: str
    parameters: dict[str, str] = field(hash=False)
    ports: dict[str, SigSpec] = field(hash=False)


@dataclass(frozen=True, slots=True)
class Assign:
    """`target` takes `value` from here on, as in a Verilog blocking assignment."""

    target: Chunk
    value: SigSpec


@dataclass(frozen=True, slots=True)
class Case:
    """One arm; no patterns means default. Patterns hold 0, 1 and - (either)."""

    patterns: tuple[str, ...]
    body: tuple[Statement, ...]


@dataclass(frozen=True, slots=True)
class Switch:
    """The first matching case is taken."""

    selector: SigSpec
    cases: tuple[Case, ...]


Statement = Assign | Switch


@dataclass(frozen=True, slots=True)
class Process:
    """Combinational assignments to one wire."""

    name: str
    body: tuple[Statement, ...]


@dataclass(frozen=True, slots=True)
class Module:
    """One module; `connects` are (whole wire, value) in file order."""

    name: str
    wires: tuple[Wire, ...]
    cells: tuple[Cell, ...]
    processes: tuple[Process, ...]
    connects: tuple[tuple[str, SigSpec], ...]


def parse_rtlil(text: str) -> tuple[Module, ...]:
    """Every module of an RTLIL text, in file order.

    Raises:
        InternalError: "rtlil.syntax" at the first line that is not of the subset.
    """
    return tuple(_Reader(text).modules())


_TOKEN = re.compile(r"\{|\}|\[(\d+)(?::(\d+))?\]|(\d+)'([01-]*)(?![\w-])|([\\$][^\s]+)")
_WIRE = re.compile(r"wire width (\d+)(?: (input|output) \d+)? *( signed)? *([\\$]\S+)")
_PARAMETER = re.compile(r"parameter(?: signed| real)? \\(\S+) (.+)")


class _Reader:
    """A cursor over the meaningful lines."""

    def __init__(self, text: str) -> None:
        self._lines: list[tuple[int, str]] = [
            (number, line)
            for number, raw in enumerate(text.splitlines(), 1)
            if (line := raw.strip()) and not line.startswith(("#", "attribute "))
        ]
        self._at = 0

    def modules(self) -> Iterator[Module]:
        while self._at < len(self._lines):
            yield self._module(self._word("module"))

    def _peek(self) -> str:
        if self._at >= len(self._lines):
            raise self._error("the text ends early")
        return self._lines[self._at][1]

    def _next(self) -> str:
        line = self._peek()
        self._at += 1
        return line

    def _word(self, word: str) -> str:
        head, _, rest = self._next().partition(" ")
        if head != word:
            self._at -= 1
            raise self._error(f"expected {word!r}")
        return rest.strip()

    def _error(self, why: str) -> InternalError:
        at = min(self._at, len(self._lines) - 1)
        number, line = self._lines[at] if self._lines else (0, "")
        return InternalError(
            "rtlil.syntax",
            f"line {number} of the generated RTLIL was not understood ({why}): {line[:120]!r}",
            hint="hwflow reads the subset written by Amaranth 0.5; please report this",
        )

    def _module(self, name: str) -> Module:
        wires: list[Wire] = []
        cells: list[Cell] = []
        processes: list[Process] = []
        connects: list[tuple[str, SigSpec]] = []
        while (head := self._peek().partition(" ")[0]) != "end":
            if head == "wire":
                wires.append(self._wire())
            elif head == "cell":
                cells.append(self._cell(self._word("cell")))
            elif head == "process":
                label = self._word("process")
                processes.append(Process(label, self._body()))
                self._word("end")
            elif head == "connect":
                target, value = self._pair(self._word("connect"))
                if target.high != -1:
                    self._at -= 1
                    raise self._error("a connect must drive a whole wire")
                connects.append((target.wire, value))
            else:
                raise self._error("unknown statement")
        self._at += 1
        return Module(
            name.removeprefix("\\"), tuple(wires), tuple(cells), tuple(processes), tuple(connects)
        )

    def _wire(self) -> Wire:
        match = _WIRE.fullmatch(self._peek())
        if match is None:
            raise self._error("not a wire")
        self._at += 1
        width, port, signed, name = match.groups()
        kinds: dict[str | None, Literal["", "input", "output"]] = {
            None: "",
            "input": "input",
            "output": "output",
        }
        return Wire(name, int(width), signed is not None, kinds[port])

    def _cell(self, head: str) -> Cell:
        kind, _, name = head.partition(" ")
        parameters: dict[str, str] = {}
        ports: dict[str, SigSpec] = {}
        while (line := self._peek()) != "end":
            if line.startswith("parameter "):
                match = _PARAMETER.fullmatch(line)
                if match is None:
                    raise self._error("not a parameter")
                parameters[match[1]] = match[2]
            else:
                port, _, value = self._word("connect").partition(" ")
                self._at -= 1
                ports[port.removeprefix("\\")] = self._sigspec(value)
            self._at += 1
        self._at += 1
        return Cell(kind, name, parameters, ports)

    def _body(self) -> tuple[Statement, ...]:
        body: list[Statement] = []
        while (head := self._peek().partition(" ")[0]) in ("assign", "switch"):
            if head == "assign":
                body.append(Assign(*self._pair(self._word("assign"))))
            else:
                selector = self._sigspec(self._word("switch"))
                cases: list[Case] = []
                while self._peek().partition(" ")[0] == "case":
                    patterns = self._word("case")
                    words = tuple(p.strip().partition("'")[2] for p in patterns.split(","))
                    cases.append(Case(words if patterns else (), self._body()))
                self._word("end")
                body.append(Switch(selector, tuple(cases)))
        return tuple(body)

    def _pair(self, text: str) -> tuple[Chunk, SigSpec]:
        """`target value` with a target of one chunk."""
        name, _, rest = text.partition(" ")
        target = name
        if rest.startswith("["):
            span, _, rest = rest.partition(" ")
            target = f"{name} {span}"
        (chunk,) = self._sigspec(target)
        if not chunk.wire:
            raise self._error("a constant cannot be driven")
        return chunk, self._sigspec(rest)

    def _sigspec(self, text: str) -> SigSpec:
        chunks: list[Chunk] = []
        at = 0
        while at < len(text):
            match = _TOKEN.match(text, at)
            if match is None:
                raise self._error("not a signal")
            high, low, width, bits, name = match.groups()
            if name is not None:
                chunks.append(Chunk(wire=name))
            elif width is not None:
                if len(bits) != int(width):
                    raise self._error("a constant of another width than it says")
                chunks.append(Chunk(bits=bits))
            elif high is not None:
                chunks[-1] = Chunk(chunks[-1].wire, int(high), int(low or high))
            at = match.end()
            while at < len(text) and text[at] == " ":
                at += 1
        return tuple(chunks)
