"""The report in a dozen lines of plain text."""

from __future__ import annotations

from hwflow.report.cells import Cells
from hwflow.report.figures import NAMES, show
from hwflow.report.ladder import Rung, Verdict
from hwflow.report.metrics import Metrics

__all__ = ["VERDICTS", "blocks_of", "figure_text", "summary"]

VERDICTS: dict[Verdict, str] = {
    "equal": "equal on every vector compared",
    "different": "DIFFERENT: a rung does not equal the integer graph",
    "incomplete": "incomplete: what ran is equal, but not every rung asked for ran",
    "unchecked": "not verified: no rung was compared with the integer graph",
}
"""Each verdict in words."""

_SCORES = ("accuracy", "emd", "auc", "mean_squared_error")
_MARKS = {"equal": "=", "different": "!", "not run": "-"}


def summary(metrics: Metrics, report: str = "") -> tuple[str, ...]:
    """Lines for the terminal; `report` is where the HTML page is, left out where empty."""
    areas = ("area_um2", "area_ge", "ff") if metrics.asic else ("lut", "ff", *blocks_of(metrics))
    planned = [f"{name}_planned" for name in areas if f"{name}_planned" in NAMES]
    lines = [
        f"{metrics.design} on {metrics.target} at {metrics.clock_mhz:g} MHz, {metrics.interface}",
        f"verdict     {VERDICTS[metrics.ladder.verdict]}",
        f"ladder      {'  '.join(_rung(rung) for rung in metrics.ladder.rungs)}",
        *_mismatches(metrics),
        _scores(metrics),
        f"latency     {_texts(metrics, 'latency_cycles', 'latency_ns')}",
        f"interval    {_texts(metrics, 'initiation_interval')}",
        f"throughput  {_texts(metrics, 'throughput')}",
        f"area        {_texts(metrics, *areas)}",
        *(_estimated(metrics) if metrics.backend == "hls4ml" else _synthesized(metrics, planned)),
    ]
    return (*lines, f"report      {report}") if report else tuple(lines)


def _estimated(metrics: Metrics) -> list[str]:
    """What the HLS tool says of the clock."""
    known = metrics.figure("fmax_estimated_mhz") is not None
    return [f"Fmax        {_texts(metrics, 'fmax_estimated_mhz')}{' by the HLS tool' * known}"]


def _synthesized(metrics: Metrics, planned: list[str]) -> list[str]:
    """Plan, device, clock and energy of hwflow's own hardware."""
    return [
        f"planned     {_texts(metrics, *planned)}",
        f"device      {_device(metrics)}",
        f"Fmax        {_texts(metrics, 'fmax_estimated_mhz')} by the delay model",
        *(_timed(metrics, metrics.asic) if metrics.asic else _routed(metrics)),
        f"energy      {_energy(metrics)}",
    ]


def _routed(metrics: Metrics) -> list[str]:
    return [f"routed      {_texts(metrics, 'fmax_routed_mhz')}"]


def _timed(metrics: Metrics, cells: Cells) -> list[str]:
    """Static timing of cells: clock, slacks, and the path by layer."""
    rows = (("", "fmax_cells_mhz"), ("setup slack ", "setup_slack_ns"),
            ("hold slack ", "hold_slack_ns"))  # fmt: skip
    known = [name + figure_text(metrics, key) for name, key in rows if metrics.figure(key)]
    shown = [f"timing      {', '.join(known) or metrics.why_missing('fmax_cells_mhz')}"]
    if cells.path:
        shown.append(f"path        {cells.path_text}")
    if cells.missed_text:
        shown.append(f"NOT MET     {cells.missed_text}")
    return shown


def blocks_of(metrics: Metrics) -> tuple[str, ...]:
    """Which of DSPs and block RAMs the design was planned or counted to have."""
    return tuple(
        name
        for name in ("dsp", "bram")
        if any(f and f.value for f in (metrics.figure(name), metrics.figure(f"{name}_planned")))
    )


def _energy(metrics: Metrics) -> str:
    low, high = metrics.figure("energy_low"), metrics.figure("energy_high")
    text = f"{figure_text(metrics, 'energy')} an inference"
    if low is None or high is None:
        return metrics.why_missing("energy")
    return f"{text}, between {show(low.value)} and {show(high.value)}"


def _texts(metrics: Metrics, *names: str) -> str:
    return ", ".join(dict.fromkeys(figure_text(metrics, name) for name in names))


def figure_text(metrics: Metrics, name: str) -> str:
    """A figure with its unit and kind, or why it is not known."""
    figure = metrics.figure(name)
    if figure is None:
        return metrics.why_missing(name)
    return f"{show(figure.value)} {figure.unit} ({figure.kind})"


def _rung(rung: Rung) -> str:
    count = f" {rung.vectors:,}" if rung.vectors else ""
    return f"[{_MARKS[rung.status]}] {rung.name}{count}"


def _mismatches(metrics: Metrics) -> list[str]:
    found = []
    for rung in metrics.ladder.rungs:
        if rung.mismatch is not None:
            m = rung.mismatch
            where = "".join(f"[{i}]" for i in m.element)
            found.append(
                f"mismatch    {rung.name}: layer {m.layer}, {m.value}{where} of vector {m.vector}"
                f" ({m.vector_class}): expected {m.expected}, found {m.found}"
            )
    return found


def _scores(metrics: Metrics) -> str:
    name = next((s for s in _SCORES if _has_score(metrics, s)), None)
    if name is None:
        return f"accuracy    {metrics.why_missing('accuracy')}"
    rungs = (("float", "_float"), ("quantized", "_quantized"), ("integer", ""))
    shown = [(label, metrics.figure(name + suffix)) for label, suffix in rungs]
    parts = [f"{label} {show(f.value) if f else 'not run'}" for label, f in shown]
    unit = next(f.unit for _, f in shown if f)
    label = {"mean_squared_error": "MSE", "emd": "EMD", "auc": "AUC"}.get(name, name)
    return f"{label:<11} {', '.join(parts)} ({unit})"


def _has_score(metrics: Metrics, name: str) -> bool:
    return any(metrics.figure(name + suffix) for suffix in ("", "_quantized", "_float"))


def _device(metrics: Metrics) -> str:
    if metrics.asic:
        return dict(metrics.asic.facts)["library"]
    uses = [u for u in metrics.utilization if u.when == "synthesis"]
    return ", ".join(f"{u.resource} {u.percent:.3g}%" for u in uses) or (
        "a plain fabric" if metrics.figure("lut") else metrics.why_missing("lut")
    )
