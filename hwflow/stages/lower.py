"""Stage lower: the trained network, or a graph from a file, as the verified integer graph."""

from __future__ import annotations

from pathlib import Path

from hwflow.config import DesignConfig
from hwflow.flow import StageContext
from hwflow.frontends.qkeras import load_network, lower
from hwflow.ir import Graph, load_graph, print_graph, save_graph
from hwflow.passes import layer_widths
from hwflow.stages.files import write_json

__all__ = ["run"]


def run(config: DesignConfig, context: StageContext) -> None:
    """Lower the network of stage train, or read `model.file`."""
    if config.model.file is not None:
        _read(config.design, config.model.file, context)
        return
    context.progress(0.0, "to the integer graph")
    lowered = lower(load_network(context.inputs["train"]), config.design)
    _save(context.out, lowered.graph)
    write_json(context.out / "lowering.json", lowered.record())
    write_json(context.out / "certificates.json", list(lowered.certificates))


def _read(design: str, path: Path, context: StageContext) -> None:
    context.progress(0.0, f"reading {path.name}")
    graph = load_graph(path)
    if graph.name != design:
        graph = Graph(design, graph.nodes, graph.outputs)
    _save(context.out, graph)
    widths = [w.record() for w in layer_widths(graph)]
    write_json(context.out / "lowering.json", {"probes": [], "wide": [], "widths": widths})


def _save(folder: Path, graph: Graph) -> None:
    save_graph(graph, folder / "graph.hwf")
    (folder / "graph.txt").write_text(print_graph(graph), encoding="utf-8")
