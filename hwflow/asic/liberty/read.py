"""A Liberty file as a `Library`: units made uniform, every number checked."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from hwflow.asic.liberty.cells import CellReader, Units
from hwflow.asic.liberty.model import Cell, Library
from hwflow.asic.liberty.scale import check_scale
from hwflow.asic.liberty.syntax import MOST_BYTES, Group, parse
from hwflow.asic.liberty.tables import Tables, number, wrong
from hwflow.errors import InputError, Place

__all__ = ["load_library"]

_UNIT: Final = re.compile(r"\s*([0-9.]+)?\s*([munpfka]?)([A-Za-z]+)\s*\Z")
_PREFIX: Final = {
    "": 1.0,
    "k": 1e3,
    "m": 1e-3,
    "u": 1e-6,
    "n": 1e-9,
    "p": 1e-12,
    "f": 1e-15,
    "a": 1e-18,
}


def load_library(path: Path) -> Library:
    """Read a Liberty file.

    Raises:
        InputError: `liberty.read`, `liberty.syntax`, `liberty.unit`, `liberty.number`,
            `liberty.table`, `liberty.function` or `liberty.cell`, with file and line.
    """
    group = parse(_text(path), path.name)
    if group.kind != "library":
        raise wrong(group, "liberty.syntax", "expected library (name) { ... }")
    if group.attributes.get("delay_model", "table_lookup") != "table_lookup":
        raise wrong(
            group,
            "liberty.table",
            f"found delay_model {group.attributes['delay_model']!r}, expected table_lookup",
            "ask for the library's NLDM version",
        )
    units = _units(group)
    voltage, temperature = _corner(group)
    reader = CellReader(group, units, Tables(group, units.ns, units.pf))
    cells: dict[str, Cell] = {}
    for inner in group.all("cell"):
        if inner.name in cells:
            raise wrong(inner, "liberty.cell", "it is defined twice")
        cells[inner.name] = reader.read(inner)
    check_scale(group, tuple(cells.values()), voltage)
    return Library(group.name, voltage, temperature, cells)


def _text(path: Path) -> str:
    try:
        size = path.stat().st_size
        if size > MOST_BYTES:
            raise _unreadable(path, f"it has {size} bytes, more than {MOST_BYTES}")
        text = path.read_bytes().decode("utf-8", errors="replace")
    except OSError as error:
        raise _unreadable(path, error.strerror or type(error).__name__) from None
    if "\0" in text[:4096] or text.startswith("\x1f"):
        raise _unreadable(path, "it is binary or compressed")
    return text


def _unreadable(path: Path, found: str) -> InputError:
    return InputError(
        "liberty.read",
        f"cannot read the library {path.name}: {found}",
        hint="give a plain Liberty file (.lib); unpack a compressed one",
        place=Place(path.name),
    )


def _units(group: Group) -> Units:
    volts = _unit(group, "voltage_unit", "V", "1V")
    load = group.lists.get("capacitive_load_unit", [()])[-1]
    if len(load) != 2:
        raise _unit_error(group, "capacitive_load_unit", " ".join(load), "(1, pf)")
    farads = _scale(group, "capacitive_load_unit", f"{load[0]}{load[1]}", "F")
    leakage = group.attributes.get("leakage_power_unit")
    watts = _scale(group, "leakage_power_unit", leakage, "W") if leakage else None
    return Units(
        ns=_unit(group, "time_unit", "s") * 1e9,
        pf=farads * 1e12,
        fj=farads * volts * volts * 1e15,
        nw=None if watts is None else watts * 1e9,
    )


def _unit(group: Group, name: str, base: str, default: str = "") -> float:
    return _scale(group, name, group.attributes.get(name, default), base)


def _scale(group: Group, name: str, text: str, base: str) -> float:
    match = _UNIT.match(text)
    if match is None or match[3].lower() != base.lower():
        raise _unit_error(group, name, text, f"such as 1n{base}")
    return round(float(match[1] or 1), 12) * _PREFIX[match[2].lower()]


def _unit_error(group: Group, name: str, found: str, expected: str) -> InputError:
    return wrong(
        group,
        "liberty.unit",
        f"{name}: found {found or 'none'!r}, expected one {expected}",
        "without units no figure of the library means anything",
    )


def _corner(group: Group) -> tuple[float, float]:
    """Volts and degrees C: of the default operating conditions, else the nominal ones."""
    default = group.attributes.get("default_operating_conditions", "")
    found = [g for g in group.all("operating_conditions") if g.name == default]
    sources = (*found, group)
    voltage = _either((number(s, n) for s in sources for n in ("voltage", "nom_voltage")), None)
    if voltage is None or not 0.1 <= voltage <= 20:
        raise wrong(
            group,
            "liberty.unit",
            f"found a supply of {voltage} V, expected nom_voltage from 0.1 to 20",
        )
    celsius = (number(s, n) for s in sources for n in ("temperature", "nom_temperature"))
    return voltage, _either(celsius, 25.0) or 0.0


def _either(values: Iterable[float | None], default: float | None) -> float | None:
    return next((value for value in values if value is not None), default)
