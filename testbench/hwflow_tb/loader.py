"""Masters of the weight loader's two ports, and what is done over them: docs/loader.md.

Both are coroutines that wait for clock edges; values are sampled at the rising edge (from before
it), and what is written is seen by the next one.
"""

from __future__ import annotations

import zlib
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

from cocotb.triggers import ClockCycles, RisingEdge

from hwflow_tb.finding import Finding, FindingError

__all__ = ["CHECKING", "FAILED", "LOADING", "RUNNING", "Access", "Loader"]

LOADING, CHECKING, RUNNING, FAILED = range(4)
_CONTROL, _EXPECTED, _FOUND, _FIRST = 0, 1, 2, 4
_FRAME: Final = 56
_LEVEL: Final = 4
"""Core clocks for which the serial clock keeps its level."""

_PATIENCE: Final = 100
_WORD_CLOCKS: Final = 7

Access = Callable[[int, int | None], Awaitable[int]]
"""Reads a register, or writes it where data are given."""


class Loader:
    """The loader of one design; `words` is how many it holds."""

    def __init__(self, dut: Any, clock: Any, words: int) -> None:
        self._dut, self._clock, self._words = dut, clock, words
        self._edge = RisingEdge(clock)
        for pin in ("wb_cyc_i", "wb_stb_i", "ser_select_i", "ser_clock_i", "ser_data_i"):
            getattr(dut, pin).value = 0

    async def wishbone(self, address: int, data: int | None = None) -> int:
        """One Wishbone access; returns what was read."""
        dut = self._dut
        dut.wb_adr_i.value, dut.wb_dat_i.value = address, data or 0
        dut.wb_we_i.value = int(data is not None)
        dut.wb_cyc_i.value = dut.wb_stb_i.value = 1
        for _ in range(_PATIENCE):
            await self._edge
            if int(dut.wb_ack_o.value):
                found = int(dut.wb_dat_o.value)
                dut.wb_cyc_i.value = dut.wb_stb_i.value = 0
                return found
        raise _wrong("wb_ack_o", "wishbone", f"no acknowledge in {_PATIENCE} cycles")

    async def serial(self, address: int, data: int | None = None) -> int:
        """One serial frame; returns the last 32 bits that came out."""
        dut, found = self._dut, 0
        frame = int(data is not None) << 55 | address << 40 | (data or 0)
        dut.ser_select_i.value = 1
        for place in range(_FRAME):
            dut.ser_clock_i.value = 0
            dut.ser_data_i.value = frame >> (_FRAME - 1 - place) & 1
            await ClockCycles(self._clock, _LEVEL)
            found = found << 1 | int(dut.ser_data_o.value)
            dut.ser_clock_i.value = 1
            await ClockCycles(self._clock, _LEVEL)
        dut.ser_clock_i.value = 0
        await ClockCycles(self._clock, _LEVEL)
        dut.ser_select_i.value = 0
        await ClockCycles(self._clock, 2 * _LEVEL)
        return found & 0xFFFFFFFF

    async def write(self, access: Access, words: Sequence[int], *, damaged: bool = False) -> None:
        """Leaves the running state and writes words and their CRC; `damaged` turns one bit over."""
        await access(_CONTROL, 0)
        for index, word in enumerate(words):
            await access(_FIRST + index, word ^ (damaged and index == len(words) // 2))
        data = b"".join(word.to_bytes(4, "little") for word in words)
        await access(_EXPECTED, zlib.crc32(data))

    async def read(self, access: Access) -> list[int]:
        """Every word."""
        return [await access(_FIRST + index, None) for index in range(self._words)]

    async def start(self, access: Access) -> int:
        """Has the weights checked; returns the state that this leads to."""
        await access(_CONTROL, 1)
        await ClockCycles(self._clock, _WORD_CLOCKS * self._words + _PATIENCE)
        return await self.state(access)

    async def state(self, access: Access) -> int:
        """The state from the status register."""
        status = await access(_CONTROL, None)
        if status >> 16 != self._words:
            raise _wrong("wb_dat_o", "words", f"{status >> 16} words, expected {self._words}")
        return status & 3

    async def load(self, access: Access, words: Sequence[int]) -> None:
        """Loads words and starts the design.

        Raises:
            FindingError: as `run`.
        """
        await self.write(access, words)
        await self.run(access)

    async def run(self, access: Access) -> None:
        """Has the weights checked, and expects that the design runs.

        Raises:
            FindingError: when it does not, with the CRC that it found.
        """
        state = await self.start(access)
        if state != RUNNING:
            found = await access(_FOUND, None)
            text = f"state {state} after loading, expected {RUNNING}; the CRC found is {found:08x}"
            raise _wrong("wb_dat_o", "load", text)


def _wrong(port: str, kind: str, message: str) -> FindingError:
    return FindingError(Finding(kind, port, 0, message))
