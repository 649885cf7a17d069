"""Two products in one DSP, and inputs taken digit by digit: exact for every width and sign."""

from __future__ import annotations

import itertools
import random
from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, reject, settings
from hypothesis import strategies as st

from hwflow.errors import InputError
from hwflow.ir import Graph, GraphBuilder, IntType, Overflow, Rounding
from hwflow.plan.folded import FoldedPlan
from hwflow.plan.folding import Folding, Multiplier
from hwflow.plan.plan import Options, Plan, make_plan
from hwflow.plan.targets import DSP_OPERANDS, target
from hwflow.plan.words import In, Product, width_of
from tests.backends.chains import check
from tests.backends.folded_nets import divisors
from tests.backends.test_folded import KINDS, PHASES, SEEDS, planned_or_rejected, settled
from tests.backends.test_stalls import stress
from tests.plan.slow_words import evaluate_words, violations

DEVICES = ("ecp5-85k", "ice40-up5k", "xc7-a35t", "xcup-zu3eg")


def weights(rng: random.Random, shape: tuple[int, ...]) -> np.ndarray:  # type: ignore[type-arg]
    """Weights of random width and sign; often all lowest, all highest, or only those two."""
    bits, signed = rng.choice((1, 2, 3, 4, 5, 6, 8)), rng.random() < 0.8
    low, high = (-(1 << bits - 1), (1 << bits - 1) - 1) if signed else (0, (1 << bits) - 1)
    pools = (range(low, high + 1), (low, high), (low, -1), range(-high, high + 1), (low,))
    pool = rng.choices(pools, (3, 2, 2, 3, 1))[0]
    flat = [rng.choice(pool) for _ in range(int(np.prod(shape)))]
    return np.array(flat, dtype=np.int64).reshape(shape)


def one_layer(rng: random.Random) -> tuple[Graph, Folding]:
    """A dense layer, or a convolution with padding; its sums leave as they are, or rounded."""
    b = GraphBuilder("net")
    outputs, inputs = rng.choice((1, 2, 3, 4, 4, 6, 6)), rng.choice((1, 2, 3, 4))
    kind = IntType.fixed(rng.choice((1, 2, 3, 4, 5, 6, 7, 9)), 0, signed=rng.random() < 0.6)
    dense = rng.random() < 0.5
    x = b.input("x", (inputs,) if dense else (rng.randint(2, 4), 3, inputs), kind)
    with b.layer("layer"):
        if dense:
            y = b.matmul(x, b.const(weights(rng, (inputs, outputs))))
        else:
            y = b.conv(x, b.const(weights(rng, (2, 2, inputs, outputs))), padding=((1, 0), (0, 1)))
        if rng.random() < 0.5:
            y = b.requant(y, IntType.fixed(6, -2), Rounding.FLOOR, Overflow.SATURATE)
    pe = rng.choice(divisors(outputs)[-2:])
    return b.build({"y": y}), Folding(pe, rng.choice(divisors(inputs)))


def make(graph: Graph, fold: Mapping[str, Folding], device: str, mhz: int = 40) -> Plan:
    return make_plan(graph, Options(target(device), Fraction(mhz * 10**6), "valid_ready", fold))


def with_multiplier(folding: Folding, multiplier: Multiplier) -> dict[str, Folding]:
    return {"layer": replace(folding, multiplier=multiplier)}


def the_layer(plan: Plan) -> FoldedPlan:
    (layer,) = plan.layers
    assert isinstance(layer, FoldedPlan)
    return layer


def made_or_rejected(graph: Graph, folding: Folding, device: str) -> Plan:
    """The plan with DSPs, drawn again where the small device has too few."""
    try:
        return make(graph, with_multiplier(folding, "dsp"), device)
    except InputError as error:
        if error.code != "plan.too-large":
            raise
        reject()


@settings(max_examples=80, deadline=None, phases=PHASES, derandomize=True)
@given(seed=SEEDS, device=st.sampled_from(DEVICES))
def test_products_that_share_a_dsp(seed: int, device: str) -> None:
    rng = random.Random(seed)
    graph, folding = one_layer(rng)
    plan = made_or_rejected(graph, folding, device)
    check(plan, rng, 5)


@settings(max_examples=60, deadline=None, phases=PHASES, derandomize=True)
@given(seed=SEEDS, device=st.sampled_from(DEVICES))
def test_operands_fit_one_dsp(seed: int, device: str) -> None:
    """No DSP is asked for more bits than it has, unless a single product needs them."""
    rng = random.Random(seed)
    graph, folding = one_layer(rng)
    layer = the_layer(made_or_rejected(graph, folding, device))
    limits = sorted(DSP_OPERANDS[target(device).family])
    words = layer.terms.words
    for word in words:
        if isinstance(word.op, Product):
            a, b = (words[i] for i in (word.op.a, word.op.b))
            bits = sorted(width_of(min(w.lo, -1), w.hi) for w in (a, b))
            alone = isinstance(a.op, In) and isinstance(b.op, In)
            assert alone or all(p <= q for p, q in zip(bits, limits, strict=True))


@pytest.mark.parametrize(
    ("device", "x_bits", "w_bits", "together"),
    [
        ("ice40-up5k", 4, 6, True),
        ("ice40-up5k", 8, 4, True),
        ("ice40-up5k", 6, 6, False),
        ("ecp5-25k", 6, 6, True),
        ("ecp5-25k", 8, 8, False),
        ("xc7-a35t", 8, 8, True),
        ("xcup-zu3eg", 9, 9, True),
        ("xcup-zu3eg", 10, 10, False),
    ],
)
def test_when_two_share(device: str, x_bits: int, w_bits: int, together: bool) -> None:
    """All lowest, all highest and both mixed, with symmetric weights; half the DSPs."""
    b, rng = GraphBuilder("net"), random.Random(0)
    x = b.input("x", (4,), IntType.fixed(x_bits))
    most = (1 << (w_bits - 1)) - 1
    rows = np.array([[most, -most], [-most, most], [-most, -most], [most, most]])
    with b.layer("layer"):
        y = b.matmul(x, b.const(rows))
    plan = make(b.build({"y": y}), with_multiplier(Folding(2, 1), "dsp"), device)
    assert the_layer(plan).cost.dsps == (1 if together else 2)
    check(plan, rng, 12)


@pytest.mark.parametrize("w_low", [-4, 0, -7])
@pytest.mark.parametrize("signed", [False, True])
def test_every_pair_of_weights_times_every_input(w_low: int, signed: bool) -> None:
    """The circuit word by word: two products out of one, and each word within its bounds."""
    every = np.array(list(itertools.product(range(w_low, w_low + 8), repeat=2)))
    b, kind = GraphBuilder("net"), IntType.fixed(3, 0, signed=signed)
    x = b.input("x", (len(every),), kind)
    with b.layer("layer"):
        y = b.matmul(x, b.const(every))
    plan = make(b.build({"y": y}), with_multiplier(Folding(2, 1), "dsp"), "ecp5-25k")
    layer = the_layer(plan)
    assert layer.weights is not None
    assert sum(isinstance(word.op, Product) for word in layer.terms.words) == 1
    for row, pair in zip(layer.weights.values.tolist(), every.tolist(), strict=True):
        for value in range(int(kind.lo), int(kind.hi) + 1):
            known = evaluate_words(layer.terms, [value, *row])
            assert [known[o] for o in layer.terms.outputs] == [value * w for w in pair]
            assert violations(layer.terms, known) == []


@settings(max_examples=25, deadline=None, phases=PHASES, derandomize=True)
@given(seed=SEEDS, mhz=st.sampled_from((25, 150)))
def test_digits(seed: int, mhz: int) -> None:
    """As many times the clocks as inputs have digits."""
    rng = random.Random(seed)
    graph, folding = one_layer(rng)
    plan = make(graph, with_multiplier(folding, "serial"), "ecp5-85k", mhz)
    whole = make(graph, with_multiplier(folding, "lut"), "ecp5-85k", mhz)
    layer = the_layer(plan)
    assert layer.cycles == the_layer(whole).cycles * int(graph.types["x"].elem.max_width())
    assert not any(isinstance(word.op, Product) for word in layer.terms.words)
    check(plan, rng, 5)


def serial(plan: Plan) -> Plan:
    """The same with digits in every folded layer that has weights."""
    fold = {
        layer.name: replace(layer.folding, multiplier="serial")
        for layer in plan.layers
        if isinstance(layer, FoldedPlan) and layer.weights is not None
    }
    options = replace(plan.options, fold={**plan.options.fold, **fold})
    return make_plan(plan.graph, options)


@settings(max_examples=5, deadline=None, phases=PHASES, derandomize=True)
@given(seed=SEEDS, kind=KINDS, mhz=st.sampled_from((40, 150)))
def test_digits_in_random_networks(seed: int, kind: str, mhz: int) -> None:
    plan, rng = planned_or_rejected(seed, kind, mhz)
    plan = serial(plan)
    check(plan, rng, settled(plan))


@settings(max_examples=8, deadline=None, phases=PHASES, derandomize=True)
@given(seed=SEEDS, kind=KINDS)
def test_digits_with_gaps_and_stalls(seed: int, kind: str) -> None:
    plan, rng = planned_or_rejected(seed, kind)
    stress(serial(plan), rng, 3)
