"""Lines clock by clock: what is sent is what is read, and broken lines are noticed."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hwflow.board.waveform import decode, encode
from hwflow.errors import CheckFailed


@given(st.lists(st.binary(min_size=3, max_size=3), min_size=1, max_size=5), st.integers(8, 20))
def test_round_trip(rows: list[bytes], clocks: int) -> None:
    given_bytes = np.array([list(row) for row in rows], dtype=np.uint8)
    levels = encode(given_bytes, clocks, 512 + 31 * clocks)
    assert np.array_equal(decode(levels, clocks, 3), given_bytes)


def test_one_byte_by_hand() -> None:
    levels = encode(np.array([[0b0100_1101]], dtype=np.uint8), 8, 600)
    assert levels[0, :512].all()
    frame = levels[0, 512:592].reshape(10, 8)
    assert [int(bit) for bit in frame[:, 0]] == [0, 1, 0, 1, 1, 0, 0, 1, 0, 1]
    assert (frame == frame[:, :1]).all()


def test_broken_lines() -> None:
    levels = encode(np.array([[1, 2], [3, 4]], dtype=np.uint8), 8, 800)
    for count, words in ((1, "board 0: found another byte after 1 bytes"), (3, "no byte after 2")):
        with pytest.raises(CheckFailed, match=words) as caught:
            decode(levels, 8, count)
        assert caught.value.code == "board.frames"
    levels[1, 512 + 72 : 512 + 80] = 0
    with pytest.raises(CheckFailed, match="board 1: found a broken frame after 0 bytes"):
        decode(levels, 8, 2)
