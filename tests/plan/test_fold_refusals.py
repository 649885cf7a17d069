"""Layers and foldings without a folded form: each is refused, and told what would do."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from hwflow.errors import InputError, Place
from hwflow.ir import GraphBuilder, IntType, Overflow, Rounding, Value
from hwflow.plan.folding import Folding, Multiplier
from hwflow.plan.plan import make_plan
from tests.plan.test_plan import options, refused

Layer = Callable[[GraphBuilder, Value], Value]
MIXED = IntType(-8, 7, np.array([0, 1, 2, 3]))
"""Channels with binary points of their own."""


def said(
    layer: Layer,
    fold: Folding = Folding(1, 1),  # noqa: B008 - frozen
    shape: tuple[int, ...] = (4, 4),
    kind: IntType | None = None,
) -> str:
    b = GraphBuilder("net")
    x = b.input("x", shape, kind or IntType.fixed(4, 1))
    with b.layer("layer"):
        y = layer(b, x)
    graph = b.build({"y": y})
    return refused("plan.fold", lambda: make_plan(graph, options({"layer": fold})))


def weights(b: GraphBuilder, *shape: int) -> Value:
    return b.const(np.arange(np.prod(shape)).reshape(shape) % 7 - 3)


def conv(b: GraphBuilder, x: Value) -> Value:
    return b.conv(x, weights(b, 2, 4, 6))


def dense(b: GraphBuilder, x: Value) -> Value:
    return b.matmul(b.reshape(x, (16,)), weights(b, 16, 6))


def depthwise(b: GraphBuilder, x: Value) -> Value:
    return b.conv(x, weights(b, 2, 1, 4), groups=4)


# Foldings that do not divide.


@pytest.mark.parametrize(
    ("layer", "fold", "expected"),
    [
        (conv, Folding(4, 1), "pe 4 does not divide its 6 outputs (1, 2, 3, 6 would)"),
        (conv, Folding(12, 1), "pe 12 does not divide its 6 outputs (1, 2, 3, 6 would)"),
        (conv, Folding(1, 3), "simd 3 does not divide its 4 inputs (1, 2, 4 would)"),
        (conv, Folding("all", 8), "simd 8 does not divide its 4 inputs (1, 2, 4 would)"),
        (dense, Folding(1, 3), "simd 3 does not divide its 16 inputs (1, 2, 4, 8, 16 would)"),
        (dense, Folding(5, "all"), "pe 5 does not divide its 6 outputs (1, 2, 3, 6 would)"),
        (depthwise, Folding(3, 1), "pe 3 does not divide its 4 outputs (1, 2, 4 would)"),
        (depthwise, Folding(2, 2), "simd 2: each channel is reduced on its own (simd: 1)"),
        (conv, Folding(2, 2, 3), "pos: 3 with pe or simd given: one position at a time (pos: 1)"),
    ],
)
def test_foldings_that_do_not_divide(layer: Layer, fold: Folding, expected: str) -> None:
    assert f"layer layer: {expected}" in said(layer, fold)


def test_both_numbers_are_told_at_once() -> None:
    message = said(conv, Folding(4, 3, 2))
    for part in ("pe 4", "simd 3", "pos: 2"):
        assert part in message


def test_the_place_is_the_users() -> None:
    place = Place("design.yaml", 7, 3)
    b = GraphBuilder("net")
    with b.layer("layer"):
        y = conv(b, b.input("x", (4, 4), IntType.fixed(4)))
    graph = b.build({"y": y})
    with pytest.raises(InputError) as caught:
        make_plan(graph, options({"layer": Folding(4, 1, place=place)}))
    assert caught.value.place == place


# Layers that are no reduction.


def two_inputs(b: GraphBuilder, x: Value) -> Value:
    return b.add(x, b.input("other", (4, 4), IntType.fixed(4, 1)))


def not_first(b: GraphBuilder, x: Value) -> Value:
    return b.matmul(b.mul(x, b.const(3)), weights(b, 16, 6))


def alone(b: GraphBuilder, x: Value) -> Value:
    return b.mul(x, b.const(3))


def pair_of(b: GraphBuilder, x: Value) -> Value:
    return b.concat([conv(b, x), b.conv(x, weights(b, 2, 4, 6))], 1)


def grouped(b: GraphBuilder, x: Value) -> Value:
    return b.conv(x, weights(b, 2, 2, 6), groups=2)


def per_position(b: GraphBuilder, x: Value) -> Value:
    """A bias for each position: its positions differ."""
    y = b.conv(x, weights(b, 3, 4, 2), padding=((1, 1),))
    return b.add(y, b.const(np.arange(8).reshape(4, 2)))


def some_axes(b: GraphBuilder, x: Value) -> Value:
    return b.reduce_sum(x, (0, 1))


def argmax(b: GraphBuilder, x: Value) -> Value:
    return b.argmax(b.reshape(x, (16,)))


def then_a_maximum(b: GraphBuilder, x: Value) -> Value:
    return b.argmax(b.matmul(b.reshape(x, (16,)), weights(b, 16, 6)))


def in_the_padding(b: GraphBuilder, x: Value) -> Value:
    return b.conv(x, weights(b, 2, 4, 6), padding=((2, 0),))


def between_taps(b: GraphBuilder, x: Value) -> Value:
    """One row, and taps on either side of it."""
    return b.conv(x, weights(b, 2, 1, 4, 6), padding=((1, 1), (0, 0)), dilation=(2, 1))


@pytest.mark.parametrize(
    ("layer", "expected", "shape"),
    [
        (two_inputs, "it has several inputs or outputs", (4, 4)),
        (not_first, "does not work element by element", (16,)),
        (alone, "it begins with mul", (4, 4)),
        (pair_of, "does not work element by element", (4, 4)),
        (grouped, "a convolution of 2 groups", (4, 4)),
        (per_position, "its positions do not all compute the same", (4, 4)),
        (some_axes, "it begins with reduce_sum over (4, 4)", (4, 4)),
        (argmax, "it begins with argmax", (4, 4)),
        (then_a_maximum, "does not work element by element", (4, 4)),
        (in_the_padding, "its first window lies in the padding", (4, 4)),
        (between_taps, "its first window lies in the padding", (1, 3, 4)),
    ],
)
def test_layers_that_have_no_folded_form(
    layer: Layer, expected: str, shape: tuple[int, ...]
) -> None:
    message = said(layer, shape=shape)
    assert expected in message
    assert "layer layer cannot be folded" in message
    assert "remove layer from hardware.fold" in message


def test_a_first_window_that_reads_something_is_folded() -> None:
    b = GraphBuilder("net")
    x = b.input("x", (4, 4), IntType.fixed(4))
    with b.layer("layer"):
        y = b.conv(x, weights(b, 2, 4, 6), padding=((1, 0),))
    make_plan(b.build({"y": y}), options({"layer": Folding(1, 1)}))


# Binary points and constants that outputs in turn cannot share.


def depthwise_mixed_weights(b: GraphBuilder, x: Value) -> Value:
    points = np.array([0, 1]).reshape(2, 1, 1) * np.ones((2, 1, 4), dtype=np.int64)
    values = np.arange(8).reshape(2, 1, 4)
    return b.conv(x, b.const(values, points), groups=4)


def pool(b: GraphBuilder, x: Value) -> Value:
    return b.maxpool(x, (2,))


def total(b: GraphBuilder, x: Value) -> Value:
    return b.reduce_sum(x, (0,))


def per_channel_types(b: GraphBuilder, x: Value) -> Value:
    kind = IntType(-8, 7, np.array([0, 1, 2, 3, 0, 1]))
    return b.requant(conv(b, x), kind, Rounding.FLOOR, Overflow.SATURATE)


def per_channel_shift(b: GraphBuilder, x: Value) -> Value:
    return b.shift(conv(b, x), [0, 1, 2, 3, 0, 1])


def per_channel_table(b: GraphBuilder, x: Value) -> Value:
    a = b.mul(b.matmul(b.reshape(x, (16,)), weights(b, 16, 2)), b.const([1, 1], [0, 3]))
    low, high = b.build({"a": a}).types[a.name].elem.full((2,))[:2]
    start, stop = int(low.min()), int(high.max())
    return b.lut(a, start, [k % 5 for k in range(stop - start + 1)])


def own_points(b: GraphBuilder, x: Value) -> Value:
    """Scores with a binary point for each, chosen by comparison."""
    a = b.matmul(b.reshape(x, (16,)), b.const(np.arange(32).reshape(16, 2), [0, 3]))
    return b.mul(a, b.const([1, 3], [0, 1]))


@pytest.mark.parametrize(
    ("layer", "expected", "kind"),
    [
        (depthwise_mixed_weights, "the binary point differs inside its window", None),
        (depthwise, "the binary point differs inside its window", MIXED),
        (pool, "its channels differ in their binary point", MIXED),
        (total, "its channels differ in their binary point", MIXED),
        (per_channel_types, "gives channels different types", None),
        (per_channel_shift, "shifts channels by different amounts", None),
        (own_points, "its outputs leave with binary points of their own", None),
        (per_channel_table, "reads channels of different binary points", None),
    ],
)
def test_what_outputs_cannot_share(layer: Layer, expected: str, kind: IntType | None) -> None:
    assert expected in said(layer, kind=kind)


@pytest.mark.parametrize("layer", [pool, total])
def test_digits_of_what_is_not_multiplied(layer: Layer) -> None:
    message = said(layer, Folding(2, 1, multiplier="serial"))
    assert "layer layer: multiplier: serial, but it multiplies nothing" in message


@pytest.mark.parametrize("multiplier", ["dsp", "serial"])
def test_multipliers_of_a_layer_that_is_not_folded(multiplier: Multiplier) -> None:
    message = said(dense, Folding(multiplier=multiplier))
    assert f"layer layer: multiplier: {multiplier}, but it is not folded" in message
