"""ECP5: DP16KD, TRELLIS_DPR16X4 and MULT18X18D without registers (FPGA-TN-02204, FPGA-TN-02205)."""

from __future__ import annotations

from typing import Final

from hwflow.verify.netlist.cells.product import product
from hwflow.verify.netlist.cells.storage import Port, both, expect, storage
from hwflow.verify.netlist.parts import (
    ONE,
    ZERO,
    Cell,
    Memory,
    Model,
    Parts,
    Table,
    Write,
    refuse,
)

__all__ = ["MODELS"]

_LOWEST_ADDRESS: Final = {1: 0, 2: 1, 4: 2, 9: 3, 18: 4, 36: 5}
_BYTE: Final = 9
_BYTES: Final = 2048


def _block_ram(cell: Cell) -> Parts:
    expect(
        cell,
        ("RSTA", "RSTB", *(f"CS{port}{n}" for port in "AB" for n in range(3))),
        **{f"REGMODE_{port}": "NOREG" for port in "AB"},
        **{f"CSDECODE_{port}": "0b000" for port in "AB"},
        **{f"CLK{port}MUX": f"CLK{port}" for port in "AB"},
    )
    tables: list[Table] = []
    ports = tuple(_port(cell, tables, side) for side in "AB")
    reading = next((port.width for port in ports if port.out), _BYTE)
    return storage(cell, tables, ports, _contents(cell, reading))


def _port(cell: Cell, tables: list[Table], side: str) -> Port:
    """Words of 36 bits are written through A and read through B, with the pins of both."""
    width = cell.number(f"DATA_WIDTH_{side}", 18)
    if width not in _LOWEST_ADDRESS:
        refuse(cell, f"DATA_WIDTH_{side}")
    address = tuple(cell.pin(f"AD{side}{n}") for n in range(14))
    wide = width == 2 * 18
    sides = "AB" if wide else side
    outs = tuple(f"DO{s}{n}" for s in sides for n in range(18))[:width]
    reads = any(name in cell.pins for name in outs) and not (wide and side == "A")
    enable = cell.pin(f"CE{side}", ONE)
    writing = ZERO if wide and side == "B" else cell.pin(f"WE{side}")
    return Port(
        width=width,
        clock=cell.pin(f"CLK{side}"),
        address=address[_LOWEST_ADDRESS[width] :],
        enable=enable,
        out=tuple(cell.out(name) for name in outs) if reads else (),
        data=tuple(cell.pin(f"DI{s}{n}") for s in sides for n in range(18))[:width],
        writes=tuple(
            both(cell, tables, enable, writing, address[n // _BYTE] if width > _BYTE else ONE)
            for n in range(width)
        ),
    )


def _contents(cell: Cell, width: int) -> int:
    """Bytes of nine bits; words narrower than that leave every ninth bit unused."""
    rows = (cell.number(f"INITVAL_{k:02X}") for k in range(64))
    physical = 0
    for k, row in enumerate(rows):
        for n in range(16):
            physical |= (row >> (20 * n) & 0x3FFFF) << (18 * (16 * k + n))
    if width >= _BYTE:
        return physical
    return sum((physical >> (_BYTE * n) & 0xFF) << (8 * n) for n in range(_BYTES))


def _distributed(cell: Cell) -> Parts:
    expect(cell, WCKMUX="WCK", WREMUX="WRE")
    read = cell.bits("RAD", 4)
    outs = cell.outs("DO", 4)
    write = Write(cell.bits("WAD", 4), cell.bits("DI", 4), (cell.pin("WRE"),) * 4)
    peeks = tuple(Table(net, read, 0, cell.name, memory_bit=n) for n, net in enumerate(outs))
    stored = Memory(cell.name, 4, cell.number("INITVAL"), cell.pin("WCK"), write=write)
    return Parts(peeks, (), (stored,))


def _multiplier(cell: Cell) -> Parts:
    for name in sorted(cell.parameters):
        if name.startswith("REG_") and "CLK" in name and cell.text(name, "NONE") != "NONE":
            refuse(cell, name)
    expect(cell, ("SOURCEA", "SOURCEB"), SOURCEB_MODE="B_SHIFT")
    signed = []
    for pin in ("SIGNEDA", "SIGNEDB"):
        if cell.pin(pin) not in (ZERO, ONE):
            refuse(cell, pin)
        signed.append(cell.pin(pin) == ONE)
    a, b = (tuple(cell.pin(f"{pin}{n}") for n in range(18)) for pin in "AB")
    out = tuple(cell.out(f"P{n}") for n in range(36))
    return Parts(product(cell, a, b, out, signed=(signed[0], signed[1])))


MODELS: Final[dict[str, Model]] = {
    "DP16KD": _block_ram,
    "TRELLIS_DPR16X4": _distributed,
    "MULT18X18D": _multiplier,
}
