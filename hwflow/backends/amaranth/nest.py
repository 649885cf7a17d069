"""The loop counters of a folded layer: which word is read next, and what its step is."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from operator import and_

from amaranth import C, Const, Module, Mux, Signal, Value, signed

from hwflow.plan.folded import FoldedPlan
from hwflow.plan.raster import DIGIT, Loop, Raster

__all__ = ["Nest"]


class Nest:
    """The loop counters, and what follows from them for the step that is next.

    `issue` says that the step is taken in this cycle: the pipeline moves and its word is there.
    """

    def __init__(self, m: Module, plan: FoldedPlan, enable: Value) -> None:
        self.m, self.plan = m, plan
        raster = plan.raster
        self.issue = Signal(name="step_issued")
        self.loops = [(i, loop) for i, loop in enumerate(raster.loops) if loop.count > 1]
        self.counters = {i: Signal(range(loop.count), name=loop.name) for i, loop in self.loops}
        self.ends = {i: Signal(name=f"{loop.name}_ends") for i, loop in self.loops}
        for i, loop in self.loops:
            m.d.comb += self.ends[i].eq(self.counters[i] == loop.count - 1)
        self._count()
        reach = raster.words + plan.depth + abs(raster.start) + 1
        self.lead = Signal(signed(reach.bit_length() + 1), name="words_ahead", init=-raster.start)
        self.address = Signal(
            range(plan.depth), name="read_address", init=raster.start % plan.depth
        )
        step = self._by_level(
            lambda loop: loop.words, raster.words, signed(reach.bit_length() + 1), "address_step"
        )
        with m.If(self.issue):
            m.d.sync += self.address.eq((self.address + step)[: len(self.address)])
        self.moves_back = -step
        self.inside: Value = self._inside() if raster.padded else Const(1, 1)
        there = Signal(name="word_there")
        m.d.comb += there.eq((self.lead > 0) | ~self.inside)
        m.d.comb += self.issue.eq(enable & there)
        inner = range(len(raster.loops) - raster.inner, len(raster.loops))
        mine = [i for i, _ in self.loops if i in inner]
        self.first = reduce(and_, [self.counters[i] == 0 for i in mine], Const(1, 1))
        self.last = reduce(and_, [self.ends[i] for i in mine], Const(1, 1))
        self.release = self._release()
        self._digits(raster)

    def _digits(self, raster: Raster) -> None:
        """The digit that is next; whether its first step is; whether the rows of weights recur."""
        at = next((i for i, loop in self.loops if loop.name == DIGIT), None)
        taps = [i for i, _ in self.loops if i > (len(raster.loops) if at is None else at)]
        self.digit: Value = Const(0, 1) if at is None else self.counters[at]
        self.doubles = reduce(and_, [self.counters[i] == 0 for i in taps], Const(1, 1))
        ends = Const(1, 1) if at is None else self.ends[at]
        self.again = reduce(and_, [self.ends[i] for i in taps], ~ends)

    def _count(self) -> None:
        """Advance the innermost loop; each outer one when all inside of it end."""
        m = self.m
        carry: Value = self.issue
        for i, _ in reversed(self.loops):
            with m.If(carry):
                m.d.sync += self.counters[i].eq(Mux(self.ends[i], 0, self.counters[i] + 1))
            carry = carry & self.ends[i]

    def _by_level(
        self, part: Callable[[Loop], int], whole: int, shape: object, name: str
    ) -> Signal:
        """What one step moves: given by the innermost loop that does not end with it.

        `whole` is what a whole tensor moves.
        """
        moved = Signal(shape, name=name)
        back = sum(part(loop) * (loop.count - 1) for _, loop in self.loops)
        value: Value = C(whole - back, shape)
        inside = back
        for i, loop in self.loops:
            inside -= part(loop) * (loop.count - 1)
            rest = [self.ends[j] for j, _ in self.loops if j > i]
            turn = reduce(and_, rest, Const(1, 1)) & ~self.ends[i]
            value = Mux(turn, C(part(loop) - inside, shape), value)
        self.m.d.comb += moved.eq(value)
        return moved

    def _inside(self) -> Value:
        """Whether the next word is part of the tensor, not of the padding."""
        raster, m = self.plan.raster, self.m
        flags = []
        for name, size, origin, part in (
            ("row_at", raster.rows, raster.origin[0], _rows),
            ("column_at", raster.columns, raster.origin[1], _columns),
        ):
            spread = sum(part(loop) * (loop.count - 1) for _, loop in self.loops)
            if origin >= 0 and origin + spread < size:
                continue
            shape = signed((abs(origin) + spread + size).bit_length() + 1)
            at = Signal(shape, name=name, init=origin)
            step = self._by_level(part, 0, shape, f"{name}_step")
            with m.If(self.issue):
                m.d.sync += at.eq((at + step)[: len(at)])
            flags.append((at >= 0) & (at < size))
        inside = Signal(name="inside")
        m.d.comb += inside.eq(reduce(and_, flags))
        return inside

    def _release(self) -> Value:
        """Words given up by the next step: some at the end of each row of outputs."""
        releases = self.plan.raster.releases
        inner = [self.ends[i] for i, _ in self.loops if i > 0]
        ends = reduce(and_, inner, Const(1, 1))
        common = max(set(releases), key=releases.count)
        words: Value = Const(common, max(releases).bit_length())
        for row, count in enumerate(releases):
            if count != common:
                words = Mux(self.counters[0] == row, count, words)
        return Mux(ends, words, 0)


def _rows(loop: Loop) -> int:
    return loop.rows


def _columns(loop: Loop) -> int:
    return loop.columns
