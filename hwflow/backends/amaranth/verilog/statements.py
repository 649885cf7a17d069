"""Control statements as lines of Verilog."""

from __future__ import annotations

from collections.abc import Iterator

from hwflow.backends.amaranth.verilog.control import Choice, Match, Select, Statement
from hwflow.backends.amaranth.verilog.drivers import Set
from hwflow.backends.amaranth.verilog.expressions import Expression, Speaker, constant_text
from hwflow.backends.amaranth.verilog.words import Key, Word

__all__ = ["Writer", "indented"]


def indented(lines: list[str], by: int = 2) -> list[str]:
    """The lines, moved right."""
    return [" " * by + line for line in lines]


class Writer:
    """Writes bodies that assign one or more words; collects what they read."""

    def __init__(self, speaker: Speaker, limit: Key | None, sign: str) -> None:
        self._speaker = speaker
        self._limit = limit
        self._sign = sign
        self.reads: list[tuple[int, int]] = []

    def lines(self, targets: list[tuple[Word, tuple[Statement, ...]]]) -> list[str]:
        """Bodies of the same shape merged into one; a single body may have any shape."""
        first = targets[0][1]
        if len(targets) == 1:
            word, body = targets[0]
            return [line for s in body for line in self._statement(word, s)]
        (statement,) = first
        if isinstance(statement, Set):
            return [line for word, body in targets for line in self.lines([(word, body)])]
        assert isinstance(statement, Choice), "only plain and if shapes are merged"
        bodies = []
        for i, (match, _) in enumerate(statement.arms):
            inner = [(word, _choice(body).arms[i][1]) for word, body in targets]
            bodies.append((match, [line for t in inner for line in self.lines([t])]))
        otherwise = [line for word, body in targets for line in self.lines([(word, _else(body))])]
        return self._chain(bodies, otherwise)

    def _statement(self, word: Word, statement: Statement) -> Iterator[str]:
        if isinstance(statement, Set):
            yield self._set(word, statement)
        elif isinstance(statement, Choice):
            arms = [(match, self.lines([(word, body)])) for match, body in statement.arms]
            yield from self._chain(arms, self.lines([(word, statement.otherwise or ())]))
        else:
            yield from self._select(word, statement)

    def _set(self, word: Word, statement: Set) -> str:
        value = self._say(self._speaker.say(statement.value, self._limit, word.signed))
        name, low, width = word.name, statement.low, len(statement.value)
        if width < word.width:
            name += f"[{low}]" if width == 1 else f"[{low + width - 1}:{low}]"
        return f"{name} {self._sign} {value};"

    def _chain(self, arms: list[tuple[Match, list[str]]], otherwise: list[str]) -> list[str]:
        out: list[str] = []
        for match, lines in arms:
            head = "end else if" if out else "if"
            out.append(f"{head} ({self.test(match)}) begin")
            out.extend(indented(lines))
        if otherwise:
            out.append("end else begin")
            out.extend(indented(otherwise))
        return [*out, "end"]

    def test(self, match: Match) -> str:
        """A condition."""
        tests = []
        for nets, value in match:
            said = self._speaker.say(nets, self._limit)
            self._say(said)
            if len(nets) == 1:
                tests.append(said.text if value else f"!{said.inner}")
            else:
                tests.append(f"{said.inner} == {constant_text(len(nets), value)}")
        return tests[0] if len(tests) == 1 else " || ".join(f"({test})" for test in tests)

    def _select(self, word: Word, statement: Select) -> Iterator[str]:
        wild = any("-" in p for patterns, _ in statement.arms for p in patterns)
        selector = self._say(self._speaker.say(statement.selector, self._limit))
        yield f"{'casez' if wild else 'case'} ({selector})"
        for patterns, body in statement.arms:
            labels = ", ".join(_label(p, wild) for p in patterns)
            yield from indented(_arm(labels, self.lines([(word, body)])))
        yield from indented(_arm("default", self.lines([(word, statement.otherwise or ())])))
        yield "endcase"

    def _say(self, expression: Expression) -> str:
        self.reads.extend(expression.reads)
        return expression.text


def _arm(label: str, lines: list[str]) -> list[str]:
    if not lines:
        return [f"{label}: ;"]
    if len(lines) == 1:
        return [f"{label}: {lines[0]}"]
    return [f"{label}: begin", *indented(lines), "end"]


def _label(pattern: str, wild: bool) -> str:
    if wild or len(pattern) > 31:
        return f"{len(pattern)}'b{pattern.replace('-', '?')}"
    return constant_text(len(pattern), int(pattern, 2))


def _choice(body: tuple[Statement, ...]) -> Choice:
    (statement,) = body
    assert isinstance(statement, Choice)
    return statement


def _else(body: tuple[Statement, ...]) -> tuple[Statement, ...]:
    return _choice(body).otherwise or ()
