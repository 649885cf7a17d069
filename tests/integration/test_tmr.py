"""`protect: tmr`: the ladder stays green, and triplication survives synthesis on every family."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from hwflow.backends.amaranth.generate import generate_verilog
from hwflow.errors import CheckFailed
from hwflow.ir import Graph
from hwflow.plan.folding import Folding
from hwflow.plan.plan import Options, Plan, make_plan
from hwflow.plan.targets import protected, target
from hwflow.synth import synthesize
from hwflow.verify.netlist import NetlistSim
from hwflow.verify.netlist.triples import Triples, check_triples
from hwflow.verify.rtl import build_replay, check_timing, lint
from tests.backends.chains import ONE
from tests.backends.folded_nets import residual_net
from tests.integration.designs import duo_graph, rich_graph, write_design
from tests.integration.running import prepared
from tests.integration.test_targets import check, stimuli

pytestmark = pytest.mark.tool

FOLDED = {"a": Folding(2, 1), "b": Folding(1, 2), "c": ONE, "join": ONE, "d": Folding(1, 4)}
"""Line buffers, weight tables and FIFOs."""


def planned(graph: Graph, device: str, interface: str, fold: dict[str, Folding]) -> Plan:
    options = Options(protected(target(device)), Fraction(30_000_000), interface, fold, "tmr")  # type: ignore[arg-type]
    return make_plan(graph, options)


def synthesized(plan: Plan, device: str, folder: Path) -> int:
    """Flip-flops counted; the netlist is in `folder`."""
    folder.mkdir()
    (folder / "design.v").write_text(generate_verilog(plan), encoding="utf-8")
    top = plan.interface.top
    layers = [f"{top}__{layer.name}" for layer in plan.layers]
    rtl = folder / "design.v"
    return synthesize(rtl, top, layers, target(device), folder, folder / "work").whole.ff


CASES = (
    pytest.param("ecp5-25k", "axi_stream", "folded", marks=pytest.mark.long),
    ("ecp5-25k", "valid_only", "rich"),
    ("ice40-hx8k", "valid_ready", "rich"),
    ("gowin-gw1n-9", "valid_ready", "window"),
    pytest.param("xc7-a35t", "axi_stream", "window", marks=pytest.mark.long),
    pytest.param("lut4", "valid_ready", "folded", marks=pytest.mark.long),
    pytest.param("lut6", "valid_only", "rich", marks=pytest.mark.long),
)


@pytest.mark.parametrize(("device", "interface", "kind"), CASES)
def test_ladder_and_count(device: str, interface: str, kind: str, tmp_path: Path) -> None:
    graph, fold = {
        "rich": (rich_graph(), {}),
        "window": (duo_graph(), {"conv": ONE}),
        "folded": (residual_net(random.Random(0), 3, 2), FOLDED),
    }[kind]
    plan = planned(graph, device, interface, fold)
    face = plan.interface
    counted = synthesized(plan, device, tmp_path / "tmr")
    rtl = tmp_path / "tmr" / "design.v"
    lint(rtl, face.top, tmp_path / "lint")
    beats, expected = stimuli(plan.graph, face)
    replayed = build_replay(rtl, face, tmp_path / "replay").run(beats)
    check(face, expected, replayed.outputs)
    check_timing(face, replayed)
    netlist = tmp_path / "tmr" / "netlist.json"
    result = NetlistSim.build(netlist, face, tmp_path / "sim").replay(beats)
    check(face, expected, result.outputs)
    assert result.latency == face.latency
    found = check_triples(netlist, face.top)
    assert counted == found.flip_flops == 3 * found.bits
    assert found.voters == found.bits + 2 * found.held
    if kind != "folded":  # there the unprotected design has memories
        plain = replace(plan, options=replace(plan.options, protect="none"))
        unprotected = synthesized(plain, device, tmp_path / "plain")
        # Synthesis may find two equal bits in the unprotected design; a voted bit stays.
        assert unprotected <= found.bits <= unprotected + (1 if kind == "rich" else 0)


def damaged(folder: Path, source: Path, how: str) -> Path:
    netlist = json.loads(source.read_text(encoding="utf-8"))
    cells = netlist["modules"]["duo"]["cells"]
    flops = [c for c in cells.values() if c["type"] == "TRELLIS_FF"]
    if how == "merged":
        wanted, other = (c["connections"]["Q"][0] for c in flops[:2])
        for cell in cells.values():
            for pin, bits in cell["connections"].items():
                if cell["port_directions"][pin] == "input":
                    cell["connections"][pin] = [wanted if b == other else b for b in bits]
    else:
        state = {c["connections"]["Q"][0] for c in flops}
        luts = [c for c in cells.values() if c["type"] == "LUT4"]
        voter = next(c for c in luts if state & {c["connections"][p][0] for p in "ABCD"})
        voter["parameters"]["INIT"] = "1" * 16
    path = folder / f"{how}.json"
    path.write_text(json.dumps(netlist), encoding="utf-8")
    return path


def test_a_lost_copy_or_voter_is_found(tmp_path: Path) -> None:
    plan = planned(duo_graph(), "ecp5-25k", "valid_ready", {})
    synthesized(plan, "ecp5-25k", tmp_path / "tmr")
    source = tmp_path / "tmr" / "netlist.json"
    assert check_triples(source, "duo") == check_triples(source, "duo")
    for how in ("merged", "voter"):
        with pytest.raises(CheckFailed) as caught:
            check_triples(damaged(tmp_path, source, how), "duo")
        assert caught.value.code == "synth.tmr"


def test_a_build_without_copies_is_refused(tmp_path: Path) -> None:
    plan = planned(duo_graph(), "ecp5-25k", "valid_ready", {})
    plain = replace(plan, options=replace(plan.options, protect="none"))
    synthesized(plain, "ecp5-25k", tmp_path / "plain")
    with pytest.raises(CheckFailed, match="without a voter"):
        check_triples(tmp_path / "plain" / "netlist.json", "duo")


@pytest.mark.long
@pytest.mark.parametrize("interface", ["valid_ready", "axi_stream", "valid_only"])
def test_whole_builds(interface: str, tmp_path: Path) -> None:
    path = write_design(
        tmp_path, duo_graph(), target="ecp5-25k", interface=interface, protect="tmr"
    )
    artifacts = prepared(path, "report")
    counted = json.loads((artifacts["synth"] / "tmr.json").read_text(encoding="utf-8"))
    assert counted["flip_flops"] == 3 * counted["bits"]
    assert (counted["held_bits"] > 0) == (interface != "valid_only")
    assert not (artifacts["synth"] / "estimates.json").exists()
    for rung in ("amaranth", "rtl", "netlist"):
        assert json.loads((artifacts[rung] / "rung.json").read_text(encoding="utf-8"))


def test_triples_count_their_voters() -> None:
    nets = frozenset({2, 3, 4})
    assert Triples(3, 1, 1, dict.fromkeys((5, 6, 7), nets)).voters == 3
