"""The order of reads against sliding windows, and the line buffer's depth by running it."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from hwflow.plan.kernel import Window
from hwflow.plan.raster import Raster, raster_of

Word = int | None
"""Index of the word read, None for padding."""


@dataclass(frozen=True)
class Case:
    """A window over `size` pixels of `groups` words."""

    kind: str
    size: tuple[int, ...]
    taps: tuple[int, ...]
    dilation: tuple[int, ...]
    stride: tuple[int, ...]
    padding: tuple[tuple[int, int], ...]
    groups: int
    repeats: int

    def raster(self) -> Raster:
        spans = tuple((t - 1) * d + 1 for t, d in zip(self.taps, self.dilation, strict=True))
        window = Window((*self.size, self.groups), spans, self.stride, self.padding)
        two = (_two(self.taps), _two(self.dilation))
        return raster_of(self.kind, window, *two, self.groups, self.repeats)

    def words(self) -> Iterator[list[list[Word]]]:
        """For each position: its accumulations, each as the words that it reads, in order."""
        before, after = zip(*self.padding, strict=True)
        numbers = np.arange(np.prod(self.size)).reshape(self.size)
        padded = np.pad(numbers, list(zip(before, after, strict=True)), constant_values=-1)
        spans = [(t - 1) * d + 1 for t, d in zip(self.taps, self.dilation, strict=True)]
        views = np.lib.stride_tricks.sliding_window_view(padded, spans)
        views = views[tuple(slice(None, None, s) for s in self.stride)]
        skip = tuple(slice(None, None, d) for d in self.dilation)
        for at in np.ndindex(views.shape[: len(self.size)]):
            pixels = [int(p) for p in views[at][skip].ravel()]
            yield self._accumulations(pixels)

    def _accumulations(self, pixels: list[int]) -> list[list[Word]]:
        def word(pixel: int, group: int) -> Word:
            return None if pixel < 0 else pixel * self.groups + group

        if self.kind == "matrix":
            one = [word(p, g) for p in pixels for g in range(self.groups)]
            return [one] * self.repeats
        return [[word(p, g) for p in pixels] for g in range(self.groups)]


def _two(sizes: tuple[int, ...]) -> tuple[int, int]:
    return (*sizes, 1)[:2]  # type: ignore[return-value]


def random_case(rng: random.Random) -> Case:
    rank = rng.randint(1, 2)
    size = tuple(rng.randint(1, 6) for _ in range(rank))
    taps = tuple(rng.randint(1, 3) for _ in range(rank))
    dilation = tuple(rng.choice((1, 1, 2)) for _ in range(rank))
    spans = [(t - 1) * d + 1 for t, d in zip(taps, dilation, strict=True)]
    padding = tuple(
        (rng.randint(0, s), max(rng.randint(0, s + 1), s - n))
        for s, n in zip(spans, size, strict=True)
    )
    stride = tuple(rng.randint(1, 4) for _ in range(rank))
    kind = rng.choice(("matrix", "depthwise"))
    return Case(kind, size, taps, dilation, stride, padding, rng.randint(1, 3), rng.randint(1, 3))


CASES = st.integers(0, 2**32).map(lambda seed: random_case(random.Random(seed)))


@settings(max_examples=200, deadline=None)
@given(case=CASES)
def test_words_come_in_the_order_of_sliding_windows(case: Case) -> None:
    raster = case.raster()
    expected = list(case.words())
    flat = [word for position in expected for one in position for word in one]
    index, there = raster.order
    found = [int(i) if real else None for i, real in zip(index, there, strict=True)]
    assert found == flat
    assert raster.steps == len(flat)
    assert raster.positions == len(expected)
    assert {raster.length} == {len(one) for position in expected for one in position}
    assert raster.per_position * raster.positions == raster.steps
    assert raster.padded == (not all(there))


@settings(max_examples=200, deadline=None)
@given(case=CASES)
def test_what_is_released_is_never_read_again(case: Case) -> None:
    """And at the end every word is released, read or not."""
    raster = case.raster()
    index, there = raster.order
    assert sum(raster.releases) == raster.words
    assert min(raster.releases) >= 0
    rows = len(raster.releases)
    assert rows == raster.loops[0].count
    released = 0
    for row, count in enumerate(raster.releases):
        later = slice(row * raster.steps // rows, None)
        read = index[later][there[later]]
        assert not len(read) or read.min() >= released
        released += count


@dataclass
class Buffer:
    """A ring of `depth` words, written ahead as far as releases allow, read in a raster's order."""

    raster: Raster
    depth: int

    def run(self, tensors: int, rng: random.Random | None = None) -> list[int]:
        """Cycles in which tensors are done; with `rng` both sides pause at random."""
        raster, (index, there) = self.raster, self.raster.order
        ring: list[int | None] = [None] * self.depth
        block = raster.steps // len(raster.releases)
        written = released = at = base = 0
        done: list[int] = []
        for cycle in range(200 + 12 * tensors * (raster.steps + raster.words)):
            room = written < raster.words * tensors and written - released < self.depth
            write = room and (rng is None or rng.random() < 0.6)
            want = base + int(index[at])
            read = (not there[at] or written > want) and (rng is None or rng.random() < 0.6)
            if read and there[at]:
                assert ring[want % self.depth] == want, "overwritten before its last read"
            if write:
                ring[written % self.depth] = written
                written += 1
            at += read
            if read and at % block == 0:
                released += raster.releases[at // block - 1]
            assert released - written <= raster.ahead
            if at == raster.steps:
                at, base = 0, base + raster.words
                done.append(cycle)
            if len(done) == tensors:
                return done
        raise AssertionError(f"deadlock after {len(done)} tensors")


@settings(max_examples=150, deadline=None)
@given(case=CASES, seed=st.integers(0, 100))
def test_the_depth_suffices(case: Case, seed: int) -> None:
    """Every word is there when it is read, and nothing waits for ever."""
    raster = case.raster()
    assume(bool(raster.order[1][: raster.length].any()))  # others are refused
    full = Buffer(raster, raster.depth).run(4)
    Buffer(raster, raster.depth).run(3, random.Random(seed))
    if not raster.padded and raster.ahead == 0:
        interval = full[-1] - full[-2]
        assert interval == max(raster.steps, raster.words), "rows arrive while others are read"


def test_a_smaller_buffer_overwrites_or_stops() -> None:
    """Three rows of a 3 x 3 window over 5 x 4 pixels, and the next row while they are read."""
    case = Case("matrix", (5, 4), (3, 3), (1, 1), (1, 1), ((0, 0), (0, 0)), 1, 1)
    raster = case.raster()
    # Beside the last row's window, the next tensor's first window must have room.
    assert raster.depth == 2 * 3 * 4
    assert raster.ahead == 0
    with pytest.raises(AssertionError, match="deadlock"):
        Buffer(raster, 2 * 4 + 2).run(2)


def test_words_are_kept_for_the_window_alone() -> None:
    """A pointwise convolution keeps its row and the next, whatever the size of the tensor."""
    for rows in (2, 20, 200):
        case = Case("matrix", (rows, 3), (1, 1), (1, 1), (1, 1), ((0, 0), (0, 0)), 2, 3)
        assert case.raster().depth == 2 * 3 * 2


def test_the_whole_tensor_is_one_position() -> None:
    """Dense layers read a vector `repeats` times, global sums a plane channel by channel."""
    none = ((0, 0), (0, 0))
    vector = Window((1, 12), (1,), (1,), none[:1])
    dense = raster_of("matrix", vector, (1, 1), (1, 1), 3, 4)
    assert [int(i) for i in dense.order[0]] == [0, 1, 2] * 4
    assert (dense.positions, dense.length, dense.releases) == (1, 3, (3,))
    total = raster_of("sum", Window((2, 3, 4), (2, 3), (1, 1), none), (2, 3), (1, 1), 2, 1)
    assert [int(i) for i in total.order[0]] == [0, 2, 4, 6, 8, 10, 1, 3, 5, 7, 9, 11]
    assert (total.positions, total.length, total.depth) == (1, 6, 24)
