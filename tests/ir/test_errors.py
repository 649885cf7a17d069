"""Every misuse of a graph is an InputError with the right code."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import hwflow.ir
from hwflow.errors import InputError
from hwflow.ir import (
    Graph,
    GraphBuilder,
    IntType,
    Node,
    Overflow,
    Rounding,
    Value,
    evaluate,
    parse_graph,
    print_graph,
)
from hwflow.ir.ops import Add, Input
from hwflow.ir.params import checked_params

S8 = IntType.fixed(8)
MIXED = IntType(-8, 7, [0, 1])
Make = Callable[[GraphBuilder], Value]


def build(make: Make) -> Graph:
    b = GraphBuilder("wrong")
    return b.build({"y": make(b)})


def x(b: GraphBuilder, *shape: int, type: IntType = S8) -> Value:
    return b.input(f"x{len(shape)}_{'_'.join(map(str, shape))}", shape, type)


def after(make: Callable[[GraphBuilder], object]) -> Make:
    """`make`, then something valid as the output."""

    def both(b: GraphBuilder) -> Value:
        make(b)
        return x(b, 7, 7, 7)

    return both


SHAPE: dict[str, Make] = {
    "add": lambda b: b.add(x(b, 2), x(b, 3)),
    "compare": lambda b: b.compare("lt", x(b, 2), x(b, 3)),
    "select": lambda b: b.select(x(b, 2, type=IntType(0, 1)), x(b, 3), x(b, 1)),
    "shift_left": lambda b: b.shift_left(x(b, 2), x(b, 3, type=IntType(0, 3))),
    "matmul": lambda b: b.matmul(x(b, 3), b.const([[1], [2]])),
    "matmul rank": lambda b: b.matmul(x(b, 3), b.const([1, 2, 3])),
    "matmul scalar": lambda b: b.matmul(x(b), b.const([[1]])),
    "dot": lambda b: b.dot(x(b, 2, 3), x(b, 2, 2)),
    "dot rank": lambda b: b.dot(x(b, 2), x(b, 2, 2)),
    "dot lead": lambda b: b.dot(x(b, 1, 2, 2), x(b, 3, 2, 2)),
    "conv rank": lambda b: b.conv(x(b, 4), b.const(np.ones((2, 4, 1), dtype=int))),
    "conv 3d": lambda b: b.conv(x(b, 2, 2, 2, 1), b.const(np.ones((1, 1, 1, 1, 1), dtype=int))),
    "conv strides": lambda b: b.conv(x(b, 4, 1), b.const(np.ones((2, 1, 1), dtype=int)), (1, 1)),
    "conv stride 0": lambda b: b.conv(x(b, 4, 1), b.const(np.ones((2, 1, 1), dtype=int)), (0,)),
    "conv padding": lambda b: b.conv(
        x(b, 4, 1), b.const(np.ones((2, 1, 1), dtype=int)), padding=((-1, 0),)
    ),
    "conv huge": lambda b: b.conv(
        x(b, 4, 1), b.const(np.ones((2, 1, 1), dtype=int)), padding=((1 << 60, 0),)
    ),
    "conv groups": lambda b: b.conv(
        x(b, 4, 3), b.const(np.ones((2, 1, 2), dtype=int)), groups=2
    ),
    "conv channels": lambda b: b.conv(x(b, 4, 3), b.const(np.ones((2, 2, 2), dtype=int))),
    "conv window": lambda b: b.conv(
        x(b, 4, 1), b.const(np.ones((3, 1, 1), dtype=int)), dilation=(2,)
    ),
    "maxpool": lambda b: b.maxpool(x(b, 2, 1), (3,)),
    "maxpool rank": lambda b: b.maxpool(x(b, 2, 1), (1, 1)),
    "maxpool stride": lambda b: b.maxpool(x(b, 2, 1), (1,), (0,)),
    "reduce_sum": lambda b: b.reduce_sum(x(b, 2), (1,)),
    "reduce_sum none": lambda b: b.reduce_sum(x(b, 2), ()),
    "reduce_sum twice": lambda b: b.reduce_sum(x(b, 2), (0, 0)),
    "argmax": lambda b: b.argmax(x(b, 2), 1),
    "reshape": lambda b: b.reshape(x(b, 4), (3,)),
    "reshape negative": lambda b: b.reshape(x(b, 4), (-2, -2)),
    "transpose": lambda b: b.transpose(x(b, 2, 2), (0, 0)),
    "slice": lambda b: b.slice(x(b, 4), (0,), (5,)),
    "slice empty": lambda b: b.slice(x(b, 4), (2,), (2,)),
    "slice rank": lambda b: b.slice(x(b, 4), (0, 0), (1, 1)),
    "slice step": lambda b: b.slice(x(b, 4), (0,), (4,), (-1,)),
    "concat": lambda b: b.concat([x(b, 2, 2), x(b, 3, 3)], 0),
    "concat axis": lambda b: b.concat([x(b, 2)], 1),
    "concat none": after(lambda b: b.concat([], 0)),
    "pad": lambda b: b.pad(x(b, 2), (1, 1), (1, 1)),
    "pad negative": lambda b: b.pad(x(b, 2), (-1,), (0,)),
    "pad huge": lambda b: b.pad(x(b, 2), (1 << 60,), (0,)),
    "pad wide": lambda b: b.pad(x(b, 2), (1,), (0,), 1 << 300),
    "threshold": lambda b: b.threshold(x(b, 2), [[1, 2, 3]]),
    "threshold scalar": lambda b: b.threshold(x(b, 2), 3),
    "threshold rank": lambda b: b.threshold(x(b), [[1, 2]]),
    "lut rank": lambda b: b.lut(x(b, 2), -128, [[0] * 256]),
    "lut scalar": lambda b: b.lut(x(b, 2), -128, 5),
    "requant": lambda b: b.requant(
        x(b, 2), IntType(0, 1, [0, 1, 2]), Rounding.FLOOR, Overflow.WRAP
    ),
    "shift": lambda b: b.shift(x(b, 2), [1, 2, 3]),
    "shift far": lambda b: b.shift(x(b, 2), 1 << 70),
    "input type": lambda b: x(b, 2, type=IntType(0, [1, 2, 3])),
    "input empty": lambda b: x(b, 0),
    "input negative": lambda b: x(b, -1),
    "input huge": lambda b: x(b, 1 << 29),
    "input absurd": lambda b: x(b, 1 << 62, 1 << 62),
    "broadcast huge": lambda b: b.add(x(b, 1 << 20, 1), x(b, 1, 1 << 20)),
    "param": after(lambda b: b.param("p", (2,), IntType(0, [1, 2, 3]))),
    "const": after(lambda b: b.const(np.zeros((0, 2), dtype=int))),
    "const frac": after(lambda b: b.const([1, 2], frac=[1, 2, 3])),
    "const far": after(lambda b: b.const(1, frac=10**30)),
    "const wide": after(lambda b: b.const(1 << 300)),
}  # fmt: skip

TYPE: dict[str, Make] = {
    "compare": lambda b: b.compare("near", x(b), x(b, 1)),
    "select": lambda b: b.select(x(b), x(b, 1), x(b, 2)),
    "shift_left negative": lambda b: b.shift_left(x(b), x(b, 1)),
    "shift_left fraction": lambda b: b.shift_left(x(b), x(b, 1, type=IntType(0, 1, 1))),
    "shift_left wide": lambda b: b.shift_left(x(b), x(b, 1, type=IntType(0, 255))),
    "shift_left far": lambda b: b.shift_left(x(b), x(b, 1, type=IntType(0, 1 << 70))),
    "shift_right far": lambda b: b.shift_right(x(b), x(b, 1, type=IntType(0, 257))),
    "clz negative": lambda b: b.clz(x(b), 8),
    "clz narrow": lambda b: b.clz(x(b, type=IntType(0, 8)), 3),
    "clz width": lambda b: b.clz(x(b, type=IntType(0, 8)), -1),
    "clz far": lambda b: b.clz(x(b, type=IntType(0, 8)), 1 << 70),
    "dot": lambda b: b.dot(x(b, 1, 2), x(b, 2, 2, type=MIXED)),
    "matmul": lambda b: b.matmul(
        x(b, 2, 1, type=IntType(0, 1, [[0], [1]])), b.const([[1]])
    ),
    "matmul live": lambda b: b.matmul(x(b, 2), x(b, 2, 2)),
    "conv": lambda b: b.conv(
        x(b, 2, 1, type=IntType(0, 1, [[0], [1]])), b.const([[[1]]])
    ),
    "conv live": lambda b: b.conv(x(b, 2, 1), x(b, 1, 1, 1)),
    "maxpool": lambda b: b.maxpool(x(b, 2, 1, type=IntType(0, 1, [[0], [1]])), (2,)),
    "lut": lambda b: b.lut(x(b, 2), 0, range(10)),
    "lut empty": lambda b: b.lut(x(b, 2), 0, []),
}  # fmt: skip


@pytest.mark.parametrize("case", SHAPE)
def test_shapes(case: str) -> None:
    with pytest.raises(InputError) as caught:
        build(SHAPE[case])
    assert caught.value.code == "graph.shape"
    assert caught.value.message


@pytest.mark.parametrize("case", TYPE)
def test_types(case: str) -> None:
    with pytest.raises(InputError) as caught:
        build(TYPE[case])
    assert caught.value.code == "graph.type"


def code_of(graph: Callable[[], object]) -> str:
    with pytest.raises(InputError) as caught:
        graph()
    return caught.value.code


def test_repeated_squaring_is_refused_at_once() -> None:
    def squares(b: GraphBuilder) -> Value:
        value = x(b)
        for _ in range(60):
            value = b.mul(value, value)
        return value

    assert code_of(lambda: build(squares)) == "graph.shape"


@pytest.mark.parametrize("name", ["", "a b", "1a", "a.b", "a\n", "é", "a" * 64, "a-b", "$x"])
def test_names(name: str) -> None:
    node = Node("x", Input((), S8))
    renamed = Node(name, Input((), S8))
    assert code_of(lambda: Graph(name, (node,), (("y", "x"),))) == "graph.name"
    assert code_of(lambda: Graph("g", (renamed,), (("y", name),))) == "graph.name"
    assert code_of(lambda: Graph("g", (node,), ((name, "x"),))) == "graph.name"
    if name:
        add = Node("a", Add(), ("x", "x"), layer=name)
        assert code_of(lambda: Graph("g", (node, add), (("y", "x"),))) == "graph.name"


def test_duplicate_names() -> None:
    def twice(b: GraphBuilder) -> Value:
        b.input("x", (), S8)
        return b.input("x", (), S8)

    assert code_of(lambda: build(twice)) == "graph.name"


def test_order_arity_and_layers() -> None:
    node = Node("x", Input((), S8))
    early = Node("a", Add(), ("x", "later"), layer="a")
    later = Node("later", Add(), ("x", "x"), layer="b")
    outputs = (("y", "x"),)
    assert code_of(lambda: Graph("g", (node, early, later), outputs)) == "graph.order"
    self_made = Node("a", Add(), ("a", "x"), layer="a")
    assert code_of(lambda: Graph("g", (node, self_made), outputs)) == "graph.order"
    one = Node("a", Add(), ("x",), layer="a")
    assert code_of(lambda: Graph("g", (node, one), outputs)) == "graph.type"
    homeless = Node("a", Add(), ("x", "x"))
    assert code_of(lambda: Graph("g", (node, homeless), outputs)) == "graph.layer"


def test_layers_that_need_each_other() -> None:
    b = GraphBuilder("knot")
    value = b.input("x", (), S8)
    with b.layer("outer"):
        first = b.add(value, value)
    with b.layer("inner"):
        second = b.add(first, value)
    with b.layer("outer"):
        third = b.add(second, value)
    with pytest.raises(InputError, match="inner, outer need each other") as caught:
        b.build({"y": third})
    assert caught.value.code == "graph.layer"
    assert caught.value.hint


def test_outputs() -> None:
    node = Node("x", Input((), S8))
    assert code_of(lambda: Graph("g", (node,), ())) == "graph.output"
    assert code_of(lambda: Graph("g", (), (("y", "x"),))) == "graph.output"
    assert code_of(lambda: Graph("g", (node,), (("y", "z"),))) == "graph.output"
    assert code_of(lambda: Graph("g", (node,), (("y", "x"), ("y", "x")))) == "graph.output"


def test_messages_name_the_node_and_its_layer() -> None:
    b = GraphBuilder("wrong")
    with b.layer("dense"):
        y = b.matmul(x(b, 3), b.const([[1]]), name="product")
    with pytest.raises(InputError, match=r"product \(layer dense\): matmul of \(3,\)"):
        b.build({"y": y})


# Inputs of evaluate.


def two_inputs() -> Graph:
    b = GraphBuilder("two")
    w = b.param("w", (2, 1), IntType.fixed(3))
    return b.build({"y": b.add(b.matmul(b.input("a", (2,), S8), w), b.input("c", (1,), S8))})


GOOD: dict[str, Any] = {
    "a": np.ones((3, 2), dtype=int),
    "c": np.ones((3, 1), dtype=int),
    "w": [[1], [2]],
}


def test_good_inputs() -> None:
    graph = two_inputs()
    expected = [[4]] * 3
    assert evaluate(graph, GOOD)["y"].tolist() == expected
    assert evaluate(graph, GOOD | {"w": [[[1], [2]]]})["y"].tolist() == expected
    none: dict[str, Any] = {
        "a": np.ones((0, 2), dtype=int),
        "c": np.ones((0, 1), dtype=int),
        "w": [[1], [2]],
    }
    assert evaluate(graph, none)["y"].shape == (0, 1)
    wide = {**GOOD, "a": np.ones((3, 2), dtype=np.uint64)}
    assert evaluate(graph, wide)["y"].tolist() == expected


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("a", None),
        ("b", np.ones((3, 2), dtype=int)),
        ("a", np.ones((3, 2))),
        ("a", np.ones((3, 3), dtype=int)),
        ("a", np.ones(2, dtype=int)),
        ("a", 1),
        ("a", np.ones((2, 2), dtype=int)),
        ("a", [[1, 2], [3]]),
        ("a", [["p", "q"]] * 3),
        ("a", np.full((3, 2), 128)),
        ("a", np.full((3, 2), -129)),
        ("a", np.full((3, 2), 1 << 90, dtype=object)),
        ("w", [[4], [0]]),
        ("w", [[1, 2]]),
        ("w", [[[1], [2]]] * 3),
        ("w", None),
    ],
)
def test_wrong_inputs(name: str, value: object) -> None:
    values: dict[str, Any] = {**GOOD, name: value}
    if value is None:
        del values[name]
    with pytest.raises(InputError) as caught:
        evaluate(two_inputs(), values)
    assert caught.value.code == "run.input"
    assert name in caught.value.message


# Text.

TEXT = "hwflow-graph 1 g\nx = input(shape=[2], type=int(-8, 7, 0), rounding=floor, overflow=wrap)\n"


def test_text_accepts_comments_and_spaces() -> None:
    spaced = TEXT + "  # a comment\n\n  y  =  add( x ,x )  @top   \noutput  out  =  y  # the end\n"
    graph = parse_graph(spaced)
    assert graph.outputs == (("out", "y"),)
    assert print_graph(parse_graph(print_graph(graph))) == print_graph(graph)


def test_values_may_have_the_names_of_keywords() -> None:
    b = GraphBuilder("output")
    value = b.add(b.input("int", (), S8), b.const(1, name="floor"), name="output")
    graph = b.build({"input": value})
    assert print_graph(parse_graph(print_graph(graph))) == print_graph(graph)


@pytest.mark.parametrize(
    ("line", "column"),
    [
        ("y = add(x, x @l", 14),
        ("y = foo(x) @l", 5),
        ("y add(x, x) @l", 3),
        ("= add(x, x)", 1),
        ("y = add(x, x) @l @l", 18),
        ("y = add(x, x) l", 15),
        ("y = add(x, x) @", 16),
        ("y = add(x, kind=ge) @l", 5),
        ("y = compare(x, x) @l", 5),
        ("y = compare(kind=ge, x, x) @l", 23),
        ("y = compare(x, x, kind=ge, kind=gt) @l", 32),
        ("y = compare(x, x, kind=3) @l", 24),
        ("y = transpose(x, perm=0) @l", 23),
        ("y = transpose(x, perm=[0.5]) @l", 24),
        ("y = transpose(x, perm=[[0]]) @l", 23),
        ("y = transpose(x, perm=[" + "[" * 20, 32),
        ("y = const(values=[[1], [1, 2]], frac=0)", 40),
        ("y = const(values=ge, frac=0)", 29),
        ("y = const(values=@0, frac=0)", 19),
        ("y = const(values=@-1, frac=0)", 19),
        ("y = const(values=@99999999999999999999, frac=0)", 19),
        ("y = const(values=" + "9" * 81 + ", frac=0)", 18),
        ("y = const(values=1.5, frac=0)", 18),
        ("y = const(values=1e9, frac=0)", 18),
        ("y = input(shape=[2], type=int(1, 0, 0), rounding=floor, overflow=wrap)", 39),
        ("y = input(shape=[2], type=int(1, 0), rounding=floor, overflow=wrap)", 36),
        ("y = input(shape=[2], type=int(0, 1, 9999999), rounding=floor, overflow=wrap)", 45),
        ("y = input(shape=[2], type=int(0, 1, 0), rounding=up, overflow=wrap)", 50),
        ("y = input(shape=2, type=int(0, 1, 0), rounding=floor, overflow=wrap)", 17),
        ("output y", 9),
        ("output y = x x", 14),
        ("output y = 3", 12),
        ("\x00", 1),
        ("y = add(x, x) @l \u0663", 18),
    ],
)
def test_bad_lines(line: str, column: int) -> None:
    with pytest.raises(InputError) as caught:
        parse_graph(TEXT + line + "\noutput out = x\n", source="g.txt")
    error = caught.value
    assert error.code == "graph.syntax"
    assert error.place is not None
    assert (error.place.file, error.place.line) == ("g.txt", 3)
    assert error.place.column == column


@pytest.mark.parametrize("header", ["", "hwflow-graph 2 g", "hwflow-graph 1", "graph", "\x00"])
def test_bad_headers(header: str) -> None:
    with pytest.raises(InputError, match="expected 'hwflow-graph 1 NAME'") as caught:
        parse_graph(header + "\n")
    assert str(caught.value.place) == "graph:1:1"


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("y = input(shape=[-2], type=int(0, 1, 0), rounding=floor, overflow=wrap)", "graph.shape"),
        (
            "y = input(shape=[1, 0], type=int(0, 1, 0), rounding=floor, overflow=wrap)",
            "graph.shape",
        ),
        (
            "y = input(shape=[" + "9" * 80 + "], type=int(0, 1, 0), rounding=floor, overflow=wrap)",
            "graph.shape",
        ),
        ("y = pad(x, before=[" + "9" * 80 + "], after=[0], value=0) @l", "graph.shape"),
        ("y = shift(x, amount=" + "9" * 80 + ") @l", "graph.shape"),
        ("y = lut(x, start=0, values=5, frac=0) @l", "graph.shape"),
        ("y = reshape(x, shape=[" + "9" * 80 + "]) @l", "graph.shape"),
        ("y = maxpool(x, window=[], stride=[]) @l", "graph.shape"),
        ("y = reduce_sum(x, axes=[" + "9" * 80 + "]) @l", "graph.shape"),
        ("y = threshold(x, thresholds=[0], frac=" + "9" * 80 + ") @l", "graph.shape"),
        ("x = add(x, x) @l", "graph.name"),
        ("y = add(z, x) @l", "graph.order"),
        ("y = add(x, x)", "graph.layer"),
    ],
)
def test_well_formed_lines_that_break_a_rule(line: str, code: str) -> None:
    assert code_of(lambda: parse_graph(TEXT + line + "\noutput out = x\n")) == code


@pytest.mark.parametrize(
    ("value", "code"), [([1, 8], "weights.range"), ([1], "weights.shape"), (None, "weights.shape")]
)
def test_weights_that_do_not_fit(value: list[int] | None, code: str) -> None:
    b = GraphBuilder("g")
    x = b.input("x", (2,), IntType.fixed(4))
    graph = b.build({"y": b.add(x, b.param("w", (2,), IntType.fixed(4)))})
    given = {} if value is None else {"w": value}
    assert code_of(lambda: checked_params(graph, given)) == code


def test_every_code_of_the_package_is_tested_here() -> None:
    """The codes written in hwflow/ir, so that a new one gets a test."""
    folder = Path(hwflow.ir.__file__).parent
    source = "".join(p.read_text() for p in sorted(folder.rglob("*.py")))
    raised = set(re.findall(r'(?:InputError|InternalError)\(\s*"([a-z.-]+)"', source))
    assert raised == {
        "file.missing", "graph.layer", "graph.name", "graph.order", "graph.output",
        "graph.shape", "graph.syntax", "graph.type", "hwf.checksum", "hwf.format",
        "internal.bounds", "run.input", "weights.range", "weights.shape",
    }  # fmt: skip
