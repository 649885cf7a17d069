"""Geometry of the report's pictures; the template turns it into inline SVG.

Everything is worked out in whole pixels of the picture's own coordinates, so that the same
figures give the same bytes.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from hwflow.report.dataflow import Box, Dataflow, Stream
from hwflow.report.figures import show
from hwflow.report.learning import Curve

__all__ = ["Chart", "FlowPicture", "Line", "PlacedBox", "PlacedStream", "chart", "flow_picture"]

WIDTH, HEIGHT = 520, 260
LEFT, RIGHT, TOP, BOTTOM = 56, 12, 12, 34


@dataclass(frozen=True, slots=True)
class Line:
    """A curve as SVG points; `style` names its class, `label` what it is."""

    style: str
    label: str
    points: str
    last: str


@dataclass(frozen=True, slots=True)
class Tick:
    """A mark on an axis."""

    at: int
    label: str


@dataclass(frozen=True, slots=True)
class Chart:
    """Curves of one quantity over the epochs."""

    title: str
    lines: tuple[Line, ...]
    x: tuple[Tick, ...]
    y: tuple[Tick, ...]
    logarithmic: bool
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT
    right: int = WIDTH - RIGHT
    top: int = TOP
    bottom: int = HEIGHT - BOTTOM


@dataclass(frozen=True, slots=True)
class _Scale:
    """From a range of values to pixels."""

    low: float
    high: float
    start: int
    stop: int
    logarithmic: bool = False

    def __call__(self, value: float) -> int:
        low, high = self.low, self.high
        if self.logarithmic:
            value, low, high = math.log10(value), math.log10(low), math.log10(high)
        share = (value - low) / (high - low) if high > low else 0.5
        return round(self.start + share * (self.stop - self.start))


def chart(quantity: str, curves: Sequence[Curve]) -> Chart:
    """Draw curves of one quantity, its validation included; logarithmic over wide ranges."""
    values = [v for curve in curves for v in curve.values if math.isfinite(v)]
    low, high = min(values, default=0.0), max(values, default=1.0)
    logarithmic = low > 0 and high / low > 15
    epochs = max((len(curve.values) for curve in curves), default=1)
    across = _Scale(1, max(2, epochs), LEFT, WIDTH - RIGHT)
    upward = _Scale(*_padded(low, high, logarithmic), HEIGHT - BOTTOM, TOP, logarithmic)
    lines = tuple(_line(curve, across, upward) for curve in curves)
    return Chart(
        quantity,
        lines,
        tuple(Tick(across(e), str(e)) for e in _epochs(epochs)),
        tuple(Tick(upward(v), show(v)) for v in _round_values(upward)),
        logarithmic,
    )


def _padded(low: float, high: float, logarithmic: bool) -> tuple[float, float]:
    if logarithmic:
        return low / 1.15, high * 1.15
    room = (high - low) * 0.05 or abs(high) * 0.05 or 1.0
    return low - room, high + room


def _line(curve: Curve, across: _Scale, upward: _Scale) -> Line:
    # Where a training diverged the line has a gap's worth of points less.
    points = [(across(e), upward(v)) for e, v in enumerate(curve.values, 1) if math.isfinite(v)]
    test = "val" if curve.quantity.startswith("val_") else "fit"
    label = f"{curve.training}, {'validation' if test == 'val' else 'training'}"
    last = show(curve.values[-1]) if curve.values else ""
    return Line(f"{curve.training} {test}", label, " ".join(f"{x},{y}" for x, y in points), last)


def _epochs(epochs: int) -> tuple[int, ...]:
    step = next((s for s in (1, 2, 5, 10, 20, 50, 100, 200, 500) if epochs <= 8 * s), 1000)
    return (1, *range(step if step > 1 else 2, epochs + 1, step))


def _round_values(scale: _Scale) -> tuple[float, ...]:
    if scale.logarithmic:
        decades = range(math.floor(math.log10(scale.low)), math.ceil(math.log10(scale.high)) + 1)
        marks = [float(f"{m}e{d}") for d in decades for m in (1, 2, 5)]
    else:
        rough = (scale.high - scale.low) / 5
        size = 10.0 ** math.floor(math.log10(rough))
        step = next(size * m for m in (1, 2, 5, 10) if size * m >= rough)
        first = math.ceil(scale.low / step)
        marks = [round(k * step, 10) for k in range(first, first + 12)]
    return tuple(mark for mark in marks if scale.low <= mark <= scale.high)


FLOW_WIDTH = 440
BOX_LEFT, BOX_WIDTH, GAP, LINE = 16, 344, 42, 16


@dataclass(frozen=True, slots=True)
class PlacedBox:
    """A box of the dataflow picture at its place."""

    box: Box
    y: int
    height: int
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PlacedStream:
    """A stream as an SVG path with a label beside it."""

    path: str
    label: str
    label_x: int
    label_y: int


@dataclass(frozen=True, slots=True)
class RegionFrame:
    """The frame around the layers of one region."""

    y: int
    height: int


@dataclass(frozen=True, slots=True)
class FlowPicture:
    """The dataflow from top to bottom; streams that skip boxes run down the right side."""

    boxes: tuple[PlacedBox, ...]
    streams: tuple[PlacedStream, ...]
    frames: tuple[RegionFrame, ...]
    height: int
    width: int = FLOW_WIDTH
    left: int = BOX_LEFT
    box_width: int = BOX_WIDTH


def flow_picture(flow: Dataflow) -> FlowPicture:
    """Place the boxes one below the other."""
    placed: list[PlacedBox] = []
    y = 12
    for box in flow.boxes:
        height = 14 + LINE * (1 + len(box.lines))
        lines = tuple(_shortened(line, 52) for line in box.lines)
        placed.append(PlacedBox(box, y, height, lines))
        y += height + GAP
    return FlowPicture(
        tuple(placed),
        tuple(_stream(stream, placed, lane) for lane, stream in enumerate(flow.streams)),
        _frames(placed),
        max(40, y - GAP + 12),
    )


def _stream(stream: Stream, boxes: Sequence[PlacedBox], lane: int) -> PlacedStream:
    start, stop = boxes[stream.start], boxes[stream.stop]
    middle = BOX_LEFT + BOX_WIDTH // 2
    bottom = start.y + start.height
    if stream.stop == stream.start + 1:
        at = (bottom + stop.y) // 2 + 4
        return PlacedStream(f"M{middle},{bottom} V{stop.y - 6}", stream.label, middle + 10, at)
    right, away = BOX_LEFT + BOX_WIDTH, 14 + 9 * (lane % 6)
    begin, end = start.y + start.height // 2, stop.y + stop.height // 2
    path = f"M{right},{begin} H{right + away} V{end} H{right + 6}"
    return PlacedStream(path, "", right, begin)


def _frames(boxes: Sequence[PlacedBox]) -> tuple[RegionFrame, ...]:
    numbers = sorted({b.box.region for b in boxes if b.box.region is not None})
    frames = []
    for number in numbers:
        inside = [b for b in boxes if b.box.region == number]
        if len(inside) > 1:
            top, bottom = inside[0].y - 8, inside[-1].y + inside[-1].height + 8
            frames.append(RegionFrame(top, bottom - top))
    return tuple(frames)


def _shortened(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"
