"""Whether a changed LUT bit of a netlist is shown to be unobservable, and how.

- cut: enumerating a cut of the LUT's fan-in, its inputs cannot take the changed row;
- interval: the LUT reads a rounded sum, and no value within the sum's interval reads the row. That
  this word of the netlist is that sum is checked on random inputs only, unlike the rest;
- unread: as "cut", but by SAT over the whole fan-in within the layer;
- masked: by SAT, the row is read but the layer's output is the same for all values of its input.

SAT cannot bound a sum of a hundred products, so intervals come first.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from common import ROOT
from netlist_sat import outside, read_cone, reads_only, settle_within

sys.path.insert(0, str(ROOT))

from hwflow.ir import evaluate
from hwflow.ir.ops import Requant
from hwflow.ir.ops.round import rounded
from hwflow.plan.plan import Plan
from hwflow.verify.netlist import unreachable
from hwflow.verify.netlist.circuit import read_circuit

__all__ = ["unobservable"]

_SAT_SECONDS = 300


def unobservable(netlist: Path, plan: Plan, cell: str, bit: int) -> str:
    """How the change was shown to be unobservable, "" where it was not."""
    graph = plan.graph
    if unreachable(netlist, graph.name, cell, bit):
        return "cut"
    layer = cell.split(".", maxsplit=1)[0]
    if layer not in {part.name for part in plan.layers}:
        return ""
    nets = (f"{layer}.in_data_i", f"{layer}.out_data_o")
    if _within_interval(netlist, plan, layer, cell, bit):
        return "interval"
    settled = settle_within(read_cone(netlist, graph.name, *nets, [(cell, bit)]), _SAT_SECONDS)
    return settled.how if settled.how in ("unread", "masked") else ""


def _within_interval(netlist: Path, plan: Plan, layer: str, cell: str, bit: int) -> bool:
    """Whether the LUT reads the row for no rounded sum of the layer within its interval."""
    graph = plan.graph
    nets = (f"{layer}.in_data_i", f"{layer}.out_data_o")
    cone = read_cone(netlist, graph.name, *nets, [(cell, bit)])
    for name, word in read_circuit(netlist, graph.name).nets.items():
        if name.startswith(f"{layer}.round_") and reads_only(cone, word):
            bounds = _bounds(netlist, plan, layer, name)
            return bounds is not None and outside(cone, word, *bounds)
    return False


def _bounds(netlist: Path, plan: Plan, layer: str, name: str) -> tuple[int, int] | None:
    """The interval of the rounded sum that a word carries, found by its values."""
    graph = plan.graph
    node = next(n for n in graph.nodes if n.layer == layer and isinstance(n.op, Requant))
    assert isinstance(node.op, Requant)
    (group,) = plan.interface.inputs
    x = np.random.default_rng(3).integers(-1024, 1024, (2000, *group.shape))
    first = f"{plan.layers[0].name}.in_data_i"
    cone = read_cone(netlist, graph.name, first, name)
    packed = np.unpackbits(group.pack(x.reshape(len(x), -1)), axis=1, bitorder="little")
    bits = cone.evaluate(packed[:, : len(cone.inputs)].astype(bool)).astype(np.int64)
    weights = np.left_shift(1, np.arange(bits.shape[1]))
    weights[-1] *= -1
    found = bits @ weights
    source = graph.types[node.args[0]]
    shift = int(source.elem.frac.max()) - int(node.op.type.frac.max())
    sums = evaluate(graph, {"x": x}, keep="all")[node.args[0]].reshape(len(x), -1)
    same = (rounded(sums, shift, node.op.rounding) == found[:, None]).all(axis=0)
    if np.count_nonzero(same) != 1:
        return None
    lane = int(same.argmax())
    low, high = (
        int(rounded(end.ravel()[lane : lane + 1], shift, node.op.rounding)[0])
        for end in source.elem.full(source.shape)[:2]
    )
    return low, high
