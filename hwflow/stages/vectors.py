"""Stage vectors: corner, random and dataset vectors as the graph's integers."""

from __future__ import annotations

import numpy as np

from hwflow.config import DesignConfig
from hwflow.flow import StageContext
from hwflow.ir import load_graph
from hwflow.stages.files import save_vectors
from hwflow.train.data.dataset import load_dataset
from hwflow.verify.vectors import make_vectors, quantize

__all__ = ["run"]


def run(config: DesignConfig, context: StageContext) -> None:
    """Vectors by `verify.vectors`, `verify.dataset` and `verify.seed`."""
    verify = config.verify
    use_data = config.data is not None and verify.dataset > 0
    graph = load_graph(context.inputs["lower"] / "graph.hwf")
    dataset = None
    if use_data and len(graph.inputs) == 1:
        samples = load_dataset(context.inputs["data"]).test.x[: verify.dataset]
        (node,) = graph.inputs
        dataset = {node.name: quantize(node, samples.astype(np.float64))}
    save_vectors(context.out, make_vectors(graph, verify.vectors, verify.seed, dataset))
