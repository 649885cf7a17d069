"""Plans: how layers are strung together, and what is refused with a reason."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Mapping
from fractions import Fraction

import pytest

from hwflow.catalogue import CATALOGUE
from hwflow.errors import InputError, InternalError
from hwflow.ir import Graph, GraphBuilder, IntType, Overflow, Rounding, Value
from hwflow.plan.archive import dump_circuits, load_circuits
from hwflow.plan.dataflow import Deserializer, Fork, Region, Serializer, WindowStage
from hwflow.plan.folding import Folding
from hwflow.plan.layer import stream_of
from hwflow.plan.plan import Options, Plan, make_plan
from hwflow.plan.record import plan_record
from hwflow.plan.streams import InterfaceKind
from hwflow.plan.targets import TARGETS, target

ONE = Folding(pos=1)


def options(
    fold: Mapping[str, Folding] | None = None, kind: InterfaceKind = "axi_stream", mhz: int = 40
) -> Options:
    return Options(target("ecp5-85k"), Fraction(mhz * 1_000_000), kind, fold or {})


def requant(b: GraphBuilder, x: Value) -> Value:
    return b.requant(x, IntType.fixed(4, 1), Rounding.HALF_EVEN, Overflow.SATURATE)


def network(outputs: str = "y") -> Graph:
    """conv (4x4x1 to 3x3x2), pool (to 2x2x2), dense (to 3)."""
    b = GraphBuilder("net")
    x = b.input("x", (4, 4, 1), IntType.fixed(4, 1))
    with b.layer("conv"):
        conv = requant(b, b.conv(x, b.const([[[[1, -2]], [[3, 1]]], [[[1, 1]], [[-5, 7]]]])))
    with b.layer("pool"):
        pool = b.maxpool(conv, (2, 2), (1, 1))
    with b.layer("dense"):
        flat = b.reshape(pool, (8,))
        y = requant(b, b.matmul(flat, b.const([[k - 4, 3 - k, 2 * k + 1] for k in range(8)])))
    return b.build({"y": y, "pool": pool} if outputs == "both" else {"y": y})


def refused(code: str, run: Callable[[], object]) -> str:
    """The message and hint of the refusal, which must be explained in the catalogue."""
    with pytest.raises(InputError) as caught:
        run()
    assert caught.value.code == code
    assert code in CATALOGUE
    assert caught.value.hint
    return f"{caught.value.message} | {caught.value.hint}"


def kinds(plan: Plan) -> list[str]:
    return [type(stage).__name__ for stage in plan.stages]


def test_parallel_layers_are_one_region() -> None:
    plan = make_plan(network(), options())
    (region,) = plan.stages
    assert isinstance(region, Region)
    assert [layer.name for layer in region.layers] == ["conv", "pool", "dense"]
    assert plan.interface.initiation_interval == 1
    assert plan.interface.inputs[0].stream.beats == 1
    assert plan.interface.inputs[0].data_bits == 64


@pytest.mark.parametrize(
    ("folded", "expected"),
    [
        (("conv",), ["WindowStage", "Deserializer", "Region"]),
        (("conv", "pool"), ["WindowStage", "WindowStage", "Deserializer", "Region"]),
        (("pool",), ["Region", "Serializer", "WindowStage", "Deserializer", "Region"]),
    ],
)
def test_converters_stand_where_beats_differ(folded: tuple[str, ...], expected: list[str]) -> None:
    plan = make_plan(network(), options(dict.fromkeys(folded, ONE)))
    assert kinds(plan) == expected
    assert plan.interface.inputs[0].stream.beats == (16 if "conv" in folded else 1)
    assert plan.interface.initiation_interval >= (16 if "conv" in folded else 9)


def test_region_times_follow_the_layers() -> None:
    plan = make_plan(network(), options(mhz=350))
    (region,) = plan.stages
    assert isinstance(region, Region)
    for layer in region.layers:
        start = max(region.times[v] for v in layer.inputs) + layer.waits
        assert region.starts[layer.name] == start
        assert all(region.times[v] == start + layer.latency for v in layer.outputs)
    assert region.latency == region.times[region.outputs[0]] > 2
    assert plan.interface.latency == region.latency + 1


def test_a_slower_clock_needs_no_more_registers() -> None:
    plans = [make_plan(network(), options(mhz=mhz)) for mhz in (20, 100, 350)]
    assert [p.cost.ffs for p in plans] == sorted(p.cost.ffs for p in plans)
    assert plans[0].cost.ffs == 0 < plans[2].cost.ffs
    assert len({(p.cost.luts, p.cost.adders, p.cost.adder_bits) for p in plans}) == 1
    assert plans[0].fmax_hz < plans[2].fmax_hz


def test_kept_circuits_give_the_same_plan() -> None:
    first = make_plan(network(), options({"conv": ONE}))
    kept = load_circuits(dump_circuits({layer.name: layer.circuit for layer in first.layers}))
    second = make_plan(network(), options({"conv": ONE}), kept)
    assert plan_record(first) == plan_record(second)
    for old, new in zip(first.layers, second.layers, strict=True):
        assert new.circuit is kept[new.name]
        assert old.circuit == new.circuit


def test_circuits_of_another_graph_are_not_used() -> None:
    first = make_plan(network(), options())
    wrong = {"conv": next(layer for layer in first.layers if layer.name == "dense").circuit}
    with pytest.raises(InternalError, match="another's"):
        make_plan(network(), options(), wrong)


def test_the_record_is_plain_data() -> None:
    record = plan_record(make_plan(network(), options({"conv": ONE, "pool": ONE})))
    assert json.loads(json.dumps(record)) == record
    assert record["bottleneck"] == "conv"
    assert [entry["cycles"] for entry in record["layers"]] == [16, 9, 1]
    assert record["total"]["luts"] == sum(entry["luts"] for entry in record["layers"]) > 0
    assert [entry["kind"] for entry in record["dataflow"]] == [
        "window", "window", "deserializer", "region",
    ]  # fmt: skip
    parallel = plan_record(make_plan(network(), options()))
    assert parallel["initiation_interval"] == 1


def test_progress_is_told_by_layer() -> None:
    told: list[tuple[float, str]] = []
    make_plan(network(), options(), progress=lambda f, text: told.append((f, text)))
    assert told[0] == (0.0, "adder graphs of 3 layers")
    assert [text.split()[-1] for _, text in told[1:]] == ["conv", "pool", "dense"]
    assert [f for f, _ in told] == sorted(f for f, _ in told)


def test_stages_are_of_known_kinds() -> None:
    plan = make_plan(network(), options({"pool": ONE}))
    assert {type(s) for s in plan.stages} == {Region, Serializer, WindowStage, Deserializer}


def test_lanes_take_the_widest_element() -> None:
    b = GraphBuilder("g")
    x = b.input("x", (2, 2), IntType([[0, -4], [-1, 0]], [[7, 3], [0, 0]]))
    kind = b.build({"y": b.mul(x, b.const(1))}).types["x"]
    assert stream_of(kind, 1).widths == (3, 3, 1, 0)
    assert stream_of(kind, 2).widths == (4, 3)
    assert stream_of(kind, 2).signed == (True, True)


# What is refused.


def test_unknown_layer_names_come_with_the_nearest() -> None:
    said = refused("plan.fold", lambda: make_plan(network(), options({"covn": ONE})))
    assert "'covn'" in said
    assert "did you mean 'conv'?" in said
    assert "conv, pool, dense" in said


def test_a_window_needs_something_to_slide_over() -> None:
    said = refused("plan.fold", lambda: make_plan(network(), options({"dense": ONE})))
    assert "dense" in said


@pytest.mark.parametrize(
    ("fold", "said"),
    [
        (Folding(pe=3), "pe 3 does not divide its 2 outputs (1, 2 would)"),
        (Folding(simd=3), "simd 3 does not divide its 1 inputs (1 would)"),
        (Folding(pos=2), "pos 2 does not divide its 9 positions (1, 3, 9 would)"),
    ],
)
def test_foldings_that_do_not_divide(fold: Folding, said: str) -> None:
    assert f"layer conv: {said}" in refused(
        "plan.fold", lambda: make_plan(network(), options({"conv": fold}))
    )


def test_valid_only_cannot_wait() -> None:
    fold = {"conv": ONE}
    said = refused("plan.interface", lambda: make_plan(network(), options(fold, "valid_only")))
    assert "conv" in said


def test_an_output_in_the_middle_of_a_chain() -> None:
    plan = make_plan(network("both"), options({"conv": ONE, "pool": ONE}))
    (fork,) = (s for s in plan.stages if isinstance(s, Fork))
    assert fork.writes[-1] == plan.links["pool"]
    assert [g.stream.beats for g in plan.interface.outputs] == [1, 4]
    assert make_plan(network("both"), options()).interface.outputs[1].tensor == "pool"


def test_a_branch_around_a_window() -> None:
    b = GraphBuilder("net")
    x = b.input("x", (4, 1), IntType.fixed(4))
    with b.layer("conv"):
        y = b.conv(x, b.const([[[3]]]))
    with b.layer("join"):
        z = b.add(y, x)
    graph = b.build({"z": z})
    assert kinds(make_plan(graph, options())) == ["Region"]
    whole = make_plan(graph, options({"conv": ONE}))
    assert [k for k in kinds(whole) if k != "Fifo"] == [
        "Fork", "WindowStage", "Deserializer", "Deserializer", "Region",
    ]  # fmt: skip
    beats = make_plan(graph, options({"conv": ONE, "join": ONE}))
    assert [k for k in kinds(beats) if k != "Fifo"] == ["Fork", "WindowStage", "Region"]
    assert beats.interface.latency < whole.interface.latency


def test_the_stream_before_is_read_twice() -> None:
    b = GraphBuilder("net")
    x = b.input("x", (4, 1), IntType.fixed(4))
    with b.layer("first"):
        y = b.conv(x, b.const([[[3]]]))
    with b.layer("second"):
        z = b.conv(y, b.const([[[5]]]))
    with b.layer("third"):
        w = b.conv(y, b.const([[[7]]]))
    graph = b.build({"z": z, "w": w})
    plan = make_plan(graph, options({"first": ONE, "second": ONE}))
    assert {"Fork", "WindowStage", "Deserializer", "Region"} <= set(kinds(plan))
    assert sum(len(s.layers) for s in plan.stages if isinstance(s, Region)) == 1


def simple(outputs: Callable[[GraphBuilder, Value, Value], dict[str, Value]]) -> Graph:
    b = GraphBuilder("net")
    x = b.input("x", (2,), IntType.fixed(4))
    with b.layer("layer"):
        y = b.mul(x, b.const([3, 5]))
    return b.build(outputs(b, x, y))


def test_outputs_that_no_layer_makes() -> None:
    copies = simple(lambda b, x, y: {"y": y, "copy": x})
    assert "copy" in refused("plan.port", lambda: make_plan(copies, options()))
    fixed = simple(lambda b, x, y: {"y": y, "one": b.const([1])})
    assert "one" in refused("plan.port", lambda: make_plan(fixed, options()))
    twice = simple(lambda b, x, y: {"y": y, "again": y})
    assert "again" in refused("plan.port", lambda: make_plan(twice, options()))


def test_inputs_that_nothing_reads() -> None:
    b = GraphBuilder("net")
    x = b.input("x", (2,), IntType.fixed(4))
    b.input("idle", (2,), IntType.fixed(4))
    graph = b.build({"y": b.mul(x, b.const(3))})
    assert "idle" in refused("plan.port", lambda: make_plan(graph, options()))


@pytest.mark.parametrize("where", ["input", "output"])
def test_values_wider_than_a_lane(where: str) -> None:
    b = GraphBuilder("net")
    x = b.input("x", (1,), IntType.fixed(63 if where == "input" else 40))
    y = b.requant(x, IntType.fixed(4), Rounding.FLOOR, Overflow.SATURATE)
    graph = b.build({"y": y if where == "input" else b.mul(x, x)})
    if where == "output":
        b = GraphBuilder("net")
        x = b.input("x", (1,), IntType.fixed(40))
        graph = b.build({"y": b.mul(x, x)})
    assert "62" in refused("plan.operation", lambda: make_plan(graph, options()))


@pytest.mark.parametrize("kind", [IntType(0, 5), IntType(-1, 1), IntType([0, 0], [3, 4])])
def test_params_that_could_be_loaded_with_more_than_their_type(kind: IntType) -> None:
    b = GraphBuilder("loaded")
    x = b.input("x", (2,), IntType.fixed(4))
    graph = b.build({"y": b.add(x, b.param("offset", (2,), kind))})
    assert "offset" in refused("plan.operation", lambda: make_plan(graph, options()))


@pytest.mark.parametrize("name", ["buffer_8", "serializer_x", "deserializer_y", "conv__kernel"])
def test_layers_called_like_our_modules(name: str) -> None:
    b = GraphBuilder("net")
    x = b.input("x", (2,), IntType.fixed(4))
    with b.layer(name):
        y = b.mul(x, b.const(3))
    graph = b.build({"y": y})
    assert name in refused("plan.name", lambda: make_plan(graph, options()))


@pytest.mark.parametrize("device", [t.name for t in TARGETS])
def test_a_clock_without_time_for_a_lut(device: str) -> None:
    def plan(mhz: int) -> Plan:
        chosen = Options(target(device), Fraction(mhz * 1_000_000), "axi_stream", {})
        return make_plan(network(), chosen)

    said = refused("plan.clock", lambda: plan(5000))
    fastest = int(said.rpartition("at most ")[2].removesuffix(" MHz"))
    assert plan(fastest).fmax_hz <= fastest * 1e6 * 1.001
    refused("plan.clock", lambda: plan(fastest + 1))


def test_random_names_do_not_collide() -> None:
    """Values, layers and ports may share names."""
    b = GraphBuilder("x")
    x = b.input("x", (2,), IntType.fixed(4))
    with b.layer("x"):
        y = b.mul(x, b.const([random.Random(0).randint(3, 5), 7]), name="clk")
    make_plan(b.build({"x": y}), options())
