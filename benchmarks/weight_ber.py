"""Bit errors in the encoder's weights against the earth mover's distance of rebuilt wafers.

    hwflow build designs/econ_t/design.yaml --to lower --build-dir BUILD
    python benchmarks/weight_ber.py BUILD [--draws N] [--wafers N]

Each of the 12,864 bits of the trained encoder's weights and biases (6 bits each, two's complement)
is flipped with a probability, several times over; the codes are those of the integer graph with
such weights, bit for bit, and the float decoder of the same training rebuilds the wafers. Weights
are not trained again. Published values (arXiv 2105.01683, read off a figure) are of real wafers and
of a decoder of their own, so only the course is comparable: EMD over EMD without errors.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
from dataclasses import replace
from math import sqrt
from pathlib import Path
from typing import Any

import numpy as np
from common import emit
from numpy.typing import NDArray

from hwflow.ir import Graph, evaluate, load_graph
from hwflow.ir.ops import Const
from hwflow.train.data.dataset import load_dataset
from hwflow.train.data.wafer import rearrange
from hwflow.train.emd import emd
from hwflow.train.jobs import predict
from hwflow.verify.vectors import quantize

WEIGHT_BITS, WEIGHT_FRAC = 6, 4
RATES = (0.0, 1e-3, 1e-2, 0.1, 0.25, 0.5)
PUBLISHED = {0.0: 1.236, 1e-2: 1.22, 0.1: 1.26, 0.25: 1.46, 0.5: 2.1}
SEED = 1
Ints = NDArray[np.int64]


def disturbed(graph: Graph, rate: float, rng: np.random.Generator) -> tuple[Graph, int]:
    """`graph` with each bit of its weights flipped with probability `rate`; how many flipped."""
    nodes, flips = [], 0
    for node in graph.nodes:
        op = node.op
        if isinstance(op, Const):
            if np.any(op.frac != WEIGHT_FRAC):
                raise SystemExit(f"{node.name} has not {WEIGHT_FRAC} fraction bits")
            values = np.asarray(op.values, np.int64)
            hit = rng.random((*values.shape, WEIGHT_BITS)) < rate
            mask = (hit << np.arange(WEIGHT_BITS)).sum(-1)
            code = (values & 63) ^ mask
            flips += int(hit.sum())
            op = replace(op, values=code - 64 * (code >> 5))
        nodes.append(replace(node, op=op))
    return Graph(graph.name, tuple(nodes), graph.outputs), flips


def decoded(decoder: Path, codes: Ints, frac: int) -> NDArray[np.float64]:
    """Wafers (n, 48) that the float decoder makes of codes (n, 16), in its TensorFlow worker."""
    network = json.loads((decoder / "network.json").read_text(encoding="utf-8"))
    real = np.ldexp(codes.astype(np.float64), -frac).astype(np.float32)
    with tempfile.TemporaryDirectory() as work:
        images = predict(network=decoder, inputs={network["inputs"][0]: real}, work=Path(work))
    return np.asarray(rearrange(images[network["outputs"][0]]), np.float64)


def row(rate: float, means: list[float], flips: float, clean: float) -> dict[str, Any]:
    """One rate: the mean over the draws, its 95% interval, and the published course."""
    mean = statistics.fmean(means)
    reach = 1.96 * statistics.stdev(means) / sqrt(len(means)) if len(means) > 1 else 0.0
    known = PUBLISHED.get(rate)
    return {
        "bit error rate": rate,
        "draws": len(means),
        "bits flipped": flips,
        "EMD": round(mean, 4),
        "95% low": round(mean - reach, 4),
        "95% high": round(mean + reach, 4),
        "least draw": round(min(means), 4),
        "largest draw": round(max(means), 4),
        "EMD / without errors": round(mean / clean, 3),
        "published EMD": known or "",
        "published / without errors": round(known / PUBLISHED[0.0], 3) if known else "",
    }


def main() -> None:
    """Disturb, evaluate, decode, measure; write benchmarks/results/weight_ber.json."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("build", type=Path)
    parser.add_argument("--draws", type=int, default=30)
    parser.add_argument("--wafers", type=int, default=1000)
    options = parser.parse_args()
    graph = load_graph(options.build / "lower" / "graph.hwf")
    test = load_dataset(options.build / "data").test
    truth = test.y[: options.wafers]
    (node,) = graph.inputs
    ((name, value),) = graph.outputs
    inputs = {node.name: quantize(node, test.x[: options.wafers].astype(np.float64))}
    weights = sum(n.op.values.size for n in graph.nodes if isinstance(n.op, Const))
    rows: list[dict[str, Any]] = []
    for place, rate in enumerate(RATES):
        codes, flips = [], []
        for draw in range(options.draws if rate else 1):
            rng = np.random.default_rng([SEED, place, draw])
            found, flipped = disturbed(graph, rate, rng)
            codes.append(evaluate(found, inputs)[name])
            flips.append(flipped)
        assert rate or np.array_equal(codes[0], evaluate(graph, inputs)[name])
        frac = graph.types[value].elem.frac
        wafers = decoded(options.build / "train" / "decoder", np.concatenate(codes), frac)
        parts = np.split(wafers, len(codes))
        means = [float(emd(truth, part).mean()) for part in parts]
        clean = rows[0]["EMD"] if rows else means[0]
        rows.append(row(rate, means, statistics.fmean(flips), clean))
        print(rows[-1], flush=True)
    emit(
        "weight_ber",
        rows,
        {
            "data": f"hgcal_toy, {len(truth)} test wafers: synthetic",
            "weight bits": WEIGHT_BITS * weights,
            "unit": "EMD in cell pitches; interval of the mean over the draws",
        },
    )


if __name__ == "__main__":
    main()
