"""The triplicated weight loader: any flipped flip-flop is outvoted, and soon right again."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from hwflow.asic.delays import library_delays
from hwflow.asic.kit import kit_of
from hwflow.asic.liberty import load_library
from hwflow.backends.amaranth.generate import generate_verilog
from hwflow.backends.amaranth.simulate import simulate
from hwflow.errors import CheckFailed
from hwflow.plan.asic import asic_target
from hwflow.plan.loading import SCRUB
from hwflow.plan.plan import Options, make_plan
from hwflow.plan.targets import protected, target
from hwflow.synth import synthesize
from hwflow.synth.asic import synthesize_cells
from hwflow.synth.prove import never
from hwflow.verify.netlist import NetlistSim
from hwflow.verify.netlist.held import MOVES, moving_data
from hwflow.verify.netlist.triples import check_triples
from hwflow.verify.netlist.upsets import OFFER, RUNS, TAKE, Fault, Upset, UpsetSim
from hwflow.verify.rtl import build_replay, lint
from hwflow.verify.seu.sites import flip_flops
from tests.verify.test_loading import Case, programmable

pytestmark = pytest.mark.tool

WAIT = 8
"""Clocks of a word's turn, more or less."""


class Protected(Case):
    """The design of test_loading, triplicated."""

    def __init__(self, device: str) -> None:
        super().__init__("valid_only", 100)
        chosen = Options(protected(target(device)), Fraction(40_000_000), "valid_only", {}, "tmr")
        self.plan = make_plan(programmable(), chosen)
        self.face = self.plan.interface

    def synthesized(self, device: str, folder: Path) -> Path:
        rtl, out = folder / "design.v", folder / "out"
        rtl.write_text(generate_verilog(self.plan), encoding="utf-8")
        out.mkdir()
        layers = [f"programmable__{layer.name}" for layer in self.plan.layers]
        synthesize(rtl, "programmable", layers, target(device), out, folder / "work")
        return out / "netlist.json"


def test_every_rung_and_every_flip_flop_of_the_loader(tmp_path: Path) -> None:
    case = Protected("ecp5-25k")
    netlist = case.synthesized("ecp5-25k", tmp_path)
    lint(tmp_path / "design.v", "programmable", tmp_path / "lint")
    for words, load, wanted in zip(case.words, case.loads, case.wanted, strict=True):
        beats = {"x": case.beats["x"][:20]}
        np.testing.assert_array_equal(simulate(case.plan, beats, words=words)[0]["z"], wanted[:20])
        sim = NetlistSim.build(netlist, case.face, tmp_path / "n", load=load)
        np.testing.assert_array_equal(sim.replay(case.beats).outputs["z"], wanted)
    replay = build_replay(tmp_path / "design.v", case.face, tmp_path / "r", load=case.loads[1])
    np.testing.assert_array_equal(replay.run(case.beats).outputs["z"], case.wanted[1])
    triples = check_triples(netlist, "programmable")
    assert triples.flip_flops == 3 * triples.bits
    _flip_each(case, netlist, tmp_path / "upsets")


def _flip_each(case: Case, netlist: Path, work: Path) -> None:
    sim = UpsetSim.build(netlist, case.face, work, load=case.loads[0])
    flops = flip_flops(sim.circuit, sim.source, [])
    ours = [f for f in flops if f.kind in ("weight", "loader")]
    assert sum(f.kind == "weight" for f in ours) == 3 * case.store.bits
    period = SCRUB * case.store.words
    gaps = np.full(2 * period + 4 * WAIT, OFFER | TAKE, np.uint8)
    groups = np.zeros(sim.source.state, np.int32)
    for begin in range(0, len(ours), RUNS):
        batch = ours[begin : begin + RUNS]
        at = [5 + (begin + k) % period for k in range(len(batch))]
        upsets = [[Upset(cycle, Fault.FLIP, f.place)] for cycle, f in zip(at, batch, strict=True)]
        seen = sim.run(case.beats, upsets, gaps, groups)
        assert (seen.rows[0] == case.wanted[0]).all()
        for run, (cycle, flop) in enumerate(zip(at, batch, strict=True), 1):
            late = seen.last_differs[run] - cycle
            assert 0 <= late <= (period + WAIT if flop.kind == "weight" else 0), flop.name
        assert not seen.off_time.any()


def test_copies_that_meet_are_found(tmp_path: Path) -> None:
    source = Protected("lut6").synthesized("lut6", tmp_path)
    netlist = json.loads(source.read_text(encoding="utf-8"))
    module = netlist["modules"]["programmable"]
    check_triples(source, "programmable")
    nets = {which: module["netnames"][f"loader.copy_{which}.phase"]["bits"][0] for which in "ab"}
    reader = next(
        cell
        for cell in module["cells"].values()
        if module["netnames"]["loader.copy_a.word_0"]["bits"][3] in cell["connections"].get("Q", ())
    )
    reader["connections"]["D"] = [nets["b"]]
    source.write_text(json.dumps(netlist), encoding="utf-8")
    with pytest.raises(CheckFailed, match="another copy of the loader"):
        check_triples(source, "programmable")


@pytest.mark.parametrize("real_library", ["sg13g2", "osu018"], indirect=True)
def test_loader_in_cells(real_library: Path, tmp_path: Path) -> None:
    """Three copies of the loader; behind clock gates, where there are some, words are latches."""
    library = load_library(real_library)
    kit = kit_of(library)
    device = asic_target(library_delays(library, kit), clock_gates=kit.clock_gate is not None)
    case = Protected("ecp5-25k")
    case.plan = make_plan(
        programmable(), Options(protected(device), Fraction(40_000_000), "valid_only", {}, "tmr")
    )
    case.face = case.plan.interface
    rtl, work = tmp_path / "design.v", tmp_path / "work"
    rtl.write_text(generate_verilog(case.plan), encoding="utf-8")
    layers = [f"programmable__{layer.name}" for layer in case.plan.layers]
    result = synthesize_cells(
        rtl, "programmable", layers, real_library, tmp_path, work, protected=True
    )
    counted, mapped = check_triples(tmp_path / "netlist.json", "programmable"), result.protection
    assert mapped is not None
    assert mapped.loader > 3 * case.store.bits
    assert counted.flip_flops == mapped.copies + mapped.loader == 3 * counted.bits
    assert counted.weights == case.store.bits
    assert counted.voters == counted.bits + 2 * (counted.held - counted.weights)
    if kit.clock_gate:
        assert result.gating.gates >= 3 * case.store.words
        assert result.whole.latches == 3 * case.store.bits
        assert never(moving_data(tmp_path / "netlist.json", "programmable"), MOVES, tmp_path / "h")
        _flip_each(case, tmp_path / "netlist.json", tmp_path / "upsets")
    sim = NetlistSim.build(tmp_path / "netlist.json", case.face, tmp_path / "n", load=case.loads[1])
    np.testing.assert_array_equal(sim.replay(case.beats).outputs["z"], case.wanted[1])
