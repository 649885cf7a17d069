"""Plain text tables and the wording of numbers."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["duration", "engineering", "shortened", "table"]

_GAP = "  "


def table(
    headings: Sequence[str], rows: Sequence[Sequence[str]], right: str = ""
) -> tuple[str, ...]:
    """Aligned columns under their headings.

    `right` has one letter per column: "r" for those aligned to the right.
    """
    grid = [tuple(headings), *(tuple(row) for row in rows)]
    widths = [max(len(row[i]) for row in grid) for i in range(len(headings))]
    lines = []
    for row in grid:
        cells = [
            cell.rjust(width) if right[i : i + 1] == "r" else cell.ljust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append(_GAP.join(cells).rstrip())
    return tuple(lines)


def duration(seconds: float) -> str:
    """0.42 s, 12.3 s, 2 min 05 s."""
    if seconds < 10:
        return f"{seconds:.2f} s"
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s"


def engineering(value: float, unit: str) -> str:
    """40 MHz, 1.25 GHz: three or more significant digits and a prefix."""
    for factor, prefix in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= factor:
            return f"{value / factor:.4g} {prefix}{unit}"
    return f"{value:.4g} {unit}"


def shortened(text: str, width: int) -> str:
    """The text, its end replaced by dots where it is longer than `width`."""
    return text if len(text) <= width else f"{text[: width - 3]}..."
