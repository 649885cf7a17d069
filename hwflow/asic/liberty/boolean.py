"""Boolean expressions of Liberty (`function`, `next_state`, `when`) as truth tables.

Operators in their order of binding: `!a` and `a'`, `a ^ b`, `a & b` (also `*` and a blank),
`a | b` (also `+`); constants 0 and 1.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

__all__ = ["MOST_INPUTS", "Function", "function_of"]

MOST_INPUTS: Final = 12
_TOKEN: Final = re.compile(r"\s*([A-Za-z_][\w.\[\]]*|[01]|[!'^&*|+()])")
_AND: Final = ("&", "*")
_OR: Final = ("|", "+")


@dataclass(frozen=True, slots=True)
class Function:
    """A Boolean function: row `sum(value[i] << i)` of `table` for its `inputs` in order.

    `inputs` stand in the order of their first appearance in `text`.
    """

    text: str
    inputs: tuple[str, ...]
    table: int

    def value(self, values: Mapping[str, int]) -> int:
        """The result (0 or 1) for the values (0 or 1) of all inputs; others are ignored."""
        row = sum((values[name] & 1) << i for i, name in enumerate(self.inputs))
        return (self.table >> row) & 1

    @property
    def complement(self) -> int:
        """The table of the inverse."""
        return self.table ^ ((1 << (1 << len(self.inputs))) - 1)


def function_of(text: str) -> Function:
    """Parse an expression.

    Raises:
        ValueError: saying what was found, for text that is no expression or has too many inputs.
    """
    tokens, position = [], 0
    while position < len(text.rstrip()):
        match = _TOKEN.match(text, position)
        if match is None:
            raise ValueError(f"found {text[position:].strip()[:20]!r}")
        tokens.append(match[1])
        position = match.end()
    names = tuple(dict.fromkeys(t for t in tokens if t[0].isalpha() or t[0] == "_"))
    if len(names) > MOST_INPUTS:
        raise ValueError(f"found {len(names)} inputs, more than {MOST_INPUTS}")
    parser = _Parser(tokens, names)
    table = parser.either()
    if parser.rest:
        raise ValueError(f"found {parser.rest[0]!r}")
    return Function(text, names, table)


class _Parser:
    """Each rule returns the truth table of what it read, over all the inputs."""

    def __init__(self, tokens: list[str], names: tuple[str, ...]) -> None:
        self.rest = tokens
        rows = 1 << len(names)
        self._full = (1 << rows) - 1
        self._tables = {
            name: sum(1 << row for row in range(rows) if (row >> i) & 1)
            for i, name in enumerate(names)
        }
        self._tables |= {"0": 0, "1": self._full}

    def either(self) -> int:
        table = self._both()
        while self.rest and self.rest[0] in _OR:
            self.rest.pop(0)
            table |= self._both()
        return table

    def _both(self) -> int:
        table = self._differ()
        while self.rest and self.rest[0] not in (*_OR, ")"):
            if self.rest[0] in _AND:
                self.rest.pop(0)
            table &= self._differ()
        return table

    def _differ(self) -> int:
        table = self._single()
        while self.rest and self.rest[0] == "^":
            self.rest.pop(0)
            table ^= self._single()
        return table

    def _single(self) -> int:
        if not self.rest:
            raise ValueError("found its end where a pin was expected")
        word = self.rest.pop(0)
        if word == "!":
            return self._single() ^ self._full
        if word == "(":
            table = self.either()
            if not self.rest or self.rest.pop(0) != ")":
                raise ValueError("found no closing parenthesis")
        elif word in self._tables:
            table = self._tables[word]
        else:
            raise ValueError(f"found {word!r} where a pin was expected")
        while self.rest and self.rest[0] == "'":
            self.rest.pop(0)
            table ^= self._full
        return table
