"""Designs that cannot fit are refused before anything slow, those that fit are not."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hwflow.errors import InputError
from hwflow.ir import Graph, GraphBuilder, IntType, Overflow, Rounding
from hwflow.plan import size
from hwflow.plan.folding import Folding
from hwflow.plan.plan import Options, make_plan
from hwflow.plan.size import check_fits, check_unrolled
from hwflow.plan.targets import TARGETS, target
from tests.econ_t import NPZ, published_encoder


def dense(inputs: int, outputs: int, bits: int = 6, density: float = 1.0) -> Graph:
    """A small layer called stem, then dense (inputs, outputs)."""
    rng = np.random.default_rng(inputs * outputs)
    weights = rng.integers(-31, 32, (inputs, outputs)) * (rng.random((inputs, outputs)) < density)
    b = GraphBuilder("net")
    x = b.input("x", (inputs,), IntType.fixed(bits))
    with b.layer("stem"):
        y = b.requant(b.mul(x, b.const(3)), IntType.fixed(bits), Rounding.FLOOR, Overflow.WRAP)
    with b.layer("dense"):
        y = b.matmul(y, b.const(weights))
    return b.build({"y": y})


def planned(graph: Graph, device: str) -> int:
    """LUTs of the plan."""
    return make_plan(graph, Options(target(device), Fraction(20_000_000))).cost.luts


def test_far_too_many_weights_are_refused_at_once() -> None:
    graph = dense(256, 256)
    with pytest.raises(InputError) as caught:
        check_unrolled(graph, {}, target("ice40-up5k"))
    error = caught.value
    assert error.code == "plan.too-large"
    assert "layer dense costs most" in error.message
    assert "5280 LUTs" in error.message
    for way in ("hardware.fold: {budget: device}", "pruning"):
        assert way in (error.hint or "")


def test_a_larger_device_of_the_family_is_named() -> None:
    graph = dense(128, 64)
    with pytest.raises(InputError) as caught:
        check_unrolled(graph, {}, target("ecp5-25k"))
    assert "hardware.target: ecp5-" in (caught.value.hint or "")
    check_unrolled(graph, {}, target("lut4"))  # no device, no limit


def test_no_device_helps_beyond_the_limit_of_weights() -> None:
    graph = dense(700, 700)
    for device in ("lut6", "ecp5-25k"):
        with pytest.raises(InputError) as caught:
            check_unrolled(graph, {}, target(device))
        assert "490001 weights" in caught.value.message
        assert "hardware.target" not in (caught.value.hint or "")


def test_the_estimate_of_a_plan_is_checked() -> None:
    plan = make_plan(dense(16, 16), Options(target("lut4"), Fraction(20_000_000)))
    check_fits(plan.layers, target("lut4"))
    check_fits(plan.layers, target("ice40-hx8k"))
    check_fits((), target("ice40-up5k"))
    with pytest.raises(InputError) as caught:
        check_fits(plan.layers * 10, target("ice40-up5k"))
    assert caught.value.code == "plan.too-large"
    assert "layer dense" in caught.value.message


def test_one_position_a_clock_makes_room() -> None:
    rng = np.random.default_rng(0)
    b = GraphBuilder("net")
    x = b.input("x", (32, 32, 4), IntType.fixed(6))
    with b.layer("conv"):
        y = b.conv(x, b.const(rng.integers(-31, 32, (3, 3, 4, 8))))
    graph = b.build({"y": y})
    with pytest.raises(InputError):
        check_unrolled(graph, {}, target("ecp5-45k"))
    check_unrolled(graph, {"conv": Folding(pos=1)}, target("ecp5-45k"))


@settings(max_examples=25, deadline=None)
@given(
    inputs=st.integers(1, 40),
    outputs=st.integers(1, 16),
    bits=st.integers(1, 12),
    density=st.sampled_from((0.1, 0.5, 1.0)),
)
def test_the_quick_bound_stays_below_the_plan(
    inputs: int, outputs: int, bits: int, density: float
) -> None:
    """So that nothing which fits by its plan is refused by the quick look."""
    graph = dense(inputs, outputs, bits, density)
    costs = [size.digit_bits(graph, layer, Folding()) for layer in graph.layers()]
    assert sum(costs) * size._SHARING <= planned(graph, "lut4")


def test_econ_t_is_not_refused(shared: Path) -> None:
    graph = published_encoder(shared / NPZ)
    for device in TARGETS:
        if device.resources is None or device.resources.lut >= 40_000:
            check_unrolled(graph, {}, device)
    with pytest.raises(InputError):
        check_unrolled(graph, {}, target("ice40-up5k"))


def test_equal_columns_count_once() -> None:
    b = GraphBuilder("net")
    x = b.input("x", (64,), IntType.fixed(6))
    with b.layer("dense"):
        column = np.random.default_rng(0).integers(-31, 32, (64, 1))
        y = b.matmul(x, b.const(np.repeat(column, 400, axis=1)))
    make_plan(b.build({"y": y}), Options(target("ice40-up5k"), Fraction(10_000_000)))


def test_estimates_grow_with_the_design() -> None:
    found = [planned(dense(n, 4), "lut4") for n in (2, 8, 24)]
    assert 0 < found[0] < found[1] < found[2]


def test_digits_of_wide_weights() -> None:
    for value, digits in ((0, 0), (7, 2), (-7, 2), (0b101, 2), ((1 << 100) - 1, 2), (1 << 62, 1)):
        assert size.signed_digits(np.array([value], dtype=object)) == digits
        if abs(value) < 1 << 62:
            assert size.signed_digits(np.array([value])) == digits
