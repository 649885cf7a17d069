"""What a figure is, and the one table of metric names that limits, JSON and HTML share."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import Final, Literal

__all__ = [
    "KINDS",
    "METRICS",
    "NAMES",
    "Figure",
    "Kind",
    "Metric",
    "compact",
    "metric",
    "near",
    "show",
]

Kind = Literal["counted", "simulated", "estimated", "published", "measured"]
Direction = Literal["lower", "higher", "neither"]

KINDS: Final[dict[Kind, str]] = {
    "counted": "counted exactly in an artifact of this build",
    "simulated": "observed in a cycle-exact simulation",
    "estimated": "from a model: the planner's, or the timing model of place and route",
    "published": "taken from a publication",
    "measured": "measured on data, for example on the test samples",
}
"""Every kind of figure and what it means."""


@dataclass(frozen=True, slots=True)
class Figure:
    """A number that says what it is: `scope` is what it covers, `source` where it comes from."""

    value: int | float
    unit: str
    kind: Kind
    scope: str
    source: str

    def as_json(self) -> dict[str, object]:
        """Plain data for metrics.json."""
        return {
            "kind": self.kind,
            "scope": self.scope,
            "source": self.source,
            "unit": self.unit,
            "value": self.value,
        }


@dataclass(frozen=True, slots=True)
class Metric:
    """A metric's name, unit, better direction and meaning.

    `stage` is the stage without which it is not known; `layers` says that each layer has one too
    (written `name/layer` in limits), `design` that the whole design has; `target` where it has a
    meaning.
    """

    name: str
    unit: str
    better: Direction
    meaning: str
    stage: str
    layers: bool = False
    design: bool = True
    target: Literal["any", "fpga", "asic"] = "any"

    def applies(self, asic: bool) -> bool:
        """Whether it has a meaning for cells (`asic`) or for FPGAs."""
        return self.target in ("any", "asic" if asic else "fpga")


def _fpga(
    name: str, unit: str, better: Direction, meaning: str, stage: str, layers: bool = False
) -> Metric:
    return Metric(name, unit, better, meaning, stage, layers, target="fpga")


def _asic(
    name: str, unit: str, better: Direction, meaning: str, stage: str, layers: bool = False
) -> Metric:
    return Metric(name, unit, better, meaning, stage, layers, target="asic")


METRICS: Final[tuple[Metric, ...]] = (
    Metric("rungs_compared", "rungs", "higher", "rungs compared with the integer graph", "golden"),
    Metric("rungs_equal", "rungs", "higher", "rungs equal to the integer graph", "golden"),
    Metric("vectors", "vectors", "higher", "test vectors evaluated by the integer graph", "golden"),
    Metric("accuracy", "fraction", "higher", "test accuracy of the integer graph", "accuracy"),
    Metric("accuracy_quantized", "fraction", "higher", "test accuracy in training", "accuracy"),
    Metric("accuracy_float", "fraction", "higher", "test accuracy of the float twin", "accuracy"),
    Metric("emd", "cell pitches", "lower", "mean EMD of the integer graph", "accuracy"),
    Metric("emd_quantized", "cell pitches", "lower", "mean EMD in training", "accuracy"),
    Metric("emd_float", "cell pitches", "lower", "mean EMD of the float twin", "accuracy"),
    Metric("auc", "1", "higher", "AUC of the integer graph's reconstruction error", "accuracy"),
    Metric("auc_quantized", "1", "higher", "the same in training", "accuracy"),
    Metric("auc_float", "1", "higher", "the same of the float twin", "accuracy"),
    Metric("mean_squared_error", "1", "lower", "mean squared error of the graph", "accuracy"),
    Metric("mean_squared_error_quantized", "1", "lower", "the same in training", "accuracy"),
    Metric("mean_squared_error_float", "1", "lower", "the same of the float twin", "accuracy"),
    Metric("test_samples", "samples", "higher", "samples of the test split", "accuracy"),
    Metric("epochs", "epochs", "neither", "epochs trained with quantization", "train"),
    Metric("latency_cycles", "cycles", "lower", "first input beat to first output beat", "plan"),
    Metric("latency_ns", "ns", "lower", "the latency at the stated clock", "plan"),
    Metric("initiation_interval", "cycles", "lower", "cycles between inferences", "plan"),
    Metric("throughput", "inferences/s", "higher", "inferences at the stated clock", "plan"),
    Metric("fmax_estimated_mhz", "MHz", "higher", "clock by the planner's delay model", "plan"),
    _fpga("fmax_routed_mhz", "MHz", "higher", "clock after place and route", "pnr"),
    _asic("fmax_cells_mhz", "MHz", "higher", "clock by static timing of the cells", "timing"),
    _asic("setup_slack_ns", "ns", "higher", "time left at the stated clock", "timing"),
    _asic("hold_slack_ns", "ns", "higher", "least time that data outlasts the edge", "timing"),
    _asic("area_um2", "um2", "lower", "area of the cells, without routing", "synth", True),
    _asic("area_ge", "GE", "lower", "gate equivalents (NAND2 areas)", "synth", True),
    _asic("clock_gates", "cells", "neither", "clock-gate cells of the netlist", "synth"),
    _asic(
        "gated_ff_percent",
        "%",
        "higher",
        "share of flip-flops and latches behind clock gates",
        "synth",
    ),
    _fpga("lut", "LUT", "lower", "LUT equivalents of the netlist", "synth", True),
    _fpga("lut_cells", "cells", "lower", "LUT and inverter cells alone", "synth", True),
    Metric("ff", "FF", "lower", "flip-flops of the netlist", "synth", layers=True),
    Metric("tmr_ff_added", "FF", "lower", "second and third copies of registers", "synth"),
    Metric("tmr_voters", "voters", "lower", "voters of protected registers", "synth"),
    _asic("tmr_um2_added", "um2", "lower", "area of second and third copies and voters", "synth"),
    _fpga("carry", "cells", "lower", "carry cells of the netlist", "synth", True),
    _fpga("dsp", "DSPs", "lower", "DSPs of the netlist", "synth", True),
    _fpga("bram", "block RAMs", "lower", "block RAMs of the netlist", "synth", True),
    _fpga("lut_used_percent", "%", "lower", "share of the device's LUTs", "synth"),
    _fpga("ff_used_percent", "%", "lower", "share of the device's flip-flops", "synth"),
    _fpga("carry_used_percent", "%", "lower", "share of the device's carry cells", "synth"),
    _fpga("logic_cell_used_percent", "%", "lower", "share of the device's logic cells", "synth"),
    _fpga("dsp_used_percent", "%", "lower", "share of the device's DSPs", "synth"),
    _fpga("bram_used_percent", "%", "lower", "share of the device's block RAMs", "synth"),
    _fpga("lut_planned", "LUT", "lower", "LUTs predicted by the plan", "plan", True),
    Metric("ff_planned", "FF", "lower", "flip-flops predicted by the plan", "plan", layers=True),
    _fpga("dsp_planned", "DSPs", "lower", "DSPs predicted by the plan", "plan", True),
    _fpga("bram_planned", "block RAMs", "lower", "the same of block RAMs", "plan", True),
    _fpga("lut_ratio", "x", "neither", "LUTs counted over planned", "synth", True),
    Metric("ff_ratio", "x", "neither", "flip-flops counted over planned", "synth", layers=True),
    Metric("adders", "adders", "lower", "adders of the adder graphs", "plan", layers=True),
    Metric("adder_bits", "bits", "lower", "full-adder positions of them", "plan", layers=True),
    Metric("weights", "weights", "lower", "weights and biases", "lower", layers=True),
    Metric("weights_nonzero", "weights", "lower", "those that are not 0", "lower", layers=True),
    Metric("weight_bits", "bits", "lower", "bits that hold them", "lower", layers=True),
    Metric("input_bits", "bits", "lower", "bits that enter for an inference", "generate"),
    Metric("output_bits", "bits", "lower", "bits that leave for an inference", "generate"),
    Metric("width_in", "bits", "lower", "widest input element", "lower", True, False),
    Metric("width_weights", "bits", "lower", "widest weight", "lower", True, False),
    Metric("width_accumulator", "bits", "lower", "widest accumulator", "lower", True, False),
    Metric("width_out", "bits", "lower", "widest output element", "lower", True, False),
    Metric("pipeline_stages", "cycles", "lower", "pipeline registers passed", "plan", True, False),
    Metric("cycles", "cycles", "lower", "clock cycles a tensor occupies it", "plan", True, False),
    Metric("energy", "pJ", "lower", "energy of an inference", "energy", layers=True),
    Metric("energy_low", "pJ", "lower", "the low end of its range", "energy"),
    Metric("energy_high", "pJ", "lower", "the high end of its range", "energy"),
    Metric("energy_uniform", "pJ", "lower", "the same with uniform inputs", "energy"),
    Metric("power", "mW", "lower", "power at the full rate of inferences", "energy"),
    _asic("energy_projected_low", "pJ", "lower", "least energy by any projection", "energy"),
    _asic("energy_projected_high", "pJ", "lower", "largest energy by any projection", "energy"),
    _asic("area_projected_low", "um2", "lower", "least placed area by any projection", "synth"),
    _asic("area_projected_high", "um2", "lower", "largest of them", "synth"),
    Metric("energy_floor_ratio", "x", "lower", "energy over Landauer's for its bits", "energy"),
    Metric("path_ns", "ns", "lower", "longest register-to-register path", "plan", layers=True),
)
"""Every metric. Names are stable: limits and comparisons of builds depend on them."""

NAMES: Final = {entry.name: entry for entry in METRICS}


def metric(name: str) -> Metric:
    """The metric of that name; an unknown name is a mistake of ours."""
    return NAMES[name]


def near(name: str) -> str:
    """A hint for a metric name that does not exist."""
    stem = name.lower().partition("/")[0]
    close = difflib.get_close_matches(stem.replace(".", "_"), NAMES, n=1, cutoff=0.6)
    inside = [known for known in NAMES if known in stem.split(".")]
    found = close or inside[:1]
    return f"did you mean {found[0]!r}?" if found else f"expected one of: {', '.join(NAMES)}"


def show(value: float) -> str:
    """A number as people read it: whole numbers in groups of three, others to four digits."""
    if isinstance(value, int) or (value.is_integer() and abs(value) >= 1000):
        return f"{int(value):,}"
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.4g}"


def compact(value: float) -> str:
    """A number for a headline: millions and more to four digits."""
    if abs(value) >= 1e9:
        return f"{value / 1e9:.4g} G"
    return f"{value / 1e6:.4g} M" if abs(value) >= 1e6 else show(value)
