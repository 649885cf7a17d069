"""Sources and sinks, one per tensor, stepped once per clock cycle by the bench.

Each is sampled at the rising edge (values from before it) and then sets what the next edge sees.
A beat is one integer and one write: nothing here looks at single bits.
"""

from __future__ import annotations

import functools
import random
from collections.abc import Callable, Sequence
from typing import Any, Final

from hwflow_tb.design import Port
from hwflow_tb.finding import Finding, FindingError, mismatch

__all__ = ["Pace", "Sink", "Source"]

_NO_DELAY: Final = 3
"""What cocotb's interface to simulators calls a write without delay (`cocotb.handle.Immediate`)."""

_PHASE_CYCLES: Final = 48
_PHASES: Final = (0.0, 0.1, 0.5, 0.9)


class Pace:
    """Says in which cycles an agent pauses.

    Random pacing changes its rate every few cycles, so that buffers run full and empty, too.
    """

    def __init__(self, seed: str | None) -> None:
        self._random = None if seed is None else random.Random(seed)
        self._left = 0
        self._rate = 0.0

    def pause(self) -> bool:
        """Whether to pause in this cycle."""
        if self._random is None:
            return False
        if self._left == 0:
            self._left = _PHASE_CYCLES
            self._rate = self._random.choice(_PHASES)
        self._left -= 1
        return self._random.random() < self._rate


class Source:
    """Sends beats; once valid, a beat stays until it is accepted."""

    def __init__(self, dut: Any, port: Port, spacing: int) -> None:
        self.port = port
        self._write = _writer(getattr(dut, port.data))
        self._digits = f"0{port.data_bits}b"
        self._valid = getattr(dut, port.valid)
        self._ready = _level(getattr(dut, port.ready)) if port.ready else None
        self._last = getattr(dut, port.last) if port.last else None
        self._last_level: int | None = None
        self._spacing = spacing
        self.start((), Pace(None))

    def start(self, beats: Sequence[int], pace: Pace) -> None:
        """Forgets what was pending and sends these beats next."""
        self._beats = beats
        self._pace = pace
        self._opens = 0
        self.accepted = 0
        self.tensors = 0
        self.first_cycle: int | None = None
        self._offering = False
        self._level = 0
        self._valid.value = 0

    def sample(self, cycle: int) -> bool:
        """Notes whether the offered beat was accepted at this edge."""
        if not self._offering or (self._ready is not None and not self._ready(cycle)):
            return False
        self._offering = False
        if self.first_cycle is None:
            self.first_cycle = cycle
        if self.accepted % self.port.beats == 0:
            self.tensors += 1
            self._opens = cycle + self._spacing
        self.accepted += 1
        return True

    def drive(self, cycle: int) -> None:
        """Offers the next beat, or pauses; `cycle` is the coming edge."""
        if self._offering:
            return
        more = self.accepted < len(self._beats)
        opened = self.accepted % self.port.beats != 0 or cycle >= self._opens
        if not more or not opened or self._pace.pause():
            self._set_valid(0)
            return
        self._write(format(self._beats[self.accepted], self._digits))
        self._set_last(int((self.accepted + 1) % self.port.beats == 0))
        self._set_valid(1)
        self._offering = True

    def _set_valid(self, level: int) -> None:
        # A write costs microseconds; at full rate valid does not change.
        if level != self._level:
            self._valid.value = level
            self._level = level

    def _set_last(self, level: int) -> None:
        if self._last is not None and level != self._last_level:
            self._last.value = level
            self._last_level = level


class Sink:
    """Takes beats, compares them with the golden ones and checks the protocol."""

    def __init__(self, dut: Any, port: Port) -> None:
        self.port = port
        self._data = _reader(getattr(dut, port.data))
        self._valid = _level(getattr(dut, port.valid))
        self._ready = getattr(dut, port.ready) if port.ready else None
        self._last = _level(getattr(dut, port.last)) if port.last else None
        self.start((), Pace(None))

    def start(self, beats: Sequence[int], pace: Pace) -> None:
        """Forgets what was held and expects these beats next."""
        self._golden = beats
        self._pace = pace
        self.delivered = 0
        self.tensors = 0
        self.starts: list[int] = []
        self._held: tuple[int, bool] | None = None
        self._taking = True
        if self._ready is not None:
            self._ready.value = 1

    @property
    def done(self) -> bool:
        """Whether every expected beat has arrived."""
        return self.delivered == len(self._golden)

    def sample(self, cycle: int, sources: Sequence[Source]) -> bool:
        """Checks this edge; returns whether a beat was delivered.

        Raises:
            FindingError: on a protocol violation or a beat that differs.
        """
        if not self._valid(cycle):
            if self._held is not None:
                self._fail("valid-dropped", cycle, "valid fell before ready took the beat")
            return False
        beat = (self._word(cycle), self._last is not None and self._last(cycle))
        if self._held is not None and self._held != beat:
            what = "data" if self._held[0] != beat[0] else "last"
            self._fail(f"{what}-unstable", cycle, f"{what} changed while valid waited for ready")
        if not self._taking:
            self._held = beat
            return False
        self._held = None
        self._take(cycle, *beat, sources)
        return True

    def drive(self) -> None:
        """Sets ready for the coming edge."""
        if self._ready is not None:
            taking = not self._pace.pause()
            if taking != self._taking:
                self._ready.value = int(taking)
            self._taking = taking

    def _take(self, cycle: int, word: int, last: bool, sources: Sequence[Source]) -> None:
        index = self.delivered
        if index >= len(self._golden):
            self._fail("extra-output", cycle, f"more than {len(self._golden)} output beats")
        if index % self.port.beats == 0:
            if any(source.tensors <= self.tensors for source in sources):
                self._fail("early-output", cycle, f"tensor {self.tensors} before its input")
            self.tensors += 1
            self.starts.append(cycle)
        end = (index + 1) % self.port.beats == 0
        if self._last is not None and last != end:
            self._fail("last", cycle, f"beat {index}: last is {int(last)}, expected {int(end)}")
        if word != self._golden[index]:
            raise FindingError(mismatch(self.port, index, cycle, self._golden[index], word))
        self.delivered += 1

    def _word(self, cycle: int) -> int:
        try:
            return int(self._data(), 2)
        except ValueError:
            return self._fail("x", cycle, "data is not all 0 and 1 while valid")

    def _fail(self, kind: str, cycle: int, message: str) -> int:
        raise FindingError(Finding(kind, self.port.data, cycle, message))


def _reader(handle: Any) -> Callable[[], str]:
    """Reads a signal as text of 0 and 1, the first character the most significant bit.

    This is the call below `handle.value`, without the objects that cocotb wraps around every bit
    vector: they take longer than the simulation of a cycle.
    """
    read: Callable[[], str] = handle._handle.get_signal_val_binstr
    return read


def _writer(handle: Any) -> Callable[[str], None]:
    """Writes a signal at once, from text of 0 and 1; the harness shows it to the design later."""
    return functools.partial(handle._handle.set_signal_val_binstr, _NO_DELAY)


def _level(handle: Any) -> Callable[[int], bool]:
    """A function of the cycle that tells whether a one-bit signal is 1."""
    read, name = _reader(handle), handle._name

    def level(cycle: int) -> bool:
        value = read()
        if value == "1":
            return True
        if value == "0":
            return False
        raise FindingError(Finding("x", name, cycle, "is neither 0 nor 1"))

    return level
