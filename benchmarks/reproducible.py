"""After training, everything is byte-identical: two folders, two hash seeds, two thread counts.

    python benchmarks/reproducible.py [DESIGN.yaml]

Trains once, copies the training artifact's store, and builds the rest twice under different
conditions, without sharing anything after training. Compares every file of every artifact.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import sys
import tempfile
from pathlib import Path

from common import emit, hwflow

CONDITIONS = (
    {"PYTHONHASHSEED": "1", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
    {"PYTHONHASHSEED": "4242", "OMP_NUM_THREADS": "2", "OPENBLAS_NUM_THREADS": "2"},
)


def main() -> None:
    """Measure and write benchmarks/results/reproducible.json."""
    design = sys.argv[1] if len(sys.argv) > 1 else "designs/econ_t/design.yaml"
    with tempfile.TemporaryDirectory() as temporary:
        first = Path(temporary) / "one" / "build"
        second = Path(temporary) / "another" / "deeper" / "build"
        hwflow("build", design, "--build-dir", str(first / "d"), "--to", "train")
        shutil.copytree(first, second, symlinks=True)
        digests = []
        for folder, env in zip((first, second), CONDITIONS, strict=True):
            hwflow("build", design, "--build-dir", str(folder / "d"), env=env)
            digests.append(_digests(folder / "d"))
    names = sorted({*digests[0], *digests[1]})
    stages = sorted({name.split("/")[0] for name in names})
    rows = []
    for stage in stages:
        files = [n for n in names if n.split("/")[0] == stage]
        same = sum(digests[0].get(n) == digests[1].get(n) for n in files)
        rows.append({"stage": stage, "files": len(files), "identical": same})
    differing = [n for n in names if digests[0].get(n) != digests[1].get(n)]
    facts = {"conditions": list(CONDITIONS), "design": design, "differing": differing}
    emit("reproducible", rows, facts)
    sys.exit(bool(differing))


def _digests(build: Path) -> dict[str, str]:
    stages = json.loads((build / "build.json").read_text(encoding="utf-8"))["stages"]
    return {
        f"{stage}/{path.relative_to(folder)}": hashlib.sha256(path.read_bytes()).hexdigest()
        for stage in stages
        for folder in [(build / stage).resolve()]
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


if __name__ == "__main__":
    main()
