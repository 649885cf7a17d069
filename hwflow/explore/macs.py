"""Folded layers estimated in closed form, from one lane of each that is planned exactly."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from hwflow.errors import InputError
from hwflow.ir.exact import IntArray
from hwflow.ir.graph import Graph, Layer
from hwflow.plan.folded import (
    CONTROL,
    FoldedPlan,
    accumulator_cost,
    buffer_words,
    memory_cost,
    plan_folded,
)
from hwflow.plan.folding import Candidate, Cost, Folding, Multiplier
from hwflow.plan.layer import circuit_cost, stream_of
from hwflow.plan.rom import memory_style
from hwflow.plan.targets import Target, multiplies_in_dsps
from hwflow.plan.terms import borrowed, lane_bounds, pair_shifts
from hwflow.plan.words import Product

__all__ = ["mac_candidates"]

_MOST_LANES = 2048


def mac_candidates(graph: Graph, layer: Layer, target: Target, period: float) -> list[Candidate]:
    """Every pe x simd that divides the layer, with every kind of multipliers.

    Empty for a layer without folded form.
    """
    try:
        units = _units(graph, layer, target, period)
    except InputError:
        return []
    unit, outputs = units[0].lane, units[0].outputs
    inputs = unit.raster.groups if unit.kind == "matrix" else 1
    found = []
    for pe in _divisors(outputs):
        for simd in _divisors(inputs):
            share = pe * simd if unit.kind == "matrix" else pe
            # A table of one row would be a constant block, but a worse one.
            if pe * simd > _MOST_LANES or (unit.weights and share >= unit.weights.depth):
                continue
            word_lanes = simd if unit.kind == "matrix" else pe
            found += [
                Candidate(
                    layer.name,
                    Folding(pe, simd, multiplier=one.lane.folding.multiplier),
                    max(one.lane.cycles // (pe * simd), -(-unit.raster.words // word_lanes)),
                    _cost(one, pe, simd, target),
                )
                for one in units
            ]
    return found


@dataclass(frozen=True, slots=True)
class _Unit:
    """A layer's `lane` (pe 1, simd 1), its `outputs`, and what follows all of them at once."""

    lane: FoldedPlan
    outputs: int
    all_after: Cost

    def after(self, pe: int) -> Cost:
        """The operations after `pe` accumulators; constants are fixed where all have a lane."""
        if pe == self.outputs:
            return self.all_after
        dsp = self.lane.folding.multiplier == "dsp"
        return _times(circuit_cost(self.lane.epilogue, self.lane.epilogue_schedule, dsp=dsp), pe)


def _units(graph: Graph, layer: Layer, target: Target, period: float) -> list[_Unit]:
    """The layer's unit for each kind of multipliers that it and the device can have."""
    types = {v: graph.types[v] for v in layer.inputs}
    kinds: tuple[Multiplier, ...] = ("lut", "dsp") if multiplies_in_dsps(target) else ("lut",)
    units: list[_Unit] = []
    for kind in kinds:
        one = Folding(1, 1, multiplier=kind)
        lane = plan_folded(graph, layer, types, one, period, target)
        if kind == "dsp" and not _products(lane):
            break
        outputs = graph.types[layer.outputs[0]].size // lane.positions
        whole = plan_folded(graph, layer, types, replace(one, pe=outputs), period, target)
        after = circuit_cost(whole.epilogue, whole.epilogue_schedule, dsp=kind == "dsp")
        units.append(_Unit(lane, outputs, after))
    if units[0].lane.weights is not None:
        serial = Folding(1, 1, multiplier="serial")
        lane = plan_folded(graph, layer, types, serial, period, target)
        units.append(replace(units[0], lane=lane))
    return units


def _products(unit: FoldedPlan) -> bool:
    words = (*unit.terms.words, *unit.epilogue.words)
    return any(isinstance(w.op, Product) for w in words)


@dataclass(frozen=True, slots=True)
class _Fields:
    """A row of weights: its bits, the fields that ever change, and products that share a DSP.

    `rounding` are the LUTs that take the shared products apart.
    """

    bits: int = 0
    changing: int = 0
    shared: int = 0
    rounding: int = 0


def _fields(unit: FoldedPlan, outputs: int, pe: int, simd: int, target: Target) -> _Fields:
    """The row of weights for `pe` outputs and `simd` inputs."""
    if unit.weights is None:
        return _Fields()
    inner = simd if unit.kind == "matrix" else 1
    rows = unit.weights.values.reshape(outputs // pe, pe, -1, inner).swapaxes(1, 2)
    low, high = rows.min(axis=(0, 1)), rows.max(axis=(0, 1))
    changing = int(np.count_nonzero(low != high))
    if unit.folding.multiplier != "dsp" or unit.kind != "matrix":
        return _Fields(int(_widths(low, high).sum()), changing)
    word = stream_of(unit.types[unit.inputs[0]], unit.raster.words // simd)
    shifts = pair_shifts(low, high, lane_bounds(word), target)
    if shifts.any():
        rows = borrowed(rows, shifts)
        low, high = rows.min(axis=(0, 1)), rows.max(axis=(0, 1))
    shared = shifts > 0
    above = _widths(low, high)[1 : 2 * len(shifts) : 2] + word.widths[0]
    return _Fields(
        int(_widths(low, high).sum()),
        changing,
        int(np.count_nonzero(shared)),
        int(((above + (shifts + 2) // 3) * shared).sum()),
    )


def _widths(low: IntArray, high: IntArray) -> IntArray:
    """Bits of integers in ranges: two's complement where any is negative."""
    magnitude = np.maximum(np.where(low < 0, -low - 1, 0), np.maximum(high, 0))
    bits = np.ceil(np.log2(magnitude.astype(np.float64) + 1)).astype(np.int64)
    return np.asarray(bits + (low < 0))


def _cost(whole: _Unit, pe: int, simd: int, target: Target) -> Cost:
    """`pe` times `simd` of the layer's lane, its memories cut accordingly."""
    unit, outputs = whole.lane, whole.outputs
    fields, lanes = _fields(unit, outputs, pe, simd, target), pe * simd
    field_bits = fields.bits
    total = whole.after(pe) + CONTROL
    wide = unit.stream(unit.inputs[0]).bits
    word_lanes = simd if unit.kind == "matrix" else pe
    result = unit.accumulators[0]
    if unit.weights is not None:
        width = field_bits / lanes + (0 if unit.digits else wide)
        total += Cost(ffs=round(lanes * width))
        if unit.digits is not None:
            total += Cost(luts=word_lanes * (unit.digits.count - 1))
        elif unit.folding.multiplier == "dsp":
            total += Cost(luts=fields.rounding, dsps=fields.changing - fields.shared)
        else:
            total += Cost(luts=wide * field_bits)
        total += _times(_tree(simd, round(width), result), pe)
    total += accumulator_cost(pe, pe * result, unit.digits)
    word, depth = wide * word_lanes, buffer_words(-(-unit.raster.depth // word_lanes))
    style = memory_style(target, depth, word, writable=True)
    total += memory_cost(depth, word, style, target, rom=False)
    if unit.weights is not None:
        rows = max(1, unit.weights.depth // lanes)
        style = memory_style(target, rows, field_bits, writable=False)
        total += memory_cost(rows, field_bits, style, target, rom=True)
    if unit.constants is not None and outputs > pe:
        rows, bits = outputs // pe, unit.constants.stream.bits * pe
        style = memory_style(target, rows, bits, writable=False)
        total += memory_cost(rows, bits, style, target, rom=True)
    return total


def _tree(inputs: int, width: int, most: int) -> Cost:
    """Adders that sum `inputs` of `width` bits to at most `most` bits."""
    adders = bits = 0
    while inputs > 1:
        pairs, width = inputs // 2, min(width + 1, most)
        adders, bits, inputs = adders + pairs, bits + pairs * width, inputs - pairs
    return Cost(adders, bits, bits)


def _times(cost: Cost, count: int) -> Cost:
    return Cost(
        cost.adders * count,
        cost.adder_bits * count,
        cost.luts * count,
        cost.ffs * count,
        cost.dsps * count,
    )


def _divisors(number: int) -> list[int]:
    return [d for d in range(1, number + 1) if number % d == 0]
