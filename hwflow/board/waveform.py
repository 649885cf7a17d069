"""A UART line clock by clock: frames for many boards at once, and the bytes read back.

This is how a netlist is simulated 64 boards at a time: all lines have the same timing, so that
every board is in the same state but for its data.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from hwflow.board.bridge import Protocol
from hwflow.errors import CheckFailed
from hwflow.plan.streams import Interface, PortGroup, StreamType

__all__ = ["Levels", "decode", "encode", "line_cycles", "line_interface", "line_netlist"]

# The JSON tree that synthesis writes.
Json = Any

Levels = npt.NDArray[np.uint8]
"""One byte, 0 or 1, per board and clock."""

_LEAD: Final = 512
"""Clocks before the first frame: longer than the board's own reset."""

_VALID: Final = "line_valid_i"
_SAMPLED: Final = "line_sampled_o"
_FRAME: Final = 10


def line_cycles(protocol: Protocol, tensors: int, latency: int, interval: int) -> int:
    """Clocks in which `tensors` sent back to back have certainly come back."""
    byte = _FRAME * protocol.clocks_per_bit
    line = tensors * (protocol.input_bytes + protocol.output_bytes) * byte
    moved = 2 * tensors * (protocol.input_bytes + protocol.output_bytes)
    return _LEAD + line + latency + tensors * interval + moved + 20 * byte


def encode(rows: npt.NDArray[np.uint8], clocks: int, cycles: int) -> Levels:
    """The line on which each row's bytes (n, bytes) are sent, `clocks` a bit: (n, cycles)."""
    boards, count = rows.shape
    frames = np.ones((boards, count, _FRAME), dtype=np.uint8)
    frames[:, :, 0] = 0
    frames[:, :, 1:9] = np.unpackbits(rows[:, :, None], axis=2, bitorder="little")
    sent = np.repeat(frames.reshape(boards, -1), clocks, axis=1)
    assert _LEAD + sent.shape[1] <= cycles
    levels = np.ones((boards, cycles), dtype=np.uint8)
    levels[:, _LEAD : _LEAD + sent.shape[1]] = sent
    return levels


def decode(levels: Levels, clocks: int, count: int) -> npt.NDArray[np.uint8]:
    """The `count` bytes on each line: (n, count).

    Raises:
        CheckFailed: `board.frames` when a line carries another number of bytes, or a frame is
            broken.
    """
    found = np.zeros((len(levels), count), dtype=np.uint8)
    for board, line in enumerate(levels):
        at = 0
        for place in range(count + 1):
            low = np.flatnonzero(line[at:] == 0)
            if place == count or len(low) == 0:
                if (place == count) != (len(low) == 0):
                    raise _frames(board, "another byte" if len(low) else "no byte", place, count)
                break
            start = at + int(low[0])
            samples = start + clocks // 2 + clocks * np.arange(_FRAME)
            if samples[-1] >= len(line) or line[samples[0]] != 0 or line[samples[-1]] != 1:
                raise _frames(board, "a broken frame", place, count)
            found[board, place] = np.packbits(line[samples[1:9]], bitorder="little")[0]
            at = int(samples[-1])
    return found


def line_interface(protocol: Protocol, cycles: int) -> Interface:
    """The board's two UART pins as streams of one bit a clock, `cycles` clocks a tensor."""
    stream = StreamType((1,), (False,), cycles)
    return Interface(
        top=protocol.top,
        kind="valid_only",
        clock="clk",
        reset="no_reset",
        reset_active_high=True,
        reset_cycles=1,
        inputs=(PortGroup("rx", (cycles,), stream, "uart_rx", _VALID, None, None, 1),),
        outputs=(PortGroup("tx", (cycles,), stream, "uart_tx", _SAMPLED, None, None, 1),),
        latency=0,
        initiation_interval=cycles,
    )


def line_netlist(netlist: Json, top: str) -> Json:
    """The netlist with the two strobes that streams need: one unused, one always high.

    Cells and nets of the board are left as they are.
    """
    module = netlist["modules"][top]
    fresh = 1 + max(_nets(module), default=1)
    strobes = {
        _VALID: {"bits": [fresh], "direction": "input"},
        _SAMPLED: {"bits": ["1"], "direction": "output"},
    }
    return {"modules": {top: {**module, "ports": {**module["ports"], **strobes}}}}


def _nets(module: Json) -> list[int]:
    """Every number that stands in a list named "bits" or in a cell's connections."""
    found: list[int] = []
    waiting = [module]
    while waiting:
        item = waiting.pop()
        if isinstance(item, dict):
            waiting += item.values()
        elif isinstance(item, list):
            found += [bit for bit in item if type(bit) is int]
    return found


def _frames(board: int, found: str, place: int, count: int) -> CheckFailed:
    return CheckFailed(
        "board.frames",
        f"UART line of board {board}: found {found} after {place} bytes, expected {count} bytes",
        hint="compare with the RTL's simulation of the same board",
    )
