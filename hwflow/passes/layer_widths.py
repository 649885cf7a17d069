"""Bit widths of each layer: what a report shows and a designer tunes."""

from __future__ import annotations

from dataclasses import dataclass

from hwflow.ir import Graph, Layer
from hwflow.ir.ops import Add, Const, Conv, Dot, MatMul, Param, ReduceSum, Sub

__all__ = ["LayerWidths", "layer_widths"]

_SUMS = (Add, Conv, Dot, MatMul, ReduceSum, Sub)
_PRODUCTS = (Conv, MatMul)


@dataclass(frozen=True, slots=True)
class LayerWidths:
    """The widest weight, accumulator and result of a layer in bits; 0 where it has none."""

    layer: str
    operations: tuple[str, ...]
    weights: int
    accumulator: int
    inputs: int
    outputs: int

    def record(self) -> dict[str, object]:
        """The row as JSON."""
        return {
            "accumulator": self.accumulator,
            "inputs": self.inputs,
            "layer": self.layer,
            "operations": list(self.operations),
            "outputs": self.outputs,
            "weights": self.weights,
        }


def layer_widths(graph: Graph) -> tuple[LayerWidths, ...]:
    """One row for each layer, in layer order."""
    made = {n.name: n for n in graph.nodes}
    return tuple(
        _row(graph, layer, {n for n in made if _weight(made[n].op)}) for layer in (graph.layers())
    )


def _weight(op: object) -> bool:
    return isinstance(op, (Const, Param))


def _row(graph: Graph, layer: Layer, weights: set[str]) -> LayerWidths:
    def widest(names: list[str]) -> int:
        return max((graph.types[n].elem.max_width() for n in names), default=0)

    kernels = [
        a for n in layer.nodes if isinstance(n.op, _PRODUCTS) for a in n.args if a in weights
    ]
    return LayerWidths(
        layer.name,
        tuple(n.op.name for n in layer.nodes),
        widest(kernels),
        widest([n.name for n in layer.nodes if isinstance(n.op, _SUMS)]),
        widest(list(layer.inputs)),
        widest(list(layer.outputs)),
    )
