"""Projection of energy and cell area to another process node, by methods that disagree.

- classical: area with the square of the feature size, energy with the feature size and the square
  of the voltage (constant-field scaling: Dennard et al., IEEE JSSC 9, 1974);
- measured libraries: log-log interpolation over the feature size between three libraries that one
  layer was mapped to; energies are divided by V^2 first and multiplied by the goal's afterwards;
- gate equivalents, area alone: as many NAND2 of the goal's node.

None of them is a library of the goal's node: their spread says how little is known.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, log
from typing import Final

import numpy as np

__all__ = ["MEASURED", "PLACED", "Node", "Projection", "node_of", "projections"]

PLACED: Final = 0.7
"""Share of a placement's area that cells fill."""
_GATE_UM2, _GATE_NM = 1.44, 65.0
"""Area of a NAND2 at 65 nm: assumed, as of dense libraries; elsewhere by the square of the size."""


@dataclass(frozen=True, slots=True)
class Node:
    """A process: feature size in nm and core voltage."""

    nm: float
    volts: float

    def __str__(self) -> str:
        return f"{self.nm:g} nm, {self.volts:g} V"


@dataclass(frozen=True, slots=True)
class _Library:
    name: str
    nm: float
    volts: float
    um2: float
    milliwatts: float


MEASURED: Final = (
    _Library("Nangate45", 45, 1.1, 8_444, 0.176),
    _Library("sky130hd", 130, 1.8, 46_363, 0.707),
    _Library("OSU018", 180, 1.8, 256_802, 4.16),
)
"""One 8x8 constant dense layer, mapped to each: cell area, and dynamic power at one clock with a
uniform activity of 0.1, by this package's formulas."""

_NODES: Final = {
    "osu018": 180.0,
    "sg13g2": 130.0,
    "sky130": 130.0,
    "gf180mcu": 180.0,
    "nangateopencelllibrary": 45.0,
    "asap7": 7.0,
}


@dataclass(frozen=True, slots=True)
class Projection:
    """Factors from one node to another; `area` is um2 for each um2, `energy` None where the method
    says nothing of it. `basis` are the assumptions in words."""

    method: str
    area: float
    energy: float | None
    basis: str


def node_of(library: str) -> float | None:
    """The feature size in nm of a library known by its name, else None (Liberty does not say)."""
    name = library.lower()
    return next((nm for prefix, nm in _NODES.items() if name.startswith(prefix)), None)


def projections(origin: Node, goal: Node, gate_um2: float) -> tuple[Projection, ...]:
    """All methods that have something to say; `gate_um2` is the origin's NAND2.

    The interpolation is left out beyond the nodes of the measured libraries.
    """
    shrink = goal.nm / origin.nm
    volts = (goal.volts / origin.volts) ** 2
    gate = _GATE_UM2 * (goal.nm / _GATE_NM) ** 2
    found = [
        Projection("classical", shrink**2, shrink * volts, "area with L^2, energy with L V^2"),
        Projection(
            "gate equivalents",
            gate / gate_um2,
            None,
            f"a NAND2 of {gate:.3g} um2 for one of {gate_um2:.4g} um2",
        ),
    ]
    low, high = MEASURED[0].nm, MEASURED[-1].nm
    if all(low <= node.nm <= high for node in (origin, goal)):
        area = [library.um2 for library in MEASURED]
        energy = [library.milliwatts / library.volts**2 for library in MEASURED]
        names = ", ".join(library.name for library in MEASURED)
        found.insert(
            1,
            Projection(
                "measured libraries",
                _ratio(area, origin, goal),
                _ratio(energy, origin, goal) * volts,
                f"log-log between {names}; energy over V^2",
            ),
        )
    return tuple(found)


def _ratio(values: list[float], origin: Node, goal: Node) -> float:
    places = np.log([library.nm for library in MEASURED])
    logs = np.log(values)
    start, end = (float(np.interp(log(node.nm), places, logs)) for node in (origin, goal))
    return exp(end - start)
