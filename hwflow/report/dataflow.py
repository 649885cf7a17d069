"""The dataflow as boxes and streams, for the picture in the report."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from hwflow.report.artifacts import Record, read

__all__ = ["Box", "Dataflow", "Stream", "read_dataflow"]


@dataclass(frozen=True, slots=True)
class Box:
    """A graph input or output, a layer, or a converter; `region` numbers its pipeline region."""

    kind: Literal["input", "layer", "converter", "output"]
    title: str
    lines: tuple[str, ...]
    region: int | None = None


@dataclass(frozen=True, slots=True)
class Stream:
    """What flows from box `start` to box `stop` (their indices)."""

    start: int
    stop: int
    label: str


@dataclass(frozen=True, slots=True)
class Dataflow:
    """Boxes in dataflow order and the streams between them."""

    boxes: tuple[Box, ...]
    streams: tuple[Stream, ...]


class _Drawing:
    """Collects boxes; `maker` knows where each value comes from."""

    def __init__(self) -> None:
        self.boxes: list[Box] = []
        self.streams: list[Stream] = []
        self.maker: dict[str, int] = {}

    def box(self, box: Box, values: Mapping[str, str]) -> None:
        """Add a box that reads `values`, given with their labels."""
        self.boxes.append(box)
        index = len(self.boxes) - 1
        for value, label in values.items():
            if value in self.maker:
                self.streams.append(Stream(self.maker[value], index, label))

    def made(self, values: tuple[str, ...]) -> None:
        """The box added last makes `values`."""
        self.maker.update(dict.fromkeys(values, len(self.boxes) - 1))


def read_dataflow(artifacts: Mapping[str, Path]) -> Dataflow | None:
    """The planned dataflow, None without a plan."""
    plan = read(artifacts, "plan", "plan.json")
    if plan is None:
        return None
    layers = {row.text("name"): row for row in plan.rows("layers")}
    made = {value for row in layers.values() for value in row.inner("outputs").data}
    drawing = _Drawing()
    for row in layers.values():
        for value, type in row.inner("inputs").data.items():
            if value not in made and value not in drawing.maker:
                drawing.box(Box("input", value, (str(type),)), {})
                drawing.made((value,))
    for number, stage in enumerate(plan.rows("dataflow")):
        _add_stage(drawing, stage, number, layers)
    read_values = {value for row in layers.values() for value in row.inner("inputs").data}
    for row in layers.values():
        for value, type in row.inner("outputs").data.items():
            if value not in read_values:
                drawing.box(Box("output", value, (str(type),)), {value: _beat(row, "out")})
    return Dataflow(tuple(drawing.boxes), tuple(drawing.streams))


def _add_stage(drawing: _Drawing, stage: Record, number: int, layers: Mapping[str, Record]) -> None:
    kind = stage.text("kind")
    if kind in ("fork", "fifo", "delay"):
        return  # they carry a value on: the arrows are drawn from its maker to its readers
    if kind in ("serializer", "deserializer"):
        value, beats = stage.text("value"), stage.integer("beats")
        makers = [row for row in layers.values() if value in row.inner("outputs").data]
        label = _beat(makers[0], "out") if makers else ""
        verb = "cuts one beat into" if kind == "serializer" else "gathers"
        drawing.box(Box("converter", kind, (f"{verb} {beats} beats",)), {value: label})
        drawing.made((value,))
        return
    for name in stage.texts("layers"):
        row = layers[name]
        label = _beat(row, "in")
        drawing.box(
            Box("layer", name, _detail(row), number),
            dict.fromkeys(row.inner("inputs").data, label),
        )
        drawing.made(tuple(row.inner("outputs").data))


def _detail(row: Record) -> tuple[str, ...]:
    cycles, latency = row.integer("cycles"), row.integer("latency")
    folding = row.inner("folding").data.get("pos")
    how = f"line buffer, {cycles:,} cycles a tensor" if folding == 1 else "fully parallel"
    if (parts := row.data.get("digits", 1)) != 1:
        how = f"inputs in {parts} parts"
    stages = "1 pipeline stage" if latency == 1 else f"{latency} pipeline stages"
    return " · ".join(row.texts("operations")), f"{how}, {stages}"


def _beat(row: Record, side: str) -> str:
    lanes, bits = row.integer(f"lanes_{side}"), row.integer(f"bits_{side}")
    return f"{lanes} {'lane' if lanes == 1 else 'lanes'}, {bits:,} bits a beat"
