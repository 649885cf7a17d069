"""iCE40: SB_RAM40_4K and SB_MAC16 as a multiplier (memory and DSP usage guides, Lattice)."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from hwflow.verify.netlist.cells.product import product
from hwflow.verify.netlist.cells.storage import Port, both, expect, storage
from hwflow.verify.netlist.parts import (
    ZERO,
    Cell,
    Model,
    Parts,
    Register,
    Table,
    mux,
    refuse,
    table_of,
)

__all__ = ["MODELS"]

_ROWS: Final = 256
_AND_NOT: Final = table_of(2, lambda a, b: a & (1 - b))
# In a word of 16 >> mode bits, bit j stands on pin (j << mode) + _FIRST[mode].
_FIRST: Final = (0, 0, 1, 3)
_REGISTERS: Final = (
    *(f"{pin}_REG" for pin in "ABCD"),
    *("TOP_8x8_MULT_REG", "BOT_8x8_MULT_REG"),
    *("PIPELINE_16x16_MULT_REG1", "PIPELINE_16x16_MULT_REG2"),
    *("MODE_8x8", "NEG_TRIGGER"),
)
_PRODUCT_OUT: Final = 3


def _ram(cell: Cell) -> Parts:
    tables: list[Table] = []
    read, write = cell.number("READ_MODE"), cell.number("WRITE_MODE")
    outs = _word(cell.outs("RDATA", 16), read) if "RDATA" in cell.pins else ()
    writing = both(cell, tables, cell.pin("WE"), cell.pin("WCLKE", 1))
    reading = both(cell, tables, cell.pin("RE"), cell.pin("RCLKE", 1))
    registers: tuple[Register, ...] = ()
    if outs and read and writing and not write:
        # Words of one bit: 16 are written under a mask, two of them are read.
        outs, registers = _selected(cell, tables, outs, read, reading)
        read = 0
    ports = (
        Port(
            width=16 >> read,
            clock=cell.pin("RCLK"),
            address=cell.bits("RADDR", 11)[: 8 + read],
            enable=reading,
            out=outs,
            data=(),
            writes=(),
        ),
        Port(
            width=16 >> write,
            clock=cell.pin("WCLK"),
            address=cell.bits("WADDR", 11)[: 8 + write],
            enable=writing,
            out=(),
            data=_word(cell.bits("WDATA", 16), write),
            writes=_enables(cell, tables, writing, write),
        ),
    )
    return replace(storage(cell, tables, ports, _contents(cell, read)), registers=registers)


def _selected(
    cell: Cell, tables: list[Table], outs: tuple[int, ...], mode: int, enable: int
) -> tuple[tuple[int, ...], tuple[Register, ...]]:
    """New nets for a whole physical word, of which registered address bits select `outs`."""
    whole = tuple(cell.fresh() for _ in range(16))
    upper = cell.bits("RADDR", 11)[8 : 8 + mode]
    clock = cell.pin("RCLK")
    registers = tuple(
        Register(cell.fresh(), net, enable, ZERO, 0, 0, clock, cell.name) for net in upper
    )
    for place, out in enumerate(outs):
        level = list(whole[place << mode : (place + 1) << mode])
        for register in registers:
            nets = [out] if len(level) == 2 else [cell.fresh() for _ in level[::2]]
            pairs = zip(nets, level[::2], level[1::2], strict=True)
            tables += [mux(cell, net, low, high, register.q) for net, low, high in pairs]
            level = nets
    return whole, registers


def _word(pins: tuple[int, ...], mode: int) -> tuple[int, ...]:
    return pins[_FIRST[mode] :: 1 << mode]


def _enables(cell: Cell, tables: list[Table], writing: int, mode: int) -> tuple[int, ...]:
    """Only words of 16 bits have a mask, low where a bit is written."""
    if mode or not writing:
        return (writing,) * (16 >> mode)
    masks = cell.bits("MASK", 16)
    enables = {mask: cell.fresh() for mask in masks}
    tables += [Table(net, (writing, m), _AND_NOT, cell.name) for m, net in enables.items()]
    return tuple(enables[mask] for mask in masks)


def _contents(cell: Cell, mode: int) -> int:
    """Narrow words interleave: address bits 8 and up select every (1 << mode)-th bit."""
    physical = sum(cell.number(f"INIT_{k:X}") << (256 * k) for k in range(16))
    width = 16 >> mode
    contents = 0
    for row in range(_ROWS << mode):
        word = physical >> (16 * (row % _ROWS)) & 0xFFFF
        bits = (word >> ((j << mode) + row // _ROWS) & 1 for j in range(width))
        contents |= sum(bit << j for j, bit in enumerate(bits)) << (row * width)
    return contents


def _multiplier(cell: Cell) -> Parts:
    for name in _REGISTERS:
        if cell.number(name):
            refuse(cell, name)
    for name in ("TOPOUTPUT_SELECT", "BOTOUTPUT_SELECT"):
        if cell.number(name) != _PRODUCT_OUT:
            refuse(cell, name)
    expect(cell, ("IRSTTOP", "IRSTBOT", "ORSTTOP", "ORSTBOT"))
    signed = (bool(cell.number("A_SIGNED")), bool(cell.number("B_SIGNED")))
    a, b = cell.bits("A", 16), cell.bits("B", 16)
    return Parts(product(cell, a, b, cell.outs("O", 32), signed=signed))


MODELS: Final[dict[str, Model]] = {"SB_RAM40_4K": _ram, "SB_MAC16": _multiplier}
