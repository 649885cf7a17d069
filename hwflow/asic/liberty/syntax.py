"""Liberty text into nested groups: a tokenizer and a recursive-descent parser, nothing else.

Nothing of the file is executed: no includes, no expressions of attributes. Size, depth and the
number of statements are limited.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass, field
from typing import Final

from hwflow.errors import InputError, Place

__all__ = ["MOST_BYTES", "MOST_DEPTH", "Group", "parse"]

MOST_BYTES: Final = 200_000_000
MOST_DEPTH: Final = 12
_TOKEN: Final = re.compile(
    r"""(?P<space>\s+|\\\r?\n|/\*.*?\*/|//[^\n]*)
    |"(?P<quoted>(?:[^"\\]|\\.)*)"
    |(?P<mark>[{}();:,])
    |(?P<word>[^\s{}();:,"\\]+)
    |(?P<wrong>.)""",
    re.S | re.X,
)
_CONTINUED: Final = re.compile(r"\\\r?\n\s*")


@dataclass(slots=True)
class Group:
    """`kind (arguments) { ... }`: `attributes` are `name : value`, `lists` are `name (a, b)`.

    A name given twice keeps its last value; lists keep all.
    """

    kind: str
    arguments: tuple[str, ...]
    place: Place
    attributes: dict[str, str] = field(default_factory=dict)
    lists: dict[str, list[tuple[str, ...]]] = field(default_factory=dict)
    groups: list[Group] = field(default_factory=list)

    def all(self, kind: str) -> tuple[Group, ...]:
        """The groups of one kind directly inside this one, in the file's order."""
        return tuple(group for group in self.groups if group.kind == kind)

    def first(self, kind: str) -> Group | None:
        """The first group of one kind."""
        return next((group for group in self.groups if group.kind == kind), None)

    @property
    def name(self) -> str:
        """The first argument, "" without one."""
        return self.arguments[0] if self.arguments else ""


def parse(text: str, file: str) -> Group:
    """The one group at the top of a Liberty file.

    Raises:
        InputError: `liberty.syntax` with its line.
    """
    reader = _Reader(text, file)
    if not reader.tokens:
        raise InputError(
            "liberty.syntax",
            "the file is empty, expected library (name) { ... }",
            hint="give a Liberty file (.lib)",
            place=Place(file),
        )
    top = reader.statement(None, 0)
    if top is None or reader.position < len(reader.tokens):
        raise reader.wrong("expected one library (name) { ... } and nothing else")
    return top


class _Reader:
    """Tokens are triples of kind ("word", "quoted" or the mark), text, and offset."""

    def __init__(self, text: str, file: str) -> None:
        self._lines = [match.start() for match in re.finditer("\n", text)]
        self._file = file
        self.position = 0
        self.tokens: list[tuple[str, str, int]] = []
        for match in _TOKEN.finditer(text):
            kind = match.lastgroup
            if kind == "space":
                continue
            found = match[kind or 0]
            if kind == "quoted":
                found = _CONTINUED.sub(" ", found)
            elif kind == "mark":
                kind = found
            elif kind == "wrong":
                self.tokens.append(("", found, match.start()))
                self.position = len(self.tokens) - 1
                raise self.wrong("a quotation without its end, or a stray character")
            self.tokens.append((kind or "", found, match.start()))

    def statement(self, group: Group | None, depth: int) -> Group | None:
        """Read one statement into `group`; returns the group it opens, if it does."""
        if depth > MOST_DEPTH:
            raise self.wrong(f"groups are nested deeper than {MOST_DEPTH}")
        place = self._place()
        name = self._take("word", "quoted")
        if self._peek() == ":" and group is not None:
            self.position += 1
            group.attributes[name] = self._value()
            return None
        self._take("(")
        arguments = self._arguments()
        if self._peek() != "{":
            if group is None:
                raise self.wrong("expected {")
            group.lists.setdefault(name, []).append(arguments)
            self._skip(";")
            return None
        self.position += 1
        inner = Group(name, arguments, place)
        while self._peek() != "}":
            opened = self.statement(inner, depth + 1)
            if opened is not None:
                inner.groups.append(opened)
            self._skip(";")
        self.position += 1
        self._skip(";")
        return inner

    def wrong(self, expected: str) -> InputError:
        """The error at the current token."""
        at_end = self.position >= len(self.tokens)
        found = "the end of the file" if at_end else repr(self.tokens[self.position][1][:40])
        return InputError(
            "liberty.syntax",
            f"found {found}: {expected}",
            hint="the file is cut short or no Liberty; fetch it again from its source",
            place=self._place(),
        )

    def _arguments(self) -> tuple[str, ...]:
        found: list[str] = []
        while self._peek() != ")":
            found.append(self._take("word", "quoted"))
            while self._peek() in ("word", "quoted", ":"):  # such as a[7:0]
                found[-1] += self._take("word", "quoted", ":")
            self._skip(",")
        self.position += 1
        return tuple(found)

    def _value(self) -> str:
        """The rest of the line up to `;` (which some files forget at the line's end)."""
        words = [self._take("word", "quoted")]
        line = self._line(self.tokens[self.position - 1][2])
        while self._peek() in ("word", "quoted", "(", ")", ",", ":"):
            _, text, start = self.tokens[self.position]
            if self._line(start) != line:
                break
            words.append(text)
            self.position += 1
        self._skip(";")
        return " ".join(words)

    def _take(self, *kinds: str) -> str:
        if self._peek() not in kinds:
            wanted = "a name or value" if "word" in kinds else " or ".join(kinds)
            raise self.wrong(f"expected {wanted}")
        self.position += 1
        return self.tokens[self.position - 1][1]

    def _skip(self, mark: str) -> None:
        while self._peek() == mark:
            self.position += 1

    def _peek(self) -> str:
        return self.tokens[self.position][0] if self.position < len(self.tokens) else ""

    def _line(self, offset: int) -> int:
        return bisect_right(self._lines, offset - 1) + 1

    def _place(self) -> Place:
        position = min(self.position, len(self.tokens) - 1)
        return Place(self._file, self._line(self.tokens[position][2]) if position >= 0 else None)
