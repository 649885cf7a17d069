"""The protocol of a design on a board, what is refused, and the Verilog's shape."""

from __future__ import annotations

import dataclasses

import pytest

from hwflow.board.boards import board
from hwflow.board.bridge import Protocol, protocol
from hwflow.board.top import top_verilog
from hwflow.errors import InputError
from hwflow.plan.streams import Interface, PortGroup, StreamType
from tests.board.slow import INTERFACE

BOARD = board("icebreaker")


def sized(beats: int) -> Interface:
    group = INTERFACE.inputs[0]
    stream = StreamType((11,), (False,), beats)
    return dataclasses.replace(
        INTERFACE, inputs=(dataclasses.replace(group, stream=stream, shape=(beats,)),)
    )


def test_numbers() -> None:
    line = protocol(INTERFACE, BOARD)
    assert (line.input_bytes, line.output_bytes) == (6, 6)
    assert (line.address_bits, line.window) == (4, 2)
    assert line.top == "slow_board"
    assert line.silence == pytest.approx(2**18 / 12e6)
    assert Protocol.from_json(line.to_json()) == line


@pytest.mark.parametrize(
    ("beats", "address_bits", "window"),
    [(1, 4, 8), (32, 7, 2), (33, 8, 3), (1024, 12, 2), (1025, 12, 1), (4096, 13, 1)],
)
def test_room_for_two_tensors_where_that_is_cheap(
    beats: int, address_bits: int, window: int
) -> None:
    line = protocol(sized(beats), BOARD)
    assert (line.address_bits, line.window) == (address_bits, window)
    style = "block" if address_bits >= 6 else "distributed"
    assert f'ram_style = "{style}"' in top_verilog(sized(beats), BOARD, line)


def test_equal_text_every_time() -> None:
    line = protocol(INTERFACE, BOARD)
    assert top_verilog(INTERFACE, BOARD, line) == top_verilog(INTERFACE, BOARD, line)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"top": 3}', "null", "[" * 100_000])
def test_a_protocol_that_is_none(text: str) -> None:
    with pytest.raises(InputError) as caught:
        Protocol.from_json(text)
    assert caught.value.code == "board.protocol"


def test_flags_and_numbers_are_not_mixed() -> None:
    text = protocol(INTERFACE, BOARD).to_json()
    for wrong in (text.replace("true", "1"), text.replace('"window": 2', '"window": true')):
        assert wrong != text
        with pytest.raises(InputError):
            Protocol.from_json(wrong)


def refusals() -> dict[str, tuple[Interface, str, str]]:
    source, sink = INTERFACE.inputs[0], INTERFACE.outputs[0]

    def other(group: PortGroup) -> PortGroup:
        names = {n: f"other_{n}" for n in ("tensor", "data", "valid", "ready", "last")}
        return dataclasses.replace(group, **names)  # type: ignore[arg-type]

    def bare(group: PortGroup) -> PortGroup:
        return dataclasses.replace(group, ready=None, last=None)

    replaced = dataclasses.replace
    return {
        "two inputs": (
            replaced(INTERFACE, inputs=(source, other(source))),
            "board.streams",
            "found 2 input tensors (x, other_tensor), expected one",
        ),
        "two outputs": (
            replaced(INTERFACE, outputs=(sink, other(sink))),
            "board.streams",
            "found 2 output tensors (y, other_tensor), expected one",
        ),
        "no back-pressure": (
            replaced(INTERFACE, kind="valid_only", inputs=(bare(source),), outputs=(bare(sink),)),
            "board.streams",
            "found interface valid_only",
        ),
        "too long": (sized(4097), "board.tensor", "takes 8194 bytes a tensor"),
    }


@pytest.mark.parametrize("name", refusals())
def test_refused(name: str) -> None:
    interface, code, words = refusals()[name]
    with pytest.raises(InputError) as caught:
        protocol(interface, BOARD)
    assert caught.value.code == code
    assert words in caught.value.message
