"""Packing, its inverse, and the strict JSON form of an interface."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hwflow.errors import InputError
from hwflow.plan.interface_file import read_interface
from hwflow.plan.streams import Interface, PortGroup, StreamType

LANES = st.lists(st.tuples(st.integers(0, 62), st.booleans()), min_size=1, max_size=9)


def _bounds(width: int, signed: bool) -> tuple[int, int]:
    if width == 0:
        return 0, 0
    return (-(1 << (width - 1)), (1 << (width - 1)) - 1) if signed else (0, (1 << width) - 1)


@settings(max_examples=200, deadline=None)
@given(lanes=LANES, beats=st.integers(1, 4), n=st.integers(0, 5), data=st.data())
def test_pack_is_the_definition_and_unpack_its_inverse(
    lanes: list[tuple[int, bool]], beats: int, n: int, data: st.DataObject
) -> None:
    stream = StreamType(tuple(w for w, _ in lanes), tuple(s for _, s in lanes), beats)
    rows = [
        [data.draw(st.integers(*_bounds(*lane))) for _ in range(beats) for lane in lanes]
        for _ in range(n)
    ]
    values = np.array(rows, dtype=np.int64).reshape(n, stream.elements)
    packed = stream.pack(values)
    assert packed.dtype == np.uint8
    assert packed.shape == (n * beats, (stream.bits + 7) // 8)
    for beat, row in enumerate(values.reshape(n * beats, stream.lanes)):
        word, low = 0, 0
        for value, (width, _) in zip(row, lanes, strict=True):
            word |= (int(value) % (1 << width)) << low
            low += width
        assert packed[beat].tobytes() == word.to_bytes(packed.shape[1], "little")
    np.testing.assert_array_equal(stream.unpack(packed), values)


def test_hand_made_beats() -> None:
    stream = StreamType((3, 0, 7), (True, False, False), 2)
    packed = stream.pack(np.array([[-1, 0, 5, 2, 0, 127]]))
    # Lane 0 in bits 2..0, lane 2 in bits 9..3; beat 0 first.
    assert packed.tolist() == [[0b00101111, 0b00], [0b11111010, 0b11]]
    assert (stream.bits, stream.lanes, stream.elements) == (10, 3, 6)
    assert stream.offsets == (0, 3, 3)


def test_unpack_ignores_padding() -> None:
    stream = StreamType((4,), (True,), 1)
    assert stream.unpack(np.array([[0xF9, 0xFF]], dtype=np.uint8)).tolist() == [[-7]]


@pytest.mark.parametrize(
    ("width", "signed", "value"),
    [(3, True, 4), (3, True, -5), (3, False, 8), (3, False, -1), (0, True, 1), (0, True, -1)],
)
def test_out_of_range_is_named(width: int, signed: bool, value: int) -> None:
    stream = StreamType((5, width), (True, signed), 2)
    values = np.zeros((3, 4), dtype=np.int64)
    values[2, 3] = value
    with pytest.raises(InputError, match=f"vector 2, element 3: found {value}, expected") as caught:
        stream.pack(values)
    assert caught.value.code == "stream.range"


def test_wrong_shapes() -> None:
    stream = StreamType((5, 5), (True, True), 2)
    for bad in (np.zeros((2, 3), np.int64), np.zeros(4, np.int64), np.zeros((1, 4))):
        with pytest.raises(InputError):
            stream.pack(bad)
    for beats in (np.zeros((3, 2), np.uint8), np.zeros((2, 1), np.uint8)):
        with pytest.raises(InputError):
            stream.unpack(beats)


def _interface() -> Interface:
    stream = StreamType((3, 0, 7), (True, False, False), 2)
    x = PortGroup("x", (2, 3), stream, "x_data_i", "x_valid_i", "x_ready_o", None, 10)
    y = PortGroup("y", (6,), stream, "y_data_o", "y_valid_o", "y_ready_i", None, 16)
    return Interface("top", "valid_ready", "clk", "rst", True, 1, (x,), (y,), 3, 2)


def test_port_group_pads_to_the_port() -> None:
    group = _interface().outputs[0]
    values = np.array([[1, 0, 2, 3, 0, 4]])
    packed = group.pack(values)
    assert packed.shape == (2, 2)
    np.testing.assert_array_equal(group.unpack(packed), values)
    nothing = PortGroup("z", (1,), StreamType((0,), (True,), 1), "d", "v", None, None, 1)
    assert nothing.pack(np.zeros((3, 1), np.int64)).tolist() == [[0], [0], [0]]


def test_json_round_trip() -> None:
    interface = _interface()
    text = interface.to_json()
    assert read_interface(text) == interface
    assert read_interface(text).to_json() == text
    assert list(json.loads(text)) == sorted(json.loads(text))


def _set(path: str, value: Any) -> str:
    record = json.loads(_interface().to_json())
    *parents, key = path.split(".")
    node = record
    for parent in parents:
        node = node[int(parent) if parent.isdigit() else parent]
    if value is KeyError:
        del node[key]
    else:
        node[key] = value
    return json.dumps(record)


@pytest.mark.parametrize(
    ("path", "value", "text"),
    [
        ("latency", "3", "latency: found '3', expected an integer"),
        ("latency", True, "found True, expected an integer"),
        ("latency", -1, "a possible timing"),
        ("latency", KeyError, r"missing keys \['latency'\]"),
        ("colour", "red", r"unknown keys \['colour'\]"),
        ("kind", "axi", "kind: found 'axi'"),
        ("kind", "valid_only", "ready unless valid_only"),
        ("clock", "a b", "plain Verilog identifiers"),
        ("clock", "rst", "each port name once"),
        ("reset_active_high", 1, "expected true or false"),
        ("inputs", [], "at least one input"),
        ("inputs", {}, "expected a list"),
        ("inputs.0.stream", None, r"inputs\[0\].stream: found NoneType"),
        ("inputs.0.stream.widths", [3, 63, 7], "lane width 0..62"),
        ("inputs.0.stream.widths", [3, 1.5, 7], "expected a list of integers"),
        ("inputs.0.stream.signed", [True], "as many widths as signs"),
        ("inputs.0.data_bits", 9, "data port holds a whole beat"),
        ("inputs.0.shape", [7], "carries the tensor's elements"),
    ],
)
def test_strict_json(path: str, value: Any, text: str) -> None:
    with pytest.raises(InputError, match=text) as caught:
        read_interface(_set(path, value))
    assert caught.value.code == "interface.json"


@pytest.mark.parametrize("text", ["", "[", "[]", "3", '{"top": 1, "top": 2}', "[" * 100_000])
def test_not_an_interface(text: str) -> None:
    with pytest.raises(InputError) as caught:
        read_interface(text)
    assert caught.value.code == "interface.json"
