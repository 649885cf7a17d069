"""A campaign as plain data and as lines of a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt
from statistics import stdev
from typing import Any

from hwflow.verify.seu.campaign import OUTCOMES, Campaign, Row
from hwflow.verify.seu.sites import CLASSES

__all__ = ["NOTES", "as_json", "lines", "mean_interval", "wilson"]

NOTES = (
    "Placement separation is not covered: copies may lie side by side in the device.",
    "Configuration memory is not covered: an upset there changes the logic until it is scrubbed.",
    "A pulse inverts a net for a whole cycle and always reaches the flip-flops: electrical and "
    "timing masking are not modelled.",
    "Clock: all flip-flops of a layer miss one edge, or take one more within a cycle; clocks of "
    "memories are left alone. Reset: asserted for one cycle.",
)
_Z = 1.959963984540054


def wilson(hits: int, samples: int) -> tuple[float, float]:
    """95% confidence interval of a rate (Wilson, JASA 22, 1927)."""
    if not samples:
        return 0.0, 1.0
    rate, z2 = hits / samples, _Z * _Z
    centre = rate + z2 / (2 * samples)
    reach = _Z * sqrt(rate * (1 - rate) / samples + z2 / (4 * samples * samples))
    scale = 1 + z2 / samples
    low = 0.0 if hits == 0 else (centre - reach) / scale
    return low, 1.0 if hits == samples else (centre + reach) / scale


def as_json(campaign: Campaign) -> dict[str, Any]:
    """The record that is kept in seu.json; rates with their 95% Wilson intervals."""
    return {
        "format": 1,
        "design": campaign.top,
        "protect": "tmr" if campaign.triplicated else "none",
        "seed": campaign.seed,
        "flip_flops": dict(campaign.flip_flops),
        "nets": campaign.nets,
        "vectors_per_run": campaign.vectors,
        "cycles_per_run": campaign.cycles,
        "upset_cycles": list(campaign.window),
        "classes": {k: text for k, text in CLASSES.items() if campaign.flip_flops.get(k)},
        "outcomes": dict(OUTCOMES),
        "rows": [_row(row) for row in campaign.rows],
        "notes": list(NOTES),
    }


def _row(row: Row) -> dict[str, Any]:
    outcomes = {}
    for name, hits in row.outcomes.items():
        low, high = wilson(hits, row.samples)
        rate = hits / row.samples if row.samples else 0.0
        interval = {"low": round(low, 6), "high": round(high, 6)}
        outcomes[name] = {"count": hits, "rate": round(rate, 6), **interval}
    cycles = row.recovery
    mean_low, mean_high = mean_interval(cycles)
    return {
        "fault": row.fault,
        "where": row.where,
        "population": row.population,
        "samples": row.samples,
        "outcomes": outcomes,
        "recovery_cycles": {
            "runs": len(cycles),
            "mean": round(sum(cycles) / len(cycles), 2) if cycles else None,
            "mean_low": mean_low,
            "mean_high": mean_high,
            "max": max(cycles, default=None),
            "still_differing": row.latent,
        },
    }


def mean_interval(cycles: Sequence[int]) -> tuple[float | None, float | None]:
    """95% confidence interval of the mean (normal), None for fewer than two runs."""
    if len(cycles) < 2:
        return None, None
    mean = sum(cycles) / len(cycles)
    reach = _Z * stdev(cycles) / sqrt(len(cycles))
    return round(max(0.0, mean - reach), 2), round(mean + reach, 2)


def lines(campaign: Campaign) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Headings and rows of the table: rates in percent, 95% intervals for what changed."""
    headings = (
        "fault",
        "where",
        "sites",
        "runs",
        *OUTCOMES,
        "not masked (95%)",
        "cycles to recover",
    )
    return headings, [_cells(row) for row in campaign.rows]


def _cells(row: Row) -> tuple[str, ...]:
    changed = row.samples - row.outcomes["masked"]
    low, high = wilson(changed, row.samples)
    return (
        row.fault,
        row.where,
        f"{row.population:,}",
        f"{row.samples:,}",
        *(str(hits) for hits in row.outcomes.values()),
        f"{_percent(changed / max(1, row.samples))} ({_percent(low)}..{_percent(high)})",
        _recovery(row.recovery, row.latent),
    )


def _recovery(cycles: Sequence[int], latent: int) -> str:
    text = f"{sum(cycles) / len(cycles):.1f}, at most {max(cycles)}" if cycles else "-"
    return f"{text}; {latent} still differ" if latent else text


def _percent(rate: float) -> str:
    return f"{100 * rate:.3g}%"
