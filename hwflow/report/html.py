"""One self-contained HTML page: every figure, where it comes from, and the pictures."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from hwflow.config import DesignConfig
from hwflow.report.charts import Chart, chart, flow_picture
from hwflow.report.figures import KINDS, METRICS, NAMES, Figure, Metric, compact, show
from hwflow.report.ladder import RUNG_TEXT
from hwflow.report.layers import LayerRow
from hwflow.report.limits import judge
from hwflow.report.metrics import Metrics
from hwflow.report.published import PUBLISHED
from hwflow.report.summary import VERDICTS, blocks_of

if TYPE_CHECKING:
    from jinja2 import Environment

__all__ = ["TEMPLATES", "page", "templates"]

TEMPLATES: Final = Path(__file__).parent / "templates"

_CARDS: Final = (
    ("Accuracy", "accuracy"),
    ("Earth mover's distance", "emd"),
    ("AUC", "auc"),
    ("Mean squared error", "mean_squared_error"),
    ("Latency", "latency_cycles"),
    ("Latency", "latency_ns"),
    ("Initiation interval", "initiation_interval"),
    ("Throughput", "throughput"),
    ("LUT equivalents", "lut"),
    ("Cell area", "area_um2"),
    ("Gate equivalents", "area_ge"),
    ("Flip-flops", "ff"),
    ("Fmax, delay model", "fmax_estimated_mhz"),
    ("Fmax, routed", "fmax_routed_mhz"),
    ("Fmax, static timing", "fmax_cells_mhz"),
    ("Setup slack", "setup_slack_ns"),
    ("Energy per inference", "energy"),
    ("Weights and biases", "weights"),
    ("Adders", "adders"),
)
_OPTIONAL: Final = ("accuracy", "emd", "auc", "mean_squared_error")
_SCORES: Final = {
    "accuracy": "Accuracy",
    "emd": "Earth mover's distance",
    "auc": "Area under the ROC curve (AUC)",
    "mean_squared_error": "Mean squared error",
}
_SCORED: Final = (
    ("float", "_float", "the same network without quantization, trained alike"),
    ("quantized", "_quantized", "the training graph with quantizers, as exported"),
    ("integer", "", "the integer graph, which every rung is compared with"),
)


@dataclass(frozen=True, slots=True)
class Card:
    """A key figure."""

    title: str
    figure: Figure | None
    why: str


@dataclass(frozen=True, slots=True)
class Entry:
    """A row of the table of all figures."""

    metric: Metric
    figure: Figure | None
    why: str


@dataclass(frozen=True, slots=True)
class Bar:
    """A layer's share of the counted LUTs or cell area, in percent."""

    row: LayerRow
    share: float | None


def templates() -> Environment:
    """The pages' templates: names from artifacts are escaped, an unknown name is an error."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    return Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def page(metrics: Metrics, config: DesignConfig) -> str:
    """The page as text. Names from artifacts are escaped; nothing is loaded from elsewhere."""
    environment = templates()
    environment.filters.update(show=show, compact=compact)
    template = environment.get_template("report.html.j2")
    style = (TEMPLATES / "style.css").read_text(encoding="utf-8")
    return template.render(
        accuracy=_accuracy(metrics),
        bars=_bars(metrics),
        blocks=blocks_of(metrics),
        cards=_cards(metrics),
        charts=_charts(metrics),
        config=config,
        entries=[Entry(m, metrics.figure(m.name), metrics.why_missing(m.name)) for m in METRICS
                 if m.design and m.applies(config.hardware.asic)],
        flow=flow_picture(metrics.dataflow) if metrics.dataflow else None,
        judgements=judge(metrics, config.limits),
        kinds=KINDS,
        metrics=metrics,
        paths=_paths(metrics, config.report.top_paths),
        published=PUBLISHED,
        rung_text=RUNG_TEXT,
        style=style,
        title=config.report.title or metrics.design,
        verdict=VERDICTS[metrics.ladder.verdict],
    )  # fmt: skip


def _cards(metrics: Metrics) -> list[Card]:
    cards = [Card(t, metrics.figure(n), metrics.why_missing(n)) for t, n in _CARDS]
    return [
        card
        for card, (_, name) in zip(cards, _CARDS, strict=True)
        if card.figure or (name not in _OPTIONAL and NAMES[name].applies(metrics.asic is not None))
    ]


def _accuracy(metrics: Metrics) -> list[tuple[str, str, str, Figure | None]]:
    """Rows (metric, rung, meaning, figure) for each metric that has any figure."""
    rows = []
    for name, title in _SCORES.items():
        scored = [(r, text, metrics.figure(name + suffix)) for r, suffix, text in _SCORED]
        if any(figure for _, _, figure in scored):
            rows += [(title, rung, text, figure) for rung, text, figure in scored]
    return rows


def _bars(metrics: Metrics) -> list[Bar]:
    name = "area_um2" if metrics.asic else "lut"
    whole = metrics.figure(name)
    outside = [LayerRow("between layers", ("buffers", "interface"), "", metrics.outside)]
    rows = [*metrics.layers, *(outside if metrics.outside else [])]
    return [Bar(row, _share(row, whole, name)) for row in rows]


def _share(row: LayerRow, whole: Figure | None, name: str) -> float | None:
    part = row.figures.get(name)
    if part is None or whole is None or not whole.value:
        return None
    return round(100 * part.value / whole.value, 1)


def _charts(metrics: Metrics) -> list[Chart]:
    quantities = dict.fromkeys(c.quantity.removeprefix("val_") for c in metrics.curves)
    # The loss first: it is what training minimizes.
    ordered = sorted(quantities, key=lambda quantity: (quantity != "loss", quantity))
    return [
        chart(q, [c for c in metrics.curves if c.quantity.removeprefix("val_") == q])
        for q in ordered
    ]


def _paths(metrics: Metrics, most: int) -> list[tuple[str, Figure]]:
    """The layers with the longest paths by the delay model, longest first."""
    rows = [(r.name, r.figures["path_ns"]) for r in metrics.layers if "path_ns" in r.figures]
    return sorted(rows, key=lambda row: -row[1].value)[:most]
