"""Stage golden: the integer graph evaluated on all vectors, layer by layer."""

from __future__ import annotations

from hwflow.config import DesignConfig
from hwflow.flow import StageContext
from hwflow.ir import evaluate, load_graph
from hwflow.stages.files import load_params, load_vectors, save_arrays, write_json

__all__ = ["run"]


def run(_config: DesignConfig, context: StageContext) -> None:
    """What every other rung is compared with."""
    graph = load_graph(context.inputs["lower"] / "graph.hwf")
    vectors = load_vectors(context.inputs["vectors"], graph)
    context.progress(0.0, f"{len(vectors)} vectors through the integer graph")
    given = {**vectors.inputs, **load_params(context.inputs["lower"] / "params", graph)}
    layers = evaluate(graph, given, keep="layers")
    save_arrays(context.out / "layers", layers)
    outputs = evaluate(graph, given)
    save_arrays(context.out / "outputs", outputs)
    write_json(context.out / "golden.json", {"rung": "graph", "vectors": len(vectors)})
