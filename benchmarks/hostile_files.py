"""Seconds until a hostile file of each format is refused, and the processor's seconds beside them.

    python benchmarks/hostile_files.py

Each file of tests/integration/hostile.py is given to `hwflow check` and, in a design, to
`hwflow build` as processes of their own, whose start is part of the figure; the median of three.
The store knows our sources already, as in any second build. Seconds of the clock count what else
the machine does.
Target: under 1 s, exit code 2.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from common import ROOT, emit

sys.path.insert(0, str(ROOT))

_RUNS = 3
_CALL = "import sys; from hwflow.cli.main import main; sys.exit(main())"


def _asked(
    words: tuple[str, ...], environment: dict[str, str]
) -> tuple[float, float, tuple[int, str]]:
    """Seconds, seconds of the processor, and the exit code and error code of one call."""
    start, before = time.perf_counter(), os.times()
    done = subprocess.run(
        (sys.executable, "-c", _CALL, *words, "--json"),
        cwd=ROOT, env=environment, check=False,
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    seconds, after = time.perf_counter() - start, os.times()
    busy = after.children_user + after.children_system
    busy -= before.children_user + before.children_system
    codes = {error["code"] for error in json.loads(done.stdout)["errors"]}
    return seconds, busy, (done.returncode, " ".join(sorted(codes)))


def main() -> None:
    """Measure and write benchmarks/results/hostile_files.json."""
    from tests.integration.hostile import CASES, write_design

    rows: list[dict[str, object]] = []
    with tempfile.TemporaryDirectory() as temporary:
        environment = {**os.environ, "HWFLOW_STORE": str(Path(temporary) / "store")}
        for place, case in enumerate(CASES):
            folder = Path(temporary) / str(place)
            folder.mkdir()
            design = write_design(case, folder)
            commands = {"build": ("build", str(design), "--build-dir", str(folder / "build"))}
            if case.is_model:
                commands["check"] = ("check", str(folder / case.file))
            for command, words in commands.items():
                runs = [_asked(words, environment) for _ in range(_RUNS)]
                ((exit_code, code),) = {told for _, _, told in runs}
                rows.append(
                    {
                        "threat": case.threat, "format": case.format, "command": command,
                        "seconds": round(statistics.median(run[0] for run in runs), 2),
                        "CPU s": round(statistics.median(run[1] for run in runs), 2),
                        "exit code": exit_code, "message code": code,
                    }
                )  # fmt: skip
    slowest = {key: max(float(str(row[key])) for row in rows) for key in ("seconds", "CPU s")}
    emit("hostile_files", rows, {"slowest": slowest, "target": "refused in 1 s, exit code 2"})


if __name__ == "__main__":
    main()
