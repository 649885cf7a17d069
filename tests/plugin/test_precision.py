"""Conversions between hls4ml's number formats, against their definition on exact fractions."""

from __future__ import annotations

from fractions import Fraction
from math import floor

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hwflow.errors import InputError
from hwflow.frontends.exact.emitter import Emitter
from hwflow.frontends.hls4ml.precision import Fixed, codes_of, convert, fixed, printed, relu
from hwflow.ir import IntType, Rounding, evaluate

ROUNDINGS = ("TRN", "TRN_ZERO", "RND", "RND_ZERO", "RND_INF", "RND_MIN_INF", "RND_CONV")
OVERFLOWS = ("WRAP", "SAT", "SAT_SYM", "SAT_ZERO")


@st.composite
def formats(draw: st.DrawFn) -> Fixed:
    width = draw(st.integers(1, 8))
    return Fixed(
        width,
        draw(st.integers(-3, 8)),
        draw(st.booleans()) if width > 1 else False,
        draw(st.sampled_from(ROUNDINGS)),
        draw(st.sampled_from(OVERFLOWS)),
    )


def assigned(real: Fraction, to: Fixed) -> int:
    """The integer of `real` in `to`, by the words of ap_fixed's manual."""
    scaled = real * Fraction(2) ** to.frac
    down, half = floor(scaled), Fraction(1, 2)
    rest = scaled - down
    code = down if rest < half else down + 1
    if rest == half:
        code = {
            "RND": down + 1,
            "RND_ZERO": down if scaled > 0 else down + 1,
            "RND_INF": down + 1 if scaled > 0 else down,
            "RND_MIN_INF": down,
            "RND_CONV": down + down % 2,
        }.get(to.rounding, code)
    if to.rounding == "TRN":
        code = down
    elif to.rounding == "TRN_ZERO":
        code = down + 1 if scaled < 0 and rest else down
    low = -(2 ** (to.width - 1)) if to.signed else 0
    high = 2 ** (to.width - to.signed) - 1
    if to.overflow == "WRAP":
        return (code - low) % 2**to.width + low
    if low <= code <= high and not (to.overflow == "SAT_SYM" and to.signed and code == low):
        return code
    if to.overflow == "SAT_ZERO":
        return 0
    if code > high:
        return high
    return -high if to.overflow == "SAT_SYM" and to.signed else low


def _values(bits: int, frac: int, to: Fixed, top: int | None = None) -> tuple[np.ndarray, ...]:
    """Every integer of `bits` bits; what the graph makes of it as `to`, plainly and by ReLU."""
    emit = Emitter("conversion")
    x = emit.input("x", (1,), IntType.fixed(bits, frac), Rounding.FLOOR)
    plain, positive = convert(emit, "layer", x, to), relu(emit, "layer", x, to, top)
    graph = emit.build({"plain": plain, "positive": positive})
    codes = np.arange(-(1 << (bits - 1)), 1 << (bits - 1))
    result = evaluate(graph, {"x": codes[:, None]})
    found = []
    for name, value in graph.outputs:
        shift = to.frac - int(graph.types[value].elem.frac.max())
        assert shift >= 0, "a conversion leaves no bits below its type's last one"
        found.append(result[name][:, 0] * (1 << shift))
    return (codes, *found)


@given(formats(), st.integers(2, 7), st.integers(-3, 9))
def test_live_values_are_converted_as_cpp_assigns_them(to: Fixed, bits: int, frac: int) -> None:
    codes, plain, positive = _values(bits, frac, to)
    real = [Fraction(int(c)) / Fraction(2) ** frac for c in codes]
    assert plain.tolist() == [assigned(r, to) for r in real]
    assert positive.tolist() == [assigned(max(r, Fraction(0)), to) for r in real]


@given(formats(), st.integers(2, 7), st.integers(-3, 9), st.sampled_from((1, 6)))
def test_a_relu_with_a_top_is_clipped_before_it_is_converted(
    to: Fixed, bits: int, frac: int, top: int
) -> None:
    if frac < 0:
        frac = 0  # such an operand has no code for the top
    codes, _, positive = _values(bits, frac, to, top)
    real = [Fraction(int(c)) / Fraction(2) ** frac for c in codes]
    clipped = [min(max(r, Fraction(0)), Fraction(top)) for r in real]
    assert positive.tolist() == [assigned(r, to) for r in clipped]


@given(formats(), st.lists(st.integers(-4000, 4000), min_size=1, max_size=9), st.integers(0, 9))
def test_constants_are_converted_alike(to: Fixed, codes: list[int], frac: int) -> None:
    real = np.ldexp(np.array(codes, np.float64), -frac)
    assert codes_of(real, to).tolist() == [assigned(Fraction(r), to) for r in real.tolist()]


def test_weights_are_read_back_from_the_decimals_that_are_printed() -> None:
    """Just below a grid point: three decimals round up to it, truncation would not."""
    to = Fixed(6, 3)
    assert codes_of(np.array([0.2499]), to).tolist() == [1]
    assert codes_of(printed(np.array([0.2499, 0.24996]), to), to).tolist() == [2, 2]


class FixedPrecisionType:
    """What hls4ml's class of that name holds."""

    width, integer, signed, saturation_bits = 8, 3, True, 2


class FloatPrecisionType:
    def __str__(self) -> str:
        return "float"


@pytest.mark.parametrize("precision", [FixedPrecisionType(), FloatPrecisionType()])
def test_formats_without_an_integer_meaning_are_refused_by_name(precision: object) -> None:
    with pytest.raises(InputError, match="layer 'fc': accum") as caught:
        fixed(precision, "fc", "accum")
    assert caught.value.code == "hls4ml.precision"
