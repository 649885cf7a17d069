"""Energy per inference, its range, and what it goes into."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import log
from pathlib import Path

from hwflow.report.artifacts import Record, read
from hwflow.report.figures import Figure, metric

__all__ = [
    "EnergyMove",
    "EnergyShare",
    "EnergyView",
    "energy_figures",
    "layer_energy",
    "read_energy",
]

_SOURCE = "energy/energy.json"
_LANDAUER = 1.380649e-23 * 300 * log(2)
"""Joules an erased bit at 300 K (k T ln 2)."""


@dataclass(frozen=True, slots=True)
class EnergyShare:
    """One kind of element: pJ an inference, the range, and the share of the whole in percent."""

    kind: str
    value: float
    low: float
    high: float
    percent: float


@dataclass(frozen=True, slots=True)
class EnergyMove:
    """How far one assumption moves the whole: pJ an inference, and at which setting each end is."""

    what: str
    low: float
    at_low: str
    high: float
    at_high: str


@dataclass(frozen=True, slots=True)
class EnergyView:
    """What the report says of energy beside the figures."""

    model: str
    activity: str
    notes: tuple[str, ...]
    shares: tuple[EnergyShare, ...]
    moves: tuple[EnergyMove, ...]


def energy_figures(
    artifacts: Mapping[str, Path], clock: Fraction, figures: Mapping[str, Figure]
) -> dict[str, Figure]:
    """The design's energy figures; `figures` holds its interval and interface bits."""
    record = read(artifacts, "energy", "energy.json")
    if record is None:
        return {}
    scope = f"core without pins, {record.inner('activity').text('data')}"
    total = record.inner("data").inner("total")
    value = total.number("value")
    found = {
        "energy": _figure("energy", value, scope),
        "energy_low": _figure("energy_low", total.number("low"), scope),
        "energy_high": _figure("energy_high", total.number("high"), scope),
        "energy_uniform": _figure(
            "energy_uniform",
            record.inner("uniform").inner("total").number("value"),
            "core without pins, uniform inputs",
        ),
    }
    interval = figures.get("initiation_interval")
    if interval is not None and interval.value:
        watts = value * 1e-12 * float(clock) / interval.value
        found["power"] = _figure("power", watts * 1000, scope)
    sizes = [figures.get(name) for name in ("input_bits", "output_bits")]
    erased = sizes[0].value - sizes[1].value if sizes[0] and sizes[1] else 0
    if erased > 0:
        ratio = value * 1e-12 / (erased * _LANDAUER)
        text = f"{erased:g} bits fewer leave than enter, 300 K"
        found["energy_floor_ratio"] = _figure("energy_floor_ratio", ratio, text)
    return found


def layer_energy(artifacts: Mapping[str, Path]) -> dict[str, dict[str, Figure]]:
    """The energy figure of each layer, clock and static apart; "top" lies outside of layers."""
    record = read(artifacts, "energy", "energy.json")
    if record is None:
        return {}
    layers = record.inner("data").inner("layers")
    scope = "layer, without clock and static"
    return {
        name: {"energy": _figure("energy", layers.inner(name).number("value"), scope)}
        for name in layers.data
    }


def read_energy(artifacts: Mapping[str, Path]) -> EnergyView | None:
    """The table by kind, None where the stage did not run."""
    record = read(artifacts, "energy", "energy.json")
    if record is None:
        return None
    activity = record.inner("activity")
    data = record.inner("data")
    whole = data.inner("total").number("value")
    return EnergyView(
        record.text("model"),
        f"{activity.integer('inferences'):,} inferences of {activity.text('data')}, "
        f"{activity.text('order')}",
        record.texts("notes"),
        tuple(_share(kind, data.inner("kinds"), whole) for kind in data.inner("kinds").data),
        tuple(_move(row) for row in record.rows("moves")),
    )


def _share(kind: str, kinds: Record, whole: float) -> EnergyShare:
    part = kinds.inner(kind)
    value = float(part.number("value"))
    percent = round(100 * value / whole, 1) if whole else 0.0
    return EnergyShare(kind, value, float(part.number("low")), float(part.number("high")), percent)


def _move(row: Record) -> EnergyMove:
    low, high = float(row.number("low")), float(row.number("high"))
    return EnergyMove(row.text("what"), low, row.text("at_low"), high, row.text("at_high"))


def _figure(name: str, value: float, scope: str) -> Figure:
    return Figure(float(f"{value:.6g}"), metric(name).unit, "estimated", scope, _SOURCE)
