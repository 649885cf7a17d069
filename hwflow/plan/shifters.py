"""Shifts by live amounts and leading zeros, as multiplexers of constant shifts."""

from __future__ import annotations

from hwflow.ir.types import Rounding
from hwflow.plan.circuit_builder import CircuitBuilder

__all__ = ["leading_zeros", "shift_left", "shift_right"]


def shift_left(b: CircuitBuilder, a: int, amount: int) -> int:
    """``a << amount`` by a live amount of at least 0: the shortest shift first, on few bits."""
    (lo, hi), (least, most) = b.bounds(a), b.bounds(amount)
    for k, digit in enumerate(_digits(b, amount)):
        same = least >> k + 1 == most >> k + 1
        above = least >> k + 1 << k + 1
        so_far = (least - above, most - above) if same else (0, (2 << k) - 1)
        within = min(lo << n for n in so_far), max(hi << n for n in so_far)
        a = b.mux(digit, b.shl(a, 1 << k), a, within)
    return a


def shift_right(b: CircuitBuilder, a: int, amount: int) -> int:
    """``floor(a / 2**amount)`` by a live amount of at least 0: the longest shift first.

    What is used of few low bits needs few of every stage but the first.
    """
    (lo, hi), (least, most) = b.bounds(a), b.bounds(amount)
    for k, digit in reversed(list(enumerate(_digits(b, amount)))):
        so_far = least >> k << k, most >> k << k
        within = min(lo >> n for n in so_far), max(hi >> n for n in so_far)
        a = b.mux(digit, b.round(a, 1 << k, Rounding.FLOOR), a, within)
    return a


def _digits(b: CircuitBuilder, a: int) -> list[int]:
    """The binary digits of a word that is never negative, the lowest first."""
    count = b.words[a].width
    return [b.wrap(b.round(a, k, Rounding.FLOOR), 0, 1) for k in range(count)]


def leading_zeros(b: CircuitBuilder, a: int, width: int) -> int:
    """Zero bits above the highest one bit of `a`, seen as `width` unsigned bits."""
    lo, hi = b.bounds(a)
    least, most = width - hi.bit_length(), width - lo.bit_length()
    # Ones below fill up a power of two: one of its bits is set, and halving finds the first.
    steps = width.bit_length()
    ones = (1 << steps) - width
    rest = b.sum(b.shl(a, ones), b.literal((1 << ones) - 1))
    zeros = b.literal(0)
    for step in reversed(range(steps)):
        high = b.round(rest, 1 << step, Rounding.FLOOR)
        some = b.at_least(high, 1)
        zeros = b.join(b.inverted(some), zeros, 1, (least >> step, most >> step))
        rest = b.mux(some, high, b.wrap(rest, 0, (1 << (1 << step)) - 1))
    return zeros
