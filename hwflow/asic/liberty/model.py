"""What a Liberty library says, in fixed units: ns, pF, um2 (as written), fJ, nW, V, degrees C."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

from hwflow.asic.liberty.boolean import Function

__all__ = [
    "AXES",
    "Axis",
    "Cell",
    "FlipFlop",
    "Floats",
    "InternalPower",
    "Latch",
    "Leakage",
    "Library",
    "Pin",
    "Table",
    "TimingArc",
]

Floats = npt.NDArray[np.float64]
Axis = Literal["slew", "load", "related_slew", "constrained_slew"]
AXES: Final[tuple[Axis, ...]] = ("slew", "load", "related_slew", "constrained_slew")
"""Axes in the order in which tables have them: input transition in ns, output load in pF, and
for constraints the transitions of the related (clock) and of the constrained pin in ns."""


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """`values[i, j, ...]` at `points[0][i], points[1][j], ...` along `axes`; none: a constant.

    Axes stand in the order of AXES whatever the file's order was; points increase. The unit of
    the values is that of the owner (ns or fJ).
    """

    axes: tuple[Axis, ...]
    points: tuple[Floats, ...]
    values: Floats

    def at(self, **where: float | Floats) -> Floats:
        """Linear interpolation (beyond the outermost points: extrapolation), as Liberty tools do.

        Axes that are not given stand at their first point; axes that the table lacks are ignored.
        Arrays broadcast against each other.
        """
        shape = np.broadcast_shapes(*(np.shape(value) for value in where.values()))
        low: list[npt.NDArray[np.int64]] = []
        share: list[Floats] = []
        for axis, points in zip(self.axes, self.points, strict=True):
            place = np.broadcast_to(where.get(axis, points[0]), shape)
            last = max(len(points) - 2, 0)
            low.append(np.clip(np.searchsorted(points, place, side="right") - 1, 0, last))
            step = points[low[-1] + 1] - points[low[-1]] if len(points) > 1 else 1.0
            share.append((place - points[low[-1]]) / step if len(points) > 1 else np.zeros(shape))
        total: Floats = np.zeros(shape)
        for corner in itertools.product((0, 1), repeat=len(self.axes)):
            weight: Floats = np.ones(shape)
            for high, part in zip(corner, share, strict=True):
                weight = weight * (part if high else 1.0 - part)
            index = tuple(
                np.minimum(at + high, len(points) - 1)
                for at, high, points in zip(low, corner, self.points, strict=True)
            )
            total = total + weight * self.values[index]
        return total


@dataclass(frozen=True, slots=True, eq=False)
class TimingArc:
    """A `timing` group: tables in ns, None where absent.

    `kind` is Liberty's `timing_type` ("combinational", "rising_edge", "setup_rising", ...), `sense`
    its `timing_sense` ("" where not given).
    """

    related_pins: tuple[str, ...]
    kind: str
    sense: str
    when: Function | None
    cell_rise: Table | None = None
    cell_fall: Table | None = None
    rise_transition: Table | None = None
    fall_transition: Table | None = None
    rise_constraint: Table | None = None
    fall_constraint: Table | None = None


@dataclass(frozen=True, slots=True, eq=False)
class InternalPower:
    """An `internal_power` group of a pin: energy in fJ of one transition of that pin.

    On an output pin `related_pins` are the inputs that cause the transition; on an input pin there
    are none, and the energy is that of the pin's own transition that changes no output. Entries may
    be negative. None: no energy is stated for that direction.
    """

    related_pins: tuple[str, ...]
    when: Function | None
    rise: Table | None
    fall: Table | None


@dataclass(frozen=True, slots=True)
class Leakage:
    """Leakage power in nW while `when` holds (None: in the states that no other entry covers).

    `supply` is the power pin it is drawn from, "" where the library has one: entries of different
    supplies add up.
    """

    nw: float
    when: Function | None
    supply: str = ""


@dataclass(frozen=True, slots=True)
class FlipFlop:
    """An `ff` group: `state` and its inverse are the names that output functions use.

    `both` tells the state while clear and preset hold: "L", "H", "N", "T", "X" or "".
    """

    state: str
    inverse: str
    clocked_on: Function
    next_state: Function
    clear: Function | None = None
    preset: Function | None = None
    both: str = ""


@dataclass(frozen=True, slots=True)
class Latch:
    """A `latch` group, transparent while `enable` holds; None where only clear and preset act."""

    state: str
    inverse: str
    enable: Function | None
    data_in: Function | None
    clear: Function | None = None
    preset: Function | None = None
    both: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Pin:
    """A pin; capacitances in pF (rise and fall are the plain one where not given).

    `function` of an output may name inputs and the state variables of the cell. `max_capacitance`
    in pF and `max_transition` in ns are None where not given. `gating` is what the pin of an
    integrated clock gate is for: "clock", "enable", "test" or "out", "" for any other.
    """

    name: str
    direction: Literal["input", "output", "inout", "internal"]
    capacitance: float
    rise_capacitance: float
    fall_capacitance: float
    max_capacitance: float | None
    max_transition: float | None
    clock: bool
    gating: str
    function: Function | None
    three_state: Function | None
    timing: tuple[TimingArc, ...]
    internal_power: tuple[InternalPower, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Cell:
    """A cell. `area` in um2 as written, `leakage_nw` the cell's average leakage (None: not given).

    `unread` names kinds of groups that were not read (bus, bundle, statetable, ...): what such a
    cell does is not known here. `scan` says that it has a test_cell, `clock_gate` is Liberty's
    kind of an integrated clock gate, "" for other cells.
    """

    name: str
    area: float
    pins: Mapping[str, Pin]
    ff: FlipFlop | None
    latch: Latch | None
    leakage_nw: float | None
    leakage: tuple[Leakage, ...]
    dont_use: bool = False
    scan: bool = False
    clock_gate: str = ""
    unread: tuple[str, ...] = ()

    @property
    def inputs(self) -> tuple[str, ...]:
        """Input pins in the file's order."""
        return tuple(pin.name for pin in self.pins.values() if pin.direction == "input")

    @property
    def outputs(self) -> tuple[str, ...]:
        """Output pins in the file's order."""
        return tuple(pin.name for pin in self.pins.values() if pin.direction == "output")

    @property
    def clocks(self) -> tuple[str, ...]:
        """Input pins that clock it: a flip-flop's, a latch's, or an integrated clock gate's."""
        if self.ff is not None:
            return self.ff.clocked_on.inputs
        if self.transparent is not None and self.transparent.enable is not None:
            return self.transparent.enable.inputs
        return tuple(name for name in self.inputs if self.pins[name].gating == "clock")

    @property
    def transparent(self) -> Latch | None:
        """Its latch; None for an integrated clock gate, whatever it has inside."""
        return None if self.clock_gate else self.latch

    @property
    def combinational(self) -> bool:
        """Whether every output is a plain function of the inputs."""
        if self.ff or self.latch or self.unread or self.clock_gate or not self.outputs:
            return False
        pins = [self.pins[name] for name in self.outputs]
        known = set(self.inputs)
        return all(
            p.function is not None and p.three_state is None and known.issuperset(p.function.inputs)
            for p in pins
        )


@dataclass(frozen=True, slots=True, eq=False)
class Library:
    """A library at one corner: V, degrees C, and its cells by name in the file's order."""

    name: str
    voltage: float
    temperature: float
    cells: Mapping[str, Cell]
