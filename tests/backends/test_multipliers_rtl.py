"""Shared DSPs and digits in RTL and netlist: values and cycles are the plan's, DSPs are halved."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest

from hwflow.backends.amaranth.generate import generate_verilog
from hwflow.ir import Graph, GraphBuilder, IntType, Overflow, Rounding
from hwflow.plan.folded import FoldedPlan
from hwflow.plan.folding import Folding
from hwflow.plan.plan import Plan
from hwflow.plan.targets import DSP_OPERANDS, target
from hwflow.plan.words import Join
from hwflow.synth import SynthResult, synthesize
from hwflow.verify.netlist import NetlistSim
from tests.backends.chains import packed, random_inputs
from tests.backends.folded_nets import FoldedNet
from tests.backends.test_folded_rtl import check_rtl, golden
from tests.backends.test_multipliers import make

pytestmark = pytest.mark.tool
FOLD = {
    "conv": Folding(2, 2, multiplier="dsp"),
    "depth": Folding(2, 1, multiplier="serial"),
    "dense": Folding(3, 2, multiplier="dsp"),
    "scores": Folding(2, 3, multiplier="serial"),
}


def net() -> Graph:
    """A padded convolution, a depthwise one and dense layers; signed and unsigned inputs."""
    made = FoldedNet(random.Random(4))
    b = made.b
    x = b.input("x", (4, 4, 2), IntType.fixed(4, 1))
    with b.layer("conv"):
        a = b.conv(x, b.const(made.ints((3, 2, 2, 4), -7, 7)), padding=((1, 1), (0, 1)))
        y = b.requant(a, IntType.fixed(4, -2, signed=False), Rounding.FLOOR, Overflow.SATURATE)
    with b.layer("depth"):
        a = b.conv(y, b.const(made.ints((2, 2, 1, 4), -7, 7)), stride=(1, 2), groups=4)
        y = b.requant(a, IntType.fixed(5, -3), Rounding.HALF_EVEN, Overflow.WRAP)
    with b.layer("dense"):
        size = int(np.prod(b.build({"y": y}).types[y.name].shape))
        a = b.matmul(b.reshape(y, (size,)), b.const(made.ints((size, 6), -15, 15)))
        y = b.requant(a, IntType.fixed(5, -6), Rounding.FLOOR, Overflow.SATURATE)
    with b.layer("scores"):
        y = b.matmul(y, b.const(made.ints((6, 4), -15, 15)))
    return b.build({"y": y})


def synthesized(plan: Plan, device: str, work: Path) -> SynthResult:
    top = plan.interface.top
    (work / "design.v").write_text(generate_verilog(plan), encoding="utf-8")
    layers = [f"{top}__{layer.name}" for layer in plan.layers]
    dsps = [f"{top}__{n}" for n, f in plan.options.fold.items() if f.multiplier == "dsp"]
    return synthesize(
        work / "design.v", top, layers, target(device), work, work / "work", dsp_modules=dsps
    )


def test_rtl(tmp_path: Path) -> None:
    check_rtl(make(net(), FOLD, "ecp5-25k"), tmp_path, 40)


def check_netlist(plan: Plan, work: Path) -> None:
    values = random_inputs(plan.graph, random.Random(1), 400)
    sim = NetlistSim.build(work / "netlist.json", plan.interface, work / "sim")
    replay = sim.replay(packed(plan, values))
    for tensor, beats in golden(plan, values).items():
        np.testing.assert_array_equal(replay.outputs[tensor], beats)
    assert replay.latency == plan.interface.latency
    assert replay.initiation_interval == plan.interface.initiation_interval


@pytest.mark.parametrize("device", ["ecp5-25k", "xc7-a35t", "ice40-up5k"])
def test_netlist(device: str, tmp_path: Path) -> None:
    """A DSP for two lanes that can share it (one of three is alone), none for digits."""
    plan = make(net(), FOLD, device)
    result = synthesized(plan, device, tmp_path)
    counted = {layer.layer: layer.area.dsp for layer in result.layers if layer.layer != "top"}
    assert counted == {"conv": 2, "dense": 4, "depth": 0, "scores": 0}
    assert counted == {layer.name: layer.cost.dsps for layer in plan.layers}
    assert result.whole.dsp == 6
    check_netlist(plan, tmp_path)


@pytest.mark.parametrize(
    ("device", "x_bits", "w_bits"), [("ecp5-25k", 7, 6), ("xc7-a35t", 10, 8), ("ice40-up5k", 5, 6)]
)
def test_operands_as_wide_as_the_dsp(device: str, x_bits: int, w_bits: int, tmp_path: Path) -> None:
    """Every bit of the wider operand is used, with weights and inputs at their extremes."""
    b, most = GraphBuilder("net"), (1 << (w_bits - 1)) - 1
    x = b.input("x", (5,), IntType.fixed(x_bits))
    rows = np.array([[most, -most], [-most, most], [-most, -most], [most, most], [-1, 0]])
    with b.layer("layer"):
        y = b.matmul(x, b.const(rows))
    fold = {"layer": Folding(2, 1, multiplier="dsp")}
    plan = make(b.build({"y": y}), fold, device)
    (layer,) = plan.layers
    assert isinstance(layer, FoldedPlan)
    widths = {word.width for word in layer.terms.words if isinstance(word.op, Join)}
    assert widths == {max(DSP_OPERANDS[target(device).family])}
    assert synthesized(plan, device, tmp_path).whole.dsp == 1
    check_netlist(plan, tmp_path)
