"""The UART protocol of a design on a board: how many bytes go each way, and what limits the host.

A host sends the bytes of an input tensor as vector files hold them (beat after beat, each
`ceil(data_bits / 8)` bytes, little endian) and gets the bytes of the output tensor back. Up to
`window` tensors may be on their way.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from typing import Any, Final

from hwflow.board.boards import Board
from hwflow.errors import InputError
from hwflow.plan.streams import Interface, PortGroup

__all__ = ["FILE", "Protocol", "board_top", "check_interface", "protocol"]

FILE: Final = "uart.json"
_LARGEST: Final = 1 << 13
_DEEPEST: Final = 1 << 12
_SILENCE_SECONDS: Final = 0.02
"""Longer than the pauses that USB makes within one write of the host."""


@dataclass(frozen=True, slots=True)
class Protocol:
    """What both ends of the line must know; written as `uart.json`.

    `address_bits` is the size of the store for received bytes, `timeout_bits` the silence (in
    2**clocks) after which half a tensor is forgotten.
    """

    top: str
    board: str
    clock_hertz: int
    baud: int
    clocks_per_bit: int
    input: str
    input_beats: int
    input_beat_bytes: int
    output: str
    output_beats: int
    output_beat_bytes: int
    address_bits: int
    timeout_bits: int
    window: int
    leds_active_low: bool

    @property
    def input_bytes(self) -> int:
        """Bytes that the host sends for one tensor."""
        return self.input_beats * self.input_beat_bytes

    @property
    def output_bytes(self) -> int:
        """Bytes that come back for one tensor."""
        return self.output_beats * self.output_beat_bytes

    @property
    def silence(self) -> float:
        """Seconds of silence after which the board waits for a new tensor."""
        return (1 << self.timeout_bits) / self.clock_hertz

    def to_json(self) -> str:
        """The canonical JSON text."""
        return json.dumps(asdict(self), indent=1, sort_keys=True) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Protocol:
        """Read what `to_json` wrote.

        Raises:
            InputError: `board.protocol`.
        """
        kinds = {f.name: {"str": str, "int": int, "bool": bool}[str(f.type)] for f in fields(cls)}
        try:
            raw: Any = json.loads(text)
            ok = isinstance(raw, dict) and {k: type(v) for k, v in raw.items()} == kinds
        except (ValueError, RecursionError):
            ok = False
        if not ok:
            raise InputError(
                "board.protocol",
                f"{FILE} is not the description of a UART bridge",
                hint="use the build folder that `hwflow build` wrote",
            )
        return cls(**raw)


def check_interface(interface: Interface) -> tuple[PortGroup, PortGroup]:
    """The one input and the one output that travel over the UART.

    Raises:
        InputError: `board.streams` for another number of tensors or no back-pressure,
            `board.tensor` for a tensor too long to keep.
    """
    for what, groups in (("input", interface.inputs), ("output", interface.outputs)):
        if len(groups) != 1:
            names = ", ".join(group.tensor for group in groups)
            raise InputError(
                "board.streams",
                f"{interface.top}: found {len(groups)} {what} tensors ({names}), expected one: the "
                "UART carries one tensor each way",
                hint=f"join the {what}s in the graph, or leave hardware.board out",
            )
    if interface.kind == "valid_only":
        raise InputError(
            "board.streams",
            f"{interface.top}: found interface valid_only, expected axi_stream or valid_ready: the "
            "UART is slower than the design and must hold it back",
            hint="write interface: valid_ready",
        )
    source, sink = interface.inputs[0], interface.outputs[0]
    size = source.data_bytes * source.stream.beats
    if size > _LARGEST:
        raise InputError(
            "board.tensor",
            f"input {source.tensor!r} takes {size} bytes a tensor, expected at most {_LARGEST}: "
            "the bridge keeps a whole tensor",
            hint="leave hardware.board out and write a bridge for external memory",
        )
    return source, sink


def protocol(interface: Interface, board: Board) -> Protocol:
    """How `interface` is reached on `board`.

    Raises:
        InputError: as `check_interface`.
    """
    source, sink = check_interface(interface)
    size = source.data_bytes * source.stream.beats
    # Room for two tensors lets the next one come in while one is being computed.
    room = 2 * size if 2 * size <= _DEEPEST else size
    address_bits = max(4, (room - 1).bit_length())
    silence = round(_SILENCE_SECONDS * board.clock_hertz)
    return Protocol(
        top=board_top(interface.top),
        board=board.name,
        clock_hertz=board.clock_hertz,
        baud=board.baud,
        clocks_per_bit=board.clocks_per_bit,
        input=source.tensor,
        input_beats=source.stream.beats,
        input_beat_bytes=source.data_bytes,
        output=sink.tensor,
        output_beats=sink.stream.beats,
        output_beat_bytes=sink.data_bytes,
        address_bits=address_bits,
        timeout_bits=(silence - 1).bit_length(),
        window=(1 << address_bits) // size,
        leds_active_low=board.leds_active_low,
    )


def board_top(design: str) -> str:
    """The name of the board's top module."""
    return f"{design}_board"
