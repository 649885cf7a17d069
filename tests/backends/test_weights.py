"""Layers with weights loaded at run time: every recoding, inputs whole and in parts, every rung."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hwflow.backends.amaranth.generate import generate_verilog
from hwflow.backends.amaranth.simulate import simulate
from hwflow.errors import InputError
from hwflow.ir import Graph, GraphBuilder, IntType, Overflow, Rounding, evaluate
from hwflow.ir.exact import IntArray
from hwflow.plan.checks import check_graph
from hwflow.plan.folding import Folding, Multiplier
from hwflow.plan.loading import ADDRESS, MOST_WORDS, address_bits, load_clocks
from hwflow.plan.plan import Options, Plan, make_plan
from hwflow.plan.serial import SerialPlan
from hwflow.plan.store import store_of
from hwflow.plan.streams import InterfaceKind
from hwflow.plan.targets import target
from hwflow.verify.rtl import build_replay

RECODINGS: tuple[Multiplier, ...] = ("plain", "radix4", "radix8")


def little_chip(w_bits: int = 6, below_zero: bool = False) -> Graph:
    """A calibration, a convolution and a dense layer, all of whose numbers are loaded."""
    b = GraphBuilder("little_chip")
    x = b.input("x", (3, 3, 2), IntType.fixed(4, 2, signed=below_zero))
    weight = IntType.fixed(w_bits, 4)
    gain = b.param("gain", (3, 3, 1), IntType.fixed(3, 0, signed=False))
    w1, b1 = b.param("w1", (2, 2, 2, 3), weight), b.param("b1", (3,), weight)
    w2, b2 = b.param("w2", (12, 3), weight), b.param("b2", (3,), weight)
    with b.layer("calibrate"):
        y = b.mul(x, gain)
        kind = IntType.fixed(6, 2, signed=below_zero)
        y = b.requant(y, kind, Rounding.HALF_UP, Overflow.SATURATE)
    with b.layer("conv"):
        y = b.add(b.conv(y, w1, (2, 2), ((0, 1), (0, 1))), b1)
        y = b.requant(y, IntType.fixed(7, 3, signed=False), Rounding.HALF_EVEN, Overflow.SATURATE)
    with b.layer("dense"):
        y = b.add(b.matmul(b.reshape(y, (12,)), w2), b2)
        y = b.requant(y, IntType.fixed(8, 5, signed=False), Rounding.HALF_EVEN, Overflow.SATURATE)
    return b.build({"y": y})


def planned(graph: Graph, fold: dict[str, Folding], kind: InterfaceKind, mhz: int = 60) -> Plan:
    return make_plan(graph, Options(target("lut6"), Fraction(mhz * 1_000_000), kind, fold))


def some_weights(graph: Graph, seed: int) -> dict[str, IntArray]:
    rng = np.random.default_rng(seed)
    found = {}
    for node in graph.params:
        lo, hi, _ = graph.types[node.name].elem.full(graph.types[node.name].shape)
        found[node.name] = rng.integers(lo.astype(np.int64), hi.astype(np.int64) + 1)
    return found


def some_inputs(graph: Graph, count: int, seed: int) -> IntArray:
    lo, hi, _ = graph.types["x"].elem.full(graph.types["x"].shape)
    low, high = lo.astype(np.int64), hi.astype(np.int64)
    rng = np.random.default_rng(seed)
    rows = rng.integers(low, high + 1, (count, *low.shape))
    rows[0], rows[1] = low, high
    return rows


def check(plan: Plan, seed: int, vectors: int = 6) -> None:
    """The Amaranth components give the graph's values, layer by layer, in the cycles planned."""
    graph, face = plan.graph, plan.interface
    weights, x = some_weights(graph, seed), some_inputs(graph, vectors, seed)
    assert face.store is not None
    words = face.store.image(weights)
    beats = {"x": face.inputs[0].pack(x.reshape(vectors, -1))}
    outputs, latency, interval, layers = simulate(plan, beats, True, words)
    for value, wanted in evaluate(graph, {"x": x, **weights}, keep="layers").items():
        assert (layers[value] == wanted).all(), value
    y = evaluate(graph, {"x": x, **weights})["y"]
    assert (face.outputs[0].unpack(outputs["y"]).reshape(y.shape) == y).all()
    assert (latency, interval) == (face.latency, face.initiation_interval)


@pytest.mark.parametrize("kind", ["valid_only", "axi_stream"])
@pytest.mark.parametrize("below_zero", [False, True])
@settings(max_examples=2, deadline=None)
@given(
    seed=st.integers(0, 2**31),
    recoding=st.sampled_from(RECODINGS),
    digits=st.integers(1, 7),
    mhz=st.sampled_from((1, 60, 250)),
    w_bits=st.integers(2, 7),
)
def test_parts_and_recodings(
    kind: InterfaceKind,
    below_zero: bool,
    seed: int,
    recoding: Multiplier,
    digits: int,
    mhz: int,
    w_bits: int,
) -> None:
    fold = {"dense": Folding(multiplier=recoding, digits=digits)}
    if not below_zero:
        fold["conv"] = Folding(multiplier=recoding, digits=min(3, digits))
    plan = planned(little_chip(w_bits, below_zero), fold, kind, mhz)
    assert plan.interface.initiation_interval == digits
    check(plan, seed)


@pytest.mark.tool
@pytest.mark.parametrize("kind", ["valid_only"])
def test_two_sets_of_weights_in_one_design(kind: InterfaceKind, tmp_path: Path) -> None:
    graph = little_chip()
    plan = planned(graph, {"dense": Folding(multiplier="plain", digits=3)}, kind)
    assert any(isinstance(layer, SerialPlan) for layer in plan.layers)
    (tmp_path / "design.v").write_text(generate_verilog(plan), encoding="utf-8")
    face = plan.interface
    assert face.store is not None
    x = some_inputs(graph, 200, 1)
    built = build_replay(tmp_path / "design.v", face, tmp_path / "work")
    seen = []
    for seed in (3, 4):
        weights = some_weights(graph, seed)
        clocks = load_clocks(face.store, face.store.image(weights))
        result = replace(built, load=clocks).run({"x": face.inputs[0].pack(x.reshape(200, -1))})
        y = evaluate(graph, {"x": x, **weights})["y"]
        assert (face.outputs[0].unpack(result.outputs["y"]).reshape(y.shape) == y).all()
        assert (result.latency, result.initiation_interval) == (face.latency, 3)
        seen.append(y)
    assert (seen[0] != seen[1]).any()


def test_what_has_no_form_in_parts_is_refused() -> None:
    parts = Folding(digits=2)
    with pytest.raises(InputError, match="begin with weights loaded"):
        planned(little_chip(), {"calibrate": parts}, "valid_ready")
    with pytest.raises(InputError, match="can be negative"):
        planned(little_chip(below_zero=True), {"conv": parts}, "valid_ready")
    with pytest.raises(InputError, match="inputs have 7 bits"):
        planned(little_chip(), {"dense": Folding(digits=8)}, "valid_ready")
    with pytest.raises(InputError, match="takes all positions at once"):
        planned(little_chip(), {"conv": Folding(pos=1)}, "valid_ready")
    for both in (Folding(pos=1, digits=2), Folding(pe=1, digits=2), Folding(simd=1, digits=2)):
        with pytest.raises(InputError, match=r"digits does not go with (pos|pe|simd)"):
            planned(little_chip(), {"dense": both}, "valid_ready")
    with pytest.raises(InputError, match="pe and simd fold constant ones") as refusal:
        planned(little_chip(), {"dense": Folding(pe=1)}, "valid_ready")
    assert refusal.value.hint == "give hardware.fold.layers.dense.digits instead"
    with pytest.raises(InputError, match="is for constant weights"):
        planned(little_chip(), {"dense": Folding(multiplier="dsp")}, "valid_ready")


def test_more_words_than_the_loader_reaches_are_refused() -> None:
    def biased(count: int) -> Graph:
        b = GraphBuilder("wide")
        x = b.input("x", (count,), IntType.fixed(2, 0))
        with b.layer("bias"):
            y = b.add(x, b.param("bias", (count,), IntType.fixed(32, 0)))
        return b.build({"y": y})

    check_graph(biased(MOST_WORDS))
    store = store_of(biased(MOST_WORDS))
    assert store is not None
    assert address_bits(store) == ADDRESS
    with pytest.raises(InputError, match=r"32764 words of 32 bits .* reaches 32763") as refusal:
        check_graph(biased(MOST_WORDS + 1))
    assert refusal.value.code == "plan.weights"


def test_an_input_that_nothing_holds_is_refused() -> None:
    b = GraphBuilder("bare")
    x = b.input("x", (3,), IntType.fixed(4, 0, signed=False))
    with b.layer("dense"):
        y = b.matmul(x, b.param("w", (3, 2), IntType.fixed(4, 0)))
    graph = b.build({"y": y})
    with pytest.raises(InputError, match="nothing holds it that long"):
        planned(graph, {"dense": Folding(digits=2)}, "valid_only")
    check(planned(graph, {"dense": Folding(digits=2)}, "valid_ready"), 5)


def test_an_input_with_several_readers_is_not_held_either() -> None:
    b = GraphBuilder("bare")
    x = b.input("x", (3,), IntType.fixed(4, 0, signed=False))
    with b.layer("dense"):
        y = b.matmul(x, b.param("w", (3, 3), IntType.fixed(4, 0)))
    with b.layer("both"):
        y = b.add(x, y)
    with pytest.raises(InputError, match="nothing holds it that long"):
        planned(b.build({"y": y}), {"dense": Folding(digits=2)}, "valid_only")
