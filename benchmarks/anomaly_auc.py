"""AUC of the anomaly detection autoencoder beside what simpler scores reach on the same samples.

    python benchmarks/anomaly_auc.py [--samples N] [--epochs N] [--seeds N]

Trains the float twin and the quantized network of designs/anomaly_ae on synthetic machine spectra
for each seed (machines, samples, initial weights and shuffling), and prints mean and spread over
the seeds. Writes benchmarks/results/anomaly_auc.json.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np
from common import ROOT, emit
from numpy.typing import NDArray

from hwflow.config.design import TrainConfig
from hwflow.train import DataSet, save_dataset, train
from hwflow.train.auc import auc, error_auc
from hwflow.train.data.anomaly import machine_sound
from hwflow.train.files import read_json

DESIGN = ROOT / "designs" / "anomaly_ae"
LABELS = {
    "float": "autoencoder, float",
    "quantized": "autoencoder, 6-bit weights, 8-bit activations",
    "level": "mean level (total energy)",
    "level_off": "distance from the mean level",
    "mean_spectrum": "distance from the mean spectrum",
    "pca_8": "8 principal components (as many as codes)",
    "pca_16": "16 principal components",
}


def baselines(data: DataSet) -> dict[str, float]:
    """AUC of scores that need no training beyond means and principal components."""
    trained, tested = (p.x.astype(np.float64) for p in (data.train, data.test))
    labels, mean = data.test.y, trained.mean(0)
    level = tested.mean(1)
    return {
        "level": auc(level, labels),
        "level_off": auc(np.abs(level - trained.mean()), labels),
        "mean_spectrum": error_auc(tested, np.broadcast_to(mean, tested.shape), labels),
        "pca_8": error_auc(tested, rebuilt_by_pca(trained, tested, 8), labels),
        "pca_16": error_auc(tested, rebuilt_by_pca(trained, tested, 16), labels),
    }


def rebuilt_by_pca(
    trained: NDArray[np.float64], tested: NDArray[np.float64], count: int
) -> NDArray[np.float64]:
    """`tested` from its `count` leading principal components of `trained`."""
    mean = trained.mean(0)
    _, vectors = np.linalg.eigh(np.cov(trained, rowvar=False))
    kept = vectors[:, -count:]
    return np.asarray((tested - mean) @ kept @ kept.T + mean, dtype=np.float64)


def one_seed(seed: int, samples: int, epochs: int) -> dict[str, float]:
    """Train once and score the same test samples in every way."""
    data = machine_sound(samples=samples, seed=seed)
    options = TrainConfig(epochs=epochs, batch=128, seed=seed, learning_rate=2e-3, loss="mse")
    with tempfile.TemporaryDirectory() as scratch:
        folders = [Path(scratch) / name for name in ("data", "output", "work")]
        for folder in folders:
            folder.mkdir()
        save_dataset(data, folders[0])
        start = time.perf_counter()
        train(
            builder=DESIGN / "model.py",
            function="autoencoder",
            data=folders[0],
            options=options,
            output=folders[1],
            work=folders[2],
        )
        seconds = time.perf_counter() - start
        metrics = read_json(folders[1] / "metrics.json")
    scores = {"float": metrics["float"], "quantized": metrics["quantized"], **baselines(data)}
    return {**scores, "training_seconds": round(seconds, 1)}


def main() -> None:
    """Run the seeds, print the table, write the JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=int, default=20000)
    parser.add_argument("--epochs", type=int, default=25)
    parser.add_argument("--seeds", type=int, default=3)
    arguments = parser.parse_args()
    found = [
        one_seed(seed, arguments.samples, arguments.epochs)
        for seed in range(1, arguments.seeds + 1)
    ]
    rows = []
    for name, label in LABELS.items():
        values = [row[name] for row in found]
        rows.append(
            {
                "score": label,
                "auc": round(statistics.fmean(values), 4),
                "deviation": round(statistics.stdev(values), 4) if len(values) > 1 else 0.0,
                **{f"seed {seed}": round(v, 4) for seed, v in enumerate(values, start=1)},
            }
        )
    facts = {
        "data": "machine_sound, synthetic: not comparable with ToyADMOS figures",
        "samples": arguments.samples,
        "epochs": arguments.epochs,
        "training_seconds": [row["training_seconds"] for row in found],
    }
    emit("anomaly_auc", rows, facts)


if __name__ == "__main__":
    main()
