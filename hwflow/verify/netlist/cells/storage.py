"""What the block-RAM models share: ports of a width, bytes with enables, one reader, one writer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from hwflow.verify.netlist.parts import (
    ONE,
    ZERO,
    Cell,
    Memory,
    Parts,
    Read,
    Table,
    Write,
    refuse,
    table_of,
)

__all__ = ["Port", "both", "expect", "storage"]

_AND: Final = table_of(2, lambda a, b: a & b)


@dataclass(frozen=True, slots=True)
class Port:
    """One side of a block RAM.

    `width` is that of a word, `out` the nets it reads into (empty: nothing reads it), `writes`
    one enable for each data bit (all ZERO: it never writes).
    """

    width: int
    clock: int
    address: tuple[int, ...]
    enable: int
    out: tuple[int, ...]
    data: tuple[int, ...]
    writes: tuple[int, ...]


def both(cell: Cell, tables: list[Table], *nets: int) -> int:
    """The conjunction of nets, through new tables where it is not known."""
    if ZERO in nets:
        return ZERO
    live = [net for net in dict.fromkeys(nets) if net != ONE]
    while len(live) > 1:
        out = cell.fresh()
        tables.append(Table(out, (live[0], live[1]), _AND, cell.name))
        live = [out, *live[2:]]
    return live[0] if live else ONE


def expect(cell: Cell, pins: Sequence[str] = (), **parameters: str) -> None:
    """Refuse the cell unless `pins` are tied low and text parameters are as given or absent."""
    for pin in pins:
        if any(net != ZERO for net in cell.pins.get(pin, ())):
            refuse(cell, pin)
    for name, value in parameters.items():
        if cell.text(name, value) != value:
            refuse(cell, name)


def storage(cell: Cell, tables: list[Table], ports: Sequence[Port], init: int) -> Parts:
    """The memory of a cell whose ports are given; `init` holds one word after another.

    A port may read or write, not both: no recipe emits more, because no memory of a design has
    more than one port of each kind.
    """
    readers = [port for port in ports if port.out]
    writers = [port for port in ports if any(net != ZERO for net in port.writes)]
    if len(readers) > 1 or len(writers) > 1 or any(port in writers for port in readers):
        refuse(cell, "ports")
    if len({port.width for port in (*readers, *writers)}) > 1:
        refuse(cell, "port widths")
    if not readers:
        return Parts()
    (reader,) = readers
    return Parts(
        tables=tuple(tables),
        memories=(
            Memory(
                cell=cell.name,
                width=reader.width,
                init=init,
                clock=reader.clock,
                read=Read(reader.address, reader.out, reader.enable),
                write=Write(writers[0].address, writers[0].data, writers[0].writes)
                if writers
                else None,
            ),
        ),
    )
