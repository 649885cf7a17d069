"""The host's end: how many tensors are on their way, and every way a board can misbehave."""

from __future__ import annotations

import os
import termios
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from hwflow.board.boards import board
from hwflow.board.bridge import protocol
from hwflow.board.host import exchange, resynchronize, serial_line
from hwflow.errors import InputError, ToolFailed
from tests.board.slow import INTERFACE

LINE = protocol(INTERFACE, board("icebreaker"))
TENSORS = [bytes([k] * 6) for k in range(9)]


class FakeBoard:
    """Answers a tensor with its bytes plus one; keeps at most the protocol's window of them.

    `chunk` bytes come back at once; `lost` is a byte that never arrives; `extra` comes at the end.
    """

    def __init__(self, chunk: int = 4, lost: int | None = None, extra: bytes = b"") -> None:
        self.taken = bytearray()
        self.answer = bytearray()
        self.waiting = 0
        self.most = 0
        self._chunk, self._lost, self._extra = chunk, lost, extra
        self._count = 0

    def send(self, data: bytes, seconds: float) -> bool:
        for byte in data:
            if self._count != self._lost:
                self.taken.append(byte)
            self._count += 1
        while len(self.taken) >= LINE.input_bytes:
            self.answer += bytes((b + 1) % 256 for b in self.taken[: LINE.input_bytes])
            del self.taken[: LINE.input_bytes]
        self.most = max(self.most, (len(self.answer) + LINE.output_bytes - 1) // LINE.output_bytes)
        return True

    def receive(self, seconds: float) -> bytes:
        if not self.answer:
            self.answer += self._extra
            self._extra = b""
        data = bytes(self.answer[: self._chunk])
        del self.answer[: self._chunk]
        return data


@pytest.mark.parametrize("chunk", [1, 4, 6, 7, 100])
@pytest.mark.parametrize("window", [None, 1, 2, 50])
def test_results_in_order_and_never_too_many_on_their_way(chunk: int, window: int | None) -> None:
    fake = FakeBoard(chunk)
    done: list[int] = []
    results = exchange(fake, LINE, TENSORS, window=window, progress=done.append)
    assert results == [bytes([k + 1] * 6) for k in range(9)]
    assert done == list(range(1, 10))
    assert fake.most == (1 if window == 1 else LINE.window)


def test_a_lost_byte_is_never_silent() -> None:
    for lost in range(6 * len(TENSORS)):
        with pytest.raises(ToolFailed) as caught:
            exchange(FakeBoard(lost=lost), LINE, TENSORS, seconds=0.01)
        assert caught.value.code == "talk.silent"


def test_too_many_bytes() -> None:
    with pytest.raises(ToolFailed, match="1 bytes more") as caught:
        exchange(FakeBoard(extra=b"!"), LINE, TENSORS)
    assert caught.value.code == "talk.extra"


def test_another_builds_bitstream_that_answers_with_more() -> None:
    class Talkative(FakeBoard):
        def send(self, data: bytes, seconds: float) -> bool:
            self.answer += bytes(40)
            return True

    with pytest.raises(ToolFailed) as caught:
        exchange(Talkative(100), LINE, TENSORS)
    assert caught.value.code == "talk.extra"


def test_a_port_that_takes_nothing() -> None:
    class Stuck(FakeBoard):
        def send(self, data: bytes, seconds: float) -> bool:
            return False

    with pytest.raises(ToolFailed, match="0 of 9 results") as caught:
        exchange(Stuck(), LINE, TENSORS)
    assert caught.value.code == "talk.silent"


def test_late_results_are_dropped() -> None:
    fake = FakeBoard(chunk=2, extra=b"stale")
    assert resynchronize(fake, LINE) == 5
    assert resynchronize(fake, LINE) == 0


def test_a_port_that_never_stops(monkeypatch: pytest.MonkeyPatch) -> None:
    class Noise(FakeBoard):
        def receive(self, seconds: float) -> bytes:
            return b"x"

    monkeypatch.setattr("hwflow.board.host._MOST_STALE_SECONDS", 0.02)
    with pytest.raises(ToolFailed) as caught:
        resynchronize(Noise(), LINE)
    assert caught.value.code == "talk.chatter"


@pytest.fixture
def terminal() -> Iterator[tuple[int, int]]:
    """The two ends of a pseudo-terminal: the board's and the host's."""
    far, near = os.openpty()
    yield far, near
    for descriptor in (far, near):
        os.close(descriptor)


def test_bytes_are_not_touched_by_the_terminal(terminal: tuple[int, int]) -> None:
    far, near = terminal
    before = termios.tcgetattr(near)
    every = bytes(range(256))
    with serial_line(Path(os.ttyname(near)), LINE.baud) as line:
        set_up = termios.tcgetattr(near)
        assert (set_up[4], set_up[5]) == (termios.B1000000, termios.B1000000)
        assert set_up[2] & termios.CSIZE == termios.CS8
        assert not set_up[2] & (termios.PARENB | termios.CSTOPB)
        assert line.send(every, 1.0)
        assert os.read(far, 1000) == every
        os.write(far, every)
        found = b""
        while len(found) < len(every) and (data := line.receive(1.0)):
            found += data
        assert found == every
        assert line.receive(0.01) == b""
    assert termios.tcgetattr(near)[:4] == before[:4]


def test_more_than_the_terminal_holds(terminal: tuple[int, int]) -> None:
    far, near = terminal
    whole = bytes(range(256)) * 100
    found = bytearray()

    def read() -> None:
        while len(found) < len(whole):
            found.extend(os.read(far, 4096))

    reader = threading.Thread(target=read)
    with serial_line(Path(os.ttyname(near)), LINE.baud) as line:
        reader.start()
        assert line.send(whole, 10.0)
        reader.join(10.0)
        assert bytes(found) == whole
        assert not line.send(whole, 0.05), "nobody reads any more"


def test_not_a_port(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for path, words in (
        (tmp_path / "none", "No such file"),
        (tmp_path / "file", "not a serial port"),
        (Path("/dev/null"), "not a serial port"),
        (tmp_path, "directory"),
    ):
        with pytest.raises(InputError, match=words) as caught, serial_line(path, LINE.baud):
            pass
        assert caught.value.code == "talk.port"


def test_a_rate_that_no_terminal_has(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught, serial_line(tmp_path, 123_457):
        pass
    assert caught.value.code == "talk.baud"
