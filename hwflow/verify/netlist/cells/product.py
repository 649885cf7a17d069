"""Multiplier cells as gates: an array of adders over the bits that the operands really have."""

from __future__ import annotations

from typing import Final

from hwflow.verify.netlist.parts import ONE, ZERO, Cell, Table, table_of

__all__ = ["product"]

_AND: Final = table_of(2, lambda a, b: a & b)
_NAND: Final = table_of(2, lambda a, b: 1 - (a & b))
_XOR: Final = table_of(2, lambda a, b: a ^ b)
_XOR3: Final = table_of(3, lambda a, b, c: a ^ b ^ c)
_MAJORITY: Final = table_of(3, lambda a, b, c: int(a + b + c >= 2))


def product(
    cell: Cell,
    a: tuple[int, ...],
    b: tuple[int, ...],
    out: tuple[int, ...],
    *,
    signed: tuple[bool, bool],
) -> tuple[Table, ...]:
    """`out` = a * b, modulo its width; `signed` says which operands are two's complement.

    Sign bits that only repeat and upper zeros are dropped first, so that an 8x8 product costs the
    same in a cell of 18x18. Negative partial products are taken inverted and corrected by
    constants (Baugh and Wooley, 1973).
    """
    a, b = _effective(a, signed[0]), _effective(b, signed[1])
    columns: list[list[int]] = [[] for _ in out]
    tables: list[Table] = []
    width = len(a) + len(b)
    for i, bit_a in enumerate(a):
        for j, bit_b in enumerate(b):
            if i + j >= len(out):
                continue
            negative = (signed[0] and i == len(a) - 1) != (signed[1] and j == len(b) - 1)
            net = cell.fresh()
            tables.append(Table(net, (bit_a, bit_b), _NAND if negative else _AND, cell.name))
            columns[i + j].append(net)
    for place in _corrections(len(a), len(b), signed):
        if place < len(columns):
            columns[place].append(ONE)
    sums = _summed(cell, columns[:width], tables)
    top = sums[-1] if any(signed) else ZERO
    for place, net in enumerate(out):
        source = sums[place] if place < len(sums) else top
        tables.append(Table(net, (source,), 0b10, cell.name))
    return tuple(tables)


def _effective(bits: tuple[int, ...], signed: bool) -> tuple[int, ...]:
    """The operand without repeated sign bits or upper zeros; one bit at least."""
    while len(bits) > 1 and (bits[-1] == bits[-2] if signed else bits[-1] == ZERO):
        bits = bits[:-1]
    return bits


def _corrections(a: int, b: int, signed: tuple[bool, bool]) -> tuple[int, ...]:
    """Places of the ones that make up for inverted partial products, modulo 2**(a + b)."""
    if not any(signed):
        return ()
    lowest = [places - 1 for places, negative in zip((a, b), signed, strict=True) if negative]
    return (*lowest, a + b - 1)


def _summed(cell: Cell, columns: list[list[int]], tables: list[Table]) -> list[int]:
    """One net per column: full and half adders, carries go to the next column."""
    sums: list[int] = []
    for place, column in enumerate(columns):
        waiting = list(column)
        while len(waiting) > 1:
            ins = tuple(waiting[:3])
            total, carry = cell.fresh(), cell.fresh()
            three = len(ins) == 3
            tables.append(Table(total, ins, _XOR3 if three else _XOR, cell.name))
            tables.append(Table(carry, ins, _MAJORITY if three else _AND, cell.name))
            waiting = [*waiting[3:], total]
            if place + 1 < len(columns):
                columns[place + 1].append(carry)
        sums.append(waiting[0] if waiting else ZERO)
    return sums
