"""The 16-64-32-32-5 jet tagger in 6 bits: our hardware beside published figures of hls4ml.

    python benchmarks/hls4ml_compare.py [--only NAME ...] [--vectors N]

Layers and types are those of hls4ml's tutorial: inputs fixed<16,6>, weights and biases
quantized_bits(6, 0), activations quantized_relu(6, 0), rounded half to even; logits out, softmax
left out.
The data set and the published weights are not here, so ours are other weights, of stated density
(the share that is not zero), which is what the LUTs of constant weights depend on:

- "trained": by QKeras, dense, on a synthetic problem of five classes made below;
- "sparse": random, uniform, with as many weights not zero in each layer as the published network;
- "full": random, uniform, none of them zero.

LUT, FF, DSP and BRAM of ours are counted in Yosys' netlist, with inverters; Vivado, which made the
published figures, optimizes further and packs two small LUTs into one. Latency in clocks is
simulated on the netlist; the clock is the one asked for, which the pipeline is cut for by a delay
model, and "Fmax, MHz" is that model's estimate: no place and route exists here for these devices.
xcvu9p is no target of ours: xcup-zu3eg has the same logic cells. Every design of ours equals its
integer graph bit for bit, in RTL and in the netlist, on the vectors stated; so does, in "emulation
equal", the C++ emulation of hls4ml's own project of the same network (the rung `hls4ml`).
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from common import RESULTS, ROOT, emit, hwflow
from hls4ml_published import NONZERO, PUBLISHED

sys.path.insert(0, str(ROOT))

from hwflow.ir import Graph, GraphBuilder, IntType, Overflow, Rounding, load_graph, save_graph
from hwflow.ir.ops import Const

NAME = "hls4ml_compare"
SIZES = (16, 64, 32, 32, 5)
SAMPLES = 12000
EPOCHS = 15
COLUMNS = (
    "case", "by", "network", "density, %", "device", "LUT", "FF", "DSP", "BRAM", "clock, MHz",
    "Fmax, MHz", "latency, clocks", "latency, ns", "interval", "kind", "scope", "equal",
    "emulation equal", "source",
)  # fmt: skip
WEIGHTS = sum(a * b for a, b in pairwise(SIZES))

MODEL = """
from qkeras import QActivation, QDense, quantized_bits, quantized_relu
from tf_keras import Input, Model


def tagger(input_shape, classes):
    six = lambda: quantized_bits(6, 0, alpha=1)
    x = inputs = Input(input_shape, name="features")
    x = QActivation(quantized_bits(16, 5, alpha=1), name="quantize")(x)
    for index, units in enumerate((64, 32, 32, classes)):
        x = QDense(units, kernel_quantizer=six(), bias_quantizer=six(), name=f"fc{index + 1}")(x)
        if units != classes:
            x = QActivation(quantized_relu(6, 0), name=f"relu{index + 1}")(x)
    return Model(inputs, x, name="tagger")
"""


@dataclass(frozen=True, slots=True)
class Case:
    """One build of ours: `interval` and `dsp` at the most, weights by `weights`."""

    name: str
    weights: str
    target: str
    interval: int = 1
    dsp: int | None = None


CASES = (
    Case("trained", "trained", "xcup-zu3eg"),
    Case("sparse", "sparse", "xcup-zu3eg"),
    Case("full", "full", "xcup-zu3eg"),
    Case("sparse_z020_15", "sparse", "xc7-z020", interval=15),
    Case("sparse_z020_15_9dsp", "sparse", "xc7-z020", interval=15, dsp=9),
)


def main() -> None:
    """Build, and write benchmarks/results/hls4ml_compare.json; rows not asked for stay."""
    parser = argparse.ArgumentParser(description=__doc__)
    names = [case.name for case in CASES]
    parser.add_argument("--only", nargs="+", choices=names, default=names)
    parser.add_argument("--vectors", type=int, default=10_000)
    given = parser.parse_args()
    rows = _earlier()
    for case in CASES:
        if case.name in given.only:
            rows[case.name] = _ours(case, given.vectors)
            _write([rows[name] for name in names if name in rows])


def _write(ours: list[dict[str, Any]]) -> None:
    """The table so far: an interrupted run keeps the cases that it finished."""
    sys.argv[1:] = []
    facts = {
        "synthesis": "ours Yosys, not placed; theirs Vivado, which optimizes further",
        "weights": "of other values than the published ones; the LUTs depend on them",
        "clock": "ours is the clock that the pipeline is cut for; Fmax is its delay model's",
        "HLS tools": "none here: of hls4ml only the C++ emulation was run",
    }
    emit(NAME, [*ours, *PUBLISHED], facts)


def _earlier() -> dict[str, dict[str, Any]]:
    path = RESULTS / f"{NAME}.json"
    if not path.exists():
        return {}
    record = json.loads(path.read_text(encoding="utf-8"))
    order = {name: position for position, name in enumerate(COLUMNS)}
    return {
        row["case"]: dict(sorted(row.items(), key=lambda item: order[item[0]]))
        for row in record["rows"]
        if "case" in row
    }


def _ours(case: Case, vectors: int) -> dict[str, object]:
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        _write_design(case, folder, vectors)
        build = folder / "build"
        environment = {"HWFLOW_STORE": str(folder / "store")}
        hwflow("build", str(folder / "design.yaml"), "--build-dir", str(build), env=environment)
        report = json.loads((build / "report" / "metrics.json").read_text(encoding="utf-8"))
        density = _density(load_graph(build / "lower" / "graph.hwf"))
    assert report["verdict"] == "equal"
    figures = {key: figure["value"] for key, figure in report["figures"].items()}
    rungs = {r["name"]: r["vectors"] for r in report["ladder"]["rungs"] if r["status"] == "equal"}
    emulated = rungs.pop("hls4ml")
    return {
        "case": case.name,
        "by": f"hwflow, {_asked(case)} at the most",
        "network": f"same layers and bits, other weights: {case.weights}",
        "density, %": round(100 * float(density), 1),
        "device": case.target,
        "LUT": figures["lut"],
        "FF": figures["ff"],
        "DSP": figures["dsp"],
        "BRAM": figures["bram"],
        "clock, MHz": 200,
        "Fmax, MHz": round(figures["fmax_estimated_mhz"], 1),
        "latency, clocks": figures["latency_cycles"],
        "latency, ns": figures["latency_cycles"] * 5.0,
        "interval": figures["initiation_interval"],
        "kind": "area counted, clocks simulated, MHz and ns estimated",
        "scope": "core with AXI streams, no softmax; Yosys netlist, not placed",
        "equal": ", ".join(f"{name} {vectors}" for name, vectors in rungs.items()),
        "emulation equal": emulated,
    }


def _asked(case: Case) -> str:
    return f"interval {case.interval}" + (f", {case.dsp} DSPs" if case.dsp is not None else "")


def _write_design(case: Case, folder: Path, vectors: int) -> None:
    x, y = _samples()
    np.savez(folder / "data.npz", x=x, y=y)
    trained = case.weights == "trained"
    budget = "" if case.dsp is None else f", budget: {{dsp: {case.dsp}}}"
    if trained:
        (folder / "model.py").write_text(MODEL, encoding="utf-8")
    else:
        save_graph(_random_graph(sparse=case.weights == "sparse"), folder / "graph.hwf")
    rungs = ("training", "rtl", "netlist", "hls4ml")[0 if trained else 1 :]
    (folder / "design.yaml").write_text(
        "design: jet_tagger\n"
        f"model: {{{'builder: model.py:tagger' if trained else 'file: graph.hwf'}}}\n"
        "data: {source: file, path: data.npz}\n"
        + (f"train: {{epochs: {EPOCHS}, float_twin: false}}\n" if trained else "")
        + f"hardware:\n  target: {case.target}\n  clock: 200 MHz\n"
        f"  fold: {{target_ii: {case.interval}, learn: false{budget}}}\n"
        f"verify: {{vectors: {vectors}, dataset: 2000, rungs: [{', '.join(rungs)}]}}\n"
        "synth: {energy: false}\n",
        encoding="utf-8",
    )


def _samples() -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]:
    """`SAMPLES` points of 16 features, standardized, and their classes of five.

    Each class is two normal clouds in six hidden dimensions, mixed into 16 features of which half
    pass a tanh.
    """
    rng = np.random.default_rng(5)
    centres = rng.normal(size=(5, 2, 6))
    y = rng.integers(0, 5, SAMPLES)
    hidden = centres[y, rng.integers(0, 2, SAMPLES)] + 0.6 * rng.normal(size=(SAMPLES, 6))
    x = hidden @ rng.normal(size=(6, SIZES[0])) + 0.3 * rng.normal(size=(SAMPLES, SIZES[0]))
    x[:, ::2] = np.tanh(x[:, ::2])
    return ((x - x.mean(0)) / x.std(0)).astype(np.float32), y.astype(np.int64)


def _random_graph(sparse: bool) -> Graph:
    rng = np.random.default_rng(7)
    builder = GraphBuilder("jet_tagger")
    value = builder.input(
        "features", (SIZES[0],), IntType.fixed(16, 10), Rounding.FLOOR, Overflow.WRAP
    )
    active = IntType.fixed(6, 6, signed=False)
    for index, (ins, outs) in enumerate(pairwise(SIZES)):
        weights = rng.integers(1, 33, (ins, outs)) * rng.choice((-1, 1), (ins, outs))
        weights = np.minimum(weights, 31)
        if sparse:
            kept = np.zeros(ins * outs, dtype=np.int64)
            kept[rng.permutation(ins * outs)[: NONZERO[index]]] = 1
            weights = weights * kept.reshape(ins, outs)
        with builder.layer(f"fc{index + 1}"):
            total = builder.add(
                builder.matmul(value, builder.const(weights, frac=5)),
                builder.const(rng.integers(-32, 32, outs), frac=5),
            )
            value = total
            if outs != SIZES[-1]:
                value = builder.requant(total, active, Rounding.HALF_EVEN, Overflow.SATURATE)
    return builder.build({"logits": value})


def _density(graph: Graph) -> float:
    """Share of the weights that are not zero."""
    constants = [node.op.values for node in graph.nodes if isinstance(node.op, Const)]
    return sum(np.count_nonzero(c) for c in constants if c.ndim == 2) / WEIGHTS


if __name__ == "__main__":
    main()
