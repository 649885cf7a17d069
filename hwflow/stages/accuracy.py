"""Stage accuracy: the task's metric of the integer graph on the test part."""

from __future__ import annotations

import numpy as np

from hwflow.config import DesignConfig
from hwflow.errors import InternalError
from hwflow.flow import StageContext
from hwflow.ir import Graph, evaluate, load_graph
from hwflow.ir.exact import IntArray
from hwflow.stages.files import load_params, network_folder, read_json, samples, write_json
from hwflow.train.auc import error_auc
from hwflow.train.data.dataset import DataSet, load_dataset
from hwflow.train.data.wafer import rearrange
from hwflow.train.emd import mean_emd
from hwflow.train.jobs import predict

__all__ = ["run"]


def run(_config: DesignConfig, context: StageContext) -> None:
    """Accuracy (or EMD, AUC, mean squared error) in float, quantized and in integers."""
    graph = load_graph(context.inputs["lower"] / "graph.hwf")
    data = load_dataset(context.inputs["data"])
    network = network_folder(context.inputs)
    assert network is not None
    trained = read_json(network / "metrics.json")
    context.progress(0.0, f"{len(data.test.x)} test samples through the integer graph")
    lowering = read_json(context.inputs["lower"] / "lowering.json")
    params = load_params(context.inputs["lower"] / "params", graph)
    inputs = samples(graph, data.test, context.inputs["lower"])
    values = evaluate(graph, {**inputs, **params}, keep="all")
    value, *_ = lowering["network"]["outputs"]
    record = {
        "metric": trained["metric"],
        "unit": trained["unit"],
        "float": trained.get("float"),
        "quantized": trained["quantized"],
        "integer": _score(context, graph, value, values[value], data),
        "samples": len(data.test.x),
    }
    write_json(context.out / "accuracy.json", record)


def _score(
    context: StageContext, graph: Graph, value: str, integers: IntArray, data: DataSet
) -> float:
    frac = graph.types[value].elem.frac
    real = np.ldexp(integers.astype(np.float64), -frac)
    if data.task == "classification":
        return round(float((real.argmax(axis=1) == data.test.y).mean()), 6)
    if data.task == "wafers":
        decoder = context.inputs["train"] / "decoder"
        network = read_json(decoder / "network.json")
        context.progress(0.5, "decoding and measuring the earth mover's distance")
        images = predict(
            network=decoder,
            inputs={network["inputs"][0]: real.astype(np.float32)},
            work=context.scratch,
        )[network["outputs"][0]]
        return round(mean_emd(data.test.y, np.asarray(rearrange(images), np.float64)), 6)
    if data.task == "anomaly":
        return error_auc(data.test.x, real, data.test.y)
    if data.task == "regression":
        return float(f"{float(((real - data.test.y) ** 2).mean()):.6g}")
    raise InternalError("internal.task", f"no metric for {data.task}")
