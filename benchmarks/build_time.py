"""How long `hwflow build` takes on ECON-T: cold, unchanged, and after a changed report option.

    python benchmarks/build_time.py

Trains first (not counted), then times the rest of the pipeline in a fresh store. Targets: cold
under 240 s, unchanged under 1.5 s with no tool started, `--help` under 0.4 s.
"""

from __future__ import annotations

import json
import statistics
import tempfile
from pathlib import Path

from common import emit, hwflow

DESIGN = "designs/econ_t/design.yaml"


def main() -> None:
    """Measure and write benchmarks/results/build_time.json."""
    with tempfile.TemporaryDirectory() as temporary:
        build = Path(temporary) / "econ_t"
        common = ("build", DESIGN, "--build-dir", str(build))
        hwflow(*common, "--to", "train")
        cold = hwflow(*common)
        stages = json.loads((build / "timing.json").read_text(encoding="utf-8"))
        unchanged = [hwflow(*common) for _ in range(5)]
        before = _keys(build)
        hwflow(*common, "--set", "report.title=Another heading")
        after = _keys(build)
        helps = [hwflow("--help") for _ in range(5)]
    rebuilt = sorted(name for name in after if after[name] != before.get(name))
    rows: list[dict[str, object]] = [
        {"what": "cold build without training", "seconds": cold, "target": 240},
        {"what": "unchanged build (median of 5)", "seconds": statistics.median(unchanged),
         "target": 1.5},
        {"what": "hwflow --help (median of 5)", "seconds": statistics.median(helps),
         "target": 0.4},
    ]  # fmt: skip
    rows += [
        {"what": f"  stage {name}", "seconds": seconds, "target": ""}
        for name, seconds in stages.items()
        if name not in {"data", "train"}
    ]
    emit("build_time", rows, {"rebuilt after a changed report.title": rebuilt})


def _keys(build: Path) -> dict[str, str]:
    stages = json.loads((build / "build.json").read_text(encoding="utf-8"))["stages"]
    return {name: entry["key"] for name, entry in stages.items()}


if __name__ == "__main__":
    main()
