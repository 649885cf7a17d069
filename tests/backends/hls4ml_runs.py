"""Running a graph through hls4ml and comparing every value that it keeps."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from hwflow.backends.hls4ml.jobs import (
    Settings,
    codes_at,
    compile_emulation,
    emulate,
    write_project,
)
from hwflow.backends.hls4ml.translate import translate
from hwflow.ir import Graph, evaluate

__all__ = ["differences"]


def differences(
    graph: Graph, work: Path, settings: Settings | None = None, vectors: int = 300
) -> tuple[list[str], int]:
    """Names of values and outputs that differ on random vectors, and how many were compared."""
    settings = settings or Settings()
    rng = np.random.default_rng(0)
    given = {}
    for node in graph.inputs:
        kind = graph.types[node.name]
        lo, hi, _ = (a.astype(np.int64) for a in kind.elem.full(kind.shape))
        drawn = rng.integers(lo, hi + 1, (vectors, *kind.shape))
        drawn[0], drawn[1] = lo, hi
        given[node.name] = drawn
    expected = evaluate(graph, given, keep="all")
    project, library = work / "project", work / "library"
    for folder in (project, library):
        folder.mkdir(parents=True)
    written = translate(graph, stream=settings.stream)
    interface = write_project(written, settings, project, work)
    compile_emulation(project, interface, library)
    found = emulate(graph, interface, library, given, work, frozenset(graph.types))
    outputs = dict(graph.outputs)
    pairs = [(f"output {o}", outputs[o], r) for o, r in found.outputs.items()]
    pairs += [(value, value, r) for value, r in found.layers.items()]
    wrong = [
        name
        for name, value, (codes, frac) in pairs
        if not np.array_equal(
            codes, codes_at(graph.types[value], expected[value], frac).reshape(vectors, -1)
        )
    ]
    return wrong, len(pairs)
