"""Seconds until a hostile file of each format is refused.

    python benchmarks/hostile_files.py

Each file of tests/integration/hostile.py is given to `hwflow check` and, in a design, to
`hwflow build` as processes of their own, whose start is part of the figure; the median of three.
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


def _asked(words: tuple[str, ...], environment: dict[str, str]) -> tuple[float, int, str]:
    """Seconds, exit code and error code of one call."""
    start = time.perf_counter()
    done = subprocess.run(
        (sys.executable, "-c", _CALL, *words, "--json"),
        cwd=ROOT, env=environment, check=False,
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    seconds = time.perf_counter() - start
    codes = {error["code"] for error in json.loads(done.stdout)["errors"]}
    return seconds, done.returncode, " ".join(sorted(codes))


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
                ((exit_code, code),) = {run[1:] for run in runs}
                rows.append(
                    {
                        "threat": case.threat, "format": case.format, "command": command,
                        "seconds": round(statistics.median(run[0] for run in runs), 2),
                        "exit code": exit_code, "message code": code,
                    }
                )  # fmt: skip
    slowest = max(float(str(row["seconds"])) for row in rows)
    emit("hostile_files", rows, {"slowest": slowest, "target": "refused in 1 s, exit code 2"})


if __name__ == "__main__":
    main()
