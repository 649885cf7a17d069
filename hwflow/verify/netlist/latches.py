"""Transparent latches that open while their gated clock is high, the half cycle after its edge.

What such a latch takes is its data after the edge, where a flip-flop would have taken it before;
from then on it holds. In the simulator each is two words of state: what it holds, and whether its
clock gate let the last edge through, in which case it shows its data.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Final

from hwflow.errors import ToolFailed
from hwflow.verify.netlist.parts import ONE, ZERO, Register, Table, table_of

__all__ = ["Latch", "simulated"]

_SHOWN: Final = table_of(3, lambda held, data, opened: data if opened else held)


@dataclass(frozen=True, slots=True)
class Latch:
    """`register` is the flip-flop that would stand in its place: its `q` is the latch's output.

    `held` and `opened` are the nets of its state in the simulator.
    """

    register: Register
    held: int
    opened: int


def simulated(
    wanted: Iterable[Register], fresh: Callable[[], int]
) -> tuple[list[Latch], list[Register], list[Table]]:
    """The latches, and the registers and tables that they are made of.

    Raises:
        ToolFailed: `netlist.mode` for a latch that no clock gate closes.
    """
    latches: list[Latch] = []
    registers: list[Register] = []
    tables: list[Table] = []
    opened: dict[tuple[int, int, int], int] = {}
    for register in wanted:
        if register.enable == ONE:
            raise ToolFailed(
                "netlist.mode",
                f"the latch {register.cell!r} is open in every cycle, a mode without a model",
                hint="latches stand behind clock gates",
            )
        key = register.clock, register.enable, register.gate
        if key not in opened:
            opened[key] = fresh()
            clock = replace(register, q=opened[key], d=register.enable, enable=ONE, init=0)
            registers.append(clock)
        held = fresh()
        pins = held, register.d, opened[key]
        tables.append(Table(register.q, pins, _SHOWN, register.cell))
        registers.append(replace(register, q=held, d=register.q, enable=ONE, gate=ZERO))
        latches.append(Latch(register, held, opened[key]))
    return latches, registers, tables
