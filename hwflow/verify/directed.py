"""Vectors that push every output towards its ends: what random inputs rarely reach."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

import numpy as np
import numpy.typing as npt

from hwflow.ir.exact import IntArray
from hwflow.ir.graph import Graph
from hwflow.ir.interp import evaluate
from hwflow.ir.ops import Conv, Dot, MatMul, Requant, Threshold

__all__ = ["directed_vectors"]

Ints = npt.NDArray[np.int64]

_MOST_TARGETS = 64
_SWEEPS = 6
_MOST_PRODUCTS = 4_000_000_000
"""Multiplications spent at the most: half a minute; fewer outputs are pushed in larger graphs."""


def directed_vectors(graph: Graph, params: Mapping[str, IntArray]) -> Ints | None:
    """Inputs found by coordinate ascent and descent on each output's pre-activation.

    `params` are the weights loaded meanwhile.
    Up to 64 output elements, fewer in large graphs; returns (n, *shape), or None for graphs with
    several inputs or outputs and for those too large. A local search: it promises no extreme,
    only inputs further out than random ones.
    """
    if len(graph.inputs) != 1 or len(graph.outputs) != 1:
        return None
    (node,) = graph.inputs
    kind = graph.types[node.name]
    (_, value) = graph.outputs[0]
    maker = graph.node(value)
    watched = maker.args[0] if isinstance(maker.op, (Requant, Threshold)) else value
    low, high, _ = (a.astype(np.int64).ravel() for a in kind.elem.full(kind.shape))

    def measure(element: int, sign: int, rows: Ints) -> IntArray:
        shaped = rows.reshape(-1, *kind.shape)
        result = evaluate(graph, {node.name: shaped, **params}, keep="all")[watched]
        return np.asarray(sign * result.reshape(len(rows), -1)[:, element])

    each = 2 * _SWEEPS * (2 * kind.size + 2) * _products(graph)
    targets = min(graph.types[watched].size, _MOST_TARGETS, _MOST_PRODUCTS // each)
    if targets == 0:
        return None
    found = [
        _climb(partial(measure, element, sign), low, high)
        for element in range(targets)
        for sign in (1, -1)
    ]
    return np.unique(np.array(found), axis=0).reshape(-1, *kind.shape)


def _products(graph: Graph) -> int:
    """Multiplications of one evaluation."""
    total = 1
    for node in graph.nodes:
        if isinstance(node.op, (Conv, Dot, MatMul)):
            weights = graph.types[node.args[1]]
            total += graph.types[node.name].size * weights.size // weights.shape[-1]
    return total


def _climb(measure: Callable[[Ints], IntArray], low: Ints, high: Ints) -> Ints:
    """Coordinate ascent over the ends of every input, all improving moves tried together."""
    best = np.clip(np.zeros_like(low), low, high)
    score = int(measure(best[None])[0])
    count = len(low)
    for _ in range(_SWEEPS):
        moves = np.repeat(best[None], 2 * count, axis=0)
        moves[np.arange(count), np.arange(count)] = low
        moves[np.arange(count) + count, np.arange(count)] = high
        scores = measure(moves)
        to_low, to_high = scores[:count], scores[count:]
        together = best.copy()
        together = np.where((to_low > score) & (to_low >= to_high), low, together)
        together = np.where((to_high > score) & (to_high > to_low), high, together)
        joint = int(measure(together[None])[0])
        single = int(scores.max())
        if max(joint, single) <= score:
            break
        best = together if joint >= single else moves[int(scores.argmax())]
        score = max(joint, single)
    return best
