"""A design folder as the testbench sees it: interface.json and the vector files.

The folder holds design.v, interface.json, inputs/<tensor>.bin and outputs/<tensor>.bin (raw beats,
little endian, all beats of vector 0, then of vector 1 ...). Where weights are loaded at run time
there is weights.hex (a word a line), and maybe other/weights.hex with other/outputs/: the answers
to the same inputs with other weights.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

__all__ = [
    "LOADER_INPUTS", "LOADER_OUTPUTS", "Design", "FolderError", "Port", "load_beats",
    "load_design", "load_words",
]  # fmt: skip

LOADER_INPUTS: Final = {
    "wb_cyc_i": 1, "wb_stb_i": 1, "wb_we_i": 1, "wb_dat_i": 32,
    "ser_select_i": 1, "ser_clock_i": 1, "ser_data_i": 1,
}  # fmt: skip
"""Pins of the weight loader with their bits, besides wb_adr_i."""

LOADER_OUTPUTS: Final = {"wb_dat_o": 32, "wb_ack_o": 1, "ser_data_o": 1}


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
    """Top module, clock, reset, timing in cycles, ports, and words of weights to be loaded."""

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
    words: int = 0

    @property
    def address_bits(self) -> int:
        """Bits of wb_adr_i: four registers before the words, none at the highest address."""
        return (4 + self.words).bit_length()


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
            words=_words(raw.get("store")),
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


def load_words(path: Path, design: Design) -> list[int]:
    """Reads the words of weights; none for a design without.

    Raises:
        FolderError: where the file is missing or does not hold as many words as the design.
    """
    if not design.words:
        return []
    try:
        words = [int(line, 16) for line in path.read_text(encoding="utf-8").split()]
    except OSError as error:
        raise FolderError(f"cannot read {path.name}: {error.strerror}") from None
    except ValueError as error:
        raise FolderError(f"{path.name} does not hold hexadecimal words: {error}") from None
    if len(words) != design.words or max(words) >> 32:
        raise FolderError(
            f"{path.name}: found {len(words)} words, expected {design.words} of 32 bits"
        )
    return words


def _words(store: dict[str, Any] | None) -> int:
    return -(-sum(sum(field["widths"]) for field in store["fields"]) // 32) if store else 0


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
