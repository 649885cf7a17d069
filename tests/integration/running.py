"""Running builds: in this process, in one of its own, and looking at what is left."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from hwflow.config import load_design
from hwflow.flow import Stage, StageContext, run
from hwflow.stages.pipeline import pipeline

__all__ = [
    "PROGRAM", "context", "digests", "leftovers", "own_processes", "prepared", "stages", "start",
    "wait_for",
]  # fmt: skip

PROGRAM = (sys.executable, "-c", "import sys; from hwflow.cli.main import main; sys.exit(main())")
"""The program as installed, whether or not its script is on PATH."""


def stages(design: Path, *overrides: str) -> dict[str, Stage]:
    """The pipeline's stages by name."""
    return {stage.name: stage for stage in pipeline(load_design(design, overrides))}


def prepared(design: Path, to: str, *overrides: str) -> dict[str, Path]:
    """Build as far as `to` in this process; returns the artifacts by stage."""
    folder = design.parent / "build"
    result = run(
        pipeline(load_design(design, overrides)), design="x", build_folder=folder / "x", to=to
    )
    assert not result.errors, result.errors
    return {s.name: s.artifact for s in result.stages if s.artifact is not None}


def context(folder: Path, inputs: Mapping[str, Path]) -> StageContext:
    """What a stage is given, in a new folder."""
    out, scratch = folder / "out", folder / "scratch"
    out.mkdir(parents=True)
    scratch.mkdir()
    return StageContext(out, inputs, scratch, lambda fraction, text: None)


def start(*words: object, cwd: Path, path: Sequence[Path] = ()) -> subprocess.Popen[str]:
    """`hwflow words...` in a process of its own; folders of `path` come first on PATH."""
    environment = {name: value for name, value in os.environ.items() if name != "HWFLOW_STORE"}
    environment["NO_COLOR"] = "1"
    environment["PATH"] = os.pathsep.join([*map(str, path), environment["PATH"]])
    return subprocess.Popen(
        [*PROGRAM, *map(str, words)],
        cwd=cwd,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_for(condition: Callable[[], object], what: str, seconds: float = 60) -> None:
    """Wait until `condition` holds."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"never: {what}"
        time.sleep(0.005)


def own_processes(folder: Path) -> dict[int, str]:
    """Living processes that work in a folder, by id."""
    found = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        with contextlib.suppress(OSError):
            where = os.readlink(entry / "cwd")
            words = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            if str(folder) in where and words:
                found[int(entry.name)] = words
    return found


def leftovers(build: Path) -> list[str]:
    """Temporary folders in the store of a build folder."""
    temporary = build.parent / ".store" / ".tmp"
    return sorted(p.name for p in temporary.iterdir()) if temporary.is_dir() else []


def digests(build: Path) -> dict[str, dict[str, str]]:
    """Each stage's files and their checksums, as the manifests have them."""
    record = json.loads((build / "build.json").read_text(encoding="utf-8"))
    return {
        name: json.loads((build / name / "manifest.json").read_text(encoding="utf-8"))["files"]
        for name in record["stages"]
    }
