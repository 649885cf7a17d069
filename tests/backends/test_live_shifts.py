"""Shifts by live amounts and leading zeros in RTL and netlist: a small floating-point format."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest

from hwflow.backends.amaranth.generate import generate_verilog
from hwflow.errors import InputError
from hwflow.ir import Graph, GraphBuilder, IntType, Overflow, Rounding, evaluate
from hwflow.plan.targets import target
from hwflow.synth import synthesize
from hwflow.verify.netlist import NetlistSim
from tests.backends.chains import make, packed, random_inputs
from tests.backends.test_folded_rtl import check_rtl, golden

CELLS = 5


def floats() -> Graph:
    """Signed 3E+4M numbers: their sum, and each divided by the power of two below their sum."""
    b = GraphBuilder("floats")
    exponent = b.input("exponent", (CELLS,), IntType.fixed(3, signed=False))
    mantissa = b.input("mantissa", (CELLS,), IntType.fixed(4))
    with b.layer("decode"):
        x = b.shift_left(mantissa, exponent)
    with b.layer("normalise"):
        zero, width = b.const(0), 13
        magnitude = b.select(b.compare("ge", x, zero), x, b.sub(zero, x))
        magnitude = b.requant(magnitude, IntType(0, 8 << 7), Rounding.FLOOR, Overflow.SATURATE)
        total = b.reduce_sum(magnitude, (0,))
        shift = b.sub(b.const(width), b.clz(total, width))
        y = b.shift_right(b.mul(x, b.const(16)), shift)
    return b.build({"y": y, "zeros": b.clz(total, width, name="zeros")})


def test_the_graph_is_what_it_is_meant_to_be() -> None:
    graph = floats()
    rng = random.Random(3)
    values = random_inputs(graph, rng, 200)
    found = evaluate(graph, values)
    for e, m, y, zeros in zip(*values.values(), *found.values(), strict=True):
        x = [int(a) * 2 ** int(k) for a, k in zip(m, e, strict=True)]
        bits = len(f"{sum(map(abs, x)):b}") if any(x) else 0
        assert zeros == 13 - bits
        assert y.tolist() == [16 * v // 2**bits for v in x]


@pytest.mark.tool
def test_rtl(tmp_path: Path) -> None:
    check_rtl(make(floats(), "valid_only", mhz=250), tmp_path, 60)


@pytest.mark.tool
@pytest.mark.parametrize("device", ["ecp5-25k", "ice40-up5k"])
def test_netlist(device: str, tmp_path: Path) -> None:
    plan = make(floats(), "valid_only")
    top = plan.interface.top
    (tmp_path / "design.v").write_text(generate_verilog(plan), encoding="utf-8")
    layers = [f"{top}__{layer.name}" for layer in plan.layers]
    synthesize(tmp_path / "design.v", top, layers, target(device), tmp_path, tmp_path / "work")
    values = random_inputs(plan.graph, random.Random(1), 400)
    sim = NetlistSim.build(tmp_path / "netlist.json", plan.interface, tmp_path / "sim")
    replay = sim.replay(packed(plan, values))
    for tensor, beats in golden(plan, values).items():
        np.testing.assert_array_equal(replay.outputs[tensor], beats)
    assert replay.latency == plan.interface.latency


def test_a_result_too_wide_for_a_port_is_refused_by_name() -> None:
    b = GraphBuilder("wide")
    x, n = b.input("x", (2,), IntType.fixed(8)), b.input("n", (), IntType(0, 63))
    with b.layer("move"):
        y = b.shift_left(x, n)
    graph = b.build({"y": y})
    with pytest.raises(InputError) as caught:
        make(graph, "valid_only")
    assert caught.value.code == "plan.operation"
    assert "move_shift_left has 71 bits" in caught.value.message
    assert graph.types[y.name].elem == IntType(-(128 << 63), 127 << 63)
    with b.layer("move"):
        kept = b.requant(y, IntType.fixed(62), Rounding.FLOOR, Overflow.SATURATE)
    make(b.build({"y": kept}), "valid_only")
