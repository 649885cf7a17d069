"""Upsets in small designs: what is masked with and without triplication, and that it repeats."""

from __future__ import annotations

import random
from dataclasses import replace
from fractions import Fraction
from math import isclose
from pathlib import Path

import numpy as np
import pytest

from hwflow.backends.amaranth.generate import generate_verilog
from hwflow.errors import CheckFailed
from hwflow.ir import Graph, GraphBuilder, IntType, evaluate
from hwflow.plan.folding import Folding
from hwflow.plan.plan import Options, Plan, make_plan
from hwflow.plan.targets import protected, target
from hwflow.synth import synthesize
from hwflow.verify.netlist.circuit import read_circuit
from hwflow.verify.netlist.upsets import OFFER, TAKE, Fault, Upset, UpsetSim
from hwflow.verify.seu import Campaign, as_json, run_campaign, wilson
from hwflow.verify.seu.report import NOTES
from hwflow.verify.seu.sites import class_of, flip_flops
from hwflow.verify.vectors import make_vectors
from tests.backends.chains import ONE
from tests.backends.folded_nets import residual_net
from tests.integration.designs import duo_graph
from tests.integration.test_targets import flat

DEVICE = "ecp5-25k"
FOLDED = {"a": Folding(2, 1), "b": Folding(1, 2), "c": ONE, "join": ONE, "d": Folding(1, 4)}


def make(
    folder: Path,
    graph: Graph,
    kind: str,
    protect: str,
    fold: dict[str, Folding],
    enables: bool = True,
) -> Plan:
    """The plan; its netlist is in `folder`."""
    device = replace(protected(target(DEVICE)), enables=enables)  # the same pipeline for both
    plan = make_plan(graph, Options(device, Fraction(50_000_000), kind, fold, protect))  # type: ignore[arg-type]
    folder.mkdir(exist_ok=True)
    (folder / "design.v").write_text(generate_verilog(plan), encoding="utf-8")
    layers = [f"{graph.name}__{layer.name}" for layer in plan.layers]
    rtl = folder / "design.v"
    synthesize(rtl, graph.name, layers, target(DEVICE), folder, folder / "work")
    return plan


def campaign(folder: Path, plan: Plan, samples: int, seed: int = 1, shift: int = 0) -> Campaign:
    vectors = make_vectors(plan.graph, 100, 3).inputs
    face, expected = plan.interface, evaluate(plan.graph, vectors)
    return run_campaign(
        folder / "netlist.json",
        face,
        [layer.name for layer in plan.layers],
        {g.tensor: g.pack(flat(vectors[g.tensor])) for g in face.inputs},
        {g.tensor: g.pack(flat(np.roll(expected[g.tensor], shift, 0))) for g in face.outputs},
        folder / "seu",
        samples=samples,
        seed=seed,
    )


@pytest.mark.tool
@pytest.mark.parametrize(
    ("kind", "enables"),
    [("valid_ready", True), ("axi_stream", True), ("axi_stream", False), ("valid_only", True)],
)
def test_no_flip_of_a_triplicated_design_shows(kind: str, enables: bool, tmp_path: Path) -> None:
    plain = make(tmp_path / "plain", duo_graph(), kind, "none", {})
    tmr = make(tmp_path / "tmr", duo_graph(), kind, "tmr", {}, enables)
    before = campaign(tmp_path / "plain", plain, 126)
    after = campaign(tmp_path / "tmr", tmr, 378)
    assert not before.triplicated
    assert after.triplicated
    assert {k: 3 * n for k, n in before.flip_flops.items()} == dict(after.flip_flops)
    single = [row for row in after.rows if row.fault == "flip-flop" and "flips" not in row.where]
    assert single[0].samples >= 2 * single[0].population  # each of them, twice
    for row in single:
        assert row.outcomes["masked"] == row.samples
        if row.where == "class handshake" or kind == "valid_only" or not enables:
            assert row.latent == 0
            assert set(row.recovery) == {1}
    if kind != "valid_only" and enables:  # a copy of data is wrong until the next load
        assert max(next(row for row in single if row.where == "class data").recovery) > 1
    rows = {(row.fault, row.where): row for row in before.rows}
    handshake = rows["flip-flop", "class handshake"]
    assert handshake.outcomes["handshake"] + handshake.outcomes["hang"] == handshake.samples
    data = rows["flip-flop", "class data"]
    assert data.outcomes["wrong"] + data.outcomes["masked"] == data.samples
    assert 0 < data.outcomes["wrong"] < data.samples
    assert rows["reset", "one cycle"].outcomes["masked"] < 126
    # Of the voters of a register that holds, only the first drives what is downstream.
    voters = next(row for row in after.rows if row.where == "voters")
    if kind != "valid_only" and not enables:
        assert voters.outcomes["masked"] >= voters.samples / 2


@pytest.mark.tool
@pytest.mark.long
def test_memories_and_counters_of_a_folded_design(tmp_path: Path) -> None:
    graph = residual_net(random.Random(0), 3, 2)
    plain = make(tmp_path / "plain", graph, "axi_stream", "none", FOLDED)
    found = campaign(tmp_path / "plain", plain, 63)
    rows = {(row.fault, row.where): row for row in found.rows}
    assert rows["memory bit", "all"].population > 0
    assert rows["flip-flop", "class counter"].outcomes["masked"] < 63
    tmr = make(tmp_path / "tmr", graph, "axi_stream", "tmr", FOLDED)
    found = campaign(tmp_path / "tmr", tmr, 126)
    assert found.flip_flops["memory"] > 0
    for row in found.rows:
        if row.fault == "flip-flop" and "flips" not in row.where:
            assert row.outcomes["masked"] == row.samples, row
        assert row.fault != "memory bit"


@pytest.mark.tool
def test_the_same_seed_gives_the_same_record(tmp_path: Path) -> None:
    plan = make(tmp_path, duo_graph(), "valid_ready", "none", {})
    first, second = (as_json(campaign(tmp_path, plan, 70)) for _ in range(2))
    assert first == second
    assert first != as_json(campaign(tmp_path, plan, 70, seed=2))
    assert any("Placement separation is not covered" in note for note in first["notes"])
    for row in first["rows"]:
        assert sum(o["count"] for o in row["outcomes"].values()) == row["samples"] == 70


@pytest.mark.tool
def test_a_wrong_reference_is_refused(tmp_path: Path) -> None:
    plan = make(tmp_path, duo_graph(), "valid_ready", "none", {})
    with pytest.raises(CheckFailed) as caught:
        campaign(tmp_path, plan, 5, shift=1)
    assert caught.value.code == "seu.reference"


@pytest.mark.tool
def test_each_kind_of_upset_does_what_it_says(tmp_path: Path) -> None:
    """One register from input to output: its flip, its D net's pulse and its missed edge."""
    b = GraphBuilder("one")
    x = b.input("x", (1,), IntType(0, 1))
    with b.layer("flip"):
        y = b.sub(b.const([1]), x)
    plan = make(tmp_path, b.build({"y": y}), "valid_only", "none", {})
    circuit = read_circuit(tmp_path / "netlist.json", "one")
    (out,) = circuit.outputs["y_data_o"]
    (register,) = (r for r in circuit.registers if r.q == out)
    sim = UpsetSim.build(tmp_path / "netlist.json", plan.interface, tmp_path / "w", [register.d])
    flops = flip_flops(sim.circuit, sim.source, ["flip"])
    place = next(f.place for f in flops if f.kind == "data")
    groups = np.zeros(sim.source.state, np.int32)
    bits = np.array([[0], [1], [1], [0], [1], [0], [0], [1]], np.uint8)
    # Beat t is taken in cycle t and leaves in cycle t + latency.
    latency = plan.interface.latency
    upsets = [
        [Upset(3 + latency, Fault.FLIP, place)],
        [Upset(2 + latency, Fault.PULSE, 0)],
        [Upset(2 + latency, Fault.MISSED, 0)],
        [Upset(3 + latency, Fault.ADDED, 0)],
        [],
    ]
    gaps = np.full(20, OFFER | TAKE, np.uint8)
    seen = sim.run({"x": bits}, upsets, gaps, groups)
    right = 1 - bits
    (rows,) = seen.rows
    assert (rows[0] == right).all()
    assert (rows[5] == right).all()
    for run in (1, 2, 3, 4):
        wrong = np.flatnonzero((rows[run] != right).any(axis=1))
        assert list(wrong) == [3], run
    # An added edge comes within its cycle: no flip-flop differs at the edges before and after.
    assert list(seen.last_differs[1:6] - latency) == [3, 3, 3, -1 - latency, -1 - latency]
    assert rows[4][3] == right[4]  # what the regular edge would have brought


def test_wilson_against_published_values() -> None:
    # Newcombe, Statistics in Medicine 17 (1998), table I, method 3.
    for hits, samples, low, high in ((81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605),
                                     (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)):  # fmt: skip
        found = wilson(hits, samples)
        assert isclose(found[0], low, abs_tol=5e-5)
        assert isclose(found[1], high, abs_tol=5e-5)
    assert wilson(20, 20)[1] == 1.0
    assert wilson(0, 0) == (0.0, 1.0)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("conv_valid_s3", "handshake"),
        ("buffer_y.spare_valid_tmr.b", "handshake"),
        ("fork_x.done_tmr.copy_a[1].q_o", "handshake"),
        ("buffer_y.out_data_o_tmr.c", "data"),
        ("conv.sum_5_s1", "data"),
        ("conv.beat_0", "data"),
        ("serializer_x.beat", "counter"),
        ("dense.weight_row_tmr.a", "counter"),
        ("fifo_x.memory.word[3].stored.a", "memory"),
        ("fifo_x.memory.data.a", "data"),
    ],
)
def test_classes(name: str, kind: str) -> None:
    assert class_of(name) == kind


def test_what_is_not_covered_is_said() -> None:
    assert any("Placement separation is not covered" in note for note in NOTES)
