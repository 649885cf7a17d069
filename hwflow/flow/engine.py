"""Runs a pipeline: each stage is found in the store by its key, or run and stored."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from hwflow.errors import DiskFull, HwflowError, InputError
from hwflow.flow.build import Build, StageRecord, default_store, open_build, register
from hwflow.flow.digests import digest_of
from hwflow.flow.locks import build_lock
from hwflow.flow.selection import Selection, select
from hwflow.flow.sources import SourceIndex
from hwflow.flow.stage import (
    Listener,
    QuietListener,
    RunResult,
    Stage,
    StageContext,
    StageResult,
)
from hwflow.flow.store import Artifact, Store, Workspace, disk_full, writing
from hwflow.tools import identity, term_is_interrupt

__all__ = ["run"]

_KEY_FORMAT = 1


def run(
    pipeline: Sequence[Stage],
    *,
    design: str,
    build_folder: Path,
    store: Path | None = None,
    from_: str | None = None,
    to: str | None = None,
    force: Sequence[str] = (),
    dry_run: bool = False,
    keep_going: bool = False,
    listener: Listener | None = None,
) -> RunResult:
    """Bring every stage of a pipeline up to date.

    Args:
        pipeline: the stages, each after its inputs.
        design: the design's name, for build.json.
        build_folder: usually build/<design>.
        store: the store's folder; by default $HWFLOW_STORE or build/.store.
        from_: stages before it are not looked at: their last artifacts are used as they are.
        to: the last stage to bring up to date.
        force: stages to run even if the store has their artifact.
        dry_run: tell what would run; runs and writes nothing.
        keep_going: after a failure run the stages that do not depend on it.
        listener: watches live.

    A stage's own HwflowError is in its result, what it wrote under failed/; stages that depend on
    it stay pending.

    Raises:
        InputError: "flow.stage", "flow.from", "build.locked", "build.folder" or "build.corrupt".
        DiskFull: building or recording the build.
        KeyboardInterrupt: Ctrl-C, SIGTERM or SIGHUP; nothing half-written is left.
    """
    chosen = select(pipeline, from_, to, force)
    watcher = listener or QuietListener()
    shelf = Store(store or default_store(build_folder))
    with term_is_interrupt():
        if dry_run:
            engine = _Engine(open_build(build_folder, design), shelf, watcher, True)
            return engine.run(pipeline, chosen, keep_going)
        with writing(build_folder):
            build_folder.mkdir(parents=True, exist_ok=True)
        with build_lock(build_folder):
            engine = _Engine(open_build(build_folder, design), shelf, watcher, False)
            shelf.prepare()
            register(shelf, build_folder)
            return engine.run(pipeline, chosen, keep_going)


@dataclass(slots=True)
class _Engine:
    """One run over one build folder."""

    build: Build
    store: Store
    listener: Listener
    dry_run: bool
    sources: SourceIndex = field(init=False)
    artifacts: dict[str, Artifact] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)
    read_fully: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.sources = SourceIndex(self.store.digests)

    def run(self, pipeline: Sequence[Stage], chosen: Selection, keep_going: bool) -> RunResult:
        results: list[StageResult] = []
        stopped = False
        try:
            for index, stage in enumerate(pipeline):
                result = self._stage(stage, index, len(pipeline), chosen, stopped)
                results.append(result)
                stopped = stopped or (result.status == "failed" and not keep_going)
                self.listener.stage_finished(result)
        finally:
            if not self.dry_run:
                with writing(self.build.folder):
                    self.build.save()
                self.store.digests.save()
        return RunResult(tuple(results))

    def _stage(
        self, stage: Stage, index: int, total: int, chosen: Selection, stopped: bool
    ) -> StageResult:
        if stage.name in chosen.kept:
            return self._keep(stage)
        ready = all(name in self.artifacts for name in stage.inputs)
        if stage.name in chosen.left_out:
            return StageResult(stage.name, "pending")
        if stopped or not ready:
            if not self.dry_run:
                self.build.mark_stale(stage.name)
            return StageResult(stage.name, "pending")
        try:
            parts = self._key_parts(stage)
        except HwflowError as error:  # a tool is missing, a file of the user's is gone
            return StageResult(stage.name, "failed", error=error)
        key = digest_of(parts)
        forced = stage.name in chosen.forced
        hit = None if forced else self._hit(stage, key)
        if hit is not None:
            return self._done(stage, "hit", key, parts, hit, 0.0)
        because = self._changes(stage, parts)
        if self.dry_run:
            return StageResult(stage.name, "pending", because=because)
        self.listener.stage_started(stage.name, index, total)
        start = time.monotonic()
        with self.store.key_lock(stage.name, key, lambda: self._waiting(stage)):
            # Another build may have made it while this one waited.
            hit = None if forced else self._hit(stage, key)
            if hit is not None:
                return self._done(stage, "hit", key, parts, hit, time.monotonic() - start)
            made = self._damaged_input(stage) or self._run(stage, key)
        seconds = time.monotonic() - start
        if isinstance(made, HwflowError):
            self.build.mark_failed(stage.name, StageRecord(key, "", "failed", parts))
            return StageResult(stage.name, "failed", seconds, because=because, error=made)
        return self._done(stage, "ran", key, parts, made, seconds, because)

    def _keep(self, stage: Stage) -> StageResult:
        record = self.build.stages.get(stage.name)
        artifact = self.store.get(stage.name, record.key) if record else None
        if artifact is None:
            raise InputError(
                "flow.from",
                f"--from keeps the stage {stage.name!r} as it is, but this build has no "
                "artifact of it",
                hint="run `hwflow build` without --from once",
            )
        assert record is not None
        self.artifacts[stage.name], self.keys[stage.name] = artifact, record.key
        return StageResult(stage.name, "kept", artifact=artifact.folder)

    def _key_parts(self, stage: Stage) -> dict[str, str]:
        """Digests of all that the result depends on, by kind."""
        tools = {name: identity(name).digest for name in stage.tools}
        files = [[path.name, self._user_file(stage, path)] for path in stage.files]
        inputs = {name: self.artifacts[name].digest for name in stage.inputs}
        return {
            "name": digest_of([stage.name, _KEY_FORMAT]),
            "configuration": digest_of(dict(stage.config)),
            "tools": digest_of(tools),
            "code": digest_of(self.sources.digests(stage.modules)),
            "files": digest_of(files),
            **{f"input {name}": digest for name, digest in inputs.items()},
        }

    def _user_file(self, stage: Stage, path: Path) -> str:
        try:
            return self.store.digests.digest(path)
        except OSError as error:
            raise InputError(
                "file.missing" if isinstance(error, FileNotFoundError) else "file.unreadable",
                f"cannot read {path}: {error.strerror}",
                hint=f"the stage {stage.name} needs it",
            ) from None

    def _hit(self, stage: Stage, key: str) -> Artifact | None:
        artifact = self.store.get(stage.name, key)
        if artifact is None and self.store.present(stage.name, key):
            self._damaged(stage.name, key)
        return artifact

    def _damaged(self, name: str, key: str) -> None:
        if self.dry_run:
            self.listener.warning(f"{name}: the stored artifact is damaged; it would be rebuilt")
            return
        aside = self.store.set_aside(name, key)
        self.listener.warning(
            f"{name}: the stored artifact is damaged (checksums differ); "
            f"moved to {aside}, building it again"
        )

    def _waiting(self, stage: Stage) -> None:
        self.listener.stage_progress(stage.name, 0.0, "waiting for another build that makes it")

    def _damaged_input(self, stage: Stage) -> HwflowError | None:
        """Read every byte of the inputs once more: a decayed disk must not reach a result."""
        for name in stage.inputs:
            if name in self.read_fully:
                continue
            key = self.keys[name]
            if self.store.get(name, key, deep=True) is None:
                self._damaged(name, key)
                return InputError(
                    "store.damaged",
                    f"the artifact of {name} was damaged on the disk since it was written",
                    hint="run the same command again: it will be rebuilt",
                )
            self.read_fully.add(name)
        return None

    def _changes(self, stage: Stage, parts: dict[str, str]) -> tuple[str, ...]:
        record = self.build.stages.get(stage.name)
        if record is None:
            return ()
        names = sorted({*parts, *record.parts})
        return tuple(n for n in names if parts.get(n) != record.parts.get(n))

    def _run(self, stage: Stage, key: str) -> Artifact | HwflowError:
        """Run a stage and store its artifact, or keep what it wrote and return its error."""
        with self.store.workspace(stage.name) as workspace:
            try:
                self._call(stage, workspace)
                with writing(self.store.root):
                    return self.store.put(stage.name, key, workspace)
            except DiskFull as error:
                return error
            except HwflowError as error:
                with writing(self.build.folder):
                    place = self.build.keep_failed(stage.name, workspace)
                where = f"what it wrote is kept in {place}"
                error.hint = f"{error.hint}\n  {where}" if error.hint else where
                return error

    def _call(self, stage: Stage, workspace: Workspace) -> None:
        name = stage.name
        context = StageContext(
            out=workspace.out,
            inputs={n: self.artifacts[n].folder for n in stage.inputs},
            scratch=workspace.scratch,
            progress=lambda fraction, text: self.listener.stage_progress(name, fraction, text),
            store=self.store.root,
        )
        try:
            stage.run(context)
        except OSError as error:
            raise disk_full(error, self.store.root) or error from None

    def _done(
        self,
        stage: Stage,
        status: str,
        key: str,
        parts: dict[str, str],
        artifact: Artifact,
        seconds: float,
        because: tuple[str, ...] = (),
    ) -> StageResult:
        self.artifacts[stage.name], self.keys[stage.name] = artifact, key
        if not self.dry_run:
            record = StageRecord(key, artifact.folder.name, "done", parts)
            with writing(self.build.folder):
                self.build.point(stage.name, record, artifact.folder)
        if status == "ran":
            self.build.seconds[stage.name] = round(seconds, 3)
            return StageResult(stage.name, "ran", seconds, artifact.folder, because)
        return StageResult(stage.name, "hit", seconds, artifact.folder)
