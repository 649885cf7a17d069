"""Registers behind clock gates as registers with an enable, on the clock itself."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import cache
from typing import Final

from hwflow.errors import ToolFailed
from hwflow.verify.netlist.parts import ONE, ZERO, ClockGate, Register, Table, table_of

__all__ = ["through_gates"]

_BUFFER: Final = 0b10
_AND: Final = table_of(2, lambda a, b: a & b)
_OR: Final = table_of(2, lambda a, b: a | b)


def through_gates(
    registers: Iterable[Register],
    gates: Iterable[ClockGate],
    tables: Iterable[Table],
    fresh: Callable[[], int],
) -> tuple[list[Register], list[Table]]:
    """Follow each register's clock back through buffers and gates, however many.

    It loads where all of the gates are open (and clear or preset, which need no clock, act all the
    same). Returns the registers and the tables that their enables need.

    Raises:
        ToolFailed: `netlist.loop` for a gate that clocks itself.
    """
    gate_of = {gate.out: gate for gate in gates}
    buffers = {t.out: t.ins[0] for t in tables if len(t.ins) == 1 and t.init == _BUFFER}
    made: list[Table] = []

    @cache
    def joined(init: int, one: int, other: int) -> int:
        made.append(Table(fresh(), (one, other), init, "clock gates"))
        return made[-1].out

    @cache
    def source(clock: int) -> tuple[int, int, int]:
        """The clock that `clock` comes from, the enable that lets it through, the nearest gate."""
        enable, nearest, seen = ONE, ZERO, set[int]()
        while clock in gate_of or clock in buffers:
            if clock in seen:
                raise ToolFailed("netlist.loop", "a clock gate is clocked by itself")
            seen.add(clock)
            if clock in buffers:
                clock = buffers[clock]
                continue
            gate = gate_of[clock]
            nearest = nearest or gate.out
            enable = gate.enable if enable == ONE else joined(_AND, enable, gate.enable)
            clock = gate.clock
        return clock, enable, nearest

    def one(register: Register) -> Register:
        clock, enable, gate = source(register.clock)
        if enable != ONE and register.always != ZERO:
            enable = joined(_OR, enable, register.always)
        if enable != ONE and register.enable != ONE:
            enable = joined(_AND, enable, register.enable)
        if enable == ONE:
            enable = register.enable
        return replace(register, clock=clock, enable=enable, gate=gate)

    return [one(register) for register in registers], made
