"""A tiny pipeline, also runnable as a program so that tests can kill it.

python -m tests.flow.tiny FOLDER [STAGE-THAT-WAITS] [--full STAGE]
"""

from __future__ import annotations

import errno
import os
import sys
import time
from pathlib import Path

from hwflow.errors import INTERRUPTED, HwflowError
from hwflow.flow import RunResult, Stage, StageContext, run

NAMES = ("one", "two", "three")


def stage(
    name: str, *inputs: str, value: int = 0, wait: Path | None = None, full: bool = False
) -> Stage:
    """A stage that writes its value and what its inputs wrote; may wait or fill the disk."""

    def work(context: StageContext) -> None:
        (context.scratch / "junk.txt").write_text("junk")
        read = "".join((context.inputs[n] / "result.txt").read_text() for n in inputs)
        (context.out / "result.txt").write_text(f"{name}={value}\n{read}")
        context.progress(0.5, "half")
        if wait is not None:
            (wait / f"waiting-{name}").touch()
            time.sleep(60)
        if full:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    return Stage(name, work, inputs=inputs, config={"value": value})


def pipeline(values: tuple[int, int, int] = (1, 2, 3), **special: object) -> tuple[Stage, ...]:
    """one -> two -> three; `wait` / `full` name the stage that waits or fills the disk."""
    folder = special.get("folder")
    stages = []
    for index, name in enumerate(NAMES):
        stages.append(
            stage(
                name,
                *NAMES[max(0, index - 1) : index],
                value=values[index],
                wait=folder if special.get("wait") == name and isinstance(folder, Path) else None,
                full=special.get("full") == name,
            )
        )
    return tuple(stages)


def build(folder: Path, stages: tuple[Stage, ...], **options: object) -> RunResult:
    """Run a pipeline into folder/build/net."""
    return run(
        stages,
        design="net",
        build_folder=folder / "build" / "net",
        store=folder / "build" / ".store",
        **options,  # type: ignore[arg-type]
    )


def main() -> int:
    """Exit code as the command line's."""
    folder = Path(sys.argv[1])
    waiting = sys.argv[2] if len(sys.argv) > 2 else None
    try:
        result = build(folder, pipeline(wait=waiting, folder=folder))
    except KeyboardInterrupt:
        return INTERRUPTED
    except HwflowError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    return result.errors[0].exit_code if result.errors else 0


if __name__ == "__main__":
    sys.exit(main())
