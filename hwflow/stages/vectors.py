"""Stage vectors: corner, random and dataset vectors as the graph's integers."""

from __future__ import annotations

from hwflow.config import DesignConfig
from hwflow.flow import StageContext
from hwflow.ir import load_graph
from hwflow.stages.files import load_params, samples, save_vectors
from hwflow.train.data.dataset import load_dataset
from hwflow.verify.vectors import make_vectors

__all__ = ["run"]


def run(config: DesignConfig, context: StageContext) -> None:
    """Vectors by `verify.vectors`, `verify.dataset` and `verify.seed`."""
    verify = config.verify
    use_data = config.data is not None and verify.dataset > 0
    graph = load_graph(context.inputs["lower"] / "graph.hwf")
    dataset = None
    if use_data and len(graph.inputs) == 1:
        test = load_dataset(context.inputs["data"]).test
        dataset = samples(graph, test, context.inputs["lower"], verify.dataset)
    params = load_params(context.inputs["lower"] / "params", graph)
    made = make_vectors(graph, verify.vectors, verify.seed, dataset, params)
    save_vectors(context.out, made)
