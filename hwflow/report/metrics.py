"""All figures of a build, gathered from the artifacts of its stages."""

from __future__ import annotations

import json
from collections.abc import Container, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from hwflow.config import DesignConfig
from hwflow.report import area, cycles, learning
from hwflow.report.artifacts import read
from hwflow.report.cells import Cells, read_cells
from hwflow.report.dataflow import Dataflow, read_dataflow
from hwflow.report.energy import EnergyView, energy_figures, read_energy
from hwflow.report.figures import METRICS, Figure
from hwflow.report.hls import hls_figures, hls_missing
from hwflow.report.ladder import Ladder, read_ladder
from hwflow.report.layers import LayerRow, read_layers
from hwflow.report.projection import ProjectionView, projection_figures, read_projection
from hwflow.report.protection import protection_figures
from hwflow.report.published import PUBLISHED

__all__ = ["FORMAT", "Metrics", "collect"]

FORMAT: Final = 1
"""The version of metrics.json."""


@dataclass(frozen=True, slots=True)
class Metrics:
    """Everything a report shows. `figures` holds what is known, `missing` why the rest is not.

    `outside` are the figures of what lies between layers (buffers, stream interface).
    """

    design: str
    target: str
    clock_mhz: float
    interface: str
    graph: str | None
    ladder: Ladder
    figures: Mapping[str, Figure]
    missing: Mapping[str, str]
    layers: tuple[LayerRow, ...]
    outside: Mapping[str, Figure]
    dataflow: Dataflow | None
    utilization: tuple[area.Use, ...]
    path: tuple[area.Hop, ...]
    curves: tuple[learning.Curve, ...]
    lut_rule: str | None
    asic: Cells | None = None
    energy: EnergyView | None = None
    projection: ProjectionView | None = None
    tools: Mapping[str, str] = field(default_factory=dict)
    backend: str = "amaranth"

    def figure(self, name: str) -> Figure | None:
        """The figure of a metric, or of a layer where `name` is ``metric/layer``."""
        plain, _, layer = name.partition("/")
        if not layer:
            return self.figures.get(plain)
        row = next((row for row in self.layers if row.name == layer), None)
        return row.figures.get(plain) if row else None

    def why_missing(self, name: str) -> str:
        """Why a figure is not known, in words."""
        plain, _, layer = name.partition("/")
        if layer and layer not in {row.name for row in self.layers}:
            return f"there is no layer {layer!r}"
        return self.missing.get(plain, "not run")

    def to_json(self) -> str:
        """The text of metrics.json: sorted, the same bytes for the same figures."""
        return json.dumps(_record(self), indent=1, sort_keys=True) + "\n"


def collect(artifacts: Mapping[str, Path], config: DesignConfig) -> Metrics:
    """Gather the figures in the artifact folders, given by stage name.

    A stage that is absent leaves its figures out; nothing is guessed.

    Raises:
        InternalError: "report.artifact": a file is not as its stage writes it.
    """
    ladder = read_ladder(artifacts, config)
    clock_mhz = float(config.hardware.clock / 1_000_000)
    counted = area.read_area(artifacts)
    layers = read_layers(artifacts, counted)
    plan = read(artifacts, "plan", "plan.json")
    cells = read_cells(artifacts)
    figures = {
        **_ladder_figures(ladder),
        **learning.accuracy_figures(artifacts),
        **learning.training_figures(artifacts),
        **cycles.cycle_figures(artifacts, ladder, config.hardware.clock),
        **cycles.fmax_figures(artifacts),
        **area.design_figures(artifacts, counted),
        **(cells.figures if cells else {}),
        **protection_figures(artifacts),
        **hls_figures(artifacts, config.hardware.clock),
        **layers.totals,
    }
    figures |= energy_figures(artifacts, config.hardware.clock, figures)
    projection = read_projection(artifacts, config.report)
    figures |= projection_figures(projection)
    return Metrics(
        config.design,
        config.hardware.target,
        clock_mhz,
        _interface(config),
        plan.text("graph") if plan else None,
        ladder,
        figures,
        _missing(figures, artifacts, config),
        layers.rows,
        layers.outside,
        read_dataflow(artifacts),
        counted.uses if counted else (),
        area.critical_path(artifacts),
        learning.read_curves(artifacts),
        counted.lut_rule if counted and counted.lut_rule else None,
        cells,
        read_energy(artifacts),
        projection,
        backend=config.hardware.backend,
    )


def _interface(config: DesignConfig) -> str:
    """How the hardware is spoken to."""
    hls4ml = config.hardware.hls4ml
    through = config.hardware.backend == "hls4ml"
    return f"io_{hls4ml.io} of hls4ml" if through else config.hardware.interface


def _ladder_figures(ladder: Ladder) -> dict[str, Figure]:
    if ladder.vectors is None:
        return {}
    compared = ladder.compared
    equal = [rung for rung in compared if rung.status == "equal"]
    names = ", ".join(rung.name for rung in compared) or "no rung"
    return {
        "rungs_compared": Figure(len(compared), "rungs", "simulated", names, "*/rung.json"),
        "rungs_equal": Figure(len(equal), "rungs", "simulated", names, "*/rung.json"),
        "vectors": Figure(
            ladder.vectors, "vectors", "simulated", "integer graph", "golden/golden.json"
        ),
    }


def _missing(
    figures: Mapping[str, Figure], artifacts: Mapping[str, Path], config: DesignConfig
) -> dict[str, str]:
    asic = config.hardware.asic
    known = [entry for entry in METRICS if entry.design and entry.applies(asic)]
    absent = [entry for entry in known if entry.name not in figures]
    return {
        entry.name: _why(entry.stage, config, artifacts)
        if entry.stage not in artifacts
        else f"stage {entry.stage} does not give it for this design"
        for entry in absent
    }


def _why(stage: str, config: DesignConfig, ran: Container[str]) -> str:
    if config.hardware.backend == "hls4ml" and stage not in ("train", "accuracy"):
        return hls_missing(stage, config.hardware.hls4ml.flavour, ran="hls" in ran)
    if stage == "pnr" and not config.synth.place_and_route:
        return "not run: synth.place_and_route is off"
    if stage == "energy" and not config.synth.energy:
        return "not run: synth.energy is off"
    if stage == "timing":
        return "not run: OpenSTA is not installed (apt-get install opensta)"
    if stage in ("train", "accuracy") and config.model.file is not None:
        if config.data is None:
            return "not run: the design has no data"
        return "not run: of models from files only QKeras networks are scored"
    return f"not run: the build has no stage {stage}"


def _record(metrics: Metrics) -> dict[str, Any]:
    return {
        **({"asic": metrics.asic.as_json()} if metrics.asic else {}),
        "clock_mhz": metrics.clock_mhz,
        "curves": {
            "kind": "measured",
            "scope": "each epoch",
            "series": [curve.as_json() for curve in metrics.curves],
            "source": "train/history.json",
        },
        "design": metrics.design,
        "figures": _figures(metrics.figures),
        "format": FORMAT,
        "graph": metrics.graph,
        "interface": metrics.interface,
        "ladder": {**asdict(metrics.ladder), "rungs": _rungs(metrics.ladder)},
        "layers": [
            {
                "figures": _figures(row.figures),
                "folding": row.folding,
                "name": row.name,
                "operations": row.operations,
            }
            for row in metrics.layers
        ],
        "lut_rule": metrics.lut_rule,
        "not_run": dict(metrics.missing),
        "outside_layers": _figures(metrics.outside),
        "critical_path": {
            "kind": "estimated",
            "scope": "place and route",
            "source": "pnr/pnr.json",
            "steps": [asdict(hop) for hop in metrics.path],
            "unit": "ns",
        },
        "target": metrics.target,
        **(_energy(metrics) if metrics.energy else {}),
        **({"projection": asdict(metrics.projection)} if metrics.projection else {}),
        "tools": dict(metrics.tools),
        "utilization": [use.as_json() for use in metrics.utilization],
        "verdict": metrics.ladder.verdict,
    }


def _energy(metrics: Metrics) -> dict[str, Any]:
    assert metrics.energy is not None
    published = [asdict(row) | {"unit": {"energy": "pJ", "latency": "ns"}} for row in PUBLISHED]
    return {"energy": asdict(metrics.energy), "published_accelerators": published}


def _rungs(ladder: Ladder) -> list[dict[str, Any]]:
    return [
        {
            **asdict(rung),
            "figures": dict(rung.figures),
            "kind": "simulated",
            "source": rung.source,
        }
        for rung in ladder.rungs
    ]


def _figures(figures: Mapping[str, Figure]) -> dict[str, Any]:
    return {name: figure.as_json() for name, figure in figures.items()}
