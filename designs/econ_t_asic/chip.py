"""What lies around the encoder on the chip: converter, module sum, truncation and framing.

A wafer comes as 48 codes of 4 exponent and 3 mantissa bits and leaves as 32-bit words for 1 to 5
links. Loaded at run time: a calibration factor for each cell, the number of links, and (through
`hardware.weights`) the encoder's weights.
"""

from __future__ import annotations

from collections.abc import Callable

from hwflow.ir import GraphBuilder, IntType, Overflow, Rounding, Value
from hwflow.train.data.wafer import ARRANGEMENT, CELLS

OUTPUTS, OUTPUT_BITS = 16, 9
LINKS = {1: 1, 2: 3, 3: 5, 4: 7, 5: 9}
"""Bits of each encoder output that a number of links carries."""
SUM_BITS, WORD = 9, 32

CHARGE_FRAC = 7
"""Fraction bits of calibrated charge: the calibration factor's."""
CHARGE_BITS = 32
"""Bits of the sum of all calibrated charges: 48 * 15 * 255 * 2**14 is below 2**32."""
CELL_BITS, CELL_FRAC = 8, 7
"""A normalised cell; it is below 2, since no cell exceeds the sum."""


def unsigned(bits: int, frac: int = 0) -> IntType:
    """The type of `bits` unsigned bits."""
    return IntType.fixed(bits, frac, signed=False)


def chip(b: GraphBuilder, network: Callable[[Value], Value]) -> dict[str, Value]:
    """Codes (48,) of 7 bits to the frame (5,): words of 32 bits."""
    codes = b.input("codes", (CELLS,), unsigned(7))
    with b.layer("decode"):
        mantissa, exponent = decoded(b, codes)
    with b.layer("calibrate"):
        one = [1 << CHARGE_FRAC] * CELLS
        factor = b.param("calibration", (CELLS,), unsigned(8, CHARGE_FRAC), default=one)
        scaled = b.mul(mantissa, factor)
    with b.layer("normalise"):
        total = b.reduce_sum(b.shift_left(scaled, exponent), (0,))
        log = floor_log2(b, total)
        cells = normalised(b, scaled, exponent, log)
    with b.layer("arrange"):
        image = arranged(b, cells)
    y = network(image)
    with b.layer("sum"):
        module_sum = compressed(b, total, log)
    with b.layer("frame"):
        links = b.param("links", (), unsigned(3), default=5)
        frame = framed(b, links, module_sum, y)
    return {"frame": frame}


def low(b: GraphBuilder, x: Value, bits: int) -> Value:
    """The `bits` low bits of the integer x."""
    return b.requant(x, unsigned(bits), Rounding.FLOOR, Overflow.WRAP)


def above(b: GraphBuilder, x: Value, drop: int, bits: int) -> Value:
    """The `bits` bits of the integer x above its `drop` lowest ones."""
    return low(b, b.shift(x, -drop), bits)


def decoded(b: GraphBuilder, codes: Value) -> tuple[Value, Value]:
    """Mantissa (4 bits) and exponent of 4E+3M codes: m, or (8 + m) * 2**(e - 1) where e > 0."""
    e = above(b, codes, 3, 4)
    normal = b.compare("gt", e, b.const(0))
    mantissa = b.add(low(b, codes, 3), b.mul(normal, b.const(8)))
    return mantissa, b.lut(e, 0, [max(value - 1, 0) for value in range(16)])


def floor_log2(b: GraphBuilder, total: Value) -> Value:
    """floor(log2(total)) of the integer, 0 where it is 0."""
    zeros = b.clz(total, CHARGE_BITS)
    most = IntType(0, CHARGE_BITS - 1)
    zeros = b.requant(zeros, most, Rounding.FLOOR, Overflow.SATURATE)
    return b.sub(b.const(CHARGE_BITS - 1), zeros)


def normalised(b: GraphBuilder, scaled: Value, exponent: Value, log: Value) -> Value:
    """floor(charge * 2**7 / 2**log): the wafer by the power of two below its sum.

    The charge is scaled * 2**exponent: its 16 bits wait for the sum instead of 26, and one shift
    does both. It is never negative where the charge is not zero: the sum is at least the charge.
    """
    drop = low(b, b.sub(log, exponent), 5)
    raised = b.mul(scaled, b.const(1 << CELL_FRAC))
    whole = b.shift(b.shift_right(raised, drop), CHARGE_FRAC)
    return b.shift(low(b, whole, CELL_BITS), -CELL_FRAC)


def arranged(b: GraphBuilder, cells: Value) -> Value:
    """The 8x8 image; the lower right quadrant repeats cells 32-47."""
    one = [b.slice(cells, (k,), (k + 1,)) for k in range(CELLS)]
    return b.reshape(b.concat([one[k] for k in ARRANGEMENT.ravel()], 0), (8, 8, 1))


def compressed(b: GraphBuilder, total: Value, log: Value) -> Value:
    """floor(sum of charges) as 5E+4M: below 16 as it is, else its four bits below the highest.

    `log` counts from the lowest fraction bit of `total`.
    """
    first = CHARGE_FRAC + 4  # log of a charge of 16
    exponent = b.lut(log, 0, [max(n - first + 1, 0) for n in range(CHARGE_BITS)])
    drop = b.lut(log, 0, [max(n, first) - 4 for n in range(CHARGE_BITS)])
    whole = b.shift(b.shift_right(total, drop), CHARGE_FRAC)
    return b.add(b.mul(exponent, b.const(16)), low(b, whole, 4))


def framed(b: GraphBuilder, links: Value, module_sum: Value, y: Value) -> Value:
    """The words for 1 to 5 links; 0 counts as 1, 6 and 7 as 5.

    From bit 0: the module sum, then the highest bits of each output, the first output lowest.
    """
    whole = b.shift(y, OUTPUT_BITS - 1)  # the outputs as integers
    frame = packed(b, module_sum, whole, LINKS[1])
    for count in range(2, len(LINKS) + 1):
        enough = b.compare("ge", links, b.const(count))
        frame = b.select(enough, packed(b, module_sum, whole, LINKS[count]), frame)
    return frame


def packed(b: GraphBuilder, module_sum: Value, y: Value, bits: int) -> Value:
    """Sum and outputs of `bits` bits each as five words; unused ones are zero."""
    kept = above(b, y, OUTPUT_BITS - bits, bits)
    fields = b.mul(kept, b.const([1 << SUM_BITS + bits * k for k in range(OUTPUTS)]))
    vector = b.add(b.reduce_sum(fields, (0,)), module_sum)
    words = [b.reshape(above(b, vector, WORD * k, WORD), (1,)) for k in range(len(LINKS))]
    return b.concat(words, 0)
