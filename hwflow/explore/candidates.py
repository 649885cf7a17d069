"""The ways in which each layer can be built, with cycles and estimated cost."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hwflow.errors import InputError
from hwflow.ir import ops
from hwflow.ir.graph import Graph, Layer
from hwflow.plan.cost import adder_bits, luts
from hwflow.plan.folded import CONTROL, FoldedPlan, memory_cost, plan_folded
from hwflow.plan.folding import Candidate, Cost, Folding, Multiplier
from hwflow.plan.kernel import Kernel, kernel_of
from hwflow.plan.layer import chain_length, stream_of
from hwflow.plan.rom import memory_style
from hwflow.plan.size import digit_bits
from hwflow.plan.targets import Target
from hwflow.plan.words import Product, Sum

__all__ = ["candidates", "pareto"]

_SHARED = 0.47
"""Share of plain signed-digit adders that an adder graph keeps (toolchain measurements)."""
_MOST_LANES = 1024
_SLOW_CLOCK = 1000.0
"""Period in ns at which a unit is planned: pipeline registers are counted apart."""


def candidates(graph: Graph, layer: Layer, target: Target) -> tuple[Candidate, ...]:
    """Every way to build `layer` that no other beats in cycles and cost."""
    types = {v: graph.types[v] for v in layer.inputs}
    kernel = kernel_of(graph, layer, types)
    found = [*_constant(graph, layer, kernel), *_folded(graph, layer, kernel, target)]
    return pareto(found)


def pareto(found: Sequence[Candidate]) -> tuple[Candidate, ...]:
    """Candidates that no other beats or equals in cycles, LUTs, DSPs and block RAMs."""
    kept: list[Candidate] = []
    for candidate in sorted(found, key=_key):
        if not any(
            all(a <= b for a, b in zip(_key(k), _key(candidate), strict=True)) for k in kept
        ):
            kept.append(candidate)
    return tuple(kept)


def _key(candidate: Candidate) -> tuple[int, int, int, int]:
    cost = candidate.cost
    return candidate.cycles, cost.luts, cost.dsps, cost.brams


def _constant(graph: Graph, layer: Layer, kernel: Kernel) -> list[Candidate]:
    """Constant adder graphs: fully parallel, and where it can be one position a clock."""
    full = _plain(graph, layer, Folding())
    found = [Candidate(layer.name, Folding(), 1, full)]
    window = kernel.window
    if window is not None and kernel.positions > 1:
        fits = all(b < s for (b, _), s in zip(window.padding, window.span, strict=True))
        if fits:
            one = _plain(graph, layer, Folding(pos=1))
            kind = kernel.graph.types[kernel.graph.inputs[0].name]
            line = stream_of(kind, kind.size // kind.shape[-1]).bits * chain_length(window)
            cycles = int(
                np.prod(
                    [n + sum(p) for n, p in zip(window.shape[:-1], window.padding, strict=True)]
                )
            )
            cost = Cost(one.adders, one.adder_bits, one.luts, one.ffs + line)
            found.append(Candidate(layer.name, Folding(pos=1), cycles, cost))
    elif kernel.pointwise:
        one = _plain(graph, layer, Folding(pos=1))
        found.append(Candidate(layer.name, Folding(pos=1), kernel.positions, one))
    return found


def _plain(graph: Graph, layer: Layer, folding: Folding) -> Cost:
    """Adder graph by signed digits, and one LUT a bit for each later operation."""
    bits = int(digit_bits(graph, layer, folding) * _SHARED)
    rest = 0
    for node in layer.nodes:
        if isinstance(node.op, (ops.MatMul, ops.Conv, ops.Reshape)):
            continue
        out = graph.types[node.name]
        positions = out.size // out.shape[-1] if folding.pos == 1 and out.shape else 1
        inputs = graph.types[node.args[0]]
        widths = inputs.elem.max_width() * max(inputs.size, out.size)
        rest += (widths + 1) // 2 // max(1, positions)
    return Cost(adder_bits=bits, luts=bits + rest, ffs=(bits + rest) // 4)


def _folded(graph: Graph, layer: Layer, kernel: Kernel, target: Target) -> list[Candidate]:
    """Every pe x simd that divides the layer, with multipliers in LUTs or DSPs."""
    types = {v: graph.types[v] for v in layer.inputs}
    try:
        unit = plan_folded(graph, layer, types, Folding(pe=1, simd=1), _SLOW_CLOCK, target)
    except InputError:
        return []
    outputs = graph.types[layer.outputs[0]].size // kernel.positions
    inputs = unit.raster.groups if unit.kind == "matrix" else 1
    kinds: tuple[Multiplier, ...] = ("lut",)
    if unit.weights is not None and target.resources is not None and target.resources.dsp:
        kinds = ("lut", "dsp")
    return [
        Candidate(
            layer.name,
            Folding(pe=pe, simd=simd, multiplier=kind),
            unit.cycles // (pe * simd),
            _cost(unit, pe, simd, kind, target),
        )
        for pe in _divisors(outputs)
        for simd in _divisors(inputs)
        for kind in kinds
        if pe * simd <= _MOST_LANES and pe * simd < outputs * inputs
    ]


def _cost(unit: FoldedPlan, pe: int, simd: int, kind: Multiplier, target: Target) -> Cost:
    """`pe` times `simd` of the layer's unit lane (pe 1, simd 1), its memories cut accordingly."""
    lanes = pe * simd
    width = max(unit.accumulators)
    products = [w for w in unit.terms.words if isinstance(w.op, Product)]
    after = [w for w in unit.epilogue.words if isinstance(w.op, Product)]
    product = sum(luts(unit.terms, w) for w in products) if kind == "lut" else 0
    rest = sum(
        luts(unit.epilogue, w)
        for w in unit.epilogue.words
        if kind == "lut" or not isinstance(w.op, Product)
    )
    sums = sum(adder_bits(unit.epilogue, w) for w in unit.epilogue.words if isinstance(w.op, Sum))
    logic = Cost(
        luts=lanes * product + (lanes - pe) * width + pe * (width + rest),
        adder_bits=lanes * width + pe * sums,
        ffs=lanes * sum(w.width for w in products) + pe * (width + rest // 2),
        dsps=(lanes * len(products) + pe * len(after)) if kind == "dsp" else 0,
    )
    word_lanes = simd if unit.kind == "matrix" else pe
    word = unit.stream(unit.inputs[0]).bits * word_lanes
    depth = max(2, unit.depth // word_lanes)
    total = logic + CONTROL
    total += memory_cost(
        depth, word, memory_style(target, depth, word, writable=True), target, rom=False
    )
    for rom, share in ((unit.weights, lanes), (unit.constants, pe)):
        if rom is not None and rom.depth > share:
            rows, bits = rom.depth // share, rom.stream.bits * share
            style = memory_style(target, rows, bits, writable=False)
            total += memory_cost(rows, bits, style, target, rom=True)
    return total


def _divisors(number: int) -> list[int]:
    return [d for d in range(1, number + 1) if number % d == 0]
