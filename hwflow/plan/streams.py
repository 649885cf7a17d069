"""Streams: how a tensor travels over a port, and the interface of a generated top module.

A tensor is cut into beats of equal lanes. Lane 0 sits in the least significant bits; every lane is
two's complement of its own width; elements travel in C order. The same packing is used by the RTL,
by every simulator and by the vector files, so it is defined here once.
"""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass
from typing import Final, Literal, get_args

import numpy as np
import numpy.typing as npt

from hwflow.errors import InputError
from hwflow.plan.store import WeightStore

__all__ = ["MAX_LANE_BITS", "Interface", "InterfaceKind", "PortGroup", "StreamType"]

MAX_LANE_BITS: Final = 62
InterfaceKind = Literal["axi_stream", "valid_ready", "valid_only"]
_WORD: Final = 64
_IDENTIFIER: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")


@dataclass(frozen=True, slots=True)
class StreamType:
    """Element types of one beat and the number of beats that carry one tensor.

    `widths` are bits per lane (0 is legal: an element that is always zero), `signed` one flag per
    lane, `beats` the number of beats per tensor. A tensor has `lanes * beats` elements; element
    `beat * lanes + lane` of the C order travels in that beat and lane.
    """

    widths: tuple[int, ...]
    signed: tuple[bool, ...]
    beats: int

    def __post_init__(self) -> None:
        _require(len(self.widths) > 0, "a stream has at least one lane")
        _require(len(self.widths) == len(self.signed), "as many widths as signs")
        _require(all(0 <= w <= MAX_LANE_BITS for w in self.widths), "lane width 0..62 bits")
        _require(self.beats >= 1, "at least one beat per tensor")

    @property
    def lanes(self) -> int:
        """Elements per beat."""
        return len(self.widths)

    @property
    def bits(self) -> int:
        """Bits per beat."""
        return sum(self.widths)

    @property
    def elements(self) -> int:
        """Elements per tensor."""
        return self.lanes * self.beats

    @property
    def offsets(self) -> tuple[int, ...]:
        """Bit position of each lane's least significant bit."""
        ends = np.cumsum((0, *self.widths))[:-1]
        return tuple(int(end) for end in ends)

    def pack(self, values: npt.NDArray[np.int64]) -> npt.NDArray[np.uint8]:
        """Packs tensors into beats.

        Takes integers of shape (n, elements); returns bytes of shape (n * beats, ceil(bits / 8)),
        little endian, unused upper bits zero.

        Raises:
            InputError: `stream.shape` or `stream.range`, naming the first offending element.
        """
        ints = np.asarray(values)
        if ints.ndim != 2 or ints.shape[1] != self.elements or ints.dtype.kind not in "iu":
            raise InputError(
                "stream.shape",
                f"values to pack: found shape {ints.shape} of {ints.dtype}, "
                f"expected integers of shape (n, {self.elements})",
                hint="flatten each tensor in C order to one row",
            )
        rows = ints.astype(np.int64, copy=False).reshape(-1, self.lanes)
        self._check_range(rows)
        words = np.zeros((self.bits // _WORD + 1, len(rows)), dtype=np.uint64)
        for lane, (width, offset) in enumerate(zip(self.widths, self.offsets, strict=True)):
            if width == 0:
                continue
            field = rows[:, lane].astype(np.uint64) & np.uint64((1 << width) - 1)
            word, bit = divmod(offset, _WORD)
            words[word] |= field << np.uint64(bit)
            if bit + width > _WORD:
                words[word + 1] |= field >> np.uint64(_WORD - bit)
        as_bytes = np.ascontiguousarray(words.T).astype("<u8", copy=False).view(np.uint8)
        return np.ascontiguousarray(as_bytes[:, : (self.bits + 7) // 8])

    def unpack(self, beats: npt.NDArray[np.uint8]) -> npt.NDArray[np.int64]:
        """Inverse of `pack`; bytes and bits beyond the lanes are ignored.

        Takes bytes of shape (n * beats, at least ceil(bits / 8)); returns int64 (n, elements).

        Raises:
            InputError: `stream.shape` when rows do not make whole tensors or are too short.
        """
        need = (self.bits + 7) // 8
        ok = beats.ndim == 2 and beats.dtype == np.uint8
        if not ok or len(beats) % self.beats or beats.shape[1] < need:
            raise InputError(
                "stream.shape",
                f"beats to unpack: found shape {beats.shape} of {beats.dtype}, expected uint8 of "
                f"shape (n * {self.beats}, {need} or more)",
                hint="pass whole tensors, one row of bytes per beat",
            )
        padded = np.zeros((len(beats), (self.bits // _WORD + 1) * 8), dtype=np.uint8)
        padded[:, :need] = beats[:, :need]
        words = np.ascontiguousarray(padded.view("<u8").astype(np.uint64, copy=False).T)
        rows = np.zeros((len(beats), self.lanes), dtype=np.int64)
        for lane, (width, offset) in enumerate(zip(self.widths, self.offsets, strict=True)):
            if width == 0:
                continue
            word, bit = divmod(offset, _WORD)
            field = words[word] >> np.uint64(bit)
            if bit + width > _WORD:
                field |= words[word + 1] << np.uint64(_WORD - bit)
            # Shifting up and back down drops the neighbours and extends the sign in one go.
            drop = np.uint64(_WORD - width)
            raised = field << drop
            if self.signed[lane]:
                rows[:, lane] = raised.view(np.int64) >> np.int64(drop)
            else:
                rows[:, lane] = (raised >> drop).view(np.int64)
        return rows.reshape(-1, self.elements)

    def _check_range(self, rows: npt.NDArray[np.int64]) -> None:
        if len(rows) == 0:
            return
        bounds = [_bounds(w, s) for w, s in zip(self.widths, self.signed, strict=True)]
        low = np.array([b[0] for b in bounds], dtype=np.int64)
        high = np.array([b[1] for b in bounds], dtype=np.int64)
        if bool((rows.min(axis=0) >= low).all() and (rows.max(axis=0) <= high).all()):
            return
        row, lane = (int(i) for i in np.argwhere((rows < low) | (rows > high))[0])
        vector, beat = divmod(row, self.beats)
        raise InputError(
            "stream.range",
            f"vector {vector}, element {beat * self.lanes + lane}: found {rows[row, lane]}, "
            f"expected {low[lane]}..{high[lane]} ({self.widths[lane]} bits)",
            hint="quantize the values to the input's type first",
        )


@dataclass(frozen=True, slots=True)
class PortGroup:
    """The ports that carry one tensor.

    `data_bits` is the width of the data port: at least `stream.bits` and at least 1; upper bits are
    zero. `ready` and `last` are None where the interface has no such port.
    """

    tensor: str
    shape: tuple[int, ...]
    stream: StreamType
    data: str
    valid: str
    ready: str | None
    last: str | None
    data_bits: int

    def __post_init__(self) -> None:
        _require(self.data_bits >= max(1, self.stream.bits), "data port holds a whole beat")
        elements = int(np.prod(self.shape, dtype=np.int64))
        _require(elements == self.stream.elements, "the stream carries the tensor's elements")

    @property
    def data_bytes(self) -> int:
        """Bytes per beat in vector files."""
        return (self.data_bits + 7) // 8

    def pack(self, values: npt.NDArray[np.int64]) -> npt.NDArray[np.uint8]:
        """Packs (n, elements) integers into (n * beats, data_bytes), as vector files hold them."""
        beats = self.stream.pack(values)
        full = np.zeros((len(beats), self.data_bytes), dtype=np.uint8)
        full[:, : beats.shape[1]] = beats
        return full

    def unpack(self, beats: npt.NDArray[np.uint8]) -> npt.NDArray[np.int64]:
        """Unpacks (n * beats, data_bytes) bytes into (n, elements) integers."""
        return self.stream.unpack(beats)


@dataclass(frozen=True, slots=True)
class Interface:
    """Ports, timing and reset of a generated top module.

    `latency` counts clock cycles from the edge that accepts a tensor's first input beat to the edge
    that delivers its first output beat, source always valid and sink always ready;
    `initiation_interval` counts cycles between consecutive tensors in steady state. Reset is
    synchronous and held for `reset_cycles` edges. `store` tells where weights loaded at run
    time lie.
    """

    top: str
    kind: InterfaceKind
    clock: str
    reset: str
    reset_active_high: bool
    reset_cycles: int
    inputs: tuple[PortGroup, ...]
    outputs: tuple[PortGroup, ...]
    latency: int
    initiation_interval: int
    store: WeightStore | None = None

    def __post_init__(self) -> None:
        _require(self.kind in get_args(InterfaceKind), "a known kind")
        _require(len(self.inputs) > 0 and len(self.outputs) > 0, "at least one input and output")
        _require(self.reset_cycles >= 1, "at least one reset cycle")
        _require(self.latency >= 0 and self.initiation_interval >= 1, "a possible timing")
        names = [self.clock, self.reset]
        for group in (*self.inputs, *self.outputs):
            names += [n for n in (group.data, group.valid, group.ready, group.last) if n]
            has_ready, has_last = group.ready is not None, group.last is not None
            _require(has_ready == (self.kind != "valid_only"), "ready unless valid_only")
            _require(has_last == (self.kind == "axi_stream"), "last only on AXI4-Stream")
        bad = [n for n in (self.top, *names) if not _IDENTIFIER.match(n)]
        _require(not bad, f"plain Verilog identifiers, not {bad}")
        _require(len(set(names)) == len(names), "each port name once")

    def to_json(self) -> str:
        """Returns the canonical JSON text (sorted keys, final newline)."""
        return json.dumps(asdict(self), indent=1, sort_keys=True) + "\n"


def _require(condition: bool, rule: str) -> None:
    if not condition:
        raise ValueError(f"expected {rule}")


def _bounds(width: int, signed: bool) -> tuple[int, int]:
    if width == 0:
        return 0, 0
    return (-(1 << (width - 1)), (1 << (width - 1)) - 1) if signed else (0, (1 << width) - 1)
