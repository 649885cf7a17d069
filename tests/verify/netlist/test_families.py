"""Every family's netlist against the circuit's arithmetic, timing, layers and faults."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hwflow.plan.streams import StreamType
from hwflow.plan.targets import target
from hwflow.synth import synthesize
from hwflow.verify.netlist import NetlistSim, fault_sites
from tests.verify.netlist.circuits import (
    LATENCY,
    LAYERS,
    TINY,
    tiny_interface,
    tiny_middle,
    tiny_output,
    tiny_vectors,
)

pytestmark = pytest.mark.tool

FAMILIES = ("ice40-hx8k", "ecp5-25k", "gowin-gw1n-9", "xc7-a35t", "lut4", "lut6")


@pytest.fixture(scope="module", params=FAMILIES)
def netlist(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp(request.param)
    (folder / "rtl.v").write_text(TINY, encoding="utf-8")
    synthesize(folder / "rtl.v", "tiny", LAYERS, target(request.param), folder, folder / "work")
    return folder / "netlist.json"


def test_replay_equals_arithmetic(netlist: Path, tmp_path: Path) -> None:
    face = tiny_interface()
    x = tiny_vectors(1000)
    replay = NetlistSim.build(netlist, face, tmp_path).replay({"x": face.inputs[0].pack(x)})
    assert np.array_equal(face.outputs[0].unpack(replay.outputs["y"]), tiny_output(x))
    assert (replay.latency, replay.initiation_interval) == (LATENCY, 1)


def test_layer_ports_can_be_watched(netlist: Path, tmp_path: Path) -> None:
    face = tiny_interface()
    x = tiny_vectors(64)
    held = face.inputs[0].pack(np.tile(x, (LATENCY + 3, 1)))
    sim = NetlistSim.build(netlist, face, tmp_path)
    assert sim.dangling("scale.out_data_o") == ()
    trace = sim.replay({"x": held}, watch=("scale.out_data_o", "sum.in_data_i")).trace
    assert trace is not None
    middle = StreamType((10, 10, 10), (True,) * 3, 1)
    for net in ("scale.out_data_o", "sum.in_data_i"):
        assert np.array_equal(middle.unpack(trace.settled(net)), tiny_middle(x))


def test_flipped_lut_bits_are_seen_where_they_are_put(netlist: Path, tmp_path: Path) -> None:
    face = tiny_interface()
    x = tiny_vectors(800)
    packed = {"x": face.inputs[0].pack(x)}
    sites = fault_sites(netlist, "tiny")[::7][:100]
    sim = NetlistSim.build(netlist, face, tmp_path, faults=sites)
    golden = tiny_output(x)
    runs = sim.mutants(packed, range(len(sites)))
    assert [run.fault for run in runs] == list(range(len(sites)))
    killed = [
        not run.complete or not np.array_equal(face.outputs[0].unpack(run.outputs["y"]), golden)
        for run in runs
    ]
    assert sum(killed) >= len(sites) // 4
    assert np.array_equal(face.outputs[0].unpack(sim.replay(packed).outputs["y"]), golden)


def test_toggles_of_a_still_design_are_zero(netlist: Path, tmp_path: Path) -> None:
    face = tiny_interface()
    sim = NetlistSim.build(netlist, face, tmp_path)
    busy = sim.replay({"x": face.inputs[0].pack(tiny_vectors(640))}, toggles=True).toggles
    assert busy is not None
    still = sim.replay({"x": face.inputs[0].pack(np.zeros((6400, 3), np.int64))}, toggles=True)
    assert still.toggles is not None
    assert max(busy.counts.values()) > 64
    assert max(still.toggles.counts.values()) <= 4 * 64
