"""A fault campaign as a self-contained HTML page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hwflow.report.figures import show
from hwflow.report.html import TEMPLATES, templates

__all__ = ["upset_page"]


def upset_page(record: Mapping[str, Any]) -> str:
    """The page of a campaign's record (seu.json): rates, recovery, what is not covered."""
    environment = templates()
    environment.filters.update(show=show)
    style = (TEMPLATES / "style.css").read_text(encoding="utf-8")
    return environment.get_template("upsets.html.j2").render(record=record, style=style)
