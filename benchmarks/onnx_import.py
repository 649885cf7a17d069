"""Seconds and memory that importing ONNX files of a million weights takes, refusals included.

    python benchmarks/onnx_import.py

Each file is read by a fresh process, whose start is part of the figure; the processor's seconds
stand beside those of the clock, which count what else the machine does. Targets: under 5 s and
500 MB; a hostile file is refused in under 1 s.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path

import numpy as np
from common import ROOT, emit

sys.path.insert(0, str(ROOT))

_READ = """
import sys, resource
from pathlib import Path
from hwflow.errors import InputError
from hwflow.stages.models import read_model
try:
    read_model(Path(sys.argv[1]), "net")
    print("accepted", end=" ")
except InputError as error:
    print(error.code, end=" ")
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def _dense(path: Path, scale: float, channels: bool) -> int:
    """784-1000-200-100-10, 4-bit weights and activations, as QONNX."""
    from tests.frontends.onnx.build import Sketch

    rng, sizes, s = np.random.default_rng(1), (784, 1000, 200, 100, 10), Sketch()
    x = s.quant(s.input("x", (sizes[0],)), 2**-4, 8)
    for inside, outside in pairwise(sizes):
        steps = scale * 2.0 ** rng.integers(-1, 2, outside) if channels else scale
        w = s.quant(s.const(rng.normal(size=(inside, outside))), steps, 4)
        x = s.op("Relu", s.op("MatMul", x, w))
        x = s.quant(x, 2 * scale, 4, signed=0)
    s.save(path, x)
    return sum(a * b for a, b in pairwise(sizes))


def _integer(path: Path, sizes: tuple[int, ...]) -> int:
    """QLinearConv of 3 x 3, a scale for each channel, uint8 between them."""
    from tests.frontends.onnx.build import Sketch

    rng, s = np.random.default_rng(2), Sketch()
    x, scale = s.input("x", (sizes[0], 8, 8), "uint8"), s.const(0.043)
    zero = s.const(0, np.uint8)
    for inside, outside in pairwise(sizes):
        w = s.const(rng.integers(-127, 128, (outside, inside, 3, 3)), np.int8)
        steps = s.const(rng.uniform(1e-3, 4e-3, outside))
        none = s.const(np.zeros(outside), np.int8)
        x = s.op("QLinearConv", x, scale, zero, w, steps, none, s.const(0.9), zero,
                 pads=[1, 1, 1, 1])  # fmt: skip
        scale = s.const(0.9)
    s.save(path, x)
    return sum(9 * a * b for a, b in pairwise(sizes))


def _hostile(path: Path) -> int:
    from tests.frontends.onnx.test_hostile import declared_two_gigabytes, good

    model = good()
    declared_two_gigabytes(model)
    path.write_bytes(model.SerializeToString())
    return 0


def main() -> None:
    """Measure and write benchmarks/results/onnx_import.json."""
    makers = {
        "QONNX dense, powers of two": lambda p: _dense(p, 0.25, channels=False),
        "QONNX dense, any scale a layer": lambda p: _dense(p, 0.3, channels=False),
        "QONNX dense, any scale a channel": lambda p: _dense(p, 0.3, channels=True),
        "QLinearConv, a scale a channel": lambda p: _integer(p, (64, 128, 256, 256)),
        "hostile: 2 GiB declared": _hostile,
    }
    rows: list[dict[str, object]] = []
    with tempfile.TemporaryDirectory() as temporary:
        for what, make in makers.items():
            path = Path(temporary) / "net.onnx"
            weights = make(path)
            start, before = time.perf_counter(), os.times()
            done = subprocess.run(
                (sys.executable, "-c", _READ, str(path)), cwd=ROOT, check=True,
                stdout=subprocess.PIPE, text=True,
            )  # fmt: skip
            seconds, after = time.perf_counter() - start, os.times()
            busy = after.children_user + after.children_system
            busy -= before.children_user + before.children_system
            verdict, memory = done.stdout.split()
            rows.append(
                {
                    "file": what, "weights": weights, "MB": path.stat().st_size / 1e6,
                    "verdict": verdict, "seconds": round(seconds, 2), "CPU s": round(busy, 2),
                    "peak MB": round(int(memory) / 1024),
                }
            )  # fmt: skip
    emit("onnx_import", rows, {"targets": "5 s and 500 MB; refused in 1 s"})


if __name__ == "__main__":
    main()
