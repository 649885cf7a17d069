"""The published encoder, from its weights to the netlist of an FPGA."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from hwflow.backends.amaranth.generate import generate_verilog
from hwflow.backends.amaranth.simulate import simulate
from hwflow.ir import Graph, evaluate
from hwflow.plan.plan import Options, Plan, make_plan
from hwflow.plan.targets import target
from hwflow.synth import synthesize
from hwflow.verify.netlist import NetlistSim
from hwflow.verify.rtl import build_replay, check_timing, lint
from hwflow.verify.vectors import make_vectors
from tests.econ_t import NPZ, load_arrays, published_encoder, published_vectors
from tests.ir.alkaid_encoder import AlkaidEncoder

pytestmark = pytest.mark.tool

Ints = npt.NDArray[np.int64]
DEVICE = "ecp5-85k"
VECTORS = 10_000


@dataclass(frozen=True, slots=True, eq=False)
class Encoder:
    """The encoder's hardware, and the vectors with their codes.

    The published vectors come first; `codes` are the published ones, then alkaid's.
    """

    graph: Graph
    plan: Plan
    folder: Path
    published: int
    inputs: Ints
    codes: Ints

    def beats(self) -> dict[str, npt.NDArray[np.uint8]]:
        (group,) = self.plan.interface.inputs
        return {group.tensor: group.pack(self.inputs.reshape(len(self.inputs), -1))}

    def check(self, outputs: dict[str, npt.NDArray[np.uint8]]) -> None:
        (group,) = self.plan.interface.outputs
        found = group.unpack(outputs[group.tensor])
        assert np.array_equal(found[: self.published], self.codes[: self.published])
        assert np.array_equal(found[self.published :], self.codes[self.published :])


_MADE: list[Encoder] = []


@pytest.fixture
def encoder(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Encoder:
    """Planned and written as Verilog once per session (`shared` belongs to a single test)."""
    if not _MADE:
        path = shared / NPZ
        graph = published_encoder(path)
        plan = make_plan(graph, Options(target(DEVICE), Fraction(40_000_000), "axi_stream", {}))
        folder = tmp_path_factory.mktemp("econ_t")
        (folder / "design.v").write_text(generate_verilog(plan), encoding="utf-8")
        x, codes = published_vectors(path)
        corners = make_vectors(graph, 0, 0).inputs["x"]
        made = make_vectors(graph, VECTORS - len(corners), 0).inputs["x"]
        assert len(made) == VECTORS
        known = AlkaidEncoder(load_arrays(path))(made)
        _MADE.append(
            Encoder(
                graph,
                plan,
                folder,
                len(x),
                np.concatenate([x, made]),
                np.concatenate([codes, known]),
            )
        )
    return _MADE[0]


def test_graph(encoder: Encoder) -> None:
    """Every published code, and alkaid's result on every corner and random vector."""
    assert len(encoder.inputs) == encoder.published + VECTORS
    assert np.array_equal(evaluate(encoder.graph, {"x": encoder.inputs})["y"], encoder.codes)


def test_rtl(encoder: Encoder) -> None:
    rtl, face = encoder.folder / "design.v", encoder.plan.interface
    lint(rtl, face.top, encoder.folder)
    result = build_replay(rtl, face, encoder.folder / "replay", jobs=2).run(encoder.beats())
    encoder.check(result.outputs)
    check_timing(face, result)


def test_amaranth(encoder: Encoder) -> None:
    """Every published vector in Amaranth's own simulator."""
    beats = {name: rows[: encoder.published] for name, rows in encoder.beats().items()}
    outputs, latency, _ = simulate(encoder.plan, beats)
    (group,) = encoder.plan.interface.outputs
    found = group.unpack(outputs[group.tensor])
    assert np.array_equal(found, encoder.codes[: encoder.published])
    assert latency == encoder.plan.interface.latency


@pytest.mark.long
def test_netlist(encoder: Encoder) -> None:
    face, folder = encoder.plan.interface, encoder.folder
    layers = [f"{face.top}__{layer.name}" for layer in encoder.plan.layers]
    synthesize(folder / "design.v", face.top, layers, target(DEVICE), folder, folder / "synthesis")
    sim = NetlistSim.build(folder / "netlist.json", face, folder / "simulation")
    result = sim.replay(encoder.beats())
    encoder.check(result.outputs)
    assert result.latency == face.latency
    assert result.initiation_interval == face.initiation_interval
