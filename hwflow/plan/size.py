"""Refuse what cannot fit before hours are spent on it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from hwflow.errors import InputError
from hwflow.ir import ops
from hwflow.ir.exact import IntArray, magnitude
from hwflow.ir.graph import Graph, Layer
from hwflow.plan.connect import AnyLayer
from hwflow.plan.folding import Folding
from hwflow.plan.targets import Target, larger_targets

__all__ = ["check_fits", "check_unrolled", "digit_bits", "signed_digits"]

_SHARING = 0.3
"""Share of plain signed-digit adders that is left: sharing leaves 0.47, this is below it."""

_SLACK = 1.3
"""Planning estimates have been this far above what synthesis needs."""

_BLOCK_SLACK = 1.15
"""Block RAMs are planned one memory at a time; synthesis may pack halves together."""

_MOST_WEIGHTS = 400_000
"""Weights unrolled into adders at the most, whatever the device: more takes hours."""


def check_unrolled(graph: Graph, fold: Mapping[str, Folding], target: Target) -> None:
    """Refuse a graph whose adders cannot fit, from its weights' signed digits alone.

    Raises:
        InputError: "plan.too-large".
    """
    costs = {
        layer.name: digit_bits(graph, layer, fold.get(layer.name, Folding()))
        for layer in graph.layers()
    }
    weights = sum(
        graph.types[arg].size
        for layer in graph.layers()
        if not fold.get(layer.name, Folding()).folded
        for node in layer.nodes
        for arg in node.args
        if isinstance(graph.node(arg).op, ops.Const)
    )
    room = target.resources.lut if target.resources else None
    floor = int(sum(costs.values()) * _SHARING)
    if weights > _MOST_WEIGHTS or (room is not None and floor > room):
        worst = max(costs, key=lambda name: costs[name])
        found = (
            f"at least {floor} LUTs of adders"
            if weights <= _MOST_WEIGHTS
            else f"{weights} weights, each in adders of its own"
        )
        raise _too_large(found, worst, costs[worst] / max(1, sum(costs.values())), target, floor)


def digit_bits(graph: Graph, layer: Layer, folding: Folding) -> int:
    """Adder positions of a layer's products by plain signed digits."""
    total = 0
    if folding.folded:
        return 0
    for node in layer.nodes:
        if not isinstance(node.op, (ops.MatMul, ops.Conv)):
            continue
        weights = graph.node(node.args[1]).op
        if not isinstance(weights, ops.Const):
            continue
        out = graph.types[node.name]
        columns = weights.values.reshape(-1, out.shape[-1])
        if columns.dtype != object:
            columns = np.unique(columns, axis=1)  # equal columns share everything
        digits = signed_digits(columns)
        positions = out.size // out.shape[-1] if folding.pos == "all" else 1
        width = int(graph.types[node.args[0]].elem.width().min())
        total += max(0, digits - columns.shape[1]) * positions * max(1, width)
    return total


def signed_digits(values: IntArray) -> int:
    """Non-zero digits of the canonical signed-digit forms: popcount of ``3v XOR v``."""
    if values.dtype == object or magnitude(values) >= 1 << 61:
        return sum((3 * v ^ v).bit_count() for v in map(abs, values.ravel().tolist()))
    positive = np.abs(values)
    mixed = (3 * positive) ^ positive
    return int(sum(int(((mixed >> k) & 1).sum()) for k in range(63)))


def check_fits(layers: Sequence[AnyLayer], target: Target) -> None:
    """Refuse a plan whose estimate is well beyond the device.

    Raises:
        InputError: "plan.too-large".
    """
    have = target.resources
    if have is None or not layers:
        return
    limits = (
        ("luts", "LUTs", have.lut, _SLACK),
        ("dsps", "DSPs", have.dsp, 1.0),
        ("brams", "block RAMs", have.bram, _BLOCK_SLACK),
    )
    for name, text, most, slack in limits:
        needs = [getattr(layer.cost, name) for layer in layers]
        if sum(needs) > most * slack:
            worst = needs.index(max(needs))
            found = f"about {sum(needs)} {text}"
            share = needs[worst] / sum(needs)
            raise _too_large(found, layers[worst].name, share, target, sum(needs), name)


_FIELDS = {"luts": "lut", "dsps": "dsp", "brams": "bram"}
_TEXTS = {"luts": "LUTs", "dsps": "DSPs", "brams": "block RAMs"}


def _too_large(
    found: str, worst: str, share: float, target: Target, need: int, what: str = "luts"
) -> InputError:
    have = target.resources
    room = f"{getattr(have, _FIELDS[what])} {_TEXTS[what]}" if have else "no limit"
    bigger = [
        t.name
        for t in larger_targets(target)
        if t.resources and getattr(t.resources, _FIELDS[what]) > need
    ]
    ways = [f"hardware.target: {bigger[0]}"] if bigger else []
    ways.append("hardware.fold: {budget: device} chooses foldings that fit")
    ways.append("fewer weights or bits, or pruning")
    return InputError(
        "plan.too-large",
        f"{target.name} has {room}, this design needs {found}; "
        f"layer {worst} costs most ({100 * share:.0f}%)",
        hint="what would make it fit: " + "; ".join(ways),
    )
