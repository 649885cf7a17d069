"""Training with QKeras: data sets, the worker process, and the exported network.

Importing this package loads no TensorFlow; only the worker process does (hwflow.train.worker).
"""

from __future__ import annotations

from hwflow.train.data.dataset import DataSet, load_dataset, save_dataset
from hwflow.train.data.sources import open_dataset
from hwflow.train.jobs import predict, progress, train

__all__ = [
    "DataSet",
    "load_dataset",
    "open_dataset",
    "predict",
    "progress",
    "save_dataset",
    "train",
]
