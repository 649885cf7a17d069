"""The Amaranth expression of each word operation."""

from __future__ import annotations

from collections.abc import Callable

from amaranth import C, Cat, Const, Module, Mux, Signal, Value, signed, unsigned

from hwflow.ir.types import Rounding
from hwflow.plan import words as w

__all__ = ["drive", "extended", "shape_of"]


def shape_of(word: w.Word) -> object:
    """The Amaranth shape of a word."""
    return signed(word.width) if word.signed else unsigned(word.width)


def extended(value: Value, width: int) -> Value:
    """The low `width` bits of `value`, sign- or zero-extended, as plain bits."""
    have = len(value)
    if width <= have:
        return value[:width]
    if have and value.shape().signed:
        return Cat(value, value[-1].replicate(width - have))
    return Cat(value, Const(0, width - have))


def drive(m: Module, target: Signal, word: w.Word, read: Callable[[int], Value]) -> None:
    """Make `target` the value of `word`; `read` gives the value of another word by index."""
    width = word.width
    match word.op:
        case w.Shl(a, amount):
            m.d.comb += target.eq(Cat(Const(0, amount), extended(read(a), width - amount)))
        case w.Sum():
            m.d.comb += target.eq(_sum(word.op, width, read))
        case w.Product(a, b):
            m.d.comb += target.eq((read(a) * read(b))[:width])
        case w.Join(a, b, shift):
            joined = _as(read(b), Cat(extended(read(a), shift), read(b)))
            m.d.comb += target.eq(extended(joined, width))
        case w.Digit(a, b, count):
            digits = Cat(*reversed(extended(read(a), count)))
            m.d.comb += target.eq(digits.bit_select(read(b).as_unsigned(), 1))
        case w.Round(a, shift, rounding):
            m.d.comb += target.eq(_round(read(a), shift, rounding, width))
        case w.Clip(a, lo, hi):
            m.d.comb += target.eq(_clip(read(a), lo, hi, width))
        case w.Wrap(a, lo, hi):
            m.d.comb += target.eq(_wrap(read(a), lo, hi, width))
        case w.AtLeast(a, level):
            value = read(a)
            bits = max(len(value), w.width_of(min(level, -1), max(level, 0))) + 1
            m.d.comb += target.eq(extended(value, bits).as_signed() >= C(level, signed(bits)))
        case w.Relation(a, b, equal):
            left, right = _same(read(a), read(b))
            m.d.comb += target.eq(left == right if equal else left > right)
        case w.Max(a, b):
            left, right = _same(read(a), read(b))
            bigger = left > right
            m.d.comb += target.eq(Mux(bigger, extended(read(a), width), extended(read(b), width)))
        case w.Mux(condition, a, b):
            chosen = Mux(read(condition), extended(read(a), width), extended(read(b), width))
            m.d.comb += target.eq(chosen)
        case w.Table(a, start, values):
            _table(m, target, read(a), start, values)
        case _:
            raise AssertionError(word.op)


def _same(a: Value, b: Value) -> tuple[Value, Value]:
    """Both as signed numbers of one width."""
    bits = max(len(a) + (not a.shape().signed), len(b) + (not b.shape().signed))
    return extended(a, bits).as_signed(), extended(b, bits).as_signed()


def _sum(op: w.Sum, width: int, read: Callable[[int], Value]) -> Value:
    a, b = read(op.a), read(op.b)
    if op.subtract and op.a_shift:
        left = extended(Cat(Const(0, op.a_shift), a), width)
        if a.shape().signed:
            left = extended(Cat(Const(0, op.a_shift), a).as_signed(), width)
        return (left - extended(b, width))[:width]
    if op.a_shift:
        a, b, low = b, a, op.a_shift
    else:
        low = op.b_shift
    whole = extended(a, max(width, low))
    if low >= width:
        return whole[:width]
    bits = width - low
    upper, other = whole[low:width], extended(b, bits)
    total = upper - other if op.subtract else upper + other
    return Cat(whole[:low], total[:bits])


def _round(a: Value, shift: int, rounding: Rounding, width: int) -> Value:
    if shift >= len(a):
        a = _as(a, extended(a, shift + 1))
    kept = extended(_as(a, a[shift:]), width)
    half, rest = a[shift - 1], a[: shift - 1].any() if shift > 1 else Const(0, 1)
    sign = a[-1] if a.shape().signed else Const(0, 1)
    match rounding:
        case Rounding.FLOOR:
            return kept
        case Rounding.HALF_UP:
            up = half
        case Rounding.HALF_EVEN:
            up = half & (rest | a[shift])
        case Rounding.HALF_AWAY:
            up = half & (rest | ~sign)
        case Rounding.TOWARD_ZERO:
            up = sign & (half | rest)
    return (kept + extended(up, width))[:width]


def _as(like: Value, value: Value) -> Value:
    return value.as_signed() if like.shape().signed else value.as_unsigned()


def _clip(a: Value, lo: int, hi: int, width: int) -> Value:
    is_signed = a.shape().signed
    if hi >= 0 and hi & (hi + 1) == 0 and lo == 0:
        kept = extended(a, width)
        above = a[width : len(a) - is_signed]
        if len(above):
            kept = kept | above.any().replicate(width)
        return kept & (~a[-1]).replicate(width) if is_signed else kept
    if is_signed and hi >= 0 and hi & (hi + 1) == 0 and lo == -hi - 1 and width < len(a):
        sign, upper = a[-1], a[width - 1 : -1]
        overflow = upper != sign.replicate(len(upper))
        edge = Cat((~sign).replicate(width - 1), sign)
        return Mux(overflow, edge, a[:width])
    bits = max(len(a) + (not is_signed), w.width_of(min(lo, -1), max(hi, 0))) + 1
    value = extended(a, bits).as_signed()
    result = extended(a, width)
    result = Mux(value > C(hi, signed(bits)), C(hi & ((1 << width) - 1), width), result)
    return Mux(value < C(lo, signed(bits)), C(lo & ((1 << width) - 1), width), result)


def _wrap(a: Value, lo: int, hi: int, width: int) -> Value:
    count = (hi - lo).bit_length()
    if lo == 0 or lo == -hi - 1:
        return extended(a, width)
    base = (extended(a, count) - C(lo & ((1 << count) - 1), count))[:count]
    bits = max(width, count + 1)
    return (extended(base, bits) + C(lo & ((1 << bits) - 1), bits))[:width]


def _table(m: Module, target: Signal, a: Value, start: int, values: tuple[int, ...]) -> None:
    mask = (1 << len(a)) - 1
    with m.Switch(a.as_unsigned()):
        for offset, value in enumerate(values[:-1]):
            with m.Case((start + offset) & mask):
                m.d.comb += target.eq(C(value & ((1 << len(target)) - 1), len(target)))
        with m.Default():
            m.d.comb += target.eq(C(values[-1] & ((1 << len(target)) - 1), len(target)))
