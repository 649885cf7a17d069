"""hwflow build: bring a design up to date."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from hwflow.cli.building import Job, add_design_options, errors_of, open_job, stage_record
from hwflow.cli.console import Console
from hwflow.cli.summaries import show_summary
from hwflow.cli.table import duration, table

if TYPE_CHECKING:
    from hwflow.flow import RunResult

__all__ = ["arguments", "execute"]


def arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command's options."""
    add_design_options(parser)
    parser.add_argument(
        "--from",
        dest="from_",
        metavar="STAGE",
        help="use the last results of the stages before this one as they are",
    )
    parser.add_argument("--to", metavar="STAGE", help="stop after this stage")
    parser.add_argument(
        "--force",
        metavar="STAGE",
        action="append",
        default=[],
        help="run this stage even if nothing changed (repeatable)",
    )
    parser.add_argument(
        "--keep-going",
        action="store_true",
        help="after a failure run the stages that do not depend on it",
    )
    parser.add_argument("--dry-run", action="store_true", help="only tell what would run")


def execute(options: argparse.Namespace, console: Console) -> int:
    """Bring every stage of a design up to date: only what changed is run again."""
    job = open_job(options, console)
    chosen = {"from_": options.from_, "to": options.to, "force": tuple(options.force)}
    if options.dry_run:
        result = job.preview(**chosen)
        console.table(preview_table(job, result, options.to))
    else:
        result = job.run(console, keep_going=options.keep_going, **chosen)
    errors, code = errors_of(result)
    for error in result.errors:
        console.error(error)
    if not options.dry_run:
        _tell(console, job, result, code)
    console.result(
        {
            "design": job.config.design,
            "build": str(job.folder),
            "dry_run": options.dry_run,
            "stages": [stage_record(stage) for stage in result.stages],
            "report": _report(job, result),
            "errors": errors,
            "exit_code": code,
        }
    )
    return code


def preview_table(job: Job, result: RunResult, to: str | None) -> tuple[str, ...]:
    """Each stage and whether it would run, and why."""
    rows = []
    names = [stage.name for stage in job.stages]
    last = names.index(to) if to is not None else len(names)
    waits: set[str] = set()
    for index, (stage, found) in enumerate(zip(job.stages, result.stages, strict=True)):
        text = {"hit": "up to date", "kept": "kept as it is"}.get(found.status, "")
        if found.error is not None:
            text = f"cannot run: {found.error.message}"
        elif index > last:
            text = "left out"
        elif not text:
            after = sorted(waits.intersection(stage.inputs), key=names.index)
            waits.add(stage.name)
            reason = f"{', '.join(found.because)} changed" if found.because else ""
            reason = reason or (f"after {', '.join(after)}" if after else "not built yet")
            text = f"would run ({reason})"
        rows.append((stage.name, text))
    return table(("stage", "now"), rows)


def _tell(console: Console, job: Job, result: RunResult, code: int) -> None:
    ran = [stage for stage in result.stages if stage.status == "ran"]
    spent = duration(sum(stage.seconds for stage in result.stages))
    count = f"{len(ran)} of {len(result.stages)} stages ran, {spent}"
    if code:
        failed = ", ".join(stage.name for stage in result.stages if stage.status == "failed")
        console.note(f"{job.config.design}: stage {failed} failed ({count})", "red")
        return
    if _report(job, result) is None:
        done = [s.name for s in result.stages if s.status in ("ran", "hit", "kept")]
        console.note(f"{job.config.design}: up to date as far as {done[-1]} ({count})")
        return
    console.note(f"{job.config.design}: {count}")
    show_summary(console, job.folder, job.config)


def _report(job: Job, result: RunResult) -> str | None:
    last: Path = job.folder / "report" / "report.html"
    reached = result.stages[-1].status in ("ran", "hit", "kept")
    return str(last) if reached and last.is_file() else None
