"""What the hardware rungs share: packed vectors, golden results, and their report."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from hwflow.errors import CheckFailed
from hwflow.flow import StageContext
from hwflow.ir import Graph, load_graph
from hwflow.ir.exact import IntArray
from hwflow.plan.interface_file import read_interface
from hwflow.plan.loading import Clocks, load_clocks
from hwflow.plan.streams import Interface
from hwflow.stages.files import load_arrays, load_params, load_vectors, write_json
from hwflow.verify.compare import Mismatch, RungReport, first_mismatch, mismatch_error
from hwflow.verify.vectors import VectorClass, Vectors

__all__ = ["Golden", "check_cycles", "finish", "load_golden"]

Beats = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True, eq=False)
class Golden:
    """Vectors and the integer graph's results on them."""

    graph: Graph
    interface: Interface
    vectors: Vectors
    outputs: Mapping[str, IntArray]
    layers: Mapping[str, IntArray]
    params: Mapping[str, IntArray]

    def packed(self) -> dict[str, Beats]:
        """The vectors as input beats."""
        return {
            group.tensor: group.pack(_rows(self.vectors.inputs[group.tensor]))
            for group in self.interface.inputs
        }

    def packed_outputs(self) -> dict[str, Beats]:
        """The expected output beats."""
        return {g.tensor: g.pack(_rows(self.outputs[g.tensor])) for g in self.interface.outputs}

    @property
    def words(self) -> npt.NDArray[np.uint32] | None:
        """The weights as the loader holds them; None without params."""
        store = self.interface.store
        return store.image(self.params) if store else None

    @property
    def load(self) -> Clocks | None:
        """The loader's pins that load the weights and start the design."""
        store = self.interface.store
        return load_clocks(store, store.image(self.params)) if store else None

    def unpacked(self, beats: Mapping[str, Beats]) -> dict[str, IntArray]:
        """Output beats as integers (n, *shape)."""
        return {
            group.tensor: group.unpack(beats[group.tensor]).reshape(-1, *group.shape)
            for group in self.interface.outputs
        }

    def compare_outputs(self, beats: Mapping[str, Beats]) -> Mismatch | None:
        """The first output that differs, its layer being the one that makes the output."""
        order = [(self.maker(value), name) for name, value in self.graph.outputs]
        return first_mismatch(order, self.outputs, self.unpacked(beats), self.vectors)

    def maker(self, value: str) -> str:
        """The layer that makes a value."""
        return self.graph.node(value).layer

    def part(self, count: int) -> Golden:
        """At most `count` vectors, taken evenly from every class."""
        share = max(1, count // max(1, len(self.vectors.classes)))
        rows: list[int] = []
        classes = []
        for c in self.vectors.classes:
            step = max(1, (c.stop - c.start) // share)
            chosen = list(range(c.start, c.stop, step))[:share]
            classes.append(VectorClass(c.name, len(rows), len(rows) + len(chosen)))
            rows += chosen
        return Golden(
            self.graph,
            self.interface,
            Vectors({n: a[rows] for n, a in self.vectors.inputs.items()}, tuple(classes)),
            {n: a[rows] for n, a in self.outputs.items()},
            {n: a[rows] for n, a in self.layers.items()},
            self.params,
        )


def _rows(array: IntArray) -> npt.NDArray[np.int64]:
    return array.reshape(len(array), -1).astype(np.int64)


def load_golden(inputs: Mapping[str, Path]) -> Golden:
    """From the artifacts of lower, generate, vectors and golden."""
    graph = load_graph(inputs["lower"] / "graph.hwf")
    text = (inputs["generate"] / "interface.json").read_text(encoding="utf-8")
    values = [value for layer in graph.layers() for value in layer.outputs]
    return Golden(
        graph,
        read_interface(text),
        load_vectors(inputs["vectors"], graph),
        load_arrays(inputs["golden"] / "outputs", [name for name, _ in graph.outputs]),
        load_arrays(inputs["golden"] / "layers", values),
        load_params(inputs["lower"] / "params", graph),
    )


def check_cycles(rung: str, interface: Interface, latency: int, interval: int | None) -> None:
    """Hold the cycles seen against the plan's.

    Raises:
        CheckFailed: "rung.timing".
    """
    seen = (("latency", latency, interface.latency),
            ("initiation interval", interval, interface.initiation_interval))  # fmt: skip
    for what, found, planned in seen:
        if found not in (None, 0, planned):  # too few tensors to see an interval
            raise CheckFailed(
                "rung.timing",
                f"rung {rung}: the {what} is {found} cycles, the plan says {planned}",
            )


def finish(context: StageContext, report: RungReport) -> None:
    """Write the rung's report; raises CheckFailed("rung.mismatch") if it found a difference."""
    write_json(context.out / "rung.json", report.as_json())
    if report.mismatch is not None:
        raise mismatch_error(report.rung, report.mismatch)
