"""Parse the text form of an integer graph; the text is hostile until parsed."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import fields
from typing import Any, NoReturn

import numpy as np

from hwflow.errors import InputError, Place
from hwflow.ir.exact import IntArray, as_ints
from hwflow.ir.graph import Graph, Node
from hwflow.ir.ops import OPERATIONS
from hwflow.ir.text import HEADER
from hwflow.ir.types import IntType, Overflow, Rounding

__all__ = ["parse_graph"]

_BY_NAME = {op.name: op for op in OPERATIONS}
_TOKEN = re.compile(r"\s*(?:(-?\d{1,80})(?![\w.])|([A-Za-z_]\w{0,127})|(\S))", re.ASCII)
_OUTPUT = re.compile(r"output\s+\w", re.ASCII)
_MAX_DEPTH = 8


def parse_graph(text: str, blobs: Sequence[IntArray] = (), source: str = "graph") -> Graph:
    """The graph that `text` describes; ``@k`` in it stands for ``blobs[k]``.

    Raises:
        InputError: "graph.syntax" with the line, or what `Graph` raises.
    """
    lines = text.split("\n")
    header = lines[0].split()
    if " ".join(header[:2]) != HEADER or len(header) != 3:
        raise InputError(
            "graph.syntax",
            f"expected '{HEADER} NAME', found {lines[0][:60]!r}",
            place=Place(source, 1, 1),
        )
    nodes: list[Node] = []
    outputs: list[tuple[str, str]] = []
    for number, line in enumerate(lines[1:], start=2):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        parser = _Line(line, number, source, blobs)
        if _OUTPUT.match(line):
            outputs.append(parser.output())
        else:
            nodes.append(parser.node())
    return Graph(header[2], tuple(nodes), tuple(outputs))


class _Line:
    """A recursive-descent reader of one line."""

    def __init__(self, line: str, number: int, source: str, blobs: Sequence[IntArray]) -> None:
        self.line, self.number, self.source, self.blobs = line, number, source, blobs
        self.at = self.start = 0
        self.kind, self.token = "", ""
        self.starts: dict[str, int] = {}
        self.advance()

    def fail(self, what: str) -> NoReturn:
        found = self.token or "the end of the line"
        raise InputError(
            "graph.syntax",
            f"expected {what}, found {found!r}",
            place=Place(self.source, self.number, self.start + 1),
        )

    def fail_at(self, start: int, what: str) -> NoReturn:
        """Fail at an earlier place, showing what stands there."""
        self.start, self.token = start, self.line[start : start + 20].split(",")[0]
        self.fail(what)

    def advance(self) -> None:
        match = _TOKEN.match(self.line, self.at)
        if match is None or match.group(3) == "#":
            self.kind, self.token, self.start = "end", "", len(self.line.rstrip())
            return
        self.start, self.at = match.start(match.lastindex or 0), match.end()
        self.kind = ("", "int", "word", "mark")[match.lastindex or 0]
        self.token = match.group(match.lastindex or 0)

    def take(self, kind: str, what: str) -> str:
        if self.kind != kind:
            self.fail(what)
        token = self.token
        self.advance()
        return token

    def mark(self, symbol: str) -> None:
        if self.kind != "mark" or self.token != symbol:
            self.fail(f"{symbol!r}")
        self.advance()

    def at_mark(self, symbol: str) -> bool:
        return self.kind == "mark" and self.token == symbol

    def output(self) -> tuple[str, str]:
        self.advance()
        name = self.take("word", "an output's name")
        self.mark("=")
        value = self.take("word", "a value's name")
        if self.kind != "end":
            self.fail("the end of the line")
        return name, value

    def node(self) -> Node:
        name = self.take("word", "a value's name")
        self.mark("=")
        if self.token not in _BY_NAME:
            self.fail(f"one of the operations {', '.join(_BY_NAME)}")
        self.starts[""] = self.start
        op_class = _BY_NAME[self.take("word", "an operation")]
        args, attributes = self.call()
        layer = ""
        if self.at_mark("@"):
            self.advance()
            layer = self.take("word", "a layer's name")
        if self.kind != "end":
            self.fail("the end of the line")
        return Node(name, self.operation(op_class, attributes), tuple(args), layer)

    def call(self) -> tuple[list[str], dict[str, Any]]:
        args: list[str] = []
        attributes: dict[str, Any] = {}
        self.mark("(")
        while not self.at_mark(")"):
            word = self.take("word", "an operand or attribute")
            if word in attributes:
                self.fail(f"{word} only once")
            if self.at_mark("="):
                self.advance()
                self.starts[word] = self.start
                attributes[word] = self.value(0)
            elif attributes:
                self.fail("operands before attributes")
            else:
                args.append(word)
            if not self.at_mark(")"):
                self.mark(",")
        self.advance()
        return args, attributes

    def value(self, depth: int) -> Any:
        if depth > _MAX_DEPTH:
            self.fail("fewer nested lists")
        if self.kind == "int":
            return int(self.take("int", "an integer"))
        if self.at_mark("@"):
            self.advance()
            start = self.start
            index = int(self.take("int", "an array's number"))
            if not 0 <= index < len(self.blobs):
                self.fail_at(start, f"an array number below {len(self.blobs)}")
            return self.blobs[index]
        if self.at_mark("["):
            return self.items("[", "]", depth)
        word = self.take("word", "a value")
        if word != "int":
            return word
        parts = self.items("(", ")", depth)
        if len(parts) != 3:
            self.fail("int(lo, hi, frac)")
        try:
            return IntType(*map(self.array, parts))
        except (ValueError, TypeError) as error:
            self.fail(f"a type ({error})")

    def items(self, opening: str, closing: str, depth: int) -> list[Any]:
        self.mark(opening)
        result: list[Any] = []
        while not self.at_mark(closing):
            result.append(self.value(depth + 1))
            if not self.at_mark(closing):
                self.mark(",")
        self.advance()
        return result

    def array(self, value: Any) -> IntArray:
        if isinstance(value, np.ndarray):
            return value
        try:
            return as_ints(np.array(value, dtype=object))
        except (TypeError, ValueError):
            self.fail("an array of integers, every row of the same length")

    def operation(self, op_class: type[Any], attributes: dict[str, Any]) -> Any:
        known = {f.name: str(f.type) for f in fields(op_class)}
        if set(attributes) != set(known):
            wanted = ", ".join(known) or "(none)"
            self.fail_at(self.starts[""], f"{op_class.name} with the attributes {wanted}")
        return op_class(**{n: self.converted(n, v, known[n]) for n, v in attributes.items()})

    def converted(self, name: str, value: Any, wanted: str) -> Any:
        """`value` as the attribute type that the operation's dataclass declares."""
        try:
            if wanted == "IntArray":
                return self.array(value)
            if wanted == "IntType" and isinstance(value, IntType):
                return value
            if wanted == "int" and isinstance(value, int):
                return value
            if wanted == "str" and isinstance(value, str):
                return value
            if wanted == "Rounding":
                return Rounding(value)
            if wanted == "Overflow":
                return Overflow(value)
            if wanted == "tuple[int, ...]" and isinstance(value, list):
                return tuple(_whole(v) for v in value)
            if wanted == "tuple[tuple[int, int], ...]" and isinstance(value, list):
                return tuple((_whole(a), _whole(b)) for a, b in value)
        except (TypeError, ValueError):
            pass
        self.fail_at(self.starts[name], f"a value of kind {wanted} for {name}")


def _whole(value: Any) -> int:
    if not isinstance(value, int):
        raise TypeError
    return value
