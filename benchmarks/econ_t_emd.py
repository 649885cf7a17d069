"""Earth mover's distance of the ECON-T autoencoder beside what other 144-bit codes reach.

    python benchmarks/econ_t_emd.py [--samples N] [--epochs N] [--seeds N]

Trains the float twin and the quantized network of designs/econ_t on synthetic wafers for each
seed (data, initial weights and shuffling), and prints mean and spread over the seeds. Writes
benchmarks/results/econ_t_emd.json.
"""

from __future__ import annotations

import argparse
import json
import shlex
import statistics
import sys
import tempfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hwflow.config.design import TrainConfig
from hwflow.train import save_dataset, train
from hwflow.train.baselines import ENCODER_BITS, super_cells, threshold
from hwflow.train.data.dataset import shuffled_parts
from hwflow.train.data.wafers import toy_counts, wafer_dataset
from hwflow.train.emd import mean_emd
from hwflow.train.files import read_json

ROOT = Path(__file__).resolve().parents[1]
RESULT = ROOT / "benchmarks" / "results" / "econ_t_emd.json"
TEST = 0.2
THRESHOLD = 47  # counts: 1.35 MIPT of 35 counts
LABELS = {
    "float": "autoencoder, float encoder",
    "quantized": "autoencoder, 6-bit encoder",
    "threshold": "threshold 1.35 MIPT, largest 13 cells",
    "best_choice": "best choice: largest 13 cells",
    "super_cells": "super-cells: 12 sums of 2x2",
}


def baselines(counts: NDArray[np.int64]) -> dict[str, float]:
    """EMD of the codes without a network, at the encoder's number of bits."""
    return {
        "threshold": mean_emd(counts, threshold(counts, THRESHOLD)),
        "best_choice": mean_emd(counts, threshold(counts, 1)),
        "super_cells": mean_emd(counts, super_cells(counts)),
    }


def one_seed(seed: int, samples: int, epochs: int) -> dict[str, float]:
    """Train once and measure everything on the same test wafers."""
    counts = toy_counts(samples=samples, seed=seed)
    data = wafer_dataset(counts, "hgcal_toy", seed=seed, test=TEST)
    # The same seed and sizes cut the same test part out of the charges.
    held = shuffled_parts(counts, counts, seed=seed, test=TEST, stratify=False)[2].y
    options = TrainConfig(
        epochs=epochs, batch=100, seed=seed, learning_rate=3e-3, patience=10, loss="telescope"
    )
    with tempfile.TemporaryDirectory() as scratch:
        folders = [Path(scratch) / name for name in ("data", "output", "work")]
        for folder in folders:
            folder.mkdir()
        save_dataset(data, folders[0])
        train(
            builder=ROOT / "designs" / "econ_t" / "model.py",
            function="encoder",
            data=folders[0],
            options=options,
            output=folders[1],
            work=folders[2],
        )
        metrics = read_json(folders[1] / "metrics.json")
    return {"float": metrics["float"], "quantized": metrics["quantized"], **baselines(held)}


def summary(rows: list[dict[str, float]]) -> dict[str, dict[str, float]]:
    """Mean and standard deviation over the seeds."""
    columns = {name: [row[name] for row in rows] for name in LABELS}
    return {
        name: {
            "mean": round(statistics.fmean(values), 4),
            "deviation": round(statistics.stdev(values), 4) if len(values) > 1 else 0.0,
        }
        for name, values in columns.items()
    }


def main() -> None:
    """Run the seeds, print the table, write the JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=int, default=20000)
    parser.add_argument("--epochs", type=int, default=40)
    parser.add_argument("--seeds", type=int, default=3)
    arguments = parser.parse_args()
    rows = []
    for seed in range(1, arguments.seeds + 1):
        rows.append(one_seed(seed, arguments.samples, arguments.epochs))
        print(f"seed {seed}: " + "  ".join(f"{k} {v:.3f}" for k, v in rows[-1].items()))
    means = summary(rows)
    print(f"\nEMD in cell pitches, {ENCODER_BITS} output bits, synthetic wafers")
    for name, label in LABELS.items():
        print(f"  {label:<40} {means[name]['mean']:.3f} +- {means[name]['deviation']:.3f}")
    result = {
        "command": shlex.join(["python", "benchmarks/econ_t_emd.py", *sys.argv[1:]]),
        "data": "hgcal_toy, half electrons, half ttbar: synthetic, not comparable with published",
        "unit": "cell pitches",
        "output_bits": ENCODER_BITS,
        "samples": arguments.samples,
        "epochs": arguments.epochs,
        "seeds": [{k: round(v, 4) for k, v in row.items()} for row in rows],
        "summary": means,
    }
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps(result, indent=2, sort_keys=True) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
