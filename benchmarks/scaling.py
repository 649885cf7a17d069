"""How the flow grows: a folded perceptron of a thousand to a million 6-bit weights.

    python benchmarks/scaling.py [--synthesize-up-to WEIGHTS]

Four dense layers of equal size, 32 multipliers each at the most, on xcup-zu3eg (the smallest device
listed whose block RAMs hold a million weights). Each size runs in a process of its own; after each
stage its seconds of processor time, which other work on the machine hardly changes, and the peak
memory, each of the process and of the tools it started. The RTL is replayed bit-exactly
on random inputs. The exponent of a stage is the slope of log(seconds) over log(weights)
from 16k weights on, and of the last step alone: 1 is linear, less where a fixed part shows.
Target: a million weights plan and generate within 60 s and 4 GB.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from common import ROOT, emit

sys.path.insert(0, str(ROOT))

WIDTHS = (16, 32, 64, 128, 256, 512)
LANES = 32
VECTORS = 64
FITTED_FROM = 16_000


def main() -> None:
    """Measure and write benchmarks/results/scaling.json."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--one", type=int)
    parser.add_argument("--synthesize-up-to", type=int, default=300_000)
    given = parser.parse_args()
    if given.one:
        print(json.dumps(_measure(given.one, 4 * given.one**2 <= given.synthesize_up_to)))
        return
    rows = []
    for width in WIDTHS:
        command = [sys.executable, __file__, "--one", str(width)]
        command += ["--synthesize-up-to", str(given.synthesize_up_to)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        rows.append(json.loads(done.stdout.splitlines()[-1]))
        print(rows[-1], flush=True)
    last = rows[-1]
    facts = {
        "plan and generate at a million weights, s": last["plan s"] + last["generate s"],
        "target s": 60,
        "peak GB there": last["generate GB"],
        "target GB": 4,
        "exponents": _exponents([r for r in rows if r["weights"] >= FITTED_FROM], len(rows)),
        "exponents of the last step": _exponents(rows, 2),
    }
    emit("scaling", rows, facts)


def _exponents(rows: list[dict[str, Any]], sizes: int) -> dict[str, float]:
    """Slope of log(seconds) over log(weights) of each stage, over the last `sizes` it ran at."""
    found = {}
    for column in (c for c in rows[0] if c.endswith(" s")):
        points = [(row["weights"], row[column]) for row in rows if row.get(column)][-sizes:]
        if len(points) > 1:
            x, y = np.log(np.array(points, dtype=float)).T
            found[column.removesuffix(" s")] = round(float(np.polyfit(x, y, 1)[0]), 2)
    return found


class _Clock:
    """Processor seconds and peak memory of one stage after another."""

    def __init__(self) -> None:
        self.row: dict[str, object] = {}
        self.start = _usage()[0]

    def done(self, stage: str) -> None:
        """End a stage."""
        now, peak = _usage()
        self.row[f"{stage} s"] = round(now - self.start, 2)
        self.row[f"{stage} GB"] = round(peak / 1e6, 2)
        self.start = now


def _usage() -> tuple[float, int]:
    """Processor seconds so far and peak kB, of this process and of its children."""
    both = [resource.getrusage(w) for w in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(u.ru_utime + u.ru_stime for u in both), max(u.ru_maxrss for u in both)


def _measure(width: int, synthesized: bool) -> dict[str, object]:
    from hwflow.backends.amaranth.generate import generate_verilog
    from hwflow.ir import GraphBuilder, IntType, Overflow, Rounding, evaluate
    from hwflow.plan.folding import Folding
    from hwflow.plan.plan import Options, make_plan
    from hwflow.plan.targets import target
    from hwflow.synth.synthesize import synthesize
    from hwflow.verify.rtl import build_replay

    rng = np.random.default_rng(0)
    clock = _Clock()
    eight, rule = IntType.fixed(8, 5, signed=False), (Rounding.HALF_EVEN, Overflow.SATURATE)
    builder = GraphBuilder("scale")
    value = builder.input("x", (width,), eight, *rule)
    for index in range(4):
        with builder.layer(f"dense{index}"):
            weights = builder.const(rng.integers(-31, 32, (width, width)), frac=8)
            bias = builder.const(rng.integers(-500, 500, (width,)), frac=13)
            value = builder.requant(builder.add(builder.matmul(value, weights), bias), eight, *rule)
    graph = builder.build({"y": value})
    clock.done("graph")
    side = min(width, 4)
    folding = Folding(pe=min(width, LANES // side), simd=side, multiplier="dsp")
    fold = {f"dense{index}": folding for index in range(4)}
    plan = make_plan(graph, Options(target("xcup-zu3eg"), Fraction(50_000_000), fold=fold))
    clock.done("plan")
    text = generate_verilog(plan)
    clock.done("generate")
    ints = rng.integers(0, 256, (VECTORS, width))
    expected = evaluate(graph, {"x": ints})["y"]
    clock.done("golden")
    with tempfile.TemporaryDirectory() as temporary:
        work = Path(temporary)
        rtl = work / "design.v"
        rtl.write_text(text, encoding="utf-8")
        replay = build_replay(rtl, plan.interface, work / "replay", jobs=2)
        clock.done("replay build")
        (source,), (sink,) = plan.interface.inputs, plan.interface.outputs
        found = replay.run({"x": source.pack(ints)})
        clock.done("replay")
        assert bool((sink.unpack(found.outputs["y"]) == expected).all())
        assert found.initiation_interval == plan.interface.initiation_interval
        if synthesized:
            layers = [f"scale__dense{index}" for index in range(4)]
            device = plan.options.target
            synthesize(
                rtl, "scale", layers, device, work / "out", work / "work", dsp_modules=layers
            )
            clock.done("synthesize")
    rate = VECTORS / max(0.01, float(str(clock.row["replay s"])))
    head: dict[str, object] = {
        "weights": 4 * width**2,
        "interval": plan.interface.initiation_interval,
        "replay inferences/s": round(rate, 1),
    }
    return {**head, **clock.row}


if __name__ == "__main__":
    main()
