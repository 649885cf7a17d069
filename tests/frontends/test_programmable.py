"""Weights loaded at run time: the same integers as with constant ones, in params."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from hwflow.frontends.qkeras import lower
from hwflow.ir import IntType, checked_params, evaluate
from hwflow.ir.ops import Const
from tests.frontends.networks import Net, bits, relu
from tests.frontends.test_random_networks import Maker

RNG = np.random.default_rng(2)


def small(bias: np.ndarray) -> Net:
    """A convolution and a dense layer with weights of six bits, four of them fraction."""
    net = Net((4, 4, 1), bits(8, 1))
    kernel = RNG.integers(-32, 32, (3, 3, 1, 2)) / 16
    net.product(
        "QConv2D", "conv", (2, 2, 2), kernel, bits(6, 1), bias / 16, bits(6, 1),
        strides=[2, 2], dilation_rate=[1, 1], padding="same", groups=1,
    )  # fmt: skip
    net.act("relu", relu(6, 2)).layer("Flatten", "flat", (8,))
    return net.dense("dense", RNG.integers(-32, 32, (8, 3)) / 16, bits(6, 1))


def test_params_have_the_quantizers_types_and_hold_the_trained_weights() -> None:
    network = small(np.array([3, -32])).network()
    lowered = lower(network, "n", programmable=True)
    graph = lowered.graph
    assert [n.name for n in graph.params] == ["conv_kernel", "conv_bias", "dense_kernel"]
    assert {graph.types[n.name].elem for n in graph.params} == {IntType(-32, 31, 4)}
    assert graph.types["conv_kernel"].shape == (3, 3, 1, 2)
    assert lowered.params["conv_bias"].tolist() == [3, -32]
    assert checked_params(graph, lowered.params).keys() == lowered.params.keys()
    assert not any(isinstance(n.op, Const) for n in graph.nodes)


def test_a_symmetric_quantizer_takes_all_values_of_its_bits() -> None:
    """What can be loaded must be what the graph expects."""
    net = Net((6,), bits(8, 1))
    net.dense("dense", np.full((6, 2), -1), {"class": "ternary", "config": {"alpha": 1.0}})
    lowered = lower(net.network(), "n", programmable=True)
    assert lowered.graph.types["dense_kernel"].elem == IntType(-2, 1)


def test_a_zero_bias_can_be_loaded_too() -> None:
    network = small(np.array([0, 0])).network()
    assert "conv_bias" in lower(network, "n", programmable=True).params
    assert "conv_add" not in lower(network, "n").graph.types


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_the_same_integers_as_with_constants(seed: int) -> None:
    network = Maker(seed).build().network()
    constant, loaded = lower(network, "n"), lower(network, "n", programmable=True)
    (source,) = constant.graph.inputs
    kind = constant.graph.types[source.name]
    rng = np.random.default_rng(seed)
    x = rng.integers(int(kind.elem.lo), int(kind.elem.hi) + 1, (20, *kind.shape))
    wanted = evaluate(constant.graph, {source.name: x})
    found = evaluate(loaded.graph, {source.name: x, **loaded.params})
    for name, value in constant.graph.outputs:
        other = loaded.graph.types[dict(loaded.graph.outputs)[name]]
        shift = other.elem.full(other.shape)[2] - constant.graph.types[value].elem.frac
        assert np.array_equal(np.ldexp(wanted[name].astype(float), shift), found[name])
