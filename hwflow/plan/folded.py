"""The plan of a folded layer: a line buffer, tables of weights, multipliers, accumulators."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from hwflow.errors import InputError
from hwflow.ir import ops
from hwflow.ir.graph import Graph, Layer
from hwflow.ir.types import IntType, TensorType
from hwflow.plan.epilogue import Epilogue, epilogue_of
from hwflow.plan.folding import Cost, Folding
from hwflow.plan.kernel import Kernel, Window, kernel_of
from hwflow.plan.layer import circuit_cost, stream_of
from hwflow.plan.raster import Raster, raster_of
from hwflow.plan.reduction import Reduction, reduction_of
from hwflow.plan.rom import MemoryStyle, Rom, block_rams, memory_style, rom_of
from hwflow.plan.schedule import Schedule, schedule
from hwflow.plan.streams import StreamType
from hwflow.plan.targets import DelayModel, Target
from hwflow.plan.terms import Digits, digits_of, terms_of
from hwflow.plan.words import Circuit, Mux, Product, width_of

__all__ = [
    "CONTROL", "FoldedPlan", "accumulator_cost", "buffer_words", "memory_cost", "plan_folded",
]  # fmt: skip


_DSP_ROUTE = 2.0
"""LUT delays from a DSP to the adders behind it: DSPs lie in columns, and not where one wants."""


@dataclass(frozen=True, slots=True, eq=False)
class FoldedPlan:
    """One folded layer.

    Input words of `simd` lanes go into a line buffer of `depth` words and are read in the order
    of `raster`. `terms` is the circuit from one word (and one row of `weights`) to what each of
    the `pe` accumulators takes in a clock, `epilogue` that from accumulators (and a row of
    `constants`) to outputs. `accumulators` are their widths in bits. With `digits` each word
    is read once for every digit, and the accumulators double before the next.
    """

    name: str
    operations: tuple[str, ...]
    folding: Folding
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    types: Mapping[str, TensorType]
    kind: str
    raster: Raster
    depth: int
    buffer_style: MemoryStyle
    weights: Rom | None
    constants: Rom | None
    digits: Digits | None
    terms: Circuit
    terms_schedule: Schedule
    epilogue: Circuit
    epilogue_schedule: Schedule
    accumulators: tuple[int, ...]
    cost: Cost
    worst: float

    @property
    def latency(self) -> int:
        """Registers from reading the last word of an accumulation to its outputs."""
        return 2 + self.terms_schedule.latency + self.epilogue_schedule.latency

    @property
    def cycles(self) -> int:
        """Clock cycles a tensor."""
        return self.raster.steps

    @property
    def positions(self) -> int:
        """Output positions."""
        return self.raster.positions

    def stream(self, value: str) -> StreamType:
        """How `value` travels into or out of this layer."""
        if value in self.inputs:
            return stream_of(self.types[value], self.raster.words)
        return stream_of(self.types[value], self.cycles // self.raster.length)


def plan_folded(
    graph: Graph,
    layer: Layer,
    types: Mapping[str, TensorType],
    folding: Folding,
    period: float,
    target: Target,
) -> FoldedPlan:
    """Plan `layer` with pe and simd as `folding` asks, for a clock of `period` ns.

    Raises:
        InputError: "plan.fold": the layer has no folded form, or the folding does not divide it.
    """
    kernel = kernel_of(graph, layer, types)
    reduction = reduction_of(kernel)
    pe, simd = _lanes(layer.name, reduction, kernel, types[layer.inputs[0]].shape, folding)
    folding = replace(folding, pe=pe, simd=simd)
    window = _window(kernel, reduction, types[layer.inputs[0]].shape)
    groups = window.shape[-1] // (simd if reduction.kind == "matrix" else pe)
    digits = _digits(layer, reduction, types[layer.inputs[0]], folding)
    raster = raster_of(
        reduction.kind, window, reduction.taps, reduction.dilation, groups, reduction.outputs // pe,
        1 if digits is None else digits.count,
    )  # fmt: skip
    word = stream_of(types[layer.inputs[0]], raster.words)
    depth = buffer_words(raster.depth)
    terms = terms_of(reduction, raster, word, (pe, simd), folding.multiplier, digits, target)
    weights = terms.weights
    epilogue = epilogue_of(kernel.graph, reduction, pe)
    model = target.delay
    if folding.multiplier == "dsp":
        model = replace(model, product=model.dsp)
    constants = None if epilogue.table is None else rom_of(epilogue.table, target)
    buffer_style = memory_style(target, depth, word.bits, writable=True)
    read = max(model.lut, _read(buffer_style, model), _read(_style(weights), model))
    away = _DSP_ROUTE * model.lut if folding.multiplier == "dsp" else 0.0
    timing = schedule(terms.circuit, period, model, read, (Product, Mux), away)
    after = schedule(epilogue.circuit, period, model, _read(_style(constants), model))
    accumulators = _accumulators(reduction, pe)
    doubling = 1 if digits is None else 2
    plan = FoldedPlan(
        layer.name,
        tuple(n.op.name for n in layer.nodes if not isinstance(n.op, (ops.Const, ops.Input))),
        folding,
        layer.inputs,
        layer.outputs,
        _types(graph, layer, types, epilogue),
        reduction.kind,
        raster,
        depth,
        buffer_style,
        weights,
        constants,
        digits,
        terms.circuit,
        timing,
        epilogue.circuit,
        after,
        accumulators,
        Cost(),
        max(timing.worst, after.worst, model.adder(max(accumulators)) + model.lut * doubling),
    )
    return replace(plan, cost=_cost(plan, word, target))


def _style(rom: Rom | None) -> MemoryStyle | None:
    return rom.style if rom is not None else None


def _read(style: MemoryStyle | None, model: DelayModel) -> float:
    """How long after a clock edge a memory's word is there, in ns."""
    return model.bram if style == "block" else 0.0


def _digits(
    layer: Layer, reduction: Reduction, kind: TensorType, folding: Folding
) -> Digits | None:
    """The digits of input words, None where words are multiplied at once."""
    if folding.multiplier != "serial":
        return None
    if reduction.weights is None:
        raise InputError(
            "plan.fold",
            f"layer {layer.name}: multiplier: serial, but it multiplies nothing",
            hint=f"remove multiplier from {layer.name}",
            place=folding.place,
        )
    return digits_of(kind)


def _window(kernel: Kernel, reduction: Reduction, shape: tuple[int, ...]) -> Window:
    """How the layer's window slides; a layer of one position sees the whole tensor at once."""
    if kernel.window is not None:
        return kernel.window
    if reduction.kind == "matrix":
        shape = (1, int(np.prod(shape)))
    ones, none = (1,) * (len(shape) - 1), ((0, 0),) * (len(shape) - 1)
    return Window(shape, shape[:-1], ones, none)


def _types(
    graph: Graph, layer: Layer, types: Mapping[str, TensorType], epilogue: Epilogue
) -> dict[str, TensorType]:
    """The layer's values as the hardware carries them: outputs that share a lane share a type."""
    known = {v: types[v] for v in layer.inputs}
    value = layer.outputs[0]
    result, lanes = (
        graph.types[value],
        [epilogue.circuit.words[o] for o in epilogue.circuit.outputs],
    )
    lo, hi = (
        np.tile(np.array(side, dtype=object), result.size // len(lanes)).reshape(result.shape)
        for side in ([w.lo for w in lanes], [w.hi for w in lanes])
    )
    known[value] = TensorType(result.shape, IntType(lo, hi, result.elem.full(result.shape)[2]))
    return known


def _lanes(
    layer: str, reduction: Reduction, kernel: Kernel, shape: tuple[int, ...], folding: Folding
) -> tuple[int, int]:
    inputs = shape[-1]
    if reduction.kind == "matrix" and kernel.window is None:
        inputs = int(np.prod(shape))
    pe = reduction.outputs if folding.pe == "all" else folding.pe
    simd = inputs if folding.simd == "all" else folding.simd
    problems = []
    if folding.pos not in ("all", 1) or (folding.pos == "all" and kernel.positions > 1):
        found = f"pos: {folding.pos}"
        if folding.pos != "all":
            problems.append(f"{found} with pe or simd given: one position at a time (pos: 1)")
    if reduction.outputs % pe:
        problems.append(
            f"pe {pe} does not divide its {reduction.outputs} outputs "
            f"({_divisors(reduction.outputs)} would)"
        )
    if reduction.kind == "matrix" and inputs % simd:
        problems.append(
            f"simd {simd} does not divide its {inputs} inputs ({_divisors(inputs)} would)"
        )
    if reduction.kind != "matrix" and folding.simd not in ("all", 1):
        problems.append(f"simd {simd}: each channel is reduced on its own (simd: 1)")
    if problems:
        raise InputError(
            "plan.fold",
            f"layer {layer}: " + "; ".join(problems),
            hint="choose foldings that divide the layer, or give target_ii or a budget instead",
            place=folding.place,
        )
    return pe, simd if reduction.kind == "matrix" else 1


def _divisors(number: int) -> str:
    return ", ".join(str(d) for d in range(1, number + 1) if number % d == 0)


def _accumulators(reduction: Reduction, pe: int) -> tuple[int, ...]:
    lo, hi = (side.reshape(-1, pe) for side in (reduction.lo, reduction.hi))
    bounds = zip(lo.min(axis=0), hi.max(axis=0), strict=True)
    return tuple(max(1, width_of(int(a), int(b))) for a, b in bounds)


def _cost(plan: FoldedPlan, word: StreamType, target: Target) -> Cost:
    dsp = plan.folding.multiplier == "dsp"
    total = circuit_cost(plan.terms, plan.terms_schedule, dsp=dsp)
    total += circuit_cost(plan.epilogue, plan.epilogue_schedule, dsp=dsp)
    if plan.digits is not None:
        # A weight times a digit is the synchronous reset of the register behind it.
        total += Cost(luts=-sum(w.width for w in plan.terms.words if isinstance(w.op, Mux)))
    bits = sum(plan.accumulators)
    total += accumulator_cost(len(plan.accumulators), bits, plan.digits)
    total += memory_cost(plan.depth, word.bits, plan.buffer_style, target, rom=False)
    for rom in (plan.weights, plan.constants):
        if rom is not None:
            total += memory_cost(rom.depth, rom.stream.bits, rom.style, target, rom=True)
    return total + CONTROL


def accumulator_cost(count: int, bits: int, digits: Digits | None) -> Cost:
    """`count` accumulators of together `bits`; for digits they double, and subtract the signs."""
    extra = 0 if digits is None else bits * ((digits.count > 1) + digits.signed)
    return Cost(count, bits, bits + extra, bits)


CONTROL = Cost(luts=110, ffs=70)
"""Counters, addresses and handshake of a folded layer: what small ones were counted to need."""


def buffer_words(needed: int) -> int:
    """Words of a line buffer that holds `needed`: addresses wrap round at a power of two."""
    return 1 << max(1, (needed - 1).bit_length())


def memory_cost(words: int, bits: int, style: MemoryStyle, target: Target, *, rom: bool) -> Cost:
    """A table or line buffer of `words` of `bits`."""
    if style == "block":
        return Cost(brams=block_rams(target, words, bits))
    inputs = target.lut_inputs
    if rom:
        return Cost(luts=bits * max(1, -(-words // (1 << inputs))), ffs=bits)
    if style == "distributed":
        return Cost(luts=bits * -(-words // 16) + (bits * (-(-words // 16) - 1)), ffs=bits)
    return Cost(luts=bits * words // 2, ffs=bits * (words + 1))
