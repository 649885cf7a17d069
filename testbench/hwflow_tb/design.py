"""A design folder as the testbench sees it: interface.json and the vector files.

The folder holds design.v, interface.json, inputs/<tensor>.bin and outputs/<tensor>.bin (raw beats,
little endian, all beats of vector 0, then of vector 1 ...).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = ["Design", "FolderError", "Port", "load_beats", "load_design"]


class FolderError(Exception):
    """The design folder cannot be used; the message says why."""


@dataclass(frozen=True, slots=True)
class Port:
    """The ports of one tensor; `widths` are bits per lane, lane 0 in the least significant bits."""

    tensor: str
    data: str
    valid: str
    ready: str | None
    last: str | None
    data_bits: int
    widths: tuple[int, ...]
    signed: tuple[bool, ...]
    beats: int

    @property
    def beat_bytes(self) -> int:
        """Bytes per beat in the vector file."""
        return (self.data_bits + 7) // 8


@dataclass(frozen=True, slots=True)
class Design:
    """Top module, clock, reset, timing in cycles, and ports."""

    top: str
    kind: str
    clock: str
    reset: str
    reset_active_high: bool
    reset_cycles: int
    latency: int
    initiation_interval: int
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]


def load_design(folder: Path) -> Design:
    """Reads interface.json.

    Raises:
        FolderError: where the file is missing or is not an interface.
    """
    path = folder / "interface.json"
    try:
        raw: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return Design(
            top=raw["top"],
            kind=raw["kind"],
            clock=raw["clock"],
            reset=raw["reset"],
            reset_active_high=raw["reset_active_high"],
            reset_cycles=raw["reset_cycles"],
            latency=raw["latency"],
            initiation_interval=raw["initiation_interval"],
            inputs=tuple(_port(port) for port in raw["inputs"]),
            outputs=tuple(_port(port) for port in raw["outputs"]),
        )
    except OSError as error:
        raise FolderError(f"cannot read {path.name}: {error.strerror}") from None
    except (ValueError, KeyError, TypeError) as error:
        raise FolderError(f"{path.name} is not an interface: {error!r}") from None


def load_beats(path: Path, port: Port, limit: int) -> list[int]:
    """Reads up to `limit` vectors as one integer per beat.

    Raises:
        FolderError: where the file is missing or does not hold whole vectors.
    """
    size = port.beat_bytes
    try:
        with path.open("rb") as file:
            data = file.read(size * port.beats * limit)
    except OSError as error:
        raise FolderError(f"cannot read {path.parent.name}/{path.name}: {error.strerror}") from None
    if not data or len(data) % (size * port.beats):
        raise FolderError(
            f"{path.parent.name}/{path.name}: found {len(data)} bytes, "
            f"expected a multiple of {size} x {port.beats} (beat bytes x beats)"
        )
    return [int.from_bytes(data[at : at + size], "little") for at in range(0, len(data), size)]


def _port(raw: dict[str, Any]) -> Port:
    stream = raw["stream"]
    return Port(
        tensor=raw["tensor"],
        data=raw["data"],
        valid=raw["valid"],
        ready=raw["ready"],
        last=raw["last"],
        data_bits=raw["data_bits"],
        widths=tuple(stream["widths"]),
        signed=tuple(stream["signed"]),
        beats=stream["beats"],
    )
