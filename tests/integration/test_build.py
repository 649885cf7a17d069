"""What a build does again, what it leaves alone, and that both give the same bytes."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.integration.conftest import Call
from tests.integration.designs import duo_graph, write_design
from tests.integration.running import digests, leftovers, start

RUNGS = ("--set", "verify.rungs=[amaranth, netlist]")
ALL = (
    "lower", "plan", "generate", "vectors", "golden", "amaranth", "synth", "netlist", "energy",
    "report",
)  # fmt: skip


@pytest.fixture
def copy(reference: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The reference build, copied with its store into the current folder."""
    shutil.copytree(reference, tmp_path / "here", symlinks=True)
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path / "here"


@pytest.fixture
def no_tools(monkeypatch: pytest.MonkeyPatch) -> None:
    """No program may be started."""

    def refuse(*words: object, **options: object) -> None:
        raise AssertionError(f"started {words}")

    monkeypatch.setattr(subprocess, "Popen", refuse)


def ran(call: Call, *words: object, design: str = "design/design.yaml") -> list[str]:
    called = call("build", design, *words, "--json")
    assert called.code == 0, called.err
    return [s["name"] for s in called.json["stages"] if s["status"] == "ran"]


pytestmark = pytest.mark.tool


@pytest.mark.usefixtures("copy", "no_tools")
def test_a_second_run_starts_nothing(call: Call) -> None:
    before = digests(Path("build/duo"))
    assert ran(call, *RUNGS) == []
    assert digests(Path("build/duo")) == before


@pytest.mark.usefixtures("copy", "no_tools")
def test_a_report_option_runs_only_the_report(call: Call) -> None:
    assert ran(call, *RUNGS, "--set", "report.title=Something else") == ["report"]
    assert "Something else" in Path("build/duo/report/report.html").read_text(encoding="utf-8")
    assert ran(call, *RUNGS) == []


@pytest.mark.usefixtures("copy", "no_tools")
def test_limits_run_only_the_report(call: Call) -> None:
    called = call(
        *("build", "design/design.yaml", *RUNGS, "--set", "limits={lut: {max: 1}}", "--json")
    )
    assert called.code == 1
    states = {s["name"]: s["status"] for s in called.json["stages"]}
    assert states.pop("report") == "failed"
    assert set(states.values()) == {"hit"}
    assert ran(call, *RUNGS) == []


@pytest.mark.usefixtures("copy")
def test_another_seed_does_not_synthesize_again(call: Call) -> None:
    again = ran(call, *RUNGS, "--set", "verify.seed=9")
    assert again == ["vectors", "golden", "amaranth", "netlist", "energy", "report"]


def ladder() -> dict[str, str]:
    """The state of each rung in the figures."""
    text = Path("build/duo/report/metrics.json").read_text(encoding="utf-8")
    return {rung["name"]: rung["status"] for rung in json.loads(text)["ladder"]["rungs"]}


@pytest.mark.usefixtures("copy", "no_tools")
def test_fewer_rungs(call: Call) -> None:
    """The report tells which rungs there were; what the build has of others stays."""
    assert ran(call, "--set", "verify.rungs=[amaranth]") == ["report"]
    states = ladder()
    assert states["amaranth"] == "equal"
    assert states["netlist"] != "equal"
    assert ran(call, *RUNGS) == []
    assert ladder()["netlist"] == "equal"


@pytest.mark.usefixtures("copy")
def test_the_terminal_shows_the_rungs_of_this_build_only(call: Call) -> None:
    words = ("--set", "verify.rungs=[]", "--set", "hardware.target=lut6")
    called = call("build", "design/design.yaml", *words)
    assert called.code == 0
    assert "[=] netlist" not in called.out


@pytest.mark.usefixtures("copy", "no_tools")
def test_a_report_option_in_the_file(call: Call, copy: Path) -> None:
    """A comment changes nothing."""
    path = copy / "design" / "design.yaml"
    path.write_text("# A comment.\n" + path.read_text(encoding="utf-8"), encoding="utf-8")
    assert ran(call, *RUNGS) == []


@pytest.mark.usefixtures("copy", "no_tools")
def test_dry_run_tells_and_does_nothing(call: Call, copy: Path) -> None:
    before = {p: p.stat().st_mtime_ns for p in sorted(copy.rglob("*"))}
    called = call(
        *("build", "design/design.yaml", *RUNGS, "--dry-run", "--set", "hardware.target=lut6")
    )
    assert called.code == 0
    rows = dict(line.split(None, 1) for line in called.out.splitlines()[1:])
    assert tuple(rows) == ALL
    unchanged = ("lower", "vectors", "golden")
    for name in unchanged:
        assert rows[name] == "up to date"
    assert rows["plan"].startswith("would run (configuration")
    for name in set(ALL) - set(unchanged):
        assert rows[name].startswith("would run (")
    after = {p: p.stat().st_mtime_ns for p in sorted(copy.rglob("*"))}
    assert after == before


@pytest.mark.usefixtures("copy")
def test_force_gives_the_same_bytes(call: Call) -> None:
    """A forced stage runs again; what depends on it does not, its bytes being the same."""
    before = digests(Path("build/duo"))
    assert ran(call, *RUNGS, "--force", "generate", "--force", "synth") == ["generate", "synth"]
    assert digests(Path("build/duo")) == before


@pytest.mark.usefixtures("copy", "no_tools")
def test_from_keeps_what_is_before_it(call: Call, copy: Path) -> None:
    """With --from a changed graph is not looked at."""
    (copy / "design" / "graph.hwf").write_bytes(b"not a graph")
    called = call("build", "design/design.yaml", *RUNGS, "--from", "generate", "--json")
    assert called.code == 0, called.err
    states = {s["name"]: s["status"] for s in called.json["stages"]}
    assert states == {**dict.fromkeys(ALL[:2], "kept"), **dict.fromkeys(ALL[2:], "hit")}
    called = call("build", "design/design.yaml", *RUNGS, "--json")
    assert called.code == 2
    assert called.json["errors"][0]["code"].startswith("hwf.")


@pytest.mark.usefixtures("copy")
def test_from_and_to_together(call: Call) -> None:
    words = ("--from", "plan", "--to", "generate", "--force", "generate")
    assert ran(call, *RUNGS, *words) == ["generate"]
    called = call("build", "design/design.yaml", *RUNGS, "--from", "synth", "--to", "plan")
    assert called.code == 2
    assert "--to plan comes before --from synth" in called.err


def test_from_needs_an_earlier_build(
    call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    design = write_design(tmp_path / "design", duo_graph())
    called = call("build", design, *RUNGS, "--from", "plan")
    assert called.code == 2
    assert "flow.from" in called.err


@pytest.mark.usefixtures("copy")
def test_no_rungs(call: Call) -> None:
    """Synthesis and its figures are there without any rung."""
    called = call("build", "design/design.yaml", "--set", "verify.rungs=[]")
    assert called.code == 0
    assert "LUT (counted)" in called.out
    assert "equal" not in {ladder()[rung] for rung in ("amaranth", "rtl", "netlist")}
    names = [s["name"] for s in json.loads(_json(call, "--set", "verify.rungs=[]"))["stages"]]
    assert names == [n for n in ALL if n not in ("amaranth", "netlist", "energy")]


def _json(call: Call, *words: object) -> str:
    return call("build", "design/design.yaml", *words, "--json").out


@pytest.mark.usefixtures("copy")
def test_a_failed_rung_stops_the_build_and_stays_failed(
    call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Exit 1, the report of the rung is kept, the report of the build is not made."""

    def wrong(self: object, beats: object) -> object:
        from hwflow.verify.compare import Mismatch

        return Mismatch("dense", "dense_matmul", 3, "corner", (1,), 5, 6, 1)

    monkeypatch.setattr("hwflow.stages.rungs.Golden.compare_outputs", wrong)
    monkeypatch.setattr("hwflow.stages.netlist.locate_in_netlist", lambda *words: None)
    words = ("build", "design/design.yaml", *RUNGS, "--force", "netlist", "--json")
    called = call(*words)
    assert called.code == 1
    assert called.json["errors"][0]["code"] == "rung.mismatch"
    kept = json.loads(Path("build/duo/failed/netlist/rung.json").read_text(encoding="utf-8"))
    assert kept["mismatch"]["layer"] == "dense"
    assert not Path("build/duo/netlist").exists()
    assert called.json["report"] is None
    assert leftovers(Path("build/duo")) == []


def test_bytes_do_not_hang_on_folder_hash_seed_or_threads(
    reference: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("PYTHONHASHSEED", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        monkeypatch.setenv(name, "1")
    place = tmp_path / "another" / "deeper"
    design = write_design(place / "d", duo_graph())
    process = start("build", design, *RUNGS, cwd=place)
    _, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    assert digests(place / "build" / "duo") == digests(reference / "build" / "duo")


@pytest.mark.long
def test_the_whole_pipeline(tmp_path: Path) -> None:
    """Every rung through real tools, and no trace of this machine in any artifact."""
    design = write_design(
        tmp_path / "d", duo_graph(), target="ecp5-25k", interface="axi_stream", folds=("conv",)
    )
    process = start("build", design, cwd=tmp_path)
    out, err = process.communicate(timeout=500)
    assert process.returncode == 0, err
    assert "equal on every vector compared" in out
    for rung in ("graph", "amaranth", "rtl", "netlist"):
        assert f"[=] {rung} " in out
    build = tmp_path / "build" / "duo"
    assert set(digests(build)) == {*ALL, "rtl"}
    record = json.loads((build / "rtl" / "rung.json").read_text(encoding="utf-8"))
    assert {t["test"] for t in record["figures"]["cocotb"]} >= {"full_rate", "random_pace"}
    machine = (str(tmp_path).encode(), str(Path(__file__).resolve().parents[2]).encode())
    for stage, files in digests(build).items():
        for name in files:
            content = (build / stage / name).read_bytes()
            assert not any(word in content for word in machine), (stage, name)
