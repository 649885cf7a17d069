"""hwflow as a backend of hls4ml against hls4ml's own Vitis emulation, network by network.

    python benchmarks/hls4ml_backend.py [--vectors N] [--torch PYTHON] [NETWORK ...]

Each network is converted twice, with only the backend's name changed. Equal means bit for bit: the
predictions of the integer graph and the outputs of the Verilog (under Verilator) against the
compiled C++ emulation on the same real-valued vectors, and each layer's trace on 100 of them.
Named networks replace their rows in the results; the others keep theirs. PyTorch networks need an
interpreter that has torch, too (`make zoo`: .zoo/pytorch/bin/python).
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from common import RESULTS, ROOT, emit, machine

sys.path.insert(0, str(ROOT))

from tests.plugin.compare import SPECS
from tests.plugin.networks import NETWORKS
from tests.plugin.torch_networks import TORCH

COLUMNS = (
    "network", "family", "vectors", "predict_equal", "rtl_equal", "layers", "layers_equal",
    "distinct", "latency", "interval", "compile_s", "hls4ml_compile_s", "rtl_s",
)  # fmt: skip


def main() -> None:
    """Measure and write benchmarks/results/hls4ml_backend.json."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--vectors", type=int, default=10_000)
    parser.add_argument("--torch", metavar="PYTHON", help="an interpreter that has torch")
    parser.add_argument("networks", nargs="*", metavar="NETWORK")
    options = parser.parse_args()
    if set(options.networks) - set(SPECS):
        parser.error(f"the networks: {', '.join(SPECS)}")
    chosen = options.networks or [*NETWORKS, *(TORCH if options.torch else ())]
    path = RESULTS / "hls4ml_backend.json"
    rows: dict[str, dict[str, object]] = {}
    if path.exists():
        kept = json.loads(path.read_text(encoding="utf-8"))["rows"]
        rows = {row["network"]: row for row in kept if row["network"] in SPECS}
    for name in chosen:
        python = options.torch if name in TORCH else sys.executable
        if python is None:
            parser.error(f"{name} needs --torch")
        rows[name] = _row(name, options.vectors, python)
        print(json.dumps(rows[name]), file=sys.stderr, flush=True)
    ordered = [{c: rows[name][c] for c in COLUMNS} for name in SPECS if name in rows]
    equal = [
        r
        for r in ordered
        if r["predict_equal"] == r["rtl_equal"] == r["vectors"] and r["layers_equal"] == r["layers"]
    ]
    facts = {"networks": len(ordered), "networks_equal": len(equal), **machine()}
    emit("hls4ml_backend", ordered, facts)


def _row(name: str, vectors: int, python: str) -> dict[str, object]:
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            (python, "-m", "tests.plugin.compare", name, folder, "--rtl",
             "--vectors", str(vectors)),
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT), "HWFLOW_STORE": str(Path(folder) / "st")},
            capture_output=True,
            text=True,
            check=False,
        )  # fmt: skip
    if done.returncode:
        sys.exit(f"{name} ended with {done.returncode}:\n{done.stderr[-4000:]}")
    row: dict[str, object] = json.loads(done.stdout.splitlines()[-1])
    return row


if __name__ == "__main__":
    main()
