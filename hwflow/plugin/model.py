"""The ModelGraph that users hold: compile, predict and trace run the integer graph."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import numpy as np
from hls4ml.model.graph import ModelGraph

from hwflow.errors import InputError
from hwflow.frontends.hls4ml import Converted, convert_model
from hwflow.ir import Graph, evaluate, save_graph
from hwflow.ir.exact import IntArray
from hwflow.verify.vectors import quantize

__all__ = ["HwflowModel"]

_WITHOUT_CODE = ("Input", "Reshape")


class HwflowModel(ModelGraph):
    """A converted model whose methods need no compiler."""

    converted: Converted | None = None

    def write_design(self) -> None:
        """Convert the layers and write graph.hwf into the output folder.

        Raises:
            InputError: a layer or a type has no exact form; the message names it.
        """
        self.converted = convert_model(self, self.config.get_project_name())
        folder = Path(self.config.get_output_dir())
        folder.mkdir(parents=True, exist_ok=True)
        save_graph(self.converted.lowered.graph, folder / "graph.hwf")

    def compile(self) -> None:
        """Make the integer graph; seconds at most, nothing is compiled."""
        self.write()

    def evaluate(self, x: Any) -> np.ndarray | list[np.ndarray]:
        """What `predict` gives: for each output an array (samples, elements).

        One sample gives (elements,), and several outputs a list, as in hls4ml. float32 in, float32
        out; anything else is float64.
        """
        converted = self._ready()
        values = _run(self, converted.lowered.graph, x, "outputs")
        outputs = [values[name] for name, _ in converted.lowered.graph.outputs]
        return self._shaped(x, outputs)

    def trace(self, x: Any) -> tuple[np.ndarray | list[np.ndarray], dict[str, np.ndarray]]:
        """The prediction, and the values of every layer whose configuration says `Trace: True`."""
        converted = self._ready()
        values = _run(self, converted.whole, x, "all")
        traced = {
            node.name: _typed(self, x, values[converted.layers[node.name]])
            for node in self.get_layers()
            if node.get_attr("trace", False) and node.class_name not in _WITHOUT_CODE
        }
        outputs = [values[name] for _, name in converted.whole.outputs]
        return self._shaped(x, outputs), traced

    def _ready(self) -> Converted:
        if self.converted is None:
            raise InputError(
                "hls4ml.compile", "the model is not compiled", hint="call compile() first"
            )
        return self.converted

    def _shaped(self, x: Any, outputs: list[np.ndarray]) -> np.ndarray | list[np.ndarray]:
        flat = [_typed(self, x, out.reshape(len(out), -1)) for out in outputs]
        if len(flat[0]) == 1:
            flat = [out[0] for out in flat]
        return flat if len(flat) > 1 else flat[0]


def _arrays(model: Any, x: Any) -> list[np.ndarray]:
    """One array for each input of the model."""
    return [np.asarray(x)] if len(model.inputs) == 1 else [np.asarray(each) for each in x]


def _typed(model: Any, x: Any, values: np.ndarray) -> np.ndarray:
    single = _arrays(model, x)[0].dtype == np.float32
    return values.astype(np.float32 if single else np.float64)


def _run(
    model: Any, graph: Graph, x: Any, keep: Literal["outputs", "all"]
) -> dict[str, np.ndarray]:
    """Real values of the graph for real inputs, by name."""
    arrays = _arrays(model, x)
    if len(arrays) != len(graph.inputs):
        raise InputError(
            "run.input",
            f"expected {len(graph.inputs)} inputs, found {len(arrays)}",
            hint=f"give a list of arrays in the order {', '.join(model.inputs)}",
        )
    named: dict[str, IntArray] = {}
    nodes = {node.name: node for node in graph.inputs}
    for name, array in zip(model.converted.inputs, arrays, strict=True):
        node, shape = nodes[name], graph.types[name].shape
        size = int(np.prod(shape))
        if array.size == 0 or array.size % size:
            raise InputError(
                "run.input",
                f"input {name!r}: {array.shape} is no number of samples of {shape}",
                hint="samples lie along the first axis",
            )
        named[name] = quantize(node, array.astype(np.float64).reshape(-1, *shape))
    values = evaluate(graph, named, keep=keep)
    sources = dict(graph.outputs) if keep == "outputs" else {name: name for name in values}
    return {
        name: np.ldexp(np.asarray(value, np.float64), -graph.types[sources[name]].elem.frac)
        for name, value in values.items()
    }
