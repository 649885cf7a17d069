"""What a stage is, and what it and its watchers are given."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

from hwflow.errors import HwflowError

__all__ = [
    "Listener",
    "Progress",
    "QuietListener",
    "RunResult",
    "Stage",
    "StageContext",
    "StageResult",
    "Status",
]

Progress = Callable[[float, str], None]
"""progress(fraction from 0 to 1, what is being done)."""

Status = Literal["hit", "kept", "ran", "failed", "pending"]
"""hit: found in the store; kept: an earlier artifact used as it is (`--from`); pending: not
reached, or would run (`--dry-run`)."""


@dataclass(frozen=True, slots=True)
class StageContext:
    """The folders of one run: write the artifact into `out`, anything else into `scratch`.

    `inputs` gives the artifact folder of each input stage, to be read only. `store` holds the
    artifacts of earlier builds, for stages that learn from them; None outside of a build.
    """

    out: Path
    inputs: Mapping[str, Path]
    scratch: Path
    progress: Progress
    store: Path | None = None


@dataclass(frozen=True, slots=True)
class Stage:
    """A pure function from artifacts to an artifact, and all that its result depends on.

    Attributes:
        name: its name in the pipeline.
        run: writes the artifact. It may write its report and then raise CheckFailed: the folder is
            kept with the build as failed/<stage>, but never counts as a result.
        inputs: names of earlier stages whose artifacts it reads.
        config: the JSON-able slice of the configuration it depends on (seeds included).
        tools: names of the external tools and wheels it uses (`hwflow.tools.identity`).
        modules: the modules whose code, and all they import, it depends on; a worker started with
            `python -m` is a module of its own here.
        files: the user's files it reads.
    """

    name: str
    run: Callable[[StageContext], None]
    inputs: tuple[str, ...] = ()
    config: Mapping[str, object] = field(default_factory=dict)
    tools: tuple[str, ...] = ()
    modules: tuple[str, ...] = ()
    files: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True)
class StageResult:
    """How one stage went; `because` names what changed since the last build, where it ran."""

    name: str
    status: Status
    seconds: float = 0.0
    artifact: Path | None = None
    because: tuple[str, ...] = ()
    error: HwflowError | None = None


@dataclass(frozen=True, slots=True)
class RunResult:
    """How a run of the pipeline went, stage by stage in its order."""

    stages: tuple[StageResult, ...]

    @property
    def errors(self) -> tuple[HwflowError, ...]:
        """The errors of the stages that failed."""
        return tuple(stage.error for stage in self.stages if stage.error is not None)

    def stage(self, name: str) -> StageResult:
        """The result of one stage."""
        return next(stage for stage in self.stages if stage.name == name)


class Listener(Protocol):
    """Watches a run live."""

    def stage_started(self, name: str, index: int, total: int) -> None:
        """A stage is about to run (stages found in the store only finish)."""

    def stage_progress(self, name: str, fraction: float, text: str) -> None:
        """A stage says how far it is."""

    def stage_finished(self, result: StageResult) -> None:
        """A stage was found, ran, failed or is left pending."""

    def warning(self, text: str) -> None:
        """Something worth telling that does not stop the run."""


class QuietListener:
    """A listener that does nothing."""

    def stage_started(self, name: str, index: int, total: int) -> None: ...

    def stage_progress(self, name: str, fraction: float, text: str) -> None: ...

    def stage_finished(self, result: StageResult) -> None: ...

    def warning(self, text: str) -> None: ...
