"""Stage hls4ml: the project that hls4ml writes, and its C++ emulation on every vector."""

from __future__ import annotations

from typing import Final

import numpy as np

from hwflow.backends.hls4ml.jobs import (
    Settings,
    codes_at,
    compile_emulation,
    emulate,
    write_project,
)
from hwflow.backends.hls4ml.project import HlsInterface
from hwflow.backends.hls4ml.translate import translate
from hwflow.config import DesignConfig
from hwflow.errors import InputError
from hwflow.flow import StageContext
from hwflow.ir import Graph, load_graph
from hwflow.ir.exact import IntArray
from hwflow.ir.ops import Reshape
from hwflow.stages.files import load_arrays, load_vectors
from hwflow.stages.hls_tool import part_of
from hwflow.stages.rungs import finish
from hwflow.verify.compare import Mismatch, RungReport, first_mismatch
from hwflow.verify.vectors import Vectors

__all__ = ["INTERFACE", "run"]

INTERFACE: Final = "interface.json"
"""The file in the artifact that says how the project is run."""


def run(config: DesignConfig, context: StageContext) -> None:
    """Write the project, compile its emulation, and compare every value that it keeps."""
    graph = load_graph(context.inputs["lower"] / "graph.hwf")
    settings = _settings(config)
    try:
        layers = translate(graph, stream=settings.stream)
    except InputError as error:
        chosen = "hardware.backend" if config.hardware.backend == "hls4ml" else "verify.rungs"
        error.place = config.place(chosen)
        raise
    context.progress(0.0, f"hls4ml writes {len(layers.layers)} layers")
    project, library = context.out / "project", context.scratch / "emulation"
    project.mkdir()
    library.mkdir()
    interface = write_project(layers, settings, project, context.scratch)
    (context.out / INTERFACE).write_text(interface.to_json(), encoding="utf-8")
    context.progress(0.2, "compiling the emulation")
    compile_emulation(project, interface, library)
    vectors = load_vectors(context.inputs["vectors"], graph)
    context.progress(0.5, f"{len(vectors)} vectors through the emulation")
    values, mismatch = _compared(graph, interface, vectors, context)
    finish(context, RungReport("hls4ml", len(vectors), values, mismatch))


def _settings(config: DesignConfig) -> Settings:
    chosen = config.hardware.hls4ml
    return Settings(
        chosen.flavour.capitalize(),
        chosen.io == "stream",
        chosen.strategy,
        chosen.reuse,
        part_of(config),
        float(1_000_000_000 / config.hardware.clock),
    )


def _compared(
    graph: Graph, interface: HlsInterface, vectors: Vectors, context: StageContext
) -> tuple[tuple[str, ...], Mismatch | None]:
    """What was compared, layer by layer and then the outputs, and the first difference."""
    leaving = [(layer.name, value) for layer in graph.layers() for value in layer.outputs]
    found = emulate(
        graph,
        interface,
        context.scratch / "emulation",
        vectors.inputs,
        context.scratch,
        frozenset(_source(graph, value) for _, value in leaving),
    )
    golden = context.inputs["golden"]
    order = [(layer, value) for layer, value in leaving if _source(graph, value) in found.layers]
    layers = load_arrays(golden / "layers", [value for _, value in order])
    outputs = load_arrays(golden / "outputs", list(found.outputs))
    expected: dict[str, IntArray] = {}
    seen: dict[str, IntArray] = {}
    for _, value in order:
        have = found.layers[_source(graph, value)]
        _add(graph, value, value, layers[value], have, expected, seen)
    made = dict(graph.outputs)
    for name, value in made.items():
        order.append((graph.node(value).layer, f"output {name}"))
        _add(graph, value, f"output {name}", outputs[name], found.outputs[name], expected, seen)
    names = (*(value for _, value in order[: -len(made)]), *made)
    return names, first_mismatch(order, expected, seen, vectors)


def _source(graph: Graph, value: str) -> str:
    """The value that `value` only reshapes, which hls4ml does not."""
    node = graph.node(value)
    return _source(graph, node.args[0]) if isinstance(node.op, Reshape) else value


def _add(
    graph: Graph,
    value: str,
    name: str,
    want: IntArray,
    have: tuple[IntArray, int],
    expected: dict[str, IntArray],
    seen: dict[str, IntArray],
) -> None:
    """Both in the units of hls4ml's type, which are at least as fine as the graph's."""
    codes, frac = have
    expected[name] = codes_at(graph.types[value], want, frac)
    seen[name] = np.reshape(codes, expected[name].shape)
