"""Stage lower: the trained network, or a graph from a file, as the verified integer graph."""

from __future__ import annotations

from pathlib import Path

from hwflow.config import DesignConfig
from hwflow.errors import InputError
from hwflow.flow import Stage, StageContext
from hwflow.frontends.qkeras import load_network, lower
from hwflow.ir import Graph, load_graph, print_graph, save_graph
from hwflow.passes import layer_widths
from hwflow.stages.files import write_json

__all__ = ["stage"]


def stage(config: DesignConfig) -> Stage:
    """Lower the network of stage train, or read `model.file`."""
    if config.model.file is not None:
        return _from_file(config, config.model.file)

    def run(context: StageContext) -> None:
        context.progress(0.0, "to the integer graph")
        lowered = lower(load_network(context.inputs["train"]), config.design)
        _save(context.out, lowered.graph)
        write_json(context.out / "lowering.json", lowered.record())
        write_json(context.out / "certificates.json", list(lowered.certificates))

    return Stage(
        "lower",
        run,
        inputs=("train",),
        config={"design": config.design},
        tools=("numpy",),
        modules=("hwflow.stages.lower",),
    )


def _from_file(config: DesignConfig, path: Path) -> Stage:
    def run(context: StageContext) -> None:
        context.progress(0.0, f"reading {path.name}")
        graph = load_graph(path)
        if graph.name != config.design:
            graph = Graph(config.design, graph.nodes, graph.outputs)
        taken = {f"{config.design}__{layer.name}" for layer in graph.layers()}
        if config.design in taken:
            raise InputError("graph.name", f"a layer's module would be called {config.design!r}")
        _save(context.out, graph)
        widths = [w.record() for w in layer_widths(graph)]
        record = {"probes": [], "wide": [], "widths": widths}
        write_json(context.out / "lowering.json", record)

    return Stage(
        "lower",
        run,
        config={"design": config.design},
        tools=("numpy",),
        modules=("hwflow.stages.lower",),
        files=(path,),
    )


def _save(folder: Path, graph: Graph) -> None:
    save_graph(graph, folder / "graph.hwf")
    (folder / "graph.txt").write_text(print_graph(graph), encoding="utf-8")
