"""hwflow's metrics in the shape of hls4ml's Vitis report."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hwflow.plan.targets import target

__all__ = ["summarize"]

_FIGURES = {
    "BestLatency": "latency_cycles",
    "WorstLatency": "latency_cycles",
    "IntervalMin": "initiation_interval",
    "IntervalMax": "initiation_interval",
    "LUT": "lut",
    "FF": "ff",
    "DSP": "dsp",
    "BRAM_18K": "bram",
}
_COSIM = {
    "LatencyMin": "latency_cycles",
    "LatencyMax": "latency_cycles",
    "IntervalMin": "initiation_interval",
    "IntervalMax": "initiation_interval",
}


def summarize(metrics: Mapping[str, Any]) -> dict[str, Any]:
    """What `hls4ml.report.parse_vivado_report` would give, of metrics.json; values are text.

    CSynthesisReport holds Yosys' counts of the netlist and the simulated cycles, CosimReport what
    the RTL rung found. EstimatedClockPeriod is that of place and route, or of the planner's delay
    model. BRAM_18K counts block RAMs of the device's own size. What the build did not make is
    left out.
    """
    figures = {k: f["value"] for k, f in metrics["figures"].items() if f["value"] is not None}
    synthesis = {"TargetClockPeriod": f"{1000 / metrics['clock_mhz']:.2f}"}
    fmax = figures.get("fmax_routed_mhz", figures.get("fmax_estimated_mhz"))
    if fmax:
        synthesis["EstimatedClockPeriod"] = f"{1000 / fmax:.3f}"
    synthesis |= {key: str(int(figures[f])) for key, f in _FIGURES.items() if f in figures}
    resources = target(metrics["target"]).resources
    if resources is not None:
        for key in ("LUT", "FF", "DSP", "BRAM_18K"):
            synthesis[f"Available{key}"] = str(getattr(resources, _FIGURES[key]))
    report: dict[str, Any] = {"CSynthesisReport": synthesis}
    rtl = next((r for r in metrics["ladder"]["rungs"] if r["name"] == "rtl"), None)
    if rtl is not None and rtl["status"] != "not run":
        cosim = {"RTL": "Verilog", "Status": "Pass" if rtl["status"] == "equal" else "Fail"}
        cosim |= {key: str(int(figures[f])) for key, f in _COSIM.items() if f in figures}
        report["CosimReport"] = cosim
    return report
