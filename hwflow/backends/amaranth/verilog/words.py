"""Named words of a module, and how to say a run of nets with them.

A word may be read only in a definition that stands strictly above it (`Word.key`), so that no two
words define each other even where only some of their bits depend on one another.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from hwflow.backends.amaranth.verilog.drivers import Nets

__all__ = ["Book", "Key", "Part", "Word"]

Key = tuple[int, ...]
"""(level, 1 for a second name of bits that another word drives, width, wire index)."""


@dataclass(frozen=True, slots=True)
class Word:
    """A Verilog net or variable; `port` is "", "input" or "output"."""

    name: str
    nets: Nets
    signed: bool
    key: Key
    port: str = ""

    @property
    def width(self) -> int:
        """Bits."""
        return len(self.nets)


@dataclass(frozen=True, slots=True)
class Part:
    """`count` copies of word[high:low]; or of an inlined wire; or constant bits `nets`."""

    width: int
    word: int = -1
    low: int = 0
    count: int = 1
    wire: int = -1
    nets: Nets = ()


class Book:
    """Every word that can be read so far."""

    def __init__(self) -> None:
        self.words: list[Word] = []
        self._where: dict[int, list[tuple[int, int]]] = defaultdict(list)
        self._inlined: dict[int, tuple[int, int]] = {}

    def add(self, word: Word, *, readable: bool = True) -> int:
        """Enter a word; its number."""
        number = len(self.words)
        self.words.append(word)
        if readable:
            for bit, net in enumerate(word.nets):
                if net > 1:
                    self._where[net].append((number, bit))
        return number

    def inline(self, wire: int, nets: Nets) -> None:
        """These nets are said by the expression of `wire`, all of them at once."""
        self._inlined[nets[0]] = (wire, len(nets))

    def forget(self, nets: Nets) -> None:
        """Undo `inline`."""
        del self._inlined[nets[0]]

    def parts(self, nets: Nets, limit: Key | None) -> Iterator[Part]:
        """The nets, lowest first, as few and as well named parts as possible."""
        at = 0
        while at < len(nets):
            part = self._part(nets, at, limit)
            yield part
            at += part.width * part.count

    def _part(self, nets: Nets, at: int, limit: Key | None) -> Part:
        first = nets[at]
        if first in self._inlined:
            wire, width = self._inlined[first]
            return Part(width, wire=wire)
        start = at
        while start < len(nets) and nets[start] <= 1:
            start += 1
        best = self._best(nets, at, start, limit) if start < len(nets) else None
        if start > at and best is None:
            return Part(start - at, nets=nets[at:start])
        assert best is not None, f"net {first} has no name"
        same = at + 1
        while same < len(nets) and nets[same] == first:
            same += 1
        if same - at > best.width:
            return Part(1, best.word, best.low, same - at)
        return best

    def _best(self, nets: Nets, at: int, start: int, limit: Key | None) -> Part | None:
        """The best word from `at` on; `start` is the first bit there that is not constant."""
        best: Part | None = None
        score: tuple[bool, int, bool, bool, int] | None = None
        for number, bit in self._where[nets[start]]:
            word = self.words[number]
            low = bit - (start - at)
            if low < 0 or (limit is not None and word.key >= limit):
                continue
            if start > at and (low > 0 or word.nets[:bit] != nets[at:start]):
                continue
            run = _run(word.nets, low, nets, at)
            whole = run == word.width
            # A port that carries many words is named only where the words themselves are not.
            spoken = not word.port or whole
            rank = (spoken and (run > 1 or run == len(nets)), run, whole, not word.port, number)
            if score is None or rank > score:
                best, score = Part(run, number, low), rank
        return best


def _run(word: Nets, low: int, nets: Nets, at: int) -> int:
    """How many bits from word[low] and nets[at] on are the same."""
    most = min(len(word) - low, len(nets) - at)
    if word[low : low + most] == nets[at : at + most]:
        return most
    run = 1
    while word[low + run] == nets[at + run]:
        run += 1
    return run
