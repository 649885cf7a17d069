"""The RTL of folded networks: lint, values and cycles in Verilator, gaps and stalls in cocotb."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from hwflow.backends.amaranth.generate import generate_verilog
from hwflow.ir import Graph, GraphBuilder, IntType, Overflow, Rounding, evaluate
from hwflow.plan.dataflow import Fifo, FoldedStage
from hwflow.plan.folding import Folding
from hwflow.plan.plan import Plan
from hwflow.verify.rtl import build_replay, check_timing, lint, run_cocotb
from tests.backends.chains import ONE, make, packed, random_inputs
from tests.backends.folded_nets import FoldedNet, random_folded_net, residual_net

pytestmark = pytest.mark.tool
Beats = dict[str, npt.NDArray[np.uint8]]
RESIDUAL = {
    "a": Folding(2, 1),
    "b": Folding(1, 2, multiplier="dsp"),
    "c": ONE,
    "join": ONE,
    "d": Folding(1, 4),
}


def golden(plan: Plan, values: dict[str, Any]) -> Beats:
    """What the interpreter gives, as beats of each output."""
    wanted = evaluate(plan.graph, values)
    return {
        g.tensor: g.pack(wanted[g.tensor].reshape(len(wanted[g.tensor]), -1).astype(np.int64))
        for g in plan.interface.outputs
    }


def check_rtl(plan: Plan, work: Path, n: int = 24) -> None:
    """Lint is clean; values, latency and interval are those of graph and plan."""
    rtl = work / "design.v"
    rtl.write_text(generate_verilog(plan), encoding="utf-8")
    lint(rtl, plan.interface.top, work / "lint")
    values = random_inputs(plan.graph, random.Random(1), n)
    found = build_replay(rtl, plan.interface, work / "replay").run(packed(plan, values))
    for tensor, beats in golden(plan, values).items():
        np.testing.assert_array_equal(found.outputs[tensor], beats)
    check_timing(plan.interface, found)


def every_kind() -> tuple[Graph, dict[str, Folding]]:
    """Two-dimensional layers of every kind, each folded: padding, stride, dilation, thresholds."""
    net = FoldedNet(random.Random(8))
    b = net.b
    x = b.input("x", (7, 6, 2), IntType.fixed(4, 1))
    with b.layer("conv"):
        a = b.conv(x, net.weights((3, 2, 2, 4)), (1, 1), ((1, 1), (0, 1)), (2, 1))
        a = b.add(b.mul(a, b.const([3, 1, -2, 5], [1, 0, 2, 3])), b.const([7, 0, -9, 30], 4))
        y = b.threshold(a, np.sort(net.ints((3, 4), -60, 60), axis=0))
    with b.layer("depth"):
        a = b.conv(y, net.weights((2, 2, 1, 4)), (1, 2), ((0, 1), (1, 0)), groups=4)
        y = b.requant(a, IntType.fixed(4, 0), Rounding.HALF_AWAY, Overflow.WRAP)
    with b.layer("pool"):
        y = b.maxpool(y, (2, 2), (2, 1))
    with b.layer("average"):
        total = b.reduce_sum(y, (0, 1))
        y = b.requant(total, IntType.fixed(4, -1), Rounding.HALF_EVEN, Overflow.SATURATE)
        y = b.lut(y, -8, net.ints((16,), -8, 7), 1)
    with b.layer("dense"):
        y = b.matmul(y, net.weights((4, 3)))
    fold = {
        "conv": Folding(2, 1, multiplier="dsp"),
        "depth": Folding(2, 1),
        "pool": Folding(1, 1),
        "average": Folding(2, 1),
        "dense": Folding(3, 2),
    }
    return b.build({"y": y}), fold


def test_every_kind_of_folded_layer(tmp_path: Path) -> None:
    graph, fold = every_kind()
    plan = make(graph, "axi_stream", fold)
    assert all(isinstance(s, FoldedStage) for s in plan.stages if hasattr(s, "layer"))
    check_rtl(plan, tmp_path)


def test_a_residual_with_its_fifo(tmp_path: Path) -> None:
    plan = make(residual_net(random.Random(0), 4, 3), "valid_ready", RESIDUAL)
    assert any(isinstance(s, Fifo) for s in plan.stages)
    check_rtl(plan, tmp_path)


@pytest.mark.parametrize("seed", [3, *(pytest.param(n, marks=pytest.mark.long) for n in (21, 40))])
def test_random_networks(seed: int, tmp_path: Path) -> None:
    rng = random.Random(seed)
    graph, fold, _ = random_folded_net(rng)
    check_rtl(make(graph, "axi_stream", fold), tmp_path, 40)


def write_folder(plan: Plan, folder: Path, n: int) -> Path:
    """A design folder as the cocotb testbench reads it."""
    (folder / "inputs").mkdir(parents=True)
    (folder / "outputs").mkdir()
    (folder / "design.v").write_text(generate_verilog(plan), encoding="utf-8")
    (folder / "interface.json").write_text(plan.interface.to_json(), encoding="utf-8")
    values = random_inputs(plan.graph, random.Random(1), n)
    for tensor, beats in packed(plan, values).items():
        beats.tofile(folder / "inputs" / f"{tensor}.bin")
    for tensor, beats in golden(plan, values).items():
        beats.tofile(folder / "outputs" / f"{tensor}.bin")
    return folder


@pytest.mark.parametrize("case", [pytest.param("every_kind", marks=pytest.mark.long), "residual"])
def test_gaps_stalls_and_reset(case: str, tmp_path: Path) -> None:
    """Data exact and in order, nothing deadlocks, and a reset in the stream is survived."""
    if case == "residual":
        plan = make(residual_net(random.Random(0), 4, 3), "axi_stream", RESIDUAL)
    else:
        graph, fold = every_kind()
        plan = make(graph, "valid_ready", fold)
    folder = write_folder(plan, tmp_path / "design", 30)
    results = run_cocotb(folder, tmp_path / "work", vectors=30, paced_vectors=30)
    assert [r.test for r in results] == ["full_rate", "random_pace", "reset_in_stream"]


def test_a_single_pixel_is_a_tensor(tmp_path: Path) -> None:
    """One word in, one beat out, a line buffer of two words."""
    b = GraphBuilder("net")
    x = b.input("x", (2,), IntType.fixed(4))
    with b.layer("dense"):
        y = b.matmul(x, b.const([[3], [-5]]))
    check_rtl(make(b.build({"y": y}), "valid_ready", {"dense": Folding(1, "all")}), tmp_path)
