"""The figures of a board build: each with its unit, kind, scope and source."""

from __future__ import annotations

from collections.abc import Sequence

from hwflow.board.bitstream import Bitstream
from hwflow.board.boards import Board
from hwflow.board.bridge import Protocol
from hwflow.board.simulate import UartTest
from hwflow.plan.streams import Interface

__all__ = ["board_record"]

_BITS_PER_BYTE = 10
"""8N1: a start bit, eight bits, a stop bit."""


def board_record(
    board: Board,
    protocol: Protocol,
    interface: Interface,
    bitstream: Bitstream,
    tests: Sequence[UartTest],
) -> dict[str, object]:
    """What `board.json` holds."""
    rate = board.clock_hertz / board.clocks_per_bit / _BITS_PER_BYTE
    most = max(protocol.input_bytes, protocol.output_bytes)
    figures = [
        _figure("fmax", bitstream.fmax, "Hz", "estimated", "nextpnr"),
        _figure("clock", board.clock_hertz, "Hz", "published", f"constraints/{board.name}.toml"),
        _figure("bytes_in", protocol.input_bytes, "bytes/inference", "counted", "interface"),
        _figure("bytes_out", protocol.output_bytes, "bytes/inference", "counted", "interface"),
        _figure("uart_bound", rate / most, "inferences/s", "estimated", "baud rate and bytes"),
        _figure(
            "design_bound",
            board.clock_hertz / interface.initiation_interval,
            "inferences/s",
            "estimated",
            "clock and initiation interval",
        ),
    ]
    for test in tests:
        if test.test in ("one_by_one", "pipelined"):
            value = board.clock_hertz / test.clocks_per_tensor
            source = f"testbench/uart, {test.vectors} vectors"
            figures.append(_figure(test.test, value, "inferences/s", "simulated", source))
    return {
        "board": board.name,
        "title": board.title,
        "target": board.target,
        "package": board.package,
        "baud": board.baud,
        "baud_error": round(board.baud_error, 6),
        "pins": dict(board.pins),
        "bitstream_bytes": bitstream.bytes,
        "place_and_route_seed": bitstream.seed,
        "utilization": {
            "kind": "counted",
            "source": "nextpnr",
            "scope": "design, bridge and board top",
            "resources": [
                {"resource": name, "used": used, "available": available}
                for name, used, available in bitstream.utilization
            ],
        },
        "figures": figures,
    }


def _figure(name: str, value: float, unit: str, kind: str, source: str) -> dict[str, object]:
    return {
        "name": name,
        "value": round(value, 3),
        "unit": unit,
        "kind": kind,
        "scope": "board",
        "source": source,
    }
