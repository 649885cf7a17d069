"""Speed of the hardware rungs on ECON-T: how long each takes to compile, and its rate.

    python benchmarks/rung_speed.py [--vectors N]

Uses the published encoder, on ecp5-85k at 40 MHz. Targets: RTL replay at least 200,000
inferences/s after at most 30 s of build; netlist at least 50,000 after at most 15 s; cocotb at
least 30,000 cycles/s. Wall time; each rate is the best of three runs.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
from common import ROOT, emit, shared

sys.path.insert(0, str(ROOT))

from hwflow.backends.amaranth.generate import generate_verilog
from hwflow.ir import evaluate
from hwflow.plan.plan import Options, make_plan
from hwflow.plan.targets import target
from hwflow.synth.synthesize import synthesize
from hwflow.verify.netlist import NetlistSim
from hwflow.verify.rtl import build_replay, run_cocotb
from tests.econ_t import published_encoder

RUNS = 3


def main() -> None:
    """Measure and write benchmarks/results/rung_speed.json."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--vectors", type=int, default=400_000)
    count = parser.parse_args().vectors
    graph = published_encoder(shared("data/econ_t/encoder_8x8.npz"))
    device = target("ecp5-85k")
    plan = make_plan(graph, Options(device, Fraction(40_000_000)))
    (source,), (sink,) = plan.interface.inputs, plan.interface.outputs
    rng = np.random.default_rng(0)
    x = rng.integers(-1024, 1024, (count, 8, 8, 1))
    beats = {"x": source.pack(x.reshape(count, -1))}
    expected = sink.pack(evaluate(graph, {"x": x})["y"])
    rows: list[dict[str, object]] = []
    with tempfile.TemporaryDirectory() as temporary:
        work = Path(temporary)
        rtl = work / "design.v"
        rtl.write_text(generate_verilog(plan), encoding="utf-8")
        start = time.perf_counter()
        replay = build_replay(rtl, plan.interface, work / "replay", jobs=2)
        built = time.perf_counter() - start
        rate, outputs = _best(lambda: replay.run(beats).outputs["y"], count)
        equal = bool((outputs == expected).all())
        rows.append(_row("RTL replay (Verilator)", built, 30, rate, "inferences/s", 200_000, equal))
        layers = [f"{graph.name}__{layer.name}" for layer in plan.layers]
        synthesize(rtl, graph.name, layers, device, work / "out", work / "synth")
        start = time.perf_counter()
        sim = NetlistSim.build(work / "out" / "netlist.json", plan.interface, work / "netlist")
        built = time.perf_counter() - start
        rate, outputs = _best(lambda: sim.replay(beats).outputs["y"], count)
        equal = bool((outputs == expected).all())
        rows.append(
            _row("netlist (bit-parallel C)", built, 15, rate, "inferences/s", 50_000, equal)
        )
        rows.append(_cocotb(work, plan.interface.to_json(), beats["x"], expected))
    emit("rung_speed", rows, {"vectors": count})


def _cocotb(work: Path, interface: str, x: np.ndarray, y: np.ndarray) -> dict[str, object]:
    few = 50_000
    folder = work / "design"
    for name, tensor, data in (("inputs", "x", x), ("outputs", "y", y)):
        (folder / name).mkdir(parents=True)
        (folder / name / f"{tensor}.bin").write_bytes(data[:few].tobytes())
    (folder / "design.v").write_bytes((work / "design.v").read_bytes())
    (folder / "interface.json").write_text(interface, encoding="utf-8")
    rate, built = 0.0, 0.0
    for _ in range(RUNS):
        start = time.perf_counter()
        (result,) = run_cocotb(folder, work / "cocotb", vectors=few, tests=("full_rate",), jobs=2)
        # Only the first run builds.
        built = max(built, time.perf_counter() - start - result.seconds)
        rate = max(rate, result.cycles / result.seconds)
    return _row("cocotb (full rate)", built, "", rate, "cycles/s", 30_000, True)


def _best(run: Callable[[], np.ndarray], count: int) -> tuple[float, np.ndarray]:
    """The best rate of some runs, and what the last one gave."""
    rate = 0.0
    for _ in range(RUNS):
        start = time.perf_counter()
        outputs = run()
        rate = max(rate, count / (time.perf_counter() - start))
    return rate, outputs


def _row(
    what: str, built: float, most: object, rate: float, unit: str, least: int, equal: bool
) -> dict[str, object]:
    return {
        "rung": what,
        "build_s": round(built, 2),
        "build_target_s": most,
        "rate": round(rate),
        "unit": unit,
        "rate_target": least,
        "equal_to_graph": equal,
    }


if __name__ == "__main__":
    main()
