"""Stage lower: the trained network, or a graph from a file, as the verified integer graph."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hwflow.config import Builder, DesignConfig
from hwflow.errors import InputError
from hwflow.flow import StageContext
from hwflow.frontends.lowered import Lowered
from hwflow.frontends.qkeras import load_network, lower
from hwflow.ir import Graph, checked_params, print_graph, save_graph
from hwflow.ir.exact import IntArray
from hwflow.passes import layer_widths, optimize
from hwflow.stages.files import network_folder, read_params, save_arrays, write_json
from hwflow.stages.models import read_model
from hwflow.train.jobs import surround

__all__ = ["run"]


def run(config: DesignConfig, context: StageContext) -> None:
    """Lower the network of stage train or load, or read `model.file`; then build what surrounds it.

    Writes graph.hwf, graph.txt, params/ (one array for each param), lowering.json (what ties the
    graph to the network, and the values where the network begins and ends) and certificates.json.
    With `model.weights`, trained/ holds what params/ was before.
    """
    model = config.model
    network = network_folder(context.inputs)
    if network is not None:
        context.progress(0.0, "to the integer graph")
        programmable = config.hardware.weights == "programmable"
        lowered = lower(load_network(network), config.design, programmable=programmable)
    else:
        assert model.file is not None
        context.progress(0.0, f"reading {model.file.name}")
        lowered = read_model(model.file, config.design)
    made = _made(lowered)
    write_json(context.out / "certificates.json", list(lowered.certificates))
    if model.around is not None:
        context.progress(0.5, f"around the network: {model.around.file.name}")
        made = _surrounded(made, model.around, context.scratch)
    params = dict(made.params)
    if model.weights is not None:
        params |= read_params(model.weights)
        save_arrays(context.out / "trained", made.params)
    try:
        checked = checked_params(made.graph, params)
    except InputError as error:
        error.place = config.place("model.weights" if model.weights else "model.around")
        raise
    save_arrays(context.out / "params", checked)
    save_graph(made.graph, context.out / "graph.hwf")
    (context.out / "graph.txt").write_text(print_graph(made.graph), encoding="utf-8")
    widths = [w.record() for w in layer_widths(made.graph)]
    write_json(context.out / "lowering.json", {**made.record, "widths": widths})


@dataclass(frozen=True, slots=True, eq=False)
class _Made:
    """A graph, its params' values, and lowering.json but for the widths."""

    graph: Graph
    params: Mapping[str, IntArray]
    record: Mapping[str, Any]


def _ends(graph: Graph) -> dict[str, list[str]]:
    """A network on its own begins at the graph's inputs and ends at its outputs."""
    return {
        "inputs": [node.name for node in graph.inputs],
        "outputs": [value for _, value in graph.outputs],
    }


def _made(lowered: Lowered) -> _Made:
    record = {**lowered.record(), "network": _ends(lowered.graph)}
    return _Made(lowered.graph, lowered.params, record)


def _surrounded(network: _Made, around: Builder, work: Path) -> _Made:
    whole = surround(file=around.file, function=around.function, network=network.graph, work=work)
    rewrite = optimize(whole.graph)
    moved = rewrite.moved
    probes = [
        {**probe, "value": moved.get(probe["value"], probe["value"])}
        for probe in network.record["probes"]
    ]
    ends = {"inputs": [moved.get(whole.start, whole.start)],
            "outputs": [moved.get(whole.end, whole.end)]}  # fmt: skip
    alive = rewrite.graph.types
    record = {
        "network": ends,
        "probes": [probe for probe in probes if probe["value"] in alive],
        "wide": network.record["wide"],
    }
    given = {**whole.params, **network.params}
    read = {node.name for node in rewrite.graph.params}
    return _Made(rewrite.graph, {n: v for n, v in given.items() if n in read}, record)
