"""Xilinx: RAMB18/36, LUT RAMs and DSP48 as a multiplier (UG473, UG474, UG479, UG573, UG579)."""

from __future__ import annotations

from typing import Final

from hwflow.verify.netlist.cells.product import product
from hwflow.verify.netlist.cells.storage import Port, both, expect, storage
from hwflow.verify.netlist.parts import (
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

# Read data, its parity, write data, its parity: of port A and port B.
_PINS: Final = {
    "1": (
        ("DOADO", "DOPADOP", "DIADI", "DIPADIP"),
        ("DOBDO", "DOPBDOP", "DIBDI", "DIPBDIP"),
    ),
    "2": (
        ("DOUTADOUT", "DOUTPADOUTP", "DINADIN", "DINPADINP"),
        ("DOUTBDOUT", "DOUTPBDOUTP", "DINBDIN", "DINPBDINP"),
    ),
}
_RESETS: Final = ("RSTRAMARSTRAM", "RSTRAMB", "RSTREGARSTREG", "RSTREGB", "SLEEP")
# P = A * B and nothing else.
_MULTIPLY: Final = 0b000000101


def _block_ram(cell: Cell) -> Parts:
    expect(cell, _RESETS, RAM_EXTENSION_A="NONE", RAM_EXTENSION_B="NONE")
    for name in sorted(cell.parameters):
        zero = name.startswith("IS_") or name in ("DOA_REG", "DOB_REG", "INIT_A", "INIT_B")
        if zero and cell.number(name):
            refuse(cell, name)
    tables: list[Table] = []
    ports = tuple(_port(cell, tables, index) for index in range(2))
    reading = next((port.width for port in ports if port.out), 1)
    return storage(cell, tables, ports, _contents(cell, reading))


def _port(cell: Cell, tables: list[Table], index: int) -> Port:
    """One port; a word of twice the port's pins is read through A and written through B."""
    side, full = "AB"[index], 36 if cell.kind.startswith("RAMB36") else 18
    address_pin = ("ADDRARDADDR", "ADDRBWRADDR")[index]
    enable = cell.pin(("ENARDEN", "ENBWREN")[index])
    reads, writes = cell.number(f"READ_WIDTH_{side}"), cell.number(f"WRITE_WIDTH_{side}")
    strobes = cell.pins.get(("WEA", "WEBWE")[index], ())
    out = _pins(cell, index, reads, 0) if reads and (reads <= full or index == 0) else ()
    live = writes and any(net != ZERO for net in strobes) and (writes <= full or index == 1)
    width = writes if live else reads
    address = cell.bits(address_pin, 15)[: 15 if full > 18 else 14]
    data = _pins(cell, index, writes, 2) if live else ()
    enables = [both(cell, tables, enable, net) for net in strobes] if live else []
    return Port(
        width=width,
        clock=cell.pin(("CLKARDCLK", "CLKBWRCLK")[index]),
        address=address[max(0, _data_bits(width).bit_length() - 1) :],
        enable=enable,
        out=out,
        data=data,
        writes=tuple(enables[byte] for byte in _bytes_of(width)) if live else (),
    )


def _pins(cell: Cell, index: int, width: int, kind: int) -> tuple[int, ...]:
    """Data bits, then parity bits, of a word; empty for an output that nothing reads."""
    pairs = _PINS[cell.kind[-1]]
    full = 36 if cell.kind.startswith("RAMB36") else 18
    sides = pairs if width > full else (pairs[index],)
    data, parity = _data_bits(width), width - _data_bits(width)
    if kind == 0 and not any(side[k] in cell.pins for side in sides for k in (0, 1)):
        return ()
    bits: list[int] = []
    for place, count, size in ((kind, data, full * 8 // 9), (kind + 1, parity, full // 9)):
        nets = [net for side in sides for net in _pin(cell, side[place], size, kind == 0)]
        bits += nets[:count]
    return tuple(bits)


def _pin(cell: Cell, name: str, size: int, output: bool) -> tuple[int, ...]:
    """Yosys' maps connect some pins wider than they are."""
    return cell.outs(name, size)[:size] if output else cell.bits(name, size)[:size]


def _data_bits(width: int) -> int:
    return width if width < 9 else width * 8 // 9


def _bytes_of(width: int) -> list[int]:
    """The byte of each bit of a word: data bits first, then one parity bit a byte."""
    if width < 9:
        return [0] * width
    return [n // 8 for n in range(_data_bits(width))] + list(range(width // 9))


def _contents(cell: Cell, width: int) -> int:
    scale = 2 if cell.kind.startswith("RAMB36") else 1
    data = sum(cell.number(f"INIT_{k:02X}") << (256 * k) for k in range(64 * scale))
    parity = sum(cell.number(f"INITP_{k:02X}") << (256 * k) for k in range(8 * scale))
    d = _data_bits(width)
    p = width - d
    words = (
        (data >> (d * row) & (1 << d) - 1) | ((parity >> (p * row) & (1 << p) - 1) << d)
        for row in range(16384 * scale // max(1, d))
    )
    return sum(word << (width * row) for row, word in enumerate(words))


def _lut_ram(cell: Cell) -> Parts:
    """RAM32M, RAM64M, RAM32M16, RAM64M8: the last letter's address is the one written."""
    letters = "ABCDEFGH" if cell.kind in ("RAM32M16", "RAM64M8") else "ABCD"
    depth, width = (32, 2) if "32" in cell.kind else (64, 1)
    bits = depth.bit_length() - 1
    tables: list[Table] = []
    data: list[int] = []
    contents = [0] * depth
    for letter in letters:
        init = cell.number(f"INIT_{letter}")
        address, outs = cell.bits(f"ADDR{letter}", bits), cell.pins.get(f"DO{letter}", ())
        for n in range(width):
            if n < len(outs):
                place = len(data)
                tables.append(Table(outs[n], address, 0, cell.name, memory_bit=place))
            for row in range(depth):
                contents[row] |= (init >> (width * row + n) & 1) << len(data)
            data.append(cell.bits(f"DI{letter}", width)[n])
    if cell.number("IS_WCLK_INVERTED"):
        refuse(cell, "IS_WCLK_INVERTED")
    total = len(data)
    write = Write(cell.bits(f"ADDR{letters[-1]}", bits), tuple(data), (cell.pin("WE"),) * total)
    init = sum(word << (total * row) for row, word in enumerate(contents))
    return Parts(
        tuple(tables), (), (Memory(cell.name, total, init, cell.pin("WCLK"), None, write),)
    )


def _dual_port_lut_ram(cell: Cell) -> Parts:
    """RAM64X1D and RAM128X1D: written at A, read at DPRA; the output at A stays unread."""
    bits = 7 if cell.kind == "RAM128X1D" else 6
    if "SPO" in cell.pins or cell.number("IS_WCLK_INVERTED"):
        refuse(cell, "SPO")
    wide = bits > 6
    read = cell.bits("DPRA", bits) if wide else tuple(cell.pin(f"DPRA{n}") for n in range(bits))
    at = cell.bits("A", bits) if wide else tuple(cell.pin(f"A{n}") for n in range(bits))
    write = Write(at, (cell.pin("D"),), (cell.pin("WE"),))
    table = Table(cell.out("DPO"), read, 0, cell.name, memory_bit=0)
    stored = Memory(cell.name, 1, cell.number("INIT"), cell.pin("WCLK"), None, write)
    return Parts((table,), (), (stored,))


def _multiplier(cell: Cell) -> Parts:
    for name in sorted(cell.parameters):
        if name.endswith("REG") and cell.number(name):
            refuse(cell, name)
    expect(cell, ("INMODE", "ALUMODE", "CARRYIN", "CARRYINSEL"), A_INPUT="DIRECT", B_INPUT="DIRECT")
    expect(cell, USE_MULT="MULTIPLY", USE_SIMD="ONE48", AMULTSEL="A", BMULTSEL="B")
    if sum(net << k for k, net in enumerate(cell.pins.get("OPMODE", ()))) != _MULTIPLY:
        refuse(cell, "OPMODE")
    width = 27 if cell.kind == "DSP48E2" else 25
    a, b = cell.bits("A", 30)[:width], cell.bits("B", 18)
    return Parts(product(cell, a, b, cell.outs("P", 48), signed=(True, True)))


MODELS: Final[dict[str, Model]] = {
    **{f"RAMB{size}E{version}": _block_ram for size in (18, 36) for version in (1, 2)},
    **dict.fromkeys(("RAM32M", "RAM64M", "RAM32M16", "RAM64M8"), _lut_ram),
    **dict.fromkeys(("RAM64X1D", "RAM128X1D"), _dual_port_lut_ram),
    **dict.fromkeys(("DSP48E1", "DSP48E2"), _multiplier),
}
