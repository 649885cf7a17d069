"""Stage training: the training graph, in TensorFlow and QKeras, against the integer graph."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from hwflow.config import DesignConfig
from hwflow.flow import StageContext
from hwflow.ir import evaluate, load_graph
from hwflow.ir.exact import IntArray
from hwflow.stages.files import load_params, load_vectors, network_folder, read_json, write_json
from hwflow.train.jobs import predict
from hwflow.verify.compare import RungReport, first_mismatch, mismatch_error

__all__ = ["run"]


def run(_config: DesignConfig, context: StageContext) -> None:
    """Every quantized layer of the exported network, bit for bit, from the network's own input."""
    graph = load_graph(context.inputs["lower"] / "graph.hwf")
    lowering = read_json(context.inputs["lower"] / "lowering.json")
    folder = network_folder(context.inputs)
    assert folder is not None
    network = read_json(folder / "network.json")
    vectors = load_vectors(context.inputs["vectors"], graph)
    context.progress(0.0, f"{len(vectors)} vectors through TensorFlow")
    params = load_params(_trained(context.inputs["lower"]), graph)
    expected = evaluate(graph, {**vectors.inputs, **params}, keep="all")
    real = {
        layer: np.ldexp(expected[value].astype(np.float64), -graph.types[value].elem.frac).astype(
            np.float32
        )
        for layer, value in zip(network["inputs"], lowering["network"]["inputs"], strict=True)
    }
    outputs = predict(
        network=folder,
        inputs=real,
        work=context.scratch,
        wide=lowering["wide"],
    )
    found: dict[str, IntArray] = {}
    for probe in lowering["probes"]:
        value = probe["value"]
        found[value] = _integers(
            outputs[probe["layer"]], graph.types[value].elem.frac, expected[value].shape
        )
    order = [(p["layer"], p["value"]) for p in lowering["probes"]]
    mismatch = first_mismatch(order, expected, found, vectors)
    notes = tuple(
        f"layer {name} is evaluated in float64: its accumulators pass float32's exact range"
        for name in lowering["wide"]
    )
    report = RungReport("training", len(vectors), tuple(v for _, v in order), mismatch, notes)
    write_json(context.out / "rung.json", report.as_json())
    if mismatch:
        raise mismatch_error("training", mismatch)


def _trained(lowered: Path) -> Path:
    """The weights that the network was trained to, whatever `model.weights` loads."""
    kept = lowered / "trained"
    return kept if kept.is_dir() else lowered / "params"


def _integers(real: np.ndarray, frac: IntArray, shape: tuple[int, ...]) -> IntArray:
    """Real outputs in units of ``2**-frac``; a value off that grid becomes an impossible one."""
    scaled = np.ldexp(real.astype(np.float64).reshape(shape), frac)
    whole = np.rint(scaled)
    return np.where(scaled == whole, whole, np.iinfo(np.int32).max).astype(np.int64)
