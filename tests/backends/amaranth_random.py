"""Random Amaranth modules of the kind that hwflow's generators write, from a hypothesis draw."""

from __future__ import annotations

from typing import Any

from amaranth.back import rtlil
from amaranth.hdl import (
    Array,
    Cat,
    ClockDomain,
    Const,
    Elaboratable,
    Module,
    Mux,
    Signal,
    Value,
    signed,
    unsigned,
)
from hypothesis import strategies as st

__all__ = ["RandomTop", "to_rtlil"]

Draw = Any
WIDTHS = st.one_of(st.integers(1, 9), st.sampled_from([1, 2, 13, 31, 32, 33, 62]))


def to_rtlil(top: RandomTop, name: str) -> str:
    """The RTLIL text of a random design."""
    return str(rtlil.convert(top, name=name, ports=list(top.ports), emit_src=False))


class RandomTop(Elaboratable):
    """`steps` values built one from another; words named w_N, registers r_N, unnamed ones between.

    With `depth`, some values pass through a submodule of the same kind.
    """

    def __init__(
        self, draw: Draw, steps: int, depth: int = 0, reset: bool = True, domain: str = "sync"
    ) -> None:
        self.draw = draw
        self.clk = Signal()
        self.rst = Signal()
        self.en = Signal(name="en_i")
        self.has_reset = reset
        self.data = Signal(draw(WIDTHS) + 12, name="in_data_i")
        self.flags = Signal(4, name="flags_i")
        self.out = Signal(draw(WIDTHS) + 8, name="out_data_o")
        self.state = Signal(3, name="state_o")
        self.ports = [self.clk, self.en, self.data, self.flags, self.out, self.state]
        if reset:
            self.ports.insert(1, self.rst)
        self.module = m = Module()
        self.domain = ClockDomain(domain, reset_less=not reset)
        m.domains += self.domain
        m.d.comb += self.domain.clk.eq(self.clk)
        if reset:
            m.d.comb += self.domain.rst.eq(self.rst)
        self.words: list[Value] = [Const(3, 4), Const(-2, signed(3)), self.flags]
        self._slices()
        self.count = 0
        for _ in range(steps):
            self._step(depth)
        self._finish()

    def elaborate(self, platform: object) -> Module:
        return self.module

    def _slices(self) -> None:
        low, number = 0, 0
        while low < len(self.data):
            width = min(self.draw(st.integers(1, 12)), len(self.data) - low)
            shape = signed(width) if self.draw(st.booleans()) else unsigned(width)
            word = Signal(shape, name=f"x_{number}")
            self.module.d.comb += word.eq(self.data[low : low + width])
            self.words.append(word)
            low, number = low + width, number + 1

    def _pick(self, most: int = 62) -> Value:
        word = self.words[self.draw(st.integers(0, len(self.words) - 1))]
        return word if len(word) <= most else word[:most]

    def _test(self) -> Value:
        return self._pick()[0] if self.draw(st.booleans()) else self.en

    def _extend(self, word: Value, width: int) -> Value:
        if width <= len(word):
            return word[:width]
        top = word[-1] if word.shape().signed else Const(0, 1)
        return Cat(word, top.replicate(width - len(word)))

    def _value(self) -> Value:
        """A new value; multiplications stay small so that a solver can compare them."""
        draw, a, b = self.draw, self._pick(), self._pick()
        small = self._pick(4), self._pick(5)
        amount = self._pick(3).as_unsigned()
        width = draw(WIDTHS)
        made = {
            "add": lambda: a + b,
            "sub": lambda: a - b,
            "shifted_add": lambda: Cat(a[:2], self._extend(a[2:], width) + b) if len(a) > 2 else a,
            "mul": lambda: small[0] * small[1],
            "times": lambda: self._pick(6) * Const(-5, signed(4)),
            "bias": lambda: a + Const(-9, signed(9)),
            "neg": lambda: -a,
            "not": lambda: ~a,
            "logic": lambda: (a & b) ^ (a | ~b),
            "less": lambda: a < b,
            "at_least": lambda: a >= Const(-3, signed(6)),
            "order": lambda: Cat(a > b, a <= 5, a == b, a != 1),
            "reduce": lambda: Cat(a.any(), a.all(), a.xor(), a.bool()),
            "mux": lambda: Mux(self._test(), a, b),
            "saturate": lambda: Mux(a > 3, Const(3, 6), Mux(a < -4, Const(-4, signed(6)), b)),
            "slice": lambda: a[len(a) // 3 :],
            "extend": lambda: self._extend(a, width),
            "cat": lambda: Cat(a, Const(1, 2), b)[:62],
            "right": lambda: a >> amount,
            "left": lambda: (self._pick(6) << amount)[:13],
            "select": lambda: a.as_unsigned().bit_select(amount, 2),
            "array": lambda: Array([a, b, Const(1, 3), small[0]])[self._pick(2).as_unsigned()],
            "round": lambda: (a + b + 4)[3:] if len(a) > 4 else a,
        }
        return Value.cast(made[draw(st.sampled_from(sorted(made)))]())

    def _step(self, depth: int) -> None:
        value = self._value()
        kind = self.draw(st.sampled_from(["word", "word", "unnamed", "sync", "table", "if", "sub"]))
        if kind == "unnamed" or (kind == "sub" and not depth):
            self.words.append(value[:62])
            return
        self.count += 1
        width = self.draw(st.one_of(WIDTHS, st.just(min(62, len(value)))))
        shape = signed(width) if self.draw(st.booleans()) else unsigned(width)
        if kind == "sync":
            self._register(value, shape, width)
        elif kind == "sub":
            self._submodule(value)
        else:
            word = Signal(shape, name=f"w_{self.count}")
            if kind == "word":
                self.module.d.comb += word.eq(value)
            elif kind == "if":
                self._nested(word, value)
            else:
                self._table(word, value)
            self.words.append(word)

    def _nested(self, word: Signal, value: Value) -> None:
        m = self.module
        with m.If(self._test()):
            m.d.comb += word.eq(value)
            with m.If(self._test()):
                m.d.comb += word[: len(word) // 2 + 1].eq(self._pick())
        if self.draw(st.booleans()):
            with m.Elif(self._test()):
                m.d.comb += word.eq(self._pick())
        if self.draw(st.booleans()):
            with m.Else():
                m.d.comb += word.eq(1)

    def _table(self, word: Signal, value: Value) -> None:
        m = self.module
        selector = Cat(self._pick(2), self.flags)[:4]
        with m.Switch(selector):
            with m.Case("1-0-"):
                m.d.comb += word.eq(value)
            with m.Case(2, 3):
                m.d.comb += word.eq(self._pick())
            with m.Case(4):
                if self.draw(st.booleans()):
                    m.d.comb += word[0].eq(1)
            if self.draw(st.booleans()):
                with m.Case("---1"):
                    m.d.comb += word.eq(7)
            if self.draw(st.booleans()):
                with m.Default():
                    m.d.comb += word.eq(self._pick())

    def _register(self, value: Value, shape: Any, width: int) -> None:
        m = self.module
        free = self.draw(st.booleans()) or not self.has_reset
        word = Signal(shape, name=f"r_{self.count}", reset_less=free, init=0 if width == 1 else 1)
        how = self.draw(st.sampled_from(["plain", "enable", "chain", "count"]))
        if how == "plain":
            m.d[self.domain.name] += word.eq(value)
        elif how == "count":
            m.d[self.domain.name] += word.eq(word + 1)
            with m.If(self._test()):
                m.d[self.domain.name] += word[: len(word) // 2 + 1].eq(value)
        else:
            with m.If(self.en if how == "enable" else self._test()):
                m.d[self.domain.name] += word.eq(value)
            if how == "chain":
                with m.Elif(self._test()):
                    m.d[self.domain.name] += word.eq(self._pick())
        self.words.append(word)

    def _submodule(self, value: Value) -> None:
        m = self.module
        inner = RandomTop(self.draw, 3, reset=False, domain=f"inner_{self.count}")
        m.submodules[f"u_{self.count}"] = inner
        m.d.comb += [
            inner.clk.eq(self.clk),
            inner.en.eq(self.en),
            inner.data.eq(value),
            inner.flags.eq(self.flags),
        ]
        self.words.append(inner.out)

    def _finish(self) -> None:
        m = self.module
        total = Cat(*self.words[-3:], *(word[-1] for word in self.words))
        m.d.comb += self.out.eq(total[: len(self.out)] ^ self.words[-1])
        if self.has_reset:
            with m.If(self.state == 5):
                m.d[self.domain.name] += self.state.eq(0)
            with m.Elif(self.en):
                m.d[self.domain.name] += self.state.eq(self.state + 1)
        else:
            m.d.comb += self.state.eq(self.words[-1])
