"""The cells' area and energy at another node: every method's answer, and their spread."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from hwflow.config import ReportConfig
from hwflow.power.scaling import PLACED, Node, Projection, node_of, projections
from hwflow.report.artifacts import read
from hwflow.report.figures import Figure, metric

__all__ = ["ProjectedRow", "ProjectionView", "projection_figures", "read_projection"]

_SOURCES = "synth/synth.json", "energy/energy.json"


@dataclass(frozen=True, slots=True)
class ProjectedRow:
    """One method: factors, cell and placed area in um2, energy in pJ with glitches and without.

    Energies are None where the method says nothing of them or the stage did not run.
    """

    method: str
    basis: str
    area_factor: float
    area: float
    placed: float
    energy_factor: float | None
    energy: float | None
    still: float | None


@dataclass(frozen=True, slots=True)
class ProjectionView:
    """From where to where; `rows` are empty where `missing` says why nothing is projected."""

    origin: str
    goal: str
    rows: tuple[ProjectedRow, ...]
    missing: str = ""


def read_projection(artifacts: Mapping[str, Path], config: ReportConfig) -> ProjectionView | None:
    """The projection to `config.project_to`; None for a netlist that is not of cells."""
    synth = read(artifacts, "synth", "synth.json")
    if synth is None or "gate" not in synth.data:
        return None
    goal = Node(config.project_to.node, config.project_to.voltage)
    library = synth.text("library")
    nm = config.node or node_of(library)
    if nm is None:
        missing = f"the feature size of {library} is not known: give report.node in nm"
        return ProjectionView(library, str(goal), (), missing)
    origin = Node(nm, float(synth.number("voltage")))
    energy = read(artifacts, "energy", "energy.json")
    total = energy.inner("data").inner("total") if energy else None
    ends = (float(total.number("value")), float(total.number("low"))) if total else None
    um2 = float(synth.inner("whole").number("um2"))
    found = projections(origin, goal, float(synth.number("gate_um2")))
    rows = tuple(_row(method, um2, ends) for method in found)
    return ProjectionView(f"{library} ({origin})", str(goal), rows)


def _row(method: Projection, um2: float, ends: tuple[float, float] | None) -> ProjectedRow:
    area = um2 * method.area
    timed = still = None
    if method.energy is not None and ends is not None:
        timed, still = (end * method.energy for end in ends)
    return ProjectedRow(
        method.method, method.basis, method.area, area, area / PLACED, method.energy, timed, still
    )


def projection_figures(view: ProjectionView | None) -> dict[str, Figure]:
    """The ends of the spread: energy with glitches, and placed area."""
    if view is None or not view.rows:
        return {}
    energies = [row.energy for row in view.rows if row.energy is not None]
    columns = {"area": [row.placed for row in view.rows], "energy": energies}
    found = {}
    for (name, values), source in zip(columns.items(), _SOURCES, strict=True):
        if not values:
            continue
        scope = f"{view.goal}, {len(values)} methods" + (
            f", cells fill {PLACED:g} of it" if name == "area" else ", with glitches"
        )
        for end, value in (("low", min(values)), ("high", max(values))):
            key = f"{name}_projected_{end}"
            short = float(f"{value:.6g}")
            found[key] = Figure(short, metric(key).unit, "estimated", scope, source)
    return found
