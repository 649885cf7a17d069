"""Native replay: values, timing, and every kind of failure it has to see."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from hwflow.errors import CheckFailed, InputError
from hwflow.plan.streams import Interface
from hwflow.verify.rtl import LayerPorts, Replay, build_replay, check_timing, lint, replay_layer
from tests.verify.rtl import designs
from tests.verify.rtl.designs import ADDER_TREE, INTERFACES, NEGATE_PAIR, SERIAL_SUM

pytestmark = pytest.mark.tool
Built = Callable[[Interface], Replay]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    cache: dict[str, Replay] = {}

    def build(interface: Interface) -> Replay:
        if interface.top not in cache:
            work = tmp_path_factory.mktemp(interface.top)
            cache[interface.top] = build_replay(designs.rtl(interface), interface, work)
        return cache[interface.top]

    return build


@pytest.mark.parametrize("name", sorted(INTERFACES))
def test_values_and_timing(built: Built, name: str) -> None:
    interface = INTERFACES[name]
    values = designs.inputs(interface, 501)
    result = built(interface).run(designs.packed(interface.inputs, values))
    expected = designs.golden(interface, values)
    for group in interface.outputs:
        np.testing.assert_array_equal(
            group.unpack(result.outputs[group.tensor]), expected[group.tensor]
        )
        np.testing.assert_array_equal(
            result.outputs[group.tensor], group.pack(expected[group.tensor])
        )
    assert (result.latency, result.initiation_interval) == (
        interface.latency,
        interface.initiation_interval,
    )
    check_timing(interface, result)
    wrong = dataclasses.replace(interface, initiation_interval=9)
    with pytest.raises(CheckFailed, match=r"found . cycles, expected 9"):
        check_timing(wrong, result)


def test_interval_unknown_for_two_vectors(built: Built) -> None:
    values = designs.packed(ADDER_TREE.inputs, designs.inputs(ADDER_TREE, 2))
    result = built(ADDER_TREE).run(values)
    assert (result.latency, result.initiation_interval) == (4, None)


def test_runs_are_identical(built: Built) -> None:
    values = designs.packed(SERIAL_SUM.inputs, designs.inputs(SERIAL_SUM, 20))
    first, second = (built(SERIAL_SUM).run(values) for _ in range(2))
    np.testing.assert_array_equal(first.outputs["y"], second.outputs["y"])
    assert first.cycles == second.cycles


@pytest.mark.parametrize(
    ("fault", "code", "text"),
    [
        (4, "rtl.deadlock", "port y_data_o, cycle .*found 0 of 30 output beats"),
        (5, "rtl.(early|extra)-output", "port y_data_o, cycle"),
    ],
)
def test_protocol_faults(built: Built, fault: int, code: str, text: str) -> None:
    values = designs.inputs(ADDER_TREE, 30, fault)
    with pytest.raises(CheckFailed, match=text) as caught:
        built(ADDER_TREE).run(designs.packed(ADDER_TREE.inputs, values))
    assert re.fullmatch(code, caught.value.code)


def test_wrong_tlast(built: Built) -> None:
    beats = designs.packed(SERIAL_SUM.inputs, designs.inputs(SERIAL_SUM, 5))
    beats["b"][2] |= 0x80
    with pytest.raises(CheckFailed, match=r"m_axis_y_tdata, cycle 16 .*output beat 4") as caught:
        built(SERIAL_SUM).run(beats)
    assert caught.value.code == "rtl.last"


def test_wrong_inputs(built: Built) -> None:
    replay = built(SERIAL_SUM)
    good = designs.packed(SERIAL_SUM.inputs, designs.inputs(SERIAL_SUM, 3))
    for bad in (
        {"a": good["a"]},
        {"a": good["a"], "b": good["b"][:2]},
        {"a": good["a"][:5], "b": good["b"]},
        {"a": good["a"][:, :1], "b": good["b"]},
        {"a": good["a"][:0], "b": good["b"][:0]},
    ):
        with pytest.raises(InputError) as caught:
            replay.run(bad)
        assert caught.value.code == "replay.inputs"


def test_layer(tmp_path: Path) -> None:
    layer = LayerPorts(
        "adder_tree__sum", (("in_data_i", 48),), (("out_data_o", 9),), latency=3, enable="en"
    )
    values = designs.inputs(ADDER_TREE, 40)
    beats = ADDER_TREE.inputs[0].pack(values["x"])[:, :6]
    found = replay_layer(designs.rtl(ADDER_TREE), layer, {"in_data_i": beats}, tmp_path)
    expected = ADDER_TREE.outputs[0].pack(designs.golden(ADDER_TREE, values)["y"])
    np.testing.assert_array_equal(found["out_data_o"], expected)
    wrong = dataclasses.replace(layer, latency=2)
    found = replay_layer(designs.rtl(ADDER_TREE), wrong, {"in_data_i": beats}, tmp_path)
    assert not np.array_equal(found["out_data_o"], expected)


def test_lint(tmp_path: Path) -> None:
    lint(designs.rtl(ADDER_TREE), "adder_tree", tmp_path)
    lint(designs.rtl(NEGATE_PAIR), "negate_pair", tmp_path)
    bad = tmp_path / "bad.v"
    bad.write_text("module bad(input [3:0] a, output [1:0] b);\n  assign b = a;\nendmodule\n")
    with pytest.raises(CheckFailed, match=r"WIDTHTRUNC: bad\.v:2:") as caught:
        lint(bad, "bad", tmp_path)
    assert caught.value.code == "rtl.lint"
