"""target: asic from design.yaml to the report."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from hwflow.asic.delays import library_delays
from hwflow.asic.kit import kit_of
from hwflow.asic.liberty import load_library
from hwflow.backends.amaranth.generate import generate_verilog
from hwflow.ir import Graph, evaluate
from hwflow.plan.asic import asic_target
from hwflow.plan.folding import Folding
from hwflow.plan.plan import Options, Plan, make_plan
from hwflow.synth.asic import AsicResult, Speed, synthesize_cells
from hwflow.verify.netlist import NetlistSim
from hwflow.verify.vectors import make_vectors
from tests.asic import samples
from tests.econ_t import NPZ, published_encoder, published_vectors
from tests.integration.conftest import Call
from tests.integration.designs import duo_graph, rich_graph, write_design

pytestmark = pytest.mark.tool

Ints = npt.NDArray[np.int64]
LIBRARIES = pytest.mark.parametrize("real_library", ["sg13g2", "osu018"], indirect=True)
ONLY = ("--set", "verify.rungs=[netlist]")


@dataclass(frozen=True, slots=True, eq=False)
class Mapped:
    plan: Plan
    result: AsicResult
    netlist: Path

    def run(self, folder: Path, inputs: Mapping[str, Ints]) -> dict[str, Ints]:
        face = self.plan.interface
        beats = {
            g.tensor: g.pack(inputs[g.tensor].reshape(-1, np.prod(g.shape))) for g in face.inputs
        }
        found = NetlistSim.build(self.netlist, face, folder / "sim").replay(beats)
        assert found.latency == face.latency
        assert found.initiation_interval in (None, face.initiation_interval)
        return {g.tensor: g.unpack(found.outputs[g.tensor]) for g in face.outputs}


def mapped(folder: Path, graph: Graph, library: Path, mhz: int, **folds: Folding) -> Mapped:
    """Planned by the library's delays and synthesized to its cells."""
    found = load_library(library)
    device = asic_target(library_delays(found, kit_of(found)))
    plan = make_plan(graph, Options(device, Fraction(mhz * 1_000_000), "axi_stream", folds))
    (folder / "design.v").write_text(generate_verilog(plan), encoding="utf-8")
    modules = [f"{graph.name}__{layer.name}" for layer in plan.layers]
    # Five times as fast as it was planned: gates are sized, whatever the outcome.
    speed = Speed(plan.interface.clock, 200 / mhz)
    result = synthesize_cells(
        folder / "design.v", graph.name, modules, library, folder, folder / "work", speed=speed
    )
    assert result.sizing is not None
    assert result.sizing.resized > 0
    return Mapped(plan, result, folder / "netlist.json")


@LIBRARIES
@pytest.mark.parametrize("kind", ["rich", "window", "folded"])
def test_every_kind_of_layer(real_library: Path, kind: str, tmp_path: Path) -> None:
    graph = rich_graph() if kind == "rich" else duo_graph()
    folds = {
        "rich": {},
        "window": {"conv": Folding(pos=1)},
        "folded": {"dense": Folding(pe=1, simd=2)},
    }[kind]
    made = mapped(tmp_path, graph, real_library, 100, **folds)
    # OSU018 has a full adder, sg13g2 none.
    assert ("FAX1" in dict(made.result.whole.cells)) == ("osu018" in real_library.name)
    vectors = make_vectors(graph, 500, 3).inputs
    found = made.run(tmp_path, vectors)
    for name, expected in evaluate(graph, vectors).items():
        assert np.array_equal(found[name], expected.reshape(len(expected), -1))


@pytest.mark.long
@LIBRARIES
def test_published_encoder(real_library: Path, shared: Path, tmp_path: Path) -> None:
    """Every published code, and a thousand corner and random wafers."""
    graph = published_encoder(shared / NPZ)
    made = mapped(tmp_path, graph, real_library, 40)
    x, codes = published_vectors(shared / NPZ)
    vectors = make_vectors(graph, 1000, 0).inputs["x"]
    found = made.run(tmp_path, {"x": np.concatenate([x, vectors])})["y"]
    assert np.array_equal(found[: len(x)], codes)
    assert np.array_equal(found[len(x) :], evaluate(graph, {"x": vectors})["y"])


def design(folder: Path, more: str = "", clock: str = "100 MHz") -> Path:
    path = write_design(folder / "design", duo_graph(), target="asic")
    samples.write(path.parent)
    text = path.read_text(encoding="utf-8")
    text = text.replace("clock: 50 MHz\n", f"clock: {clock}\n  library: tiny.lib\n{more}")
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def metrics() -> Any:
    return json.loads(Path("build/duo/report/metrics.json").read_text(encoding="utf-8"))


def test_build_and_report(here: Path, call: Call) -> None:
    path = design(here)
    called = call("build", path, *ONLY)
    assert called.code == 0, called.err
    found = metrics()
    figures = found["figures"]
    assert found["verdict"] == "equal"
    assert figures["area_um2"]["kind"] == "counted"
    assert figures["area_um2"]["value"] == 4 * figures["area_ge"]["value"]
    parts = [*found["layers"], {"figures": found["outside_layers"]}]
    total = sum(part["figures"]["area_um2"]["value"] for part in parts)
    assert total == pytest.approx(figures["area_um2"]["value"])
    assert not any(name.startswith(("lut", "dsp", "carry")) for name in figures)
    assert "lut" not in found["not_run"]
    page = Path("build/duo/report/report.html").read_text(encoding="utf-8")
    assert "tie cells TIE0 and TIE1" in page
    assert "energy and leakage of every cell used" in page
    assert "um2" in called.out
    assert {m["what"] for m in found["energy"]["moves"]} == {
        "glitches", "wire", "slew", "activity",
    }  # fmt: skip
    assert all(m["low"] <= figures["energy"]["value"] for m in found["energy"]["moves"])
    assert found["projection"]["missing"] == (
        "the feature size of tiny is not known: give report.node in nm"
    )
    assert "ECON-T encoder" in page
    assert (Path("build/duo/synth/netlist.v")).is_file()
    assert call("export", "build/duo", "out").code == 0
    synth = Path("build/duo/synth")
    assert Path("out/netlist.v").read_bytes() == (synth / "netlist.v").read_bytes()
    sdc = Path("out/constraints/cells.sdc").read_text(encoding="utf-8")
    assert "create_clock -name clock -period 10.000000 [get_ports clk]" in sdc
    assert "set_load 0.02 [all_outputs]" in sdc
    assert "netlist.v" in Path("out/README.txt").read_text(encoding="utf-8")
    assert "logic counts adder bits" in call("plan", path).out
    called = call("build", path, *ONLY, "--json")
    assert [s["name"] for s in called.json["stages"] if s["status"] == "ran"] == []
    samples.write(path.parent, samples.library().replace("area : 4;", "area : 5;"))
    called = call("build", path, *ONLY, "--json")
    assert "synth" in [s["name"] for s in called.json["stages"] if s["status"] == "ran"]


def test_a_library_without_power_tables(here: Path, call: Call) -> None:
    """Area and timing need none; the report names the cells that lack them."""
    path = design(here)
    nand = samples.cell("NAND2", 4, "!(A & B)")
    bare = samples.cell("NAND2", 4, "!(A & B)", power=False)
    samples.write(path.parent, samples.library().replace(nand, bare))
    assert call("build", path, *ONLY).code == 0
    facts = metrics()["asic"]["facts"]
    assert facts["power data"] == "NOT given by the library for 1 of the cells used: NAND2"
    samples.write(path.parent, samples.library().replace("internal_power", "user_power"))
    called = call("build", path, *ONLY)
    assert called.code == 2
    assert "[power.tables]" in called.err
    assert "design.yaml:" in called.err
    assert call("build", path, *ONLY, "--set", "synth.energy=false").code == 0


def test_projection_and_corner(here: Path, call: Call) -> None:
    """The library's own node by report.node; a corner's tables move the energy."""
    path = design(here, "  corners: {slow: slow.lib}\n")
    samples.write(path.parent, samples.library().replace("nom_voltage : 1.5", "nom_voltage : 1.2"))
    (path.parent / "tiny.lib").rename(path.parent / "slow.lib")
    samples.write(path.parent)
    assert call("build", path, *ONLY, "--set", "report.node=130").code == 0
    found = metrics()
    assert [row["method"] for row in found["projection"]["rows"]] == [
        "classical", "measured libraries", "gate equivalents",
    ]  # fmt: skip
    low, high = (found["figures"][f"energy_projected_{end}"]["value"] for end in ("low", "high"))
    assert low < high
    (corner,) = (m for m in found["energy"]["moves"] if m["what"] == "corner")
    assert corner["at_low"].startswith("1.2 V")
    assert corner["low"] < corner["high"]


@pytest.mark.usefixtures("opensta")
def test_timing_in_the_report(here: Path, call: Call) -> None:
    called = call("build", design(here), *ONLY)
    found = metrics()
    assert called.code == 0
    figures = found["figures"]
    slack, fmax = figures["setup_slack_ns"]["value"], figures["fmax_cells_mhz"]["value"]
    assert fmax == pytest.approx(1000 / (10 - slack), rel=1e-4)
    assert figures["hold_slack_ns"]["value"] > 0
    assert found["asic"]["missed_ns"] == 0
    assert {step["layer"] for step in found["asic"]["critical_path"]["steps"]} <= {
        "conv", "dense", "top",
    }  # fmt: skip
    assert "path        " in called.out
    assert "NOT MET" not in called.out
    assert found["asic"]["facts"]["power by OpenSTA"].startswith("not used: ")


@pytest.mark.usefixtures("opensta")
def test_a_clock_that_is_not_met(here: Path, call: Call) -> None:
    """The library has become slower than planned: told by how much and where, no failure."""
    path = design(here, "  corners: {fast: tiny.lib}\n", clock="500 MHz")
    text = samples.library().replace("0.01, 1.01", "0.001, 0.101")
    samples.write(path.parent, text)
    called = call("build", path, *ONLY, "--set", "limits={setup_slack_ns: {min: 0}}")
    assert called.code == 1, called.out + called.err
    assert "limit.failed" in called.err
    called = call("build", path, *ONLY)
    assert called.code == 0
    found = metrics()
    missed = found["asic"]["missed_ns"]
    assert missed == -found["figures"]["setup_slack_ns"]["value"] > 0
    assert f"the clock is missed by {missed:.3g} ns, mostly in layer" in called.out
    assert "Not met" in Path("build/duo/report/report.html").read_text(encoding="utf-8")


def test_without_opensta_the_report_says_so(
    here: Path, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hwflow.stages.pipeline.timed", lambda: False)
    called = call("build", design(here), *ONLY)
    assert called.code == 0
    assert "OpenSTA is not installed (apt-get install opensta)" in called.out
    assert "OpenSTA" in metrics()["not_run"]["fmax_cells_mhz"]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (samples.library()[:900], "liberty.syntax"),
        (samples.library(samples.CELLS[:-1]), "library.no-flip-flop"),
        (samples.library().replace("(1, pf)", "(1, ff)"), "liberty.unit"),
    ],
)
def test_a_library_that_cannot_be_used(here: Path, call: Call, text: str, code: str) -> None:
    path = design(here)
    samples.write(path.parent, text)
    called = call("build", path, *ONLY)
    assert called.code == 2
    assert code in called.err
    assert ".lib:" in called.err or "design.yaml:" in called.err


def test_a_known_library_that_is_not_here(
    here: Path, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hwflow.asic.libraries.installed", lambda known: None)
    path = write_design(here / "design", duo_graph(), target="asic")
    called = call("build", path, *ONLY)
    assert called.code == 3
    assert "hwflow doctor --fix" in called.err
