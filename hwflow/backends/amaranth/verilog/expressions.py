"""Operators as Verilog expressions in which every operand has exactly the width it needs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from hwflow.backends.amaranth.verilog.demand import operands_at
from hwflow.backends.amaranth.verilog.drivers import (
    ARITHMETIC,
    BITWISE,
    COMPARISONS,
    SHIFTS,
    Nets,
    Operator,
    constant_value,
)
from hwflow.backends.amaranth.verilog.words import Book, Key, Part

__all__ = ["Expression", "Speaker", "constant_text"]

ATOM, UNARY, BINARY, CHOICE = range(4)

_REDUCE = {"$reduce_and": "&", "$reduce_or": "|", "$reduce_bool": "|", "$reduce_xor": "^"}


@dataclass(frozen=True, slots=True)
class Expression:
    """Text, how loosely it binds, whether Verilog takes it for signed, and the bits it reads.

    `reads` holds (word number, mask of bits).
    """

    text: str
    binds: int
    signed: bool
    reads: tuple[tuple[int, int], ...]

    @property
    def inner(self) -> str:
        """The text as an operand."""
        return self.text if self.binds == ATOM else f"({self.text})"


def constant_text(width: int, value: int, signed: bool = False) -> str:
    """A sized literal; long ones in hexadecimal, which every tool reads at any length."""
    pattern = value & ((1 << width) - 1)
    if width == 1:
        return f"1'b{pattern}"
    if width > 31:
        return f"{width}'h{pattern:x}"
    if not signed:
        return f"{width}'d{pattern}"
    number = pattern - (1 << width) if pattern >> (width - 1) else pattern
    return f"-{width}'sd{-number}" if number < 0 else f"{width}'sd{number}"


class Speaker:
    """Turns nets and operators into expressions, with the words of one book."""

    def __init__(self, book: Book) -> None:
        self.book = book
        self.inlined: dict[int, Expression] = {}

    def say(self, nets: Nets, limit: Key | None = None, signed: bool = False) -> Expression:
        """The nets as an unsigned value; `signed` writes constants as signed numbers."""
        value = constant_value(nets)
        if value is not None:
            text = constant_text(len(nets), value, signed)
            return Expression(text, ATOM, "'s" in text, ())
        parts = [self._part(part) for part in self.book.parts(nets, limit)]
        if len(parts) == 1:
            return parts[0]
        reads = tuple(read for part in parts for read in part.reads)
        return Expression(
            "{" + ", ".join(p.text for p in reversed(parts)) + "}", ATOM, False, reads
        )

    def _part(self, part: Part) -> Expression:
        if part.nets:
            value = constant_value(part.nets)
            assert value is not None
            return Expression(constant_text(part.width, value), ATOM, False, ())
        if part.wire >= 0:
            return self.inlined[part.wire]
        word = self.book.words[part.word]
        mask = ((1 << part.width) - 1) << part.low
        text, signed = word.name, word.signed
        if part.width < word.width:
            high = part.low + part.width - 1
            text += f"[{high}]" if part.width == 1 else f"[{high}:{part.low}]"
            signed = False
        if part.count > 1:
            text, signed = f"{{{part.count}{{{text}}}}}", False
        return Expression(text, ATOM, signed, ((part.word, mask),))

    def operator(
        self, op: Operator, span: tuple[int, int], limit: Key, signed: bool = False
    ) -> Expression:
        """An operator's result bits [span]; `signed`: the word it defines is a signed one."""
        operands = operands_at(op, span)
        if op.kind == "$mux":
            no, yes = (self.say(nets, limit, signed) for nets in operands[:2])
            test = self.say(operands[2], limit)
            text = f"{test.inner} ? {yes.inner} : {no.inner}"
            return _made(text, CHOICE, yes.signed and no.signed, (test, yes, no))
        if op.kind in COMPARISONS:
            return self._comparison(op, operands, limit)
        if op.kind in SHIFTS:
            return self._shift(op, operands, limit)
        if op.kind in ARITHMETIC or op.kind in BITWISE:
            return self._binary(op, operands, limit)
        (value,) = (self.say(nets, limit) for nets in operands)
        sign = {"$not": "~", "$neg": "-", **_REDUCE}[op.kind]
        keeps = value.signed and op.kind in ("$not", "$neg")
        return _made(sign + value.inner, UNARY, keeps, (value,))

    def _binary(self, op: Operator, operands: Sequence[Nets], limit: Key) -> Expression:
        sign = {**ARITHMETIC, **BITWISE}[op.kind]
        a, b = (self.say(nets, limit) for nets in operands)
        if op.kind == "$mul" and op.signed:
            # Equal either way; signed operands let synthesis drop the copies of the sign bit.
            a, b = (self._signed(nets, limit) for nets in operands)
        elif sign in "+-" and op.signed:
            constant = constant_value(op.operands[1], signed=True)
            if constant is not None and constant < 0:
                sign = "-" if sign == "+" else "+"
                width = len(operands[1])
                b = Expression(constant_text(width, -constant), ATOM, False, ())
        return _made(f"{a.inner} {sign} {b.inner}", BINARY, a.signed and b.signed, (a, b))

    def _shift(self, op: Operator, operands: Sequence[Nets], limit: Key) -> Expression:
        value = (self._signed if op.kind == "$sshr" else self.say)(operands[0], limit)
        amount = self.say(operands[1], limit)
        text = f"{value.inner} {SHIFTS[op.kind]} {amount.inner}"
        return _made(text, BINARY, value.signed, (value, amount))

    def _comparison(self, op: Operator, operands: Sequence[Nets], limit: Key) -> Expression:
        known = _decided(op)
        if known is not None:
            return Expression(constant_text(1, known), ATOM, False, ())
        ordered = op.kind not in ("$eq", "$ne")
        said: Callable[[Nets, Key], Expression] = self.say
        if ordered and op.signed:
            said = self._signed
        a, b = (said(nets, limit) for nets in operands)
        if ordered and not op.signed and a.signed and b.signed:
            a = _made(f"$unsigned({a.text})", ATOM, False, (a,))
        return _made(f"{a.inner} {COMPARISONS[op.kind]} {b.inner}", BINARY, False, (a, b))

    def _signed(self, nets: Nets, limit: Key) -> Expression:
        said = self.say(nets, limit, signed=True)
        return said if said.signed else _made(f"$signed({said.text})", ATOM, True, (said,))


def _made(text: str, binds: int, signed: bool, parts: Sequence[Expression]) -> Expression:
    return Expression(text, binds, signed, tuple(r for part in parts for r in part.reads))


def _decided(op: Operator) -> int | None:
    """The outcome of an ordering that the operands' ranges settle (linters object to those)."""
    (a_low, a_high), (b_low, b_high) = (_range(nets, op.signed) for nets in op.operands)
    if op.kind in ("$lt", "$ge"):
        less = 1 if a_high < b_low else 0 if a_low >= b_high else None
        return less if less is None or op.kind == "$lt" else 1 - less
    if op.kind in ("$gt", "$le"):
        more = 1 if a_low > b_high else 0 if a_high <= b_low else None
        return more if more is None or op.kind == "$gt" else 1 - more
    return None


def _range(nets: Nets, signed: bool) -> tuple[int, int]:
    value = constant_value(nets, signed)
    if value is not None:
        return value, value
    width = len(nets)
    return (-(1 << (width - 1)), (1 << (width - 1)) - 1) if signed else (0, (1 << width) - 1)
