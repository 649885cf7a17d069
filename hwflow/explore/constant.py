"""Constant adder graphs estimated without solving them: a block of one position, and its copies."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from hwflow.errors import InputError
from hwflow.ir import ops
from hwflow.ir.graph import Graph, Layer
from hwflow.plan.elaborate import elaborate
from hwflow.plan.epilogue import epilogue_of
from hwflow.plan.folding import Candidate, Cost, Folding
from hwflow.plan.kernel import Kernel
from hwflow.plan.layer import block_cost, check_folding, circuit_cost
from hwflow.plan.record import window_cycles
from hwflow.plan.reduction import reduction_of
from hwflow.plan.schedule import schedule
from hwflow.plan.size import signed_digits
from hwflow.plan.targets import Target
from hwflow.plan.words import Circuit

__all__ = ["constant_candidates"]

_KEPT, _MORE_SHARED, _SPARSE = 0.975, 0.087, 0.25
_GROWTH, _GROWTH_PER_BIT = 2.0, 0.35
"""Adders a signed digit, and bits an adder beyond the input's: fitted to solved matrices from 4x4
to 128x16 of 3 to 8 bits (adders within 10% from 100 digits on)."""
_SOLVED_TOGETHER = 4096
"""Entries that the adder-graph solver takes at once: nothing is shared beyond."""
_WIDE_EARLY, _LAST_STAGE = 1.5, 0.5
"""Registers of a cut through the adders against an even share; outputs fall into the last stage."""


def constant_candidates(
    graph: Graph, layer: Layer, kernel: Kernel, target: Target, period: float
) -> list[Candidate]:
    """Fully parallel, and for every number of positions a clock that the layer can have."""
    block = _block(graph, kernel, target, period)
    found = [_candidate(layer, kernel, Folding(), 1, block)]
    for pos in range(1, kernel.positions + 1):
        folding = Folding(pos=pos)
        if kernel.positions % pos or not _possible(layer, kernel, folding):
            continue
        line = kernel.window is not None and pos == 1
        cycles = window_cycles(kernel.window) if line and kernel.window else 0
        found.append(_candidate(layer, kernel, folding, cycles or kernel.positions // pos, block))
    return found


def _possible(layer: Layer, kernel: Kernel, folding: Folding) -> bool:
    try:
        check_folding(layer, kernel, folding)
    except InputError:
        return False
    return True


def _candidate(
    layer: Layer, kernel: Kernel, folding: Folding, cycles: int, block: Cost
) -> Candidate:
    return Candidate(layer.name, folding, cycles, block_cost(kernel, folding, block))


def _block(graph: Graph, kernel: Kernel, target: Target, period: float) -> Cost:
    """One position: exact where no matrix has to be solved."""
    matrices = [
        n for n in kernel.graph.nodes
        if isinstance(n.op, ops.MatMul | ops.Conv)
        and isinstance(kernel.graph.node(n.args[1]).op, ops.Const)
    ]  # fmt: skip
    if not matrices:
        return _counted(elaborate(kernel.graph), target, period)
    total = Cost()
    for node in matrices:
        total += _matrix(kernel.graph, node.name, target, period)
    return total + _after(kernel, target, period)


def _counted(circuit: Circuit, target: Target, period: float) -> Cost:
    return circuit_cost(circuit, schedule(circuit, period, target.delay))


def _matrix(graph: Graph, name: str, target: Target, period: float) -> Cost:
    node = graph.node(name)
    weights = graph.node(node.args[1]).op
    assert isinstance(weights, ops.Const)
    columns = weights.values.reshape(-1, weights.values.shape[-1])
    grouped = isinstance(node.op, ops.Conv) and node.op.groups > 1
    if columns.dtype != object and not grouped:
        columns = np.unique(columns, axis=1)  # equal columns share everything
    used = max(1, int(np.count_nonzero(columns)))
    digits = max(0, signed_digits(columns) - columns.shape[1])
    together = digits * min(1.0, _SOLVED_TOGETHER / columns.size)
    if grouped:
        together = digits / columns.shape[1]
    kept = _KEPT * max(1.0, together) ** -_MORE_SHARED * (used / columns.size) ** -_SPARSE
    adders = int(digits * min(1.0, kept))
    width = float(np.mean(graph.types[node.args[0]].elem.width()))
    bits = width + _GROWTH + _GROWTH_PER_BIT * graph.types[node.args[1]].elem.max_width()
    total = int(adders * bits)
    depth = max(1.0, np.log2(max(2, digits / columns.shape[1])))
    model = target.delay
    stages = depth * model.adder(round(bits)) / max(model.lut, period - model.clock_overhead)
    cut = total / depth * _WIDE_EARLY
    return Cost(adders, total, total, int(cut * max(0.0, stages - _LAST_STAGE)))


def _after(kernel: Kernel, target: Target, period: float) -> Cost:
    """What follows the matrix."""
    try:
        reduction = reduction_of(kernel)
        circuit = epilogue_of(kernel.graph, reduction, reduction.outputs).circuit
        return _counted(circuit, target, period)
    except InputError:
        return _roughly(kernel.graph)


def _roughly(graph: Graph) -> Cost:
    """One LUT for every two bits of each other operation."""
    rest = 0
    for node in graph.nodes:
        if isinstance(node.op, ops.MatMul | ops.Conv | ops.Reshape | ops.Const | ops.Input):
            continue
        inputs, out = graph.types[node.args[0]], graph.types[node.name]
        rest += (inputs.elem.max_width() * max(inputs.size, out.size) + 1) // 2
    return replace(Cost(), luts=rest, ffs=rest // 4)
