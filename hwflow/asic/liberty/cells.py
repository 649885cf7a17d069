"""Cell groups into `Cell`."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Final, Literal, cast

from hwflow.asic.liberty.boolean import Function, function_of
from hwflow.asic.liberty.model import (
    Cell,
    FlipFlop,
    InternalPower,
    Latch,
    Leakage,
    Pin,
    TimingArc,
)
from hwflow.asic.liberty.syntax import Group
from hwflow.asic.liberty.tables import Tables, number, wrong

__all__ = ["CellReader", "Units"]

Direction = Literal["input", "output", "inout", "internal"]
_DIRECTIONS: Final = ("input", "output", "inout", "internal")
_UNREAD: Final = ("bus", "bundle", "statetable", "ff_bank", "latch_bank", "memory")
_TRUE: Final = "true"
_GATING: Final = ("clock", "enable", "test", "out")


@dataclass(frozen=True, slots=True)
class Units:
    """The library's units in ns, pF, fJ and nW (None: it states no unit of leakage)."""

    ns: float
    pf: float
    fj: float
    nw: float | None


class CellReader:
    """Reads the cells of one library, whose defaults they take."""

    def __init__(self, library: Group, units: Units, tables: Tables) -> None:
        self._units = units
        self._tables = tables
        self._input_load = number(library, "default_input_pin_cap") or 0.0
        self._slowest = number(library, "default_max_transition")
        self._largest = number(library, "default_max_capacitance")

    def read(self, group: Group) -> Cell:
        """One cell.

        Raises:
            InputError: `liberty.cell`, `liberty.number`, `liberty.table` or `liberty.function`.
        """
        area = number(group, "area")
        if area is None or area < 0 or not group.name:
            raise wrong(group, "liberty.cell", "expected a name and an area of at least 0")
        pins = {
            name: self._pin(inner, name) for inner in group.all("pin") for name in inner.arguments
        }
        average = number(group, "cell_leakage_power")
        return Cell(
            name=group.name,
            area=area,
            pins=pins,
            ff=_flip_flop(group),
            latch=_latch(group),
            leakage_nw=None if average is None or not self._units.nw else average * self._units.nw,
            leakage=tuple(self._leakage(inner) for inner in group.all("leakage_power"))
            if self._units.nw
            else (),
            dont_use=_true(group, "dont_use"),
            scan=bool(group.all("test_cell")),
            clock_gate=group.attributes.get("clock_gating_integrated_cell", ""),
            unread=tuple(kind for kind in _UNREAD if group.all(kind)),
        )

    def _leakage(self, group: Group) -> Leakage:
        value = number(group, "value")
        if value is None:
            raise wrong(group, "liberty.cell", "expected a value")
        supply = group.attributes.get("related_pg_pin", "")
        return Leakage(value * (self._units.nw or 0.0), _optional(group, "when"), supply)

    def _pin(self, group: Group, name: str) -> Pin:
        direction = group.attributes.get("direction", "")
        if direction not in _DIRECTIONS:
            found = direction or "none"
            raise wrong(group, "liberty.cell", f"found direction {found!r}, expected {_DIRECTIONS}")
        plain = self._load(group, "capacitance")
        if plain is None:
            plain = self._input_load * self._units.pf if direction == "input" else 0.0
        slowest = number(group, "max_transition")
        slowest = self._slowest if slowest is None else slowest
        largest = number(group, "max_capacitance")
        if largest is None and direction == "output":
            largest = self._largest
        rise, fall = self._load(group, "rise_capacitance"), self._load(group, "fall_capacitance")
        return Pin(
            name=name,
            direction=cast("Direction", direction),
            capacitance=plain,
            rise_capacitance=plain if rise is None else rise,
            fall_capacitance=plain if fall is None else fall,
            max_capacitance=None if largest is None else largest * self._units.pf,
            max_transition=None if slowest is None else slowest * self._units.ns,
            clock=_true(group, "clock"),
            gating=next((k for k in _GATING if _true(group, f"clock_gate_{k}_pin")), ""),
            function=_optional(group, "function"),
            three_state=_optional(group, "three_state"),
            timing=tuple(self._arc(inner) for inner in group.all("timing")),
            internal_power=tuple(self._power(inner) for inner in group.all("internal_power")),
        )

    def _load(self, group: Group, name: str) -> float | None:
        found = number(group, name)
        if found is not None and found < 0:
            raise wrong(group, "liberty.number", f"{name} is {found:g}, expected at least 0")
        return None if found is None else found * self._units.pf

    def _arc(self, group: Group) -> TimingArc:
        read, ns = self._tables.read, self._units.ns
        return TimingArc(
            related_pins=_pins(group),
            kind=group.attributes.get("timing_type", "combinational"),
            sense=group.attributes.get("timing_sense", ""),
            when=_optional(group, "when"),
            cell_rise=read(group.first("cell_rise"), ns),
            cell_fall=read(group.first("cell_fall"), ns),
            rise_transition=read(group.first("rise_transition"), ns),
            fall_transition=read(group.first("fall_transition"), ns),
            rise_constraint=read(group.first("rise_constraint"), ns),
            fall_constraint=read(group.first("fall_constraint"), ns),
        )

    def _power(self, group: Group) -> InternalPower:
        read, fj = self._tables.read, self._units.fj
        both = group.first("power")
        return InternalPower(
            related_pins=_pins(group),
            when=_optional(group, "when"),
            rise=read(group.first("rise_power") or both, fj),
            fall=read(group.first("fall_power") or both, fj),
        )


def _true(group: Group, name: str) -> bool:
    return group.attributes.get(name, "").lower() == _TRUE


def _pins(group: Group) -> tuple[str, ...]:
    return tuple(group.attributes.get("related_pin", "").split())


def _flip_flop(group: Group) -> FlipFlop | None:
    found = group.first("ff")
    if found is None:
        return None
    return FlipFlop(
        *_states(found),
        clocked_on=_function(found, "clocked_on"),
        next_state=_function(found, "next_state"),
        clear=_optional(found, "clear"),
        preset=_optional(found, "preset"),
        both=found.attributes.get("clear_preset_var1", ""),
    )


def _latch(group: Group) -> Latch | None:
    found = group.first("latch")
    if found is None:
        return None
    return Latch(
        *_states(found),
        enable=_optional(found, "enable"),
        data_in=_optional(found, "data_in"),
        clear=_optional(found, "clear"),
        preset=_optional(found, "preset"),
        both=found.attributes.get("clear_preset_var1", ""),
    )


def _states(group: Group) -> tuple[str, str]:
    if len(group.arguments) != 2:
        raise wrong(group, "liberty.cell", "expected the names of its state and of the inverse")
    return group.arguments[0], group.arguments[1]


def _function(group: Group, name: str) -> Function:
    found = _optional(group, name)
    if found is None:
        raise wrong(group, "liberty.cell", f"expected {name}")
    return found


def _optional(group: Group, name: str) -> Function | None:
    text = group.attributes.get(name, "").strip()
    if not text:
        return None
    try:
        return _expression(text)
    except ValueError as error:
        raise wrong(group, "liberty.function", f"{name} is {text[:60]!r}: {error}") from None


@cache
def _expression(text: str) -> Function:
    """`function_of`, remembered: libraries repeat few expressions often."""
    return function_of(text)
