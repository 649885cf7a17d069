"""Killed, interrupted, two at once, tools that hang or die: on the real pipeline."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

from hwflow.tools import run
from tests.integration.conftest import Call
from tests.integration.designs import duo_graph, write_design
from tests.integration.running import digests, leftovers, own_processes, start, wait_for

pytestmark = pytest.mark.tool

RUNGS = ("--set", "verify.rungs=[amaranth, netlist]")
QUICK = (
    "lower", "plan", "generate", "vectors", "golden", "amaranth", "synth", "netlist", "energy",
    "report",
)  # fmt: skip


def at_stage(process: subprocess.Popen[str], folder: Path, stage: str) -> None:
    """Wait until a stage has its temporary folder, or the build is over."""
    store = folder / "build" / ".store" / ".tmp"
    wait_for(lambda: process.poll() is not None or any(store.glob(f"{stage}-*")), f"stage {stage}")


def fake(folder: Path, tool: str, script: str) -> Path:
    """A folder with a program that tells its version as the real one does, then runs `script`."""
    real = shutil.which(tool)
    assert real is not None
    folder.mkdir(parents=True)
    path = folder / tool
    path.write_text(
        f'#!/bin/sh\ncase "$1" in --version) exec {real} "$@";; esac\n{script}\n', encoding="utf-8"
    )
    path.chmod(0o755)
    return folder


def test_killed_at_the_start_of_each_stage(reference: Path, tmp_path: Path) -> None:
    """Each build goes on where the killed one was; the end is the same to the byte."""
    design = write_design(tmp_path / "design", duo_graph())
    for stage in QUICK:
        process = start("build", design, *RUNGS, cwd=tmp_path)
        at_stage(process, tmp_path, stage)
        process.kill()
        _, err = process.communicate()
        assert "Traceback" not in err
        assert process.returncode == -signal.SIGKILL, f"{stage}: over before it was killed\n{err}"
        wait_for(lambda: not own_processes(tmp_path), "the tools are gone", 10)
        assert [name.split("-")[0] for name in leftovers(tmp_path / "build" / "duo")] == [stage]
    process = start("build", design, *RUNGS, cwd=tmp_path)
    _, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    assert leftovers(tmp_path / "build" / "duo") == []
    assert digests(tmp_path / "build" / "duo") == digests(reference / "build" / "duo")


@pytest.mark.long
def test_killed_in_the_rtl_rung(tmp_path: Path) -> None:
    design = write_design(tmp_path / "design", duo_graph(), folds=("conv",))
    words = ("build", design, "--to", "rtl", "--set", "verify.rungs=[rtl]")
    for tool in ("verilator", "cc1plus"):
        process = start(*words, cwd=tmp_path)
        wait_for(lambda: any(tool in w for w in own_processes(tmp_path).values()), tool)  # noqa: B023
        process.kill()
        process.communicate()
        wait_for(lambda: not own_processes(tmp_path), "the tools are gone", 10)
    process = start(*words, cwd=tmp_path)
    _, err = process.communicate(timeout=400)
    assert process.returncode == 0, err
    assert leftovers(tmp_path / "build" / "duo") == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_while_a_tool_hangs(
    number: signal.Signals, reference: Path, tmp_path: Path, call: Call,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """Another build in the folder is told who holds it; Ctrl-C leaves nothing behind."""
    shutil.copytree(reference, tmp_path / "here", symlinks=True)
    here = tmp_path / "here"
    tools = fake(tmp_path / "bin", "gcc", "echo compiling for ever; sleep 600")
    process = start("build", "design/design.yaml", *RUNGS, cwd=here, path=[tools])
    try:
        wait_for(lambda: "sleep 600" in str(own_processes(here)), "gcc runs")
        if number is signal.SIGINT:
            monkeypatch.chdir(here)
            called = call("build", "design/design.yaml", *RUNGS)
            assert called.code == 2
            assert "build.locked" in called.err
            assert f"process {process.pid}, since " in called.err
            assert process.poll() is None
        os.kill(process.pid, number)
        _, err = process.communicate(timeout=20)
    finally:
        process.kill()
    assert process.returncode == 130
    assert "Traceback" not in err
    assert err.splitlines()[-1] == "interrupted; finished stages are kept"
    assert own_processes(here) == {}
    assert leftovers(here / "build" / "duo") == []
    again = start("build", "design/design.yaml", *RUNGS, cwd=here)
    _, err = again.communicate(timeout=120)
    assert again.returncode == 0, err
    assert digests(here / "build" / "duo") == digests(reference / "build" / "duo")


def test_a_compiler_that_dies(reference: Path, tmp_path: Path) -> None:
    """Exit 4, with the last lines that it wrote."""
    shutil.copytree(reference, tmp_path / "here", symlinks=True)
    here = tmp_path / "here"
    script = "for i in 1 2 3; do echo line $i of gcc; done; echo internal error >&2; kill -SEGV $$"
    tools = fake(tmp_path / "bin", "gcc", script)
    process = start("build", "design/design.yaml", *RUNGS, cwd=here, path=[tools])
    _, err = process.communicate(timeout=60)
    assert process.returncode == 4, err
    assert "error[tool.failed]" in err
    assert "| line 3 of gcc\n" in err
    assert "| internal error\n" in err
    assert "Traceback" not in err
    assert leftovers(here / "build" / "duo") == []
    kept = here / "build" / "duo" / "failed" / "netlist"
    assert any("line 3 of gcc" in log.read_text() for log in kept.rglob("*.log"))


def test_a_compiler_that_dies_below_make(tmp_path: Path) -> None:
    """Verilator's own build runs g++ through make: its words reach the user too."""
    design = write_design(tmp_path / "design", duo_graph())
    script = "echo g++: fatal: out of luck >&2; exit 1"
    tools = [fake(tmp_path / f"bin-{name}", name, script) for name in ("g++", "c++")]
    words = ("build", design, "--to", "rtl", "--set", "verify.rungs=[rtl]")
    process = start(*words, cwd=tmp_path, path=tools)
    _, err = process.communicate(timeout=120)
    assert process.returncode == 4, err
    assert "error[tool.failed]" in err
    assert "out of luck" in err
    assert leftovers(tmp_path / "build" / "duo") == []


def hurried(*words: object, **options: object) -> None:
    run(*words, **{**options, "timeout": 1.0})  # type: ignore[arg-type]


def test_a_compiler_that_hangs(
    reference: Path, tmp_path: Path, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is stopped when its time is up: exit 4."""
    shutil.copytree(reference, tmp_path / "here", symlinks=True)
    here = tmp_path / "here"
    monkeypatch.chdir(here)
    tools = fake(tmp_path / "bin", "gcc", "echo still thinking; sleep 600")
    monkeypatch.setenv("PATH", f"{tools}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr("hwflow.verify.netlist.library.run", hurried)
    called = call("build", "design/design.yaml", *RUNGS)
    assert called.code == 4
    assert "error[tool.timeout]" in called.err
    assert "still running after 1 s, stopped" in called.err
    assert "| still thinking" in called.err
    assert own_processes(here) == {}
    assert leftovers(here / "build" / "duo") == []


def test_a_missing_compiler(
    reference: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Exit 3 before anything is run."""
    shutil.copytree(reference, tmp_path / "here", symlinks=True)
    here = tmp_path / "here"
    monkeypatch.setenv("PATH", str(tmp_path / "no-such-folder"))
    process = start("build", "design/design.yaml", *RUNGS, cwd=here)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 3, err
    assert "error[tool.missing]: gcc is not installed" in err
