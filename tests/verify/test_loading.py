"""Weights are loaded in every harness, and what comes out is what the graph makes of them."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from hwflow.backends.amaranth.generate import generate_verilog
from hwflow.backends.amaranth.simulate import simulate
from hwflow.errors import CheckFailed
from hwflow.ir import Graph, GraphBuilder, IntType, Overflow, Rounding, evaluate
from hwflow.plan.folding import Folding
from hwflow.plan.loading import Clocks, load_clocks
from hwflow.plan.plan import Plan
from hwflow.plan.store import hex_words
from hwflow.plan.streams import InterfaceKind
from hwflow.plan.targets import target
from hwflow.synth import synthesize
from hwflow.verify.locate import locate_in_rtl
from hwflow.verify.netlist import NetlistSim
from hwflow.verify.rtl import build_replay, check_timing, lint, run_cocotb
from hwflow.verify.vectors import VectorClass, Vectors
from tests.backends.chains import make, packed, random_inputs

Params = dict[str, npt.NDArray[Any]]


def programmable() -> Graph:
    """A dense layer and a scale, both loaded: 60 bits."""
    b = GraphBuilder("programmable")
    x = b.input("x", (3,), IntType.fixed(4, 1, signed=False))
    w = b.param("w", (3, 2), IntType.fixed(6, 4))
    scale = b.param("scale", (2,), IntType.fixed(12, 0, signed=False))
    with b.layer("dense"):
        y = b.matmul(x, w)
        y = b.requant(y, IntType.fixed(8, 2), Rounding.HALF_EVEN, Overflow.SATURATE)
    with b.layer("scaled"):
        z = b.mul(y, scale)
    return b.build({"z": z})


def random_params(graph: Graph, seed: int) -> Params:
    rng, found = np.random.default_rng(seed), {}
    for node in graph.params:
        kind = graph.types[node.name]
        low, high, _ = kind.elem.full(kind.shape)
        found[node.name] = rng.integers(low.astype(np.int64), high.astype(np.int64) + 1)
    return found


class Case:
    """A design with two sets of weights and what they give."""

    def __init__(self, kind: InterfaceKind, vectors: int) -> None:
        self.plan: Plan = make(programmable(), kind)
        graph, face = self.plan.graph, self.plan.interface
        assert face.store is not None
        self.face, self.store = face, face.store
        self.values = random_inputs(graph, random.Random(1), vectors)
        self.beats = packed(self.plan, self.values)
        self.params = [random_params(graph, seed) for seed in (1, 2)]
        self.words = [face.store.image(params) for params in self.params]
        self.loads: list[Clocks] = [load_clocks(face.store, words) for words in self.words]
        group = face.outputs[0]
        self.wanted = [
            group.pack(evaluate(graph, {**self.values, **params})["z"].reshape(vectors, -1))
            for params in self.params
        ]

    def write(self, folder: Path) -> Path:
        """The folder that cocotb takes."""
        for name, index in (("", 0), ("other", 1)):
            (folder / name / "outputs").mkdir(parents=True)
            (folder / name / "outputs" / "z.bin").write_bytes(self.wanted[index].tobytes())
            (folder / name / "weights.hex").write_text(hex_words(self.words[index]))
        (folder / "inputs").mkdir()
        (folder / "inputs" / "x.bin").write_bytes(self.beats["x"].tobytes())
        (folder / "design.v").write_text(generate_verilog(self.plan), encoding="utf-8")
        (folder / "interface.json").write_text(self.face.to_json(), encoding="utf-8")
        return folder


@pytest.mark.parametrize("kind", ["valid_only", "valid_ready", "axi_stream"])
def test_amaranth_runs_with_weights_only(kind: InterfaceKind) -> None:
    case = Case(kind, 12)
    for words, wanted in zip(case.words, case.wanted, strict=True):
        found, latency, interval = simulate(case.plan, case.beats, words=words)
        np.testing.assert_array_equal(found["z"], wanted)
        assert (latency, interval) == (case.face.latency, case.face.initiation_interval)
    with pytest.raises(CheckFailed):
        simulate(case.plan, case.beats)


@pytest.mark.tool
@pytest.mark.parametrize("kind", ["valid_only", "axi_stream"])
def test_rtl_and_netlist_load_before_the_first_tensor(kind: InterfaceKind, tmp_path: Path) -> None:
    case = Case(kind, 100)
    rtl = tmp_path / "design.v"
    rtl.write_text(generate_verilog(case.plan), encoding="utf-8")
    lint(rtl, "programmable", tmp_path / "lint")
    replay = build_replay(rtl, case.face, tmp_path / "replay", load=case.loads[0])
    (tmp_path / "s").mkdir()
    layers = [f"programmable__{layer.name}" for layer in case.plan.layers]
    synthesize(rtl, "programmable", layers, target("lut6"), tmp_path / "s", tmp_path / "w")
    netlist = tmp_path / "s" / "netlist.json"
    for load, wanted in zip(case.loads, case.wanted, strict=True):
        found = replace(replay, load=load).run(case.beats)
        np.testing.assert_array_equal(found.outputs["z"], wanted)
        check_timing(case.face, found)
        sim = NetlistSim.build(netlist, case.face, tmp_path / "n", load=load)
        mapped = sim.replay(case.beats, toggles=True)
        np.testing.assert_array_equal(mapped.outputs["z"], wanted)
        assert mapped.latency == case.face.latency
        assert mapped.toggles is not None
        assert mapped.toggles.cycles == mapped.cycles < len(load)
    broken = case.loads[0].copy()
    broken[:3] ^= np.uint64(1)  # of the expected CRC
    with pytest.raises(CheckFailed, match="no handshake"):
        replace(replay, load=broken).run(case.beats)


@pytest.mark.tool
def test_cocotb_loads_two_sets_over_both_ports(tmp_path: Path) -> None:
    folder = Case("valid_ready", 60).write(tmp_path / "d")
    results = run_cocotb(folder, tmp_path, vectors=60, paced_vectors=30)
    assert [r.test for r in results][-2:] == ["two_weight_sets", "crc_error"]


@pytest.mark.tool
@pytest.mark.long
def test_cocotb_finds_faults_of_the_loader(tmp_path: Path) -> None:
    folder = Case("valid_ready", 60).write(tmp_path / "d")
    text = (folder / "design.v").read_text(encoding="utf-8")
    # A loader that does not look at the CRC, and a design that does not wait for it.
    for old, new, test in (
        ("crc_equal ? 2'd2 : 2'd3", "2'd2", "crc_error"),
        ("weights_o = {word_1", "weights_o = {~word_1", "full_rate"),
    ):
        assert text.count(old) == 1
        (folder / "design.v").write_text(text.replace(old, new), encoding="utf-8")
        with pytest.raises(CheckFailed, match=f"test {test}: "):
            run_cocotb(folder, tmp_path, vectors=60, paced_vectors=30, tests=(test,))


@pytest.mark.tool
@pytest.mark.parametrize("digits", [1, pytest.param(2, marks=pytest.mark.long)])
def test_layers_alone_get_their_weights(digits: int, tmp_path: Path) -> None:
    plan = make(programmable(), "valid_ready", {"dense": Folding(digits=digits)})
    inputs = random_inputs(plan.graph, random.Random(2), 3)
    vectors = Vectors(inputs, (VectorClass("random", 0, 3),))
    params, others = (random_params(plan.graph, seed) for seed in (1, 2))
    layers = evaluate(plan.graph, {**inputs, **params}, keep="layers")
    rtl = tmp_path / "design.v"
    rtl.write_text(generate_verilog(plan), encoding="utf-8")
    assert locate_in_rtl(plan, rtl, vectors, layers, 2, tmp_path / "a", params) is None
    changed = {**params, "scale": others["scale"]}
    found = locate_in_rtl(plan, rtl, vectors, layers, 2, tmp_path / "b", changed)
    assert found is not None
    assert (found.layer, found.vector) == ("scaled", 2)


@pytest.mark.tool
def test_a_wrong_number_of_words_is_told(tmp_path: Path) -> None:
    case = Case("valid_ready", 4)
    folder = case.write(tmp_path / "d")
    (folder / "weights.hex").write_text(hex_words(case.words[0][:1]))
    with pytest.raises(Exception, match=r"weights.hex: found 1 words, expected 2") as caught:
        run_cocotb(folder, tmp_path)
    assert "Traceback" not in str(caught.value)
