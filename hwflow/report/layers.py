"""One row for each layer: widths, weights, folding, adders, planned and counted area."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hwflow.ir import Graph, load_graph
from hwflow.ir.ops import Const
from hwflow.report.area import Area, ratio
from hwflow.report.artifacts import Record, read
from hwflow.report.energy import layer_energy
from hwflow.report.figures import Figure, Kind, metric

__all__ = ["LayerRow", "Layers", "read_layers"]

_WIDTHS = {
    "width_in": "inputs",
    "width_weights": "weights",
    "width_accumulator": "accumulator",
    "width_out": "outputs",
}
_PLANNED: dict[str, tuple[str, Kind]] = {
    "adders": ("adders", "counted"),
    "adder_bits": ("adder_bits", "counted"),
    "lut_planned": ("luts", "estimated"),
    "ff_planned": ("ffs", "estimated"),
    "dsp_planned": ("dsps", "estimated"),
    "bram_planned": ("brams", "estimated"),
    "pipeline_stages": ("latency", "counted"),
    "cycles": ("cycles", "estimated"),
    "path_ns": ("longest_path_ns", "estimated"),
}
_SUMS = ("adders", "adder_bits", "weights", "weights_nonzero", "weight_bits")


@dataclass(frozen=True, slots=True)
class LayerRow:
    """A layer; `folding` is its text form such as "pos 1", "" before planning."""

    name: str
    operations: tuple[str, ...]
    folding: str
    figures: Mapping[str, Figure]


@dataclass(frozen=True, slots=True)
class Layers:
    """Rows in layer order, what lies outside of layers, and sums over the layers."""

    rows: tuple[LayerRow, ...]
    outside: Mapping[str, Figure]
    totals: Mapping[str, Figure]


def read_layers(artifacts: Mapping[str, Path], area: Area | None) -> Layers:
    """Every layer of the plan, or of the lowered graph where there is no plan yet."""
    widths = _by_name(read(artifacts, "lower", "lowering.json"), "widths", "layer")
    planned = _by_name(read(artifacts, "plan", "plan.json"), "layers", "name")
    weights, energy = _weights(artifacts), layer_energy(artifacts)
    plan = read(artifacts, "plan", "plan.json")
    asic = plan is not None and plan.text("target") == "asic"
    rows = tuple(
        _row(
            name,
            widths.get(name),
            planned.get(name),
            {**weights.get(name, {}), **energy.get(name, {})},
            area,
            asic,
        )
        for name in (planned or widths)
    )
    loader = plan.inner_or_none("loader") if plan is not None else None
    if loader is not None:
        rows = (*rows, _loader_row(loader, energy.get("loader", {}), area, asic))
    outside = area.figures(area.outside, "outside of layers") if area and area.outside else {}
    return Layers(rows, outside, _totals(rows))


def _loader_row(
    planned: Record, energy: Mapping[str, Figure], area: Area | None, asic: bool
) -> LayerRow:
    """The weight loader, which is no layer of the graph but has area and energy like one."""
    scope, figures = "weight loader", dict(energy)
    for key in ("lut_planned", "ff_planned"):
        if metric(key).applies(asic):
            column, kind = _PLANNED[key]
            value = planned.number(column)
            figures[key] = Figure(value, metric(key).unit, kind, scope, planned.source)
    if area is not None and "loader" in area.layers:
        figures |= area.figures(area.layers["loader"], scope)
    figures |= ratio(figures, f"{scope}, netlist over plan")
    return LayerRow("loader", ("weights",), "", figures)


def _by_name(record: Record | None, key: str, name: str) -> dict[str, Record]:
    rows = record.rows(key) if record is not None else ()
    return {row.text(name): row for row in rows}


def _row(
    name: str,
    widths: Record | None,
    planned: Record | None,
    known: Mapping[str, Figure],
    area: Area | None,
    asic: bool,
) -> LayerRow:
    scope = f"layer {name}"
    figures = dict(known)
    if widths is not None:
        for key, column in _WIDTHS.items():
            value = widths.integer(column)
            figures[key] = Figure(value, "bits", "counted", scope, widths.source)
    if planned is not None:
        for key, (column, kind) in _PLANNED.items():
            if not metric(key).applies(asic):
                continue
            value_ = planned.number(column)
            figures[key] = Figure(value_, metric(key).unit, kind, scope, planned.source)
    if area is not None and name in area.layers:
        figures |= area.figures(area.layers[name], scope)
    figures |= ratio(figures, f"{scope}, netlist over plan")
    described = planned or widths
    operations = described.texts("operations") if described else ()
    return LayerRow(name, operations, _folding(planned), figures)


def _folding(planned: Record | None) -> str:
    if planned is None:
        return ""
    folding = planned.inner("folding").data
    parts = [f"{axis} {folding[axis]}" for axis in ("pe", "simd", "pos") if axis in folding]
    folded = [part for part in parts if not part.endswith(" all")]
    return ", ".join(folded) if folded else "parallel"


def _totals(rows: tuple[LayerRow, ...]) -> dict[str, Figure]:
    found = {}
    for name in _SUMS:
        parts = [row.figures[name] for row in rows if name in row.figures]
        if parts:
            value = sum(part.value for part in parts)
            first = parts[0]
            found[name] = Figure(value, first.unit, first.kind, "all layers", first.source)
    return found


def _weights(artifacts: Mapping[str, Path]) -> dict[str, dict[str, Figure]]:
    """Constants of each layer of the lowered graph, each in as many bits as it needs."""
    folder = artifacts.get("lower")
    if folder is None or not (folder / "graph.hwf").is_file():
        return {}
    graph = load_graph(folder / "graph.hwf")
    return {layer.name: _layer_weights(graph, layer.name) for layer in graph.layers()}


def _layer_weights(graph: Graph, layer: str) -> dict[str, Figure]:
    made = {node.name: node for node in graph.nodes}
    used = {arg for node in graph.nodes if node.layer == layer for arg in node.args}
    count = nonzero = bits = 0
    for name in sorted(used):
        op = made[name].op
        if isinstance(op, Const):
            count += int(op.values.size)
            nonzero += int(np.count_nonzero(op.values))
            type = graph.types[name]
            bits += int(np.broadcast_to(type.elem.width(), type.shape).sum())
    if not count:
        return {}
    values = {"weights": count, "weights_nonzero": nonzero, "weight_bits": bits}
    return {
        key: Figure(value, metric(key).unit, "counted", f"layer {layer}", "lower/graph.hwf")
        for key, value in values.items()
    }
