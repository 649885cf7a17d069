"""What the accumulators of a folded layer take in a clock: weights and the circuit around them.

Two products with one operand in common can share a DSP: with ``W = (c << k) + b``, where k bits
hold every ``a * b``, the low k bits of ``a * W`` are ``a * b`` and what lies above is ``a * c``,
less one where ``a * b`` is negative. The table holds b and, for c, ``c - (b < 0)``: W is then
wires (Fu et al., "Deep Learning with INT8 Optimization on Xilinx Devices", WP486, 2016).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from hwflow.ir.exact import IntArray
from hwflow.ir.types import Rounding, TensorType
from hwflow.plan.circuit_builder import CircuitBuilder
from hwflow.plan.folding import Multiplier
from hwflow.plan.raster import Raster
from hwflow.plan.reduction import Reduction
from hwflow.plan.rom import Rom, rom_of
from hwflow.plan.streams import StreamType
from hwflow.plan.targets import DSP_OPERANDS, Family, Target
from hwflow.plan.words import Circuit, width_of

__all__ = ["Digits", "Terms", "borrowed", "digits_of", "lane_bounds", "pair_shifts", "terms_of"]

Bounds = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Digits:
    """Binary digits in which input words are taken, the highest first; `signed`: it subtracts."""

    count: int
    signed: bool


@dataclass(frozen=True, slots=True, eq=False)
class Terms:
    """`circuit` reads the lanes of a word, the number of the digit (if there are digits), and a
    row of `weights`; its outputs are what each accumulator takes."""

    circuit: Circuit
    weights: Rom | None


def digits_of(kind: TensorType) -> Digits:
    """The digits that every element of an input of type `kind` has."""
    lo, hi, _ = kind.elem.full(kind.shape)
    low, high = int(lo.min()), int(hi.max())
    return Digits(max(1, width_of(low, high)), low < 0)


def terms_of(
    reduction: Reduction,
    raster: Raster,
    word: StreamType,
    lanes: tuple[int, int],
    multiplier: Multiplier,
    digits: Digits | None,
    target: Target,
) -> Terms:
    """The terms of `reduction` for `lanes` (pe, simd) and words of type `word`."""
    pe, simd = lanes
    x = lane_bounds(word)
    if reduction.weights is None:
        builder = CircuitBuilder(x)
        return Terms(builder.build([builder.input(i) for i in range(len(x))]), None)
    rows = _rows(reduction, raster, pe, simd)
    low, high = rows.min(axis=0), rows.max(axis=0)
    shifts = np.zeros((pe // 2, simd), np.int64)
    if multiplier == "dsp" and reduction.kind == "matrix":
        shifts = pair_shifts(low, high, x, target)
    weights = rom_of(borrowed(rows, shifts).reshape(len(rows), -1), target)
    made = _Products(x, weights, (low, high), digits)
    terms = made.matrix(pe, simd, shifts) if reduction.kind == "matrix" else made.channels()
    return Terms(made.builder.build(terms), weights)


def lane_bounds(word: StreamType) -> list[Bounds]:
    """The values that the lanes of a word can carry."""
    return [
        (-(1 << (w - 1)) if s else 0, (1 << (w - 1 if s else w)) - 1) if w else (0, 0)
        for w, s in zip(word.widths, word.signed, strict=True)
    ]


def _rows(reduction: Reduction, raster: Raster, pe: int, simd: int) -> IntArray:
    """Weights (rows, pe, simd) in the order in which one position reads them."""
    assert reduction.weights is not None
    taps, groups, outputs = reduction.taps[0] * reduction.taps[1], raster.groups, reduction.outputs
    if reduction.kind == "matrix":
        cube = reduction.weights.reshape(-1, groups, simd, outputs // pe, pe)
        return cube.transpose(3, 0, 1, 4, 2).reshape(-1, pe, simd)
    return reduction.weights.reshape(taps, groups, pe).transpose(1, 0, 2).reshape(-1, pe, 1)


def pair_shifts(
    low: IntArray, high: IntArray, x: Sequence[Bounds], target: Target
) -> npt.NDArray[np.int64]:
    """How far the second product of each pair lies above the first in one DSP (pe // 2, simd).

    `low` and `high` (pe, simd) bound the weights, `x` the lanes; outputs 2i and 2i + 1 make a
    pair. 0 where the two stay apart: a DSP would not hold them, or one needs no multiplier.
    """
    pe, simd = low.shape
    shifts = np.zeros((pe // 2, simd), np.int64)
    for pair in range(pe // 2):
        for lane in range(simd):
            first, second = (
                (int(low[p, lane]), int(high[p, lane])) for p in (2 * pair, 2 * pair + 1)
            )
            shifts[pair, lane] = _shift(x[lane], first, second, target.family)
    return shifts


@lru_cache
def _shift(x: Bounds, first: Bounds, second: Bounds, family: Family) -> int:
    if any(lo == hi for lo, hi in (x, first, second)) or family not in DSP_OPERANDS:
        return 0
    shift = width_of(*_product(x, first))
    operands = sorted(width_of(min(lo, -1), hi) for lo, hi in (x, _joined(first, second, shift)))
    limits = sorted(DSP_OPERANDS[family])
    return shift if all(a <= b for a, b in zip(operands, limits, strict=True)) else 0


def _product(a: Bounds, b: Bounds) -> Bounds:
    corners = [p * q for p in a for q in b]
    return min(corners), max(corners)


def _joined(first: Bounds, second: Bounds, shift: int) -> Bounds:
    return (second[0] << shift) + first[0], (second[1] << shift) + first[1]


def borrowed(rows: IntArray, shifts: npt.NDArray[np.int64]) -> IntArray:
    """`rows` (..., pe, simd) with one taken from every second weight above a negative first."""
    if not shifts.any():
        return rows
    pairs = 2 * len(shifts)
    rows = rows.copy()
    rows[..., 1:pairs:2, :] -= (rows[..., 0:pairs:2, :] < 0) & (shifts > 0)
    return rows


class _Products:
    """Builds the circuit of terms from lanes `x`, a digit's number, and fields of `weights`."""

    def __init__(
        self,
        x: Sequence[Bounds],
        weights: Rom,
        bounds: tuple[IntArray, IntArray],
        digits: Digits | None,
    ) -> None:
        number = () if digits is None else ((0, digits.count - 1),)
        self.builder = CircuitBuilder((*x, *number, *weights.bounds))
        self.bounds = bounds
        first = len(x) + len(number)
        self.x = [self.builder.input(i) for i in range(len(x))]
        self.w = [self.builder.input(first + i) for i in range(len(weights.bounds))]
        if digits is not None:
            at = self.builder.input(len(x))
            self.x = [self.builder.digit(lane, at, digits.count) for lane in self.x]
        self.serial = digits is not None

    def channels(self) -> list[int]:
        """One product a lane."""
        return [self._product(x, w) for x, w in zip(self.x, self.w, strict=True)]

    def matrix(self, pe: int, simd: int, shifts: npt.NDArray[np.int64]) -> list[int]:
        """The sums over `simd` products of each of `pe` outputs."""
        sums, seconds = [], dict[int, int]()
        for p in range(pe):
            products = []
            for lane in range(simd):
                shift = int(shifts[p // 2, lane]) if p // 2 < len(shifts) else 0
                if not shift:
                    product = self._product(self.x[lane], self.w[p * simd + lane])
                elif p % 2:
                    product = seconds[lane]
                else:
                    product, seconds[lane] = self._both(p, lane, simd, shift)
                products.append(product)
            sums.append(self.builder.total(products))
        return sums

    def _product(self, x: int, w: int) -> int:
        if self.serial:
            return self.builder.mux(x, w, self.builder.literal(0))
        return self.builder.product(x, w)

    def _both(self, p: int, lane: int, simd: int, shift: int) -> tuple[int, int]:
        """The products of outputs p and p + 1 from one."""
        builder, x = self.builder, self.x[lane]
        first, second = (
            (int(self.bounds[0][q, lane]), int(self.bounds[1][q, lane])) for q in (p, p + 1)
        )
        fields = self.w[p * simd + lane], self.w[(p + 1) * simd + lane]
        joined = builder.join(*fields, shift, _joined(first, second, shift))
        both = builder.product(x, joined)
        below, above = (_product(builder.bounds(x), w) for w in (first, second))
        if below[0] < 0:
            half = 1 << (shift - 1)
            low = builder.wrap(both, -half, half - 1, below)
            return low, builder.round(both, shift, Rounding.HALF_UP, above)
        low = builder.wrap(both, 0, (1 << shift) - 1, below)
        return low, builder.round(both, shift, Rounding.FLOOR, above)
