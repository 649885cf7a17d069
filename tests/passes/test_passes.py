"""Each pass keeps every output, and every value it claims to have moved."""

from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hwflow.errors import InputError
from hwflow.ir import Graph, GraphBuilder, IntType, Overflow, Rounding, Value, evaluate
from hwflow.passes import PIPELINE, Pass, layer_graph, layer_widths, optimize
from hwflow.passes.drop_identities import drop_identities
from hwflow.passes.fold_constants import fold_constants
from hwflow.passes.fold_padding import fold_padding
from hwflow.passes.merge_reshapes import merge_reshapes
from hwflow.passes.remove_dead import remove_dead

PASSES = [*dict.fromkeys(PIPELINE), optimize]
WIDE = IntType.fixed(40, 4)


def step(b: GraphBuilder, rng: random.Random, x: Value, shape: tuple[int, ...]) -> Value:
    """One operation that keeps `shape` (h, w, c); many do nothing."""
    kind = rng.randrange(9)
    h, w, c = shape
    if kind == 0:
        return b.requant(x, WIDE, Rounding.HALF_EVEN, rng.choice(list(Overflow)))
    if kind == 1:
        return b.requant(x, IntType.fixed(5, 4), Rounding.FLOOR, rng.choice(list(Overflow)))
    if kind == 2:
        return b.shift(x, rng.choice([0, 0, 1]))
    if kind == 3:
        return b.reshape(b.reshape(x, (h * w * c,)), shape)
    if kind == 4:
        folded = b.add(b.const([1] * c, 4), b.const(rng.randint(-3, 3), 5))
        return b.requant(b.add(x, folded), WIDE, Rounding.FLOOR, Overflow.SATURATE)
    if kind == 5:
        b.mul(x, x)  # never used
        return x
    if kind == 6:
        return b.pad(x, (0, 0, 0), (0, 0, 0), rng.randint(0, 3))
    if kind == 7:
        return b.transpose(x, (0, 1, 2) if h != w or rng.random() < 0.5 else (1, 0, 2))
    top, left = rng.randint(0, 1), rng.randint(0, 1)
    fill = rng.choice([0, 0, 1])
    x = b.pad(x, (top, left, 0), (1, 1, 0), fill)
    kernel = np.array([rng.randint(-3, 3) for _ in range((2 + top) * (2 + left) * c * c)])
    x = b.conv(x, b.const(kernel.reshape(2 + top, 2 + left, c, c), 1))
    return b.requant(x, IntType.fixed(9, 4), Rounding.HALF_UP, Overflow.SATURATE)


def graph_of(seed: int) -> Graph:
    rng = random.Random(seed)
    b = GraphBuilder("random")
    shape = (rng.randint(2, 3), rng.randint(2, 3), rng.randint(1, 2))
    x = b.input("x", shape, IntType.fixed(8, 4))
    b.input("spare", (2,), IntType.fixed(3))
    values = [x]
    for index in range(rng.randint(1, 6)):
        with b.layer(f"layer{index}"):
            values.append(step(b, rng, rng.choice(values[-2:]), shape))
    with b.layer("last"):
        y = b.add(values[-1], rng.choice(values))
    outputs = {"y": y, "z": values[-1]} if values[-1] != x else {"y": y}
    return b.build(outputs)


@pytest.mark.parametrize("rewrite", PASSES)
@settings(max_examples=120, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_outputs_and_moved_values_stay(rewrite: Pass, seed: int) -> None:
    graph = graph_of(seed)
    result = rewrite(graph)
    rng = np.random.default_rng(seed)
    inputs = {n.name: rng.integers(-4, 4, (9, *graph.types[n.name].shape)) for n in graph.inputs}
    before, after = evaluate(graph, inputs, keep="all"), evaluate(result.graph, inputs, keep="all")
    assert [n.name for n in result.graph.inputs] == [n.name for n in graph.inputs]
    assert [o for o, _ in result.graph.outputs] == [o for o, _ in graph.outputs]
    for (_, old), (_, new) in zip(graph.outputs, result.graph.outputs, strict=True):
        assert np.array_equal(before[old], after[new])
    for name, array in before.items():
        now = result.moved.get(name, name)
        if now in after:
            assert np.array_equal(array, after[now]), name
            assert bool((graph.types[name].elem.frac == result.graph.types[now].elem.frac).all())
    again = rewrite(result.graph)
    assert again.graph == result.graph


def chain(*names: str) -> Graph:
    """One graph that holds something for each pass."""
    b = GraphBuilder("chain")
    x = b.input("x", (2, 2, 1), IntType.fixed(4, 1))
    with b.layer("a"):
        same = b.requant(x, IntType.fixed(4, 1), Rounding.FLOOR, Overflow.WRAP, name="same")
        padded = b.pad(same, (1, 0, 0), (0, 1, 0), name="padded")
        y = b.conv(padded, b.const(np.ones((2, 2, 1, 1), np.int64)), name="y")
        two = b.add(b.const(1), b.const(1), name="two")
        y = b.add(y, two)
        b.mul(y, y, name="unused")
    with b.layer("b"):
        flat = b.reshape(y, (4,), name="flat")
        back = b.reshape(flat, (2, 2, 1), name="back")
        z = b.mul(back, back, name="z")
    return b.build({"z": z})


def names(graph: Graph) -> set[str]:
    return {n.name for n in graph.nodes}


def test_each_pass_does_its_work() -> None:
    graph = chain()
    assert names(graph) - names(remove_dead(graph).graph) == {"unused"}
    assert drop_identities(graph).moved == {"same": "x"}
    assert fold_constants(graph).graph.node("two").op.name == "const"
    merged = merge_reshapes(graph)
    assert "back" in merged.moved
    assert not {"flat", "back"} & names(merged.graph)
    folded = fold_padding(graph).graph
    assert "padded" not in names(folded)
    assert folded.node("y").op.padding == ((1, 0), (0, 1))
    whole = optimize(graph)
    assert whole.moved["same"] == "x"
    assert names(whole.graph) & {"same", "padded", "flat", "back", "unused"} == set()


def test_an_output_stays_the_result_of_a_layer() -> None:
    b = GraphBuilder("idle")
    x = b.input("x", (2,), IntType.fixed(4))
    y = b.requant(x, IntType.fixed(4), Rounding.FLOOR, Overflow.WRAP)
    assert len(optimize(b.build({"y": y})).graph.layers()) == 1


def test_symmetric_saturation_of_the_whole_range_is_no_identity() -> None:
    b = GraphBuilder("symmetric")
    x = b.input("x", (2,), IntType.fixed(4))
    with b.layer("a"):
        y = b.requant(x, IntType.fixed(4), Rounding.FLOOR, Overflow.SATURATE_SYMMETRIC)
        y = b.add(y, b.const(1))
    assert drop_identities(b.build({"y": y})).moved == {}


def test_a_layer_alone_keeps_the_inputs_rounding() -> None:
    b = GraphBuilder("rule")
    x = b.input("x", (2,), IntType.fixed(4), Rounding.HALF_UP, Overflow.WRAP)
    with b.layer("a"):
        y = b.add(x, b.const(1))
    graph = b.build({"y": y})
    assert layer_graph(graph, "a").nodes[0] == graph.nodes[0]


def test_a_pad_that_is_not_zero_stays() -> None:
    b = GraphBuilder("one")
    x = b.input("x", (2, 2, 1), IntType.fixed(4))
    padded = b.pad(x, (1, 1, 0), (0, 0, 0), 1)
    y = b.conv(padded, b.const(np.ones((2, 2, 1, 1), np.int64)))
    graph = b.build({"y": y})
    assert fold_padding(graph).graph == graph


@settings(max_examples=80, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_layers_run_alone(seed: int) -> None:
    graph = optimize(graph_of(seed)).graph
    rng = np.random.default_rng(seed)
    inputs = {n.name: rng.integers(-4, 4, (5, *graph.types[n.name].shape)) for n in graph.inputs}
    values = evaluate(graph, inputs, keep="all")
    for layer in graph.layers():
        alone = layer_graph(graph, layer.name)
        assert [n.name for n in alone.inputs] == list(layer.inputs) or set(layer.inputs) == {
            n.name for n in alone.inputs
        }
        found = evaluate(alone, {n.name: values[n.name] for n in alone.inputs})
        assert set(found) == set(layer.outputs)
        for name, array in found.items():
            assert np.array_equal(array, values[name])


def test_an_unknown_layer_is_refused() -> None:
    with pytest.raises(InputError, match="no layer is called 'c'") as caught:
        layer_graph(chain(), "c")
    assert "a, b" in caught.value.hint


def test_widths() -> None:
    rows = {row.layer: row for row in layer_widths(optimize(chain()).graph)}
    assert (rows["a"].weights, rows["a"].inputs, rows["a"].outputs) == (1, 4, 7)
    assert rows["b"].weights == 0
