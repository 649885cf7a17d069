"""The trade-off of a design, interval against cost, as plain data and as a picture."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from fractions import Fraction
from html import escape
from typing import Any

from hwflow.explore.budget import Budget
from hwflow.explore.correction import NO_CORRECTION, Correction
from hwflow.explore.solve import Choice, curve, options_of
from hwflow.ir.graph import Graph
from hwflow.plan.folding import Folding
from hwflow.plan.targets import Target

__all__ = ["tradeoff", "tradeoff_page"]

_WIDTH, _HEIGHT, _MARGIN = 720, 420, 64


def tradeoff(
    graph: Graph,
    target: Target,
    clock_hz: Fraction,
    fixed: Mapping[str, Folding],
    correction: Correction = NO_CORRECTION,
) -> list[dict[str, Any]]:
    """Points from fast to small; figures are estimates before synthesis."""
    options = options_of(graph, target, fixed, float(1_000_000_000 / clock_hz), correction)
    limits = Budget.of(target)
    return [_point(choice, clock_hz, limits) for choice in curve(options, target)]


def _point(choice: Choice, clock_hz: Fraction, limits: Budget) -> dict[str, Any]:
    cost = choice.cost
    return {
        "interval": choice.interval,
        "inferences_per_second": float(clock_hz / choice.interval),
        "luts": cost.luts,
        "ffs": cost.ffs,
        "dsps": cost.dsps,
        "brams": cost.brams,
        "fits": limits.holds(cost),
        "foldings": {
            name: {"pe": f.pe, "simd": f.simd, "pos": f.pos, "multiplier": f.multiplier}
            for name, f in choice.fold.items()
        },
    }


def tradeoff_page(title: str, points: Sequence[Mapping[str, Any]]) -> str:
    """A self-contained HTML page: LUTs over inferences/s, both logarithmic."""
    across = _Axis([p["inferences_per_second"] for p in points], _MARGIN, _WIDTH - 16)
    upward = _Axis([p["luts"] for p in points], _HEIGHT - _MARGIN, 16)
    dots, path = [], []
    for point in points:
        x, y = across(point["inferences_per_second"]), upward(point["luts"])
        path.append(f"{x},{y}")
        kind = "fits" if point["fits"] else "over"
        text = (
            f"interval {point['interval']:,}: {point['luts']:,} LUT, {point['dsps']} DSP, "
            f"{point['brams']} block RAM"
        )
        dots.append(
            f'<circle class="{kind}" cx="{x}" cy="{y}" r="5"><title>{text}</title></circle>'
        )
    ticks = [
        f'<text x="{across(v)}" y="{_HEIGHT - _MARGIN + 20}" text-anchor="middle">{v:,}</text>'
        for v in across.ticks
    ]
    ticks += [
        f'<text x="{_MARGIN - 8}" y="{upward(v) + 4}" text-anchor="end">{v:,}</text>'
        for v in upward.ticks
    ]
    return f"""<!DOCTYPE html>
<html lang="en"><meta charset="utf-8"><title>{escape(title)}</title>
<style>
body {{ font: 14px sans-serif; }} text {{ font-size: 12px; fill: #555; }}
polyline {{ fill: none; stroke: #4477aa; }} .fits {{ fill: #4477aa; }} .over {{ fill: #cc3311; }}
line {{ stroke: #999; }}
</style>
<h1>{escape(title)}</h1>
<p>Estimates before synthesis; red points do not fit the device. Hover for figures.</p>
<svg width="{_WIDTH}" height="{_HEIGHT}" role="img" aria-label="LUTs over inferences per second">
<line x1="{_MARGIN}" y1="{_HEIGHT - _MARGIN}" x2="{_WIDTH}" y2="{_HEIGHT - _MARGIN}"/>
<line x1="{_MARGIN}" y1="0" x2="{_MARGIN}" y2="{_HEIGHT - _MARGIN}"/>
<polyline points="{" ".join(path)}"/>
{"".join(dots)}{"".join(ticks)}
<text x="{_WIDTH // 2}" y="{_HEIGHT - 12}">inferences/s</text>
<text x="8" y="12">LUT</text>
</svg></html>
"""


class _Axis:
    """Values on a logarithmic axis, in pixels."""

    def __init__(self, values: Sequence[float], start: int, stop: int) -> None:
        logs = [math.log10(max(v, 1e-9)) for v in values] or [0.0]
        self.low, self.high = min(logs), max(*logs, min(logs) + 1e-9)
        self.start, self.stop = start, stop
        first, last = math.ceil(self.low), math.floor(self.high)
        self.ticks = [10**n for n in range(max(0, first), last + 1)]

    def __call__(self, value: float) -> int:
        share = (math.log10(max(value, 1e-9)) - self.low) / (self.high - self.low)
        return round(self.start + share * (self.stop - self.start))
