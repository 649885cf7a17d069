"""What the commands that bring a design up to date share."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hwflow.cli.console import Console, error_record
from hwflow.cli.places import default_folder
from hwflow.cli.progress import watching
from hwflow.errors import ErrorList

if TYPE_CHECKING:
    from hwflow.config import DesignConfig
    from hwflow.flow import RunResult, Stage, StageResult

__all__ = [
    "Job",
    "add_build_options",
    "add_design_options",
    "errors_of",
    "open_job",
    "stage_record",
]


@dataclass(frozen=True, slots=True)
class Job:
    """A design, its stages and its build folder."""

    config: DesignConfig
    stages: tuple[Stage, ...]
    folder: Path

    def run(
        self,
        console: Console,
        *,
        from_: str | None = None,
        to: str | None = None,
        force: Sequence[str] = (),
        keep_going: bool = False,
    ) -> RunResult:
        """Bring the stages up to date, showing progress on stderr."""
        from hwflow import flow

        with watching(console, [stage.name for stage in self.stages]) as listener:
            return flow.run(
                self.stages,
                design=self.config.design,
                build_folder=self.folder,
                from_=from_,
                to=to,
                force=force,
                keep_going=keep_going,
                listener=listener,
            )

    def preview(
        self, *, from_: str | None = None, to: str | None = None, force: Sequence[str] = ()
    ) -> RunResult:
        """What would run now; nothing is run or written."""
        from hwflow import flow

        return flow.run(
            self.stages,
            design=self.config.design,
            build_folder=self.folder,
            from_=from_,
            to=to,
            force=force,
            dry_run=True,
        )


def add_design_options(parser: argparse.ArgumentParser) -> None:
    """The options that say which design is meant."""
    parser.add_argument("design", metavar="DESIGN.yaml", type=Path, help="the design file")
    add_build_options(parser)


def add_build_options(parser: argparse.ArgumentParser) -> None:
    """The options of every command that can take a design file."""
    parser.add_argument(
        "--set",
        dest="overrides",
        metavar="KEY=VALUE",
        action="append",
        default=[],
        help="change a key, for example --set hardware.target=lut6 (repeatable)",
    )
    parser.add_argument(
        "--build-dir", metavar="DIR", type=Path, help="the build folder (build/<design>)"
    )
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout")


def open_job(options: argparse.Namespace, console: Console) -> Job:
    """Read the design that the options name.

    Raises:
        HwflowError: whatever is wrong with the design file.
    """
    from hwflow.config import load_design

    config = load_design(options.design, options.overrides)
    folder = options.build_dir or default_folder(config.design)
    console.build_folder = folder
    # The design's mistakes are told before the packages of the stages are loaded.
    from hwflow.stages.pipeline import pipeline

    return Job(config, pipeline(config), folder)


def stage_record(result: StageResult) -> dict[str, Any]:
    """One stage's result as plain data."""
    return {
        "name": result.name,
        "status": result.status,
        "seconds": round(result.seconds, 3),
        "because": list(result.because),
    }


def errors_of(result: RunResult) -> tuple[list[dict[str, object]], int]:
    """The errors of a run as plain data, and the exit code they call for."""
    if not result.errors:
        return [], 0
    found = ErrorList(result.errors)
    return error_record(found), found.exit_code
