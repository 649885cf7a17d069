"""A build folder: which artifact each stage of one design stands at.

build/<design>/build.json        stage -> key, state and what the key was made of
build/<design>/timing.json       seconds of each stage's last run
build/<design>/<stage>           link to the stage's artifact in the store
build/<design>/failed/<stage>    what a stage had written when it failed, with its logs
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from hwflow.errors import InputError
from hwflow.flow.store import MEMORY, Store, Workspace, writing

__all__ = [
    "BUILD_FILE",
    "Build",
    "StageRecord",
    "default_store",
    "gc",
    "open_build",
    "register",
]

BUILD_FILE = "build.json"
_FORMAT = 1


@dataclass(frozen=True, slots=True)
class StageRecord:
    """Where a stage stands; `parts` are digests of what its key was made of.

    `state` is "done", "stale" (not reached since something before it changed) or "failed" (no
    artifact).
    """

    key: str
    artifact: str
    state: str
    parts: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Build:
    """A build folder and its records; `save` writes them, whole or not at all."""

    folder: Path
    design: str
    stages: dict[str, StageRecord] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)

    def artifact(self, stage: str) -> Path:
        """The folder of a stage's artifact.

        Raises:
            InputError: "build.missing" if the stage has none.
        """
        path = self.folder / stage
        if stage not in self.stages or not path.is_dir():
            raise InputError(
                "build.missing",
                f"{self.folder} holds no result of the stage {stage!r}",
                hint=self._why_missing(stage),
            )
        return path.resolve()

    def _why_missing(self, stage: str) -> str:
        record = self.stages.get(stage)
        if record is not None and record.state == "failed":
            return f"it failed; what it wrote is kept in {self.folder}/failed/{stage}"
        last = self.stages.get("report")
        if record is None and last is not None and last.state == "done":
            return "this design has no such stage; `hwflow status BUILD` lists those it has"
        return "run `hwflow build` first"

    def point(self, stage: str, record: StageRecord, artifact: Path) -> None:
        """Let the stage's link and record lead to an artifact."""
        self.stages[stage] = record
        link = self.folder / stage
        target = os.path.relpath(artifact, self.folder)
        if not link.is_symlink() or os.readlink(link) != target:
            draft = self.folder / f".{stage}.link"
            draft.unlink(missing_ok=True)
            draft.symlink_to(target)
            draft.replace(link)
        failed = self.folder / "failed" / stage
        if failed.exists():
            shutil.rmtree(failed, ignore_errors=True)

    def mark_failed(self, stage: str, record: StageRecord) -> None:
        """Drop the stage's link: what it led to was made from something else."""
        self.stages[stage] = record
        (self.folder / stage).unlink(missing_ok=True)

    def mark_stale(self, stage: str) -> None:
        """Say that a stage was not brought up to date; its link stays."""
        record = self.stages.get(stage)
        if record is not None and record.state == "done":
            self.stages[stage] = replace(record, state="stale")

    def keep_failed(self, stage: str, workspace: Workspace) -> Path:
        """Keep what a failed stage wrote, and the logs of its scratch folder."""
        place = self.folder / "failed" / stage
        shutil.rmtree(place, ignore_errors=True)
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copytree(workspace.out, place)
        for log in sorted(workspace.scratch.rglob("*.log")):
            copy = place / log.relative_to(workspace.scratch)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(log, copy)
        return place

    def save(self) -> None:
        """Write build.json and timing.json."""
        stages = {
            name: {
                "artifact": record.artifact,
                "key": record.key,
                "parts": dict(record.parts),
                "state": record.state,
            }
            for name, record in self.stages.items()
        }
        state = {"design": self.design, "format": _FORMAT, "stages": stages}
        _write(self.folder / BUILD_FILE, state)
        _write(self.folder / "timing.json", self.seconds)


def open_build(folder: Path, design: str | None = None) -> Build:
    """The build in a folder; with `design` a new one is begun where there is none.

    Raises:
        InputError: "build.missing", or "build.corrupt" if build.json is not ours.
    """
    path = folder / BUILD_FILE
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        if design is None:
            raise InputError(
                "build.missing",
                f"{folder} is not a build folder: it has no {BUILD_FILE}",
                hint="name a folder such as build/<design>, or run `hwflow build` first",
            ) from None
        return Build(folder, design)
    except (OSError, ValueError):
        raise _corrupt(path) from None
    build = Build(folder, design or "")
    try:
        if raw["format"] != _FORMAT:
            raise _corrupt(path)
        build.design = design or str(raw["design"])
        for name, entry in raw["stages"].items():
            parts = {str(k): str(v) for k, v in entry["parts"].items()}
            record = StageRecord(entry["key"], entry["artifact"], entry["state"], parts)
            build.stages[str(name)] = record
    except (KeyError, TypeError, AttributeError):
        raise _corrupt(path) from None
    build.seconds = _read_seconds(folder / "timing.json")
    return build


def default_store(build_folder: Path) -> Path:
    """$HWFLOW_STORE, or `.store` beside the build folder."""
    chosen = os.environ.get("HWFLOW_STORE")
    return Path(chosen) if chosen else build_folder.absolute().parent / ".store"


def register(store: Store, folder: Path) -> None:
    """Note in the store that a build folder points into it, for `gc`."""
    path = str(folder.absolute())
    note = store.root / ".roots" / hashlib.sha256(path.encode()).hexdigest()[:16]
    if not note.exists():
        with writing(store.root):
            note.write_text(path, encoding="utf-8")


def gc(store: Store) -> tuple[Path, ...]:
    """Remove artifacts that no build points to, and what stages remember; returns the folders."""
    used: set[str] = set()
    for note in sorted((store.root / ".roots").iterdir()):
        folder = Path(note.read_text(encoding="utf-8"))
        if not (folder / BUILD_FILE).is_file():
            note.unlink()
            continue
        used.update(record.artifact for record in open_build(folder).stages.values())
    unused = [p for p in sorted(store.root.iterdir()) if p.name not in used]
    removed = tuple(p for p in unused if (p.is_dir() and p.name[0] != ".") or p.name == MEMORY)
    for path in removed:
        shutil.rmtree(path, ignore_errors=True)
    return removed


def _corrupt(path: Path) -> InputError:
    return InputError(
        "build.corrupt",
        f"{path} cannot be read as the record of a build",
        hint=f"remove {path}: the next build finds all artifacts again in the store",
    )


def _read_seconds(path: Path) -> dict[str, float]:
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
        return {str(name): float(value) for name, value in raw.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}


def _write(path: Path, data: object) -> None:
    text = json.dumps(data, indent=1, sort_keys=True) + "\n"
    if path.is_file() and path.read_text(encoding="utf-8") == text:
        return
    draft = path.with_name(f".{path.name}")
    with draft.open("w", encoding="utf-8") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    draft.replace(path)
