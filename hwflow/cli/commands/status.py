"""hwflow status: where each stage of a build stands."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hwflow.cli.building import Job, add_build_options, errors_of, open_job
from hwflow.cli.commands.build import preview_table
from hwflow.cli.console import Console
from hwflow.cli.places import DEFAULT_ROOT, build_at, is_design
from hwflow.cli.table import duration, table
from hwflow.errors import InputError

if TYPE_CHECKING:
    from hwflow.flow import Build

__all__ = ["arguments", "execute"]

_KEY_SHOWN = 8


def arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command's options."""
    parser.add_argument(
        "build",
        metavar="BUILD|DESIGN.yaml",
        nargs="?",
        type=Path,
        help="a build folder, or a design file to see as well what would run now; "
        "without it every build below ./build is listed",
    )
    add_build_options(parser)


def execute(options: argparse.Namespace, console: Console) -> int:
    """Show the state, key and time of each stage; starts nothing and changes nothing."""
    if options.build is None:
        return _all(console)
    if is_design(options.build):
        options.design = options.build
        return _of_design(open_job(options, console), console)
    build = build_at(options.build)
    console.build_folder = build.folder
    rows = [_row(build, name) for name in build.stages]
    console.show(f"{build.design} in {build.folder}", "bold")
    console.table(table(("stage", "state", "key", "last run"), rows, "lllr"))
    console.result({**_record(build), "exit_code": 0})
    return 0


def _of_design(job: Job, console: Console) -> int:
    from hwflow.flow import open_build

    result = job.preview()
    build = open_build(job.folder, job.config.design)
    plans = [line.split(None, 1)[1] for line in preview_table(job, result, None)]
    rows = [(*_row(build, s.name), now) for s, now in zip(job.stages, plans[1:], strict=True)]
    console.show(f"{build.design} in {build.folder}", "bold")
    console.table(table(("stage", "state", "key", "last run", "now"), rows, "lllr"))
    errors, code = errors_of(result)
    for error in result.errors:
        console.error(error)
    now = {stage.name: text for stage, text in zip(job.stages, plans[1:], strict=True)}
    console.result({**_record(build), "now": now, "errors": errors, "exit_code": code})
    return code


def _all(console: Console) -> int:
    from hwflow.flow import open_build

    found = sorted(DEFAULT_ROOT.glob("*/build.json"))
    if not found:
        raise InputError(
            "build.missing",
            f"there is no build below {DEFAULT_ROOT}",
            hint="run `hwflow build DESIGN.yaml` first, or name a build folder",
        )
    builds = [open_build(path.parent) for path in found]
    rows = [(build.design, str(build.folder), _counts(build)) for build in builds]
    console.table(table(("design", "folder", "stages"), rows))
    console.result({"builds": [_record(build) for build in builds], "exit_code": 0})
    return 0


def _counts(build: Build) -> str:
    states = [record.state for record in build.stages.values()]
    counted = ((state, states.count(state)) for state in ("done", "stale", "failed"))
    return ", ".join(f"{count} {state}" for state, count in counted if count)


def _row(build: Build, name: str) -> tuple[str, str, str, str]:
    record = build.stages.get(name)
    if record is None:
        return name, "not run", "", ""
    seconds = build.seconds.get(name)
    took = duration(seconds) if seconds is not None else ""
    return name, record.state, record.key[:_KEY_SHOWN], took


def _record(build: Build) -> dict[str, Any]:
    stages = [
        {
            "name": name,
            "state": record.state,
            "key": record.key,
            "seconds": build.seconds.get(name),
        }
        for name, record in build.stages.items()
    ]
    return {"design": build.design, "build": str(build.folder), "stages": stages}
