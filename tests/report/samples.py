"""Artifact folders of a small made-up build, written through the classes of the stages."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from hwflow.config import DesignConfig, load_design
from hwflow.ir import Graph, GraphBuilder, IntType, Overflow, Rounding, save_graph
from hwflow.passes import layer_widths
from hwflow.plan.streams import Interface, PortGroup, StreamType
from hwflow.synth.area import Area, Use
from hwflow.synth.pnr import PathStep, PnrResult
from hwflow.synth.synthesize import LayerArea, SynthResult
from hwflow.verify.compare import Mismatch, RungReport

__all__ = ["Artifacts", "design", "graph", "sample"]

Artifacts = dict[str, Path]

DESIGN = """\
design: toy
model: {builder: model.py:net}
data: {source: digits}
hardware: {target: ecp5-25k, clock: 50 MHz}
"""


def design(folder: Path, more: str = "", text: str = DESIGN) -> DesignConfig:
    """The configuration of a design.yaml with lines added."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.py").write_text("def net(input_shape, classes): ...\n")
    (folder / "design.yaml").write_text(text + more)
    return load_design(folder / "design.yaml")


def graph(first: str = "hidden", second: str = "logits") -> Graph:
    """Two dense layers, 4 inputs to 3 to 2."""
    b = GraphBuilder("toy")
    x = b.input("x", (4,), IntType.fixed(5, 4, signed=False), Rounding.HALF_EVEN, Overflow.SATURATE)
    weights = np.array([[1, -2, 3], [0, 5, -6], [7, 0, 2], [-1, 1, 0]])
    with b.layer(first):
        a = b.add(b.matmul(x, b.const(weights, frac=3)), b.const(np.array([1, -4, 9]), frac=7))
        h = b.requant(a, IntType.fixed(6, 4, signed=False), Rounding.HALF_EVEN, Overflow.SATURATE)
    with b.layer(second):
        y = b.matmul(h, b.const(weights.T[:, :2], frac=3))
    return b.build({"y": y})


def sample(folder: Path) -> Artifacts:
    """Every stage of a build that went well, place and route included."""
    found = {}
    for stage, files in {**_training(), **_hardware(), **_rungs()}.items():
        found[stage] = folder / stage
        found[stage].mkdir(parents=True)
        for name, content in files.items():
            put(found[stage] / name, content)
    save_graph(graph(), found["lower"] / "graph.hwf")
    return found


def put(path: Path, content: object) -> None:
    """Write text as it is, anything else as JSON."""
    text = content if isinstance(content, str) else json.dumps(content)
    path.write_text(text, encoding="utf-8")


def _training() -> dict[str, dict[str, object]]:
    curves = {"loss": [2.0, 0.5, 0.1], "val_loss": [1.9, 0.6, 0.2]}
    accuracy = {"accuracy": [0.3, 0.8, 0.9], "val_accuracy": [0.4, 0.75, 0.8]}
    return {
        "data": {},
        "train": {
            "history.json": {"float": curves, "quantized": {**curves, **accuracy}},
            "metrics.json": {
                "metric": "accuracy",
                "unit": "fraction",
                "float": 0.96,
                "quantized": 0.95,
                "test_samples": 200,
                "parameters": 21,
            },
        },
        "accuracy": {
            "accuracy.json": {
                "metric": "accuracy",
                "unit": "fraction",
                "float": 0.96,
                "quantized": 0.95,
                "integer": 0.95,
                "samples": 200,
            }
        },
    }


def _hardware() -> dict[str, dict[str, object]]:
    widths = [row.record() for row in layer_widths(graph())]
    return {
        "lower": {"lowering.json": {"probes": [], "wide": [], "widths": widths}},
        "plan": {"plan.json": plan_json()},
        "generate": {"interface.json": _interface().to_json()},
        "synth": {"synth.json": _synth().to_json()},
        "pnr": {"pnr.json": _pnr().to_json()},
        "energy": {"energy.json": energy_json()},
    }


def energy_json() -> dict[str, Any]:
    """The record of an energy estimate."""

    def part(value: float) -> dict[str, float]:
        return {"value": value, "low": value / 2, "high": value * 2}

    data = {
        "total": part(8.0),
        "kinds": {"logic": part(5.0), "clock": part(3.0)},
        "layers": {"logits": part(4.0), "top": part(1.0)},
    }
    return {
        "model": "made up for a test",
        "activity": {
            "data": "64 dataset vectors",
            "order": "in order",
            "inferences": 128,
        },
        "notes": ["glitches are not counted"],
        "data": data,
        "uniform": data,
        "moves": [
            {"what": "activity", "low": 8.0, "at_low": "data", "high": 9.0, "at_high": "uniform"}
        ],
    }


def plan_json() -> dict[str, Any]:
    """The record of a plan."""
    layer = {
        "adder_bits": 40,
        "adders": 6,
        "bits_in": 20,
        "bits_out": 18,
        "brams": 0,
        "cycles": 1,
        "dsps": 0,
        "ffs": 18,
        "folding": {"pe": "all", "pos": "all", "simd": "all"},
        "inputs": {"x": "4 u5 frac 4 [0, 31]"},
        "lanes_in": 4,
        "lanes_out": 3,
        "latency": 1,
        "longest_path_ns": 7.25,
        "luts": 50,
        "name": "hidden",
        "operations": ["matmul", "add", "requant"],
        "outputs": {"hidden_requant": "3 u6 frac 4 [0, 63]"},
        "positions": 1,
    }
    second = {
        **layer,
        "bits_in": 18,
        "bits_out": 22,
        "ffs": 0,
        "folding": {"pe": "all", "pos": 1, "simd": "all"},
        "inputs": {"hidden_requant": "3 u6 frac 4 [0, 63]"},
        "longest_path_ns": 9.5,
        "luts": 30,
        "name": "logits",
        "operations": ["matmul"],
        "outputs": {"logits_matmul": "2 s11 frac 7 [-800, 700]"},
    }
    return {
        "bottleneck": "logits",
        "clock_hz": "50000000",
        "dataflow": [
            {"kind": "region", "latency": 1, "layers": ["hidden"]},
            {"kind": "fork", "value": "hidden_requant", "copies": 2},
            {"kind": "fifo", "value": "hidden_requant", "depth": 1},
            {"kind": "serializer", "value": "hidden_requant", "beats": 3},
            {"kind": "window", "layers": ["logits"]},
        ],
        "design": "toy",
        "device": {"brams": 56, "dsps": 28, "ffs": 24288, "luts": 24288},
        "estimated_fmax_hz": 93_457_944,
        "graph": "ab" * 32,
        "initiation_interval": 1,
        "interface": "axi_stream",
        "latency_cycles": 3,
        "layers": [layer, second],
        "target": "ecp5-25k",
        "total": {
            "adder_bits": 80,
            "adders": 12,
            "brams": 0,
            "dsps": 0,
            "ffs": 18,
            "luts": 80,
        },
    }


def _interface() -> Interface:
    into, out = StreamType((5,) * 4, (False,) * 4, 1), StreamType((11,) * 2, (True,) * 2, 1)
    names = ("s_axis_x_tdata", "s_axis_x_tvalid", "s_axis_x_tready", "s_axis_x_tlast")
    others = tuple(name.replace("s_axis_x", "m_axis_y") for name in names)
    ports = (PortGroup("x", (4,), into, *names, 24),), (PortGroup("y", (2,), out, *others, 24),)
    return Interface("toy", "axi_stream", "aclk", "aresetn", False, 2, *ports, 3, 1)


def _synth() -> SynthResult:
    hidden = Area(46, 18, 20, (("CCU2C", 20), ("LUT4", 6), ("TRELLIS_FF", 18)))
    logits = Area(30, 0, 14, (("CCU2C", 14), ("LUT4", 2)))
    rest = Area(5, 44, 0, (("INV", 1), ("LUT4", 4), ("TRELLIS_FF", 44)))
    cells = (("CCU2C", 34), ("INV", 1), ("LUT4", 12), ("TRELLIS_FF", 62))
    return SynthResult(
        "toy",
        "ecp5-25k",
        Area(81, 62, 34, cells),
        (LayerArea("hidden", hidden), LayerArea("logits", logits), LayerArea("top", rest)),
        (Use("lut", 81, 24288), Use("ff", 62, 24288), Use("carry", 34, 12144)),
        True,
    )


def _pnr() -> PnrResult:
    path = (
        PathStep("hidden", "hidden.CCU2C_3", "hidden.sum_2", 2.125),
        PathStep("logits", "logits.LUT4_1", "hidden_requant[4]", 1.5),
    )
    return PnrResult(81_250_000.0, 50e6, 1, (("TRELLIS_COMB", 90, 24288),), path, 42)


def _rungs() -> dict[str, dict[str, object]]:
    classes = [("corner", 0, 12), ("random", 12, 512), ("dataset", 512, 712), ("none", 712, 712)]
    timed = {"latency_cycles": 3, "initiation_interval": 1}
    cocotb = [{"test": "bulk", "vectors": 712, "cycles": 730}]
    reports = (
        RungReport("training", 712, ("hidden_requant", "logits_matmul"), notes=("float64 twice",)),
        RungReport("amaranth", 96, ("y",), figures=timed),
        RungReport("rtl", 712, ("y",), figures={**timed, "cycles": 720, "cocotb": cocotb}),
        RungReport("netlist", 712, ("y",), figures=timed),
    )
    listed = [{"name": n, "start": a, "stop": b} for n, a, b in classes]
    return {
        "vectors": {"classes.json": listed},
        "golden": {"golden.json": {"rung": "graph", "vectors": 712}},
        **{report.rung: {"rung.json": report.as_json()} for report in reports},
    }


def break_rung(found: Artifacts, rung: str) -> None:
    """Give a rung a mismatch."""
    mismatch = Mismatch("logits", "y", 13, "random", (1,), -7, -8, 5)
    report = RungReport(rung, 712, ("y",), mismatch)
    put(found[rung] / "rung.json", report.as_json())
