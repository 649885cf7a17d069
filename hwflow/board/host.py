"""The host's end of the line: tensors to a board and results back, over a serial port.

Needs the standard library only. A `Line` is anything that takes and gives bytes; `SerialLine` is a
terminal device such as /dev/ttyUSB1.
"""

from __future__ import annotations

import errno
import fcntl
import os
import select
import termios
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, Protocol

from hwflow.board import bridge
from hwflow.errors import InputError, ToolFailed

__all__ = ["Line", "SerialLine", "exchange", "resynchronize", "serial_line"]

_BITS_PER_BYTE: Final = 10
_QUIET_SECONDS: Final = 0.05
_MOST_STALE_SECONDS: Final = 10.0


class Line(Protocol):
    """Bytes out and in."""

    def send(self, data: bytes, seconds: float) -> bool:
        """Hand over all of `data`; false when that took longer than `seconds`."""

    def receive(self, seconds: float) -> bytes:
        """What has come, waiting for the first byte for at most `seconds`; b"" if none did."""


class SerialLine:
    """A terminal device set to raw bytes, 8N1."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def send(self, data: bytes, seconds: float) -> bool:
        end = time.monotonic() + seconds
        left = memoryview(data)
        while left:
            _, ready, _ = select.select([], [self._descriptor], [], _until(end))
            if not ready:
                return False
            left = left[self._write(left) :]
        return True

    def receive(self, seconds: float) -> bytes:
        ready, _, _ = select.select([self._descriptor], [], [], seconds)
        if not ready:
            return b""
        try:
            data = os.read(self._descriptor, 65536)
        except BlockingIOError:
            return b""
        except OSError as error:
            raise _gone(error) from None
        if not data:
            raise _gone(OSError(errno.EIO, os.strerror(errno.EIO)))
        return data

    def _write(self, data: memoryview) -> int:
        try:
            return os.write(self._descriptor, data)
        except BlockingIOError:
            return 0
        except OSError as error:
            raise _gone(error) from None


@contextmanager
def serial_line(port: Path, baud: int) -> Iterator[SerialLine]:
    """Open a serial port, for us alone, and put its settings back afterwards.

    Raises:
        InputError: `talk.port` when it cannot be opened or is no serial port, `talk.baud`.
    """
    speed = getattr(termios, f"B{baud}", None)
    if not isinstance(speed, int):
        raise InputError(
            "talk.baud",
            f"this system's serial ports have no rate of {baud} baud",
            hint="choose another baud in the board's file and build again",
        )
    try:
        descriptor = os.open(port, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
    except OSError as error:
        raise InputError(
            "talk.port",
            f"cannot open {port}: {error.strerror}",
            hint="name the board's port, such as /dev/ttyUSB1; you may need to be in the group "
            "that owns it (often dialout)",
        ) from None
    try:
        before = _raw(descriptor, port, speed)
        try:
            yield SerialLine(descriptor)
        finally:
            termios.tcsetattr(descriptor, termios.TCSANOW, before)
    finally:
        os.close(descriptor)


def resynchronize(line: Line, protocol: bridge.Protocol) -> int:
    """Let the board forget half a tensor, and drop late results; returns the bytes dropped.

    Raises:
        ToolFailed: `talk.chatter` when bytes do not stop coming.
    """
    silence = max(1.5 * protocol.silence, _QUIET_SECONDS)
    end = time.monotonic() + _MOST_STALE_SECONDS
    dropped = 0
    while data := line.receive(silence):
        dropped += len(data)
        if time.monotonic() > end:
            raise ToolFailed(
                "talk.chatter",
                f"the port sends without being asked: {dropped} bytes came before any was sent",
                hint="is it the board's UART, and is the bitstream loaded?",
            )
    return dropped


def exchange(
    line: Line,
    protocol: bridge.Protocol,
    tensors: Sequence[bytes],
    *,
    window: int | None = None,
    seconds: float = 2.0,
    progress: Callable[[int], None] = lambda done: None,
) -> list[bytes]:
    """Send every tensor and return its result, at most `window` on their way at once.

    `window` is the board's own if None. A result may take `seconds` beside its time on the line.

    Raises:
        ToolFailed: `talk.silent` when bytes stop coming, `talk.extra` when there are too many.
    """
    most = protocol.window if window is None else max(1, min(window, protocol.window))
    size = protocol.output_bytes
    on_line = _BITS_PER_BYTE * most * (protocol.input_bytes + size) / protocol.baud
    patience = seconds + on_line
    results: list[bytes] = []
    received = bytearray()
    sent = 0
    while len(results) < len(tensors):
        while sent < len(tensors) and sent - len(results) < most:
            if not line.send(tensors[sent], patience):
                raise _silent(len(results), len(tensors), len(received), size, patience)
            sent += 1
        data = line.receive(patience)
        if not data:
            raise _silent(len(results), len(tensors), len(received), size, patience)
        received += data
        while len(received) >= size and len(results) < sent:
            results.append(bytes(received[:size]))
            del received[:size]
            progress(len(results))
        if len(received) >= size:
            raise _extra(len(received))
    received += line.receive(_QUIET_SECONDS)
    if received:
        raise _extra(len(received))
    return results


def _until(end: float) -> float:
    return max(0.0, end - time.monotonic())


def _raw(descriptor: int, port: Path, speed: int) -> list[Any]:
    """Raw bytes at `speed`; returns the settings that were there before."""
    try:
        fcntl.ioctl(descriptor, termios.TIOCEXCL)
        before: list[Any] = termios.tcgetattr(descriptor)
        control = termios.CS8 | termios.CREAD | termios.CLOCAL
        characters = [b"\0"] * len(before[6])
        modes: list[Any] = [0, 0, control, 0, speed, speed, characters]
        termios.tcsetattr(descriptor, termios.TCSANOW, modes)
        termios.tcflush(descriptor, termios.TCIOFLUSH)
    except (OSError, termios.error):
        raise InputError(
            "talk.port",
            f"{port} is not a serial port",
            hint="name the board's port, such as /dev/ttyUSB1",
        ) from None
    return before


def _gone(error: OSError) -> ToolFailed:
    return ToolFailed(
        "talk.gone",
        f"the serial port went away: {error.strerror}",
        hint="plug the board in again and check its cable",
    )


def _silent(done: int, total: int, part: int, size: int, seconds: float) -> ToolFailed:
    return ToolFailed(
        "talk.silent",
        f"the board fell silent: {done} of {total} results and {part} of {size} bytes came, then "
        f"nothing for {seconds:.3g} s",
        hint="is this the board's UART and this build's bitstream loaded? An error LED that is lit "
        "says that bytes were lost: run the command again",
    )


def _extra(count: int) -> ToolFailed:
    return ToolFailed(
        "talk.extra",
        f"the board sent {count} bytes more than the results asked for",
        hint="the bitstream on the board is of another build: load this build's .bin file",
    )
