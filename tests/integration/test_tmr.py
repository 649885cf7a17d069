"""`protect: tmr`: the ladder stays green, and triplication survives synthesis on every family."""

from __future__ import annotations

import json
import random
from collections import defaultdict
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from hwflow.asic.delays import library_delays
from hwflow.asic.kit import kit_of
from hwflow.asic.liberty import load_library
from hwflow.backends.amaranth.generate import generate_verilog
from hwflow.errors import CheckFailed
from hwflow.ir import Graph
from hwflow.plan.asic import asic_target
from hwflow.plan.folding import Folding
from hwflow.plan.plan import Options, Plan, make_plan
from hwflow.plan.targets import protected, target
from hwflow.synth import synthesize
from hwflow.synth.asic import synthesize_cells
from hwflow.synth.asic.protection import count_protection
from hwflow.synth.netlist import read_json
from hwflow.verify.netlist import NetlistSim
from hwflow.verify.netlist.circuit import read_circuit
from hwflow.verify.netlist.triples import Triples, check_triples, find_triples
from hwflow.verify.rtl import build_replay, check_timing, lint
from tests.backends.chains import ONE
from tests.backends.folded_nets import residual_net
from tests.conftest import IHP
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
    assert Triples(3, 1, 1, 0, 0, dict.fromkeys((5, 6, 7), nets)).voters == 3


LIBRARIES = pytest.mark.parametrize("real_library", ["sg13g2", "osu018"], indirect=True)


def cells(folder: Path, library: Path, graph: Graph, interface: str, flat: bool = False) -> Plan:
    """The plan of a triplicated design; its netlist of cells is in `folder`."""
    found = load_library(library)
    kit = kit_of(found)
    device = asic_target(library_delays(found, kit), clock_gates=kit.clock_gate is not None)
    options = Options(protected(device), Fraction(50_000_000), interface, {}, "tmr")  # type: ignore[arg-type]
    plan = make_plan(graph, options)
    folder.mkdir(exist_ok=True)
    rtl = folder / "design.v"
    rtl.write_text(generate_verilog(plan), encoding="utf-8")
    top = plan.interface.top
    layers = [f"{top}__{layer.name}" for layer in plan.layers]
    result = synthesize_cells(
        rtl, top, layers, library, folder, folder / "work", flat=flat, protected=True
    )
    counted = check_triples(folder / "netlist.json", top)
    assert result.protection is not None
    assert counted.flip_flops == result.protection.copies == result.whole.ff == 3 * counted.bits
    assert counted.voters == result.protection.voters == counted.bits + 2 * counted.held
    assert (counted.gated > 0) == (result.gating.gates > 0)
    assert 2 / 3 * result.whole.ff_um2 < result.protection.added_um2 < result.whole.um2
    return plan


@LIBRARIES
@pytest.mark.parametrize(("interface", "flat"), [("axi_stream", False), ("valid_only", True)])
def test_ladder_and_count_in_cells(
    real_library: Path, interface: str, flat: bool, tmp_path: Path
) -> None:
    plan = cells(tmp_path, real_library, duo_graph(), interface, flat)
    beats, expected = stimuli(plan.graph, plan.interface)
    sim = NetlistSim.build(tmp_path / "netlist.json", plan.interface, tmp_path / "sim")
    check(plan.interface, expected, sim.replay(beats).outputs)


def test_banks_have_a_clock_gate_for_each_copy(shared: Path, tmp_path: Path) -> None:
    """Of a layer's registers with one enable: three gates, each before a third of them."""
    cells(tmp_path, shared / IHP, duo_graph(), "valid_ready")
    circuit = read_circuit(tmp_path / "netlist.json", "duo")
    behind: dict[int, set[int]] = defaultdict(set)
    for register in circuit.registers:
        if register.gate:
            behind[register.gate].add(register.q)
    voted = set(find_triples(circuit).voted.values())
    for nets in behind.values():
        assert all(len(triple & nets) <= 1 for triple in voted)
    by_enable: dict[tuple[int, str], set[int]] = defaultdict(set)
    for register in circuit.registers:
        if register.gate:
            layer = register.cell.rpartition(".")[0]
            by_enable[register.enable, layer].add(register.gate)
    assert by_enable
    assert {len(gates) for gates in by_enable.values()} == {3}


@pytest.mark.parametrize("how", ["merged", "voter"])
def test_what_is_lost_in_cells_is_found(shared: Path, how: str, tmp_path: Path) -> None:
    cells(tmp_path, shared / IHP, duo_graph(), "valid_ready")
    path = tmp_path / "netlist.json"
    netlist = json.loads(path.read_text(encoding="utf-8"))
    found = netlist["modules"]["duo"]["cells"]
    flops = [c["connections"] for c in found.values() if "dfrbp" in c["type"]]
    if how == "merged":
        wanted, other = flops[0]["Q"][0], flops[1]["Q"][0]
        readers = [c for c in found.values() if [other] in c["connections"].values()]
        for cell in readers:
            for pin, way in cell["port_directions"].items():
                if way == "input" and cell["connections"][pin] == [other]:
                    cell["connections"][pin] = [wanted]
    else:  # a gate that reads a copy without its voter
        state = {c["Q"][0] for c in flops}
        inverter = next(
            c["connections"] for c in found.values()
            if c["type"].startswith("sg13g2_inv") and c["connections"]["A"][0] not in state
        )  # fmt: skip
        inverter["A"] = [flops[0]["Q"][0]]
    path.write_text(json.dumps(netlist), encoding="utf-8")
    with pytest.raises(CheckFailed) as caught:
        check_triples(path, "duo")
    assert caught.value.code == "synth.tmr"


def test_a_copy_lost_in_mapping_is_found(shared: Path, tmp_path: Path) -> None:
    cells(tmp_path, shared / IHP, duo_graph(), "valid_only")
    rtl = read_json(tmp_path / "work/hierarchy/shared.json")
    mapped = read_json(tmp_path / "work/protected.json")
    flat = read_json(tmp_path / "work/mapped.json")
    library = load_library(shared / IHP)
    copies = count_protection(rtl, mapped, flat, "duo", library).copies
    holder = next(
        m["cells"] for m in rtl["modules"].values()
        if any(c["type"] == "duo__tmr_copy" for c in m["cells"].values())
    )  # fmt: skip
    holder["one more"] = next(c for c in holder.values() if c["type"] == "duo__tmr_copy")
    with pytest.raises(CheckFailed, match=f"{copies}, ") as caught:
        count_protection(rtl, mapped, flat, "duo", library)
    assert caught.value.code == "synth.tmr"
