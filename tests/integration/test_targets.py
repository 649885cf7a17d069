"""Every kind of layer on every family of targets: integer graph = RTL = netlist."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from hwflow.backends.amaranth.generate import generate_verilog
from hwflow.ir import Graph, evaluate
from hwflow.plan.folding import Folding
from hwflow.plan.plan import Options, Plan, make_plan
from hwflow.plan.streams import Interface
from hwflow.plan.targets import target
from hwflow.synth import synthesize
from hwflow.verify.netlist import NetlistSim
from hwflow.verify.rtl import build_replay, check_timing, lint
from hwflow.verify.vectors import make_vectors
from tests.integration.designs import duo_graph, rich_graph

pytestmark = pytest.mark.tool

Ints = npt.NDArray[np.int64]

CASES = (
    ("ecp5-25k", "axi_stream", "window"),
    ("ice40-hx8k", "valid_ready", "rich"),
    ("gowin-gw1n-9", "valid_only", "rich"),
    ("xc7-a35t", "valid_ready", "window"),
    ("xcup-zu3eg", "axi_stream", "rich"),
    ("lut4", "valid_ready", "window"),
    ("lut6", "axi_stream", "rich"),
)


def planned(device: str, interface: str, kind: str) -> Plan:
    graph = duo_graph() if kind == "window" else rich_graph()
    folds = {"conv": Folding(pos=1)} if kind == "window" else {}
    # A fast clock for the small devices too: the pipelines differ from target to target.
    options = Options(target(device), Fraction(60_000_000), interface, folds)  # type: ignore[arg-type]
    return make_plan(graph, options)


def stimuli(graph: Graph, interface: Interface) -> tuple[dict[str, Ints], dict[str, Ints]]:
    """Input beats, and what the integer graph gives."""
    vectors = make_vectors(graph, 1000, 3).inputs
    return (
        {g.tensor: g.pack(flat(vectors[g.tensor])) for g in interface.inputs},
        evaluate(graph, vectors),
    )


def flat(array: npt.NDArray[np.generic]) -> Ints:
    return array.reshape(len(array), -1).astype(np.int64)


def check(interface: Interface, expected: Mapping[str, Ints], outputs: Mapping[str, Ints]) -> None:
    for group in interface.outputs:
        found = group.unpack(outputs[group.tensor])
        assert np.array_equal(found.reshape(expected[group.tensor].shape), expected[group.tensor])


@pytest.mark.parametrize(("device", "interface", "kind"), CASES)
def test_netlist(device: str, interface: str, kind: str, tmp_path: Path) -> None:
    plan = planned(device, interface, kind)
    face = plan.interface
    (tmp_path / "design.v").write_text(generate_verilog(plan), encoding="utf-8")
    layers = [f"{face.top}__{layer.name}" for layer in plan.layers]
    synthesize(tmp_path / "design.v", face.top, layers, target(device), tmp_path, tmp_path / "work")
    beats, expected = stimuli(plan.graph, face)
    result = NetlistSim.build(tmp_path / "netlist.json", face, tmp_path / "sim").replay(beats)
    check(face, expected, result.outputs)
    assert result.latency == face.latency
    assert result.initiation_interval == face.initiation_interval


@pytest.mark.long
@pytest.mark.parametrize(("device", "interface", "kind"), CASES)
def test_rtl(device: str, interface: str, kind: str, tmp_path: Path) -> None:
    plan = planned(device, interface, kind)
    face = plan.interface
    rtl = tmp_path / "design.v"
    rtl.write_text(generate_verilog(plan), encoding="utf-8")
    lint(rtl, face.top, tmp_path)
    beats, expected = stimuli(plan.graph, face)
    result = build_replay(rtl, face, tmp_path / "replay").run(beats)
    check(face, expected, result.outputs)
    check_timing(face, result)
