"""What the benchmarks share: running hwflow, timing it, printing a table and writing JSON."""

from __future__ import annotations

import json
import os
import platform
import shlex
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks" / "results"


def shared(name: str) -> Path:
    """A file of the shared reference material ($HWFLOW_SHARED, or ../shared)."""
    folder = Path(os.environ.get("HWFLOW_SHARED", ROOT.parent / "shared"))
    path = folder / name
    if not path.exists():
        sys.exit(f"this benchmark needs {name} from the shared reference material")
    return path


def hwflow(*args: str, env: Mapping[str, str] | None = None, check: bool = True) -> float:
    """Run the hwflow command; returns wall seconds."""
    start = time.perf_counter()
    done = subprocess.run(
        (Path(sys.executable).parent / "hwflow", *args),
        cwd=ROOT,
        env={**os.environ, **(env or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if check and done.returncode:
        sys.exit(f"hwflow {shlex.join(args)} ended with {done.returncode}:\n{done.stdout}")
    return time.perf_counter() - start


def machine() -> dict[str, object]:
    """What the figures were measured on."""
    model = "unknown"
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            model = line.split(":", 1)[1].strip()
            break
    return {"cores": os.cpu_count(), "cpu": model, "python": platform.python_version()}


def emit(name: str, rows: Sequence[Mapping[str, object]], facts: Mapping[str, object]) -> None:
    """Print `rows` as a table and write benchmarks/results/<name>.json."""
    columns = list(dict.fromkeys(key for row in rows for key in row))
    cells = [columns, *([_text(row.get(c, "")) for c in columns] for row in rows)]
    widths = [max(len(line[i]) for line in cells) for i in range(len(columns))]
    for line in cells:
        print("  ".join(cell.ljust(w) for cell, w in zip(line, widths, strict=True)).rstrip())
    for key, value in facts.items():
        print(f"{key}: {value}")
    script = Path(sys.argv[0]).name
    given = [Path(a).name if a.startswith("/") else a for a in sys.argv[1:]]
    record = {
        "command": shlex.join(["python", f"benchmarks/{script}", *given]),
        "machine": machine(),
        "columns": columns,
        "rows": list(rows),
        **facts,
    }
    RESULTS.mkdir(exist_ok=True)
    text = json.dumps(record, indent=1, sort_keys=True) + "\n"
    (RESULTS / f"{name}.json").write_text(text, encoding="utf-8")


def _text(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
