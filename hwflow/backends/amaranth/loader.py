# amaranth: UnusedElaboratable=no
"""The weight loader: words in flip-flops, a Wishbone and a serial port, and the check of their CRC.

What the pins mean is in docs/loader.md. One access at a time goes through a small machine:
`access` decodes the address, writes the word or fetches it into `data`; `answer` acknowledges;
`digest` takes a word that the check asked for into the CRC, a byte a clock. While the design runs
the check goes on slowly, so that a changed bit shows in the status.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum
from functools import reduce
from operator import or_, xor

import numpy as np
import numpy.typing as npt
from amaranth import Cat, Const, Module, Mux, Signal, Value

from hwflow.backends.amaranth.module import HwModule
from hwflow.plan.loading import (
    ADDRESS,
    CONTROL,
    EXPECTED,
    FIRST,
    FOUND,
    SCRUB,
    STATES,
    address_bits,
    loader_inputs,
    loader_outputs,
)
from hwflow.plan.store import WORD, WeightStore, crc

__all__ = ["LoaderModule", "Words"]

Words = npt.NDArray[np.uint32]

LOADING, CHECKING, RUNNING, FAILED = range(len(STATES))
_POLYNOMIAL = 0xEDB88320
_BYTE = 8
_HEADER, _PAUSE, _FRAME = ADDRESS + 1, 24, 56
"""Bits of a serial frame until its address, its data and its end are complete."""


class _Phase(IntEnum):
    IDLE, ACCESS, ANSWER, DIGEST = range(4)


class _Source(IntEnum):
    SERIAL, WISHBONE, CHECK = range(3)


class LoaderModule(HwModule):
    """Holds the words of `store`: `weights_o` is the packed vector, `running_o` the state.

    With `voted` it is one of three copies: `state_o` are its registers, and what it goes by is the
    vote on them, `voted_i`. With `words` it starts as if they had been loaded: for simulation.
    """

    uses_reset = True

    def __init__(
        self,
        name: str,
        store: WeightStore,
        *,
        generate: bool,
        voted: bool = False,
        words: Words | None = None,
    ) -> None:
        super().__init__(name, generate=generate)
        self.store, self.voted = store, voted
        self.kept = voted
        for pin, bits in loader_inputs(store).items():
            self.add_input(pin, bits)
        for pin, bits in loader_outputs().items():
            self.add_output(pin, bits)
        self.weights = self.add_output("weights_o", store.bits)
        self.running = self.add_output("running_o", 1)
        held = [0] * store.words if words is None else words.tolist()
        self.words = [
            Signal(min(WORD, store.bits - WORD * i), name=f"word_{i}", init=init, reset_less=True)
            for i, init in enumerate(held)
        ]
        self._flops: dict[str, Signal] = {}
        self._registers: list[Signal] = []
        address = address_bits(store)
        register = self._register
        self.state = register("state", 2, LOADING if words is None else RUNNING)
        self.failed = register("recheck_failed", 1)
        self.expected = register("expected_crc", WORD, 0 if words is None else crc(words))
        self.crc = register("found_crc", WORD)
        self.phase = register("phase", 2)
        self.source = register("source", 2)
        self.write = register("write", 1)
        self.address = register("address", address)
        # Words take it at an edge and, where they are latches, for half a cycle more: nothing moves
        # it at that edge, not even reset.
        self.data = register("data", WORD, reset_less=True)
        self.next_word = register("next_word", address, FIRST)
        self.byte = register("byte", 2)
        self.pause = register("pause", (SCRUB - 1).bit_length())
        self.asked = register("serial_asked", 1)
        self.shift = register("serial_shift", WORD)
        self.serial_write = register("serial_write", 1)
        self.serial_address = register("serial_address", address)
        self.serial_early = register("serial_early", 3)
        self.serial_pins = register("serial_pins", 3)
        self.serial_before = register("serial_clock_before", 1)
        self.serial_out = register("serial_out", 1)
        self.serial_bits = register("serial_bits", _FRAME.bit_length())
        if voted:
            bits = sum(len(flop) for flop in self._flops.values())
            self.add_input("voted_i", bits)
            self.add_output("state_o", bits)

    def _register(
        self, name: str, width: int, init: int = 0, *, reset_less: bool = False
    ) -> Signal:
        """What a register says, in a copy by the vote on it."""
        flop = self._flops[name] = Signal(width, name=name, init=init, reset_less=reset_less)
        register = Signal(width, name=f"voted_{name}") if self.voted else flop
        self._registers.append(register)
        return register

    def _next(self, register: Signal) -> Signal:
        """The flip-flops of a register, to be given their next value."""
        return self._flops[register.name.removeprefix("voted_")]

    def build(self, m: Module) -> None:
        m.d.comb += [
            self.weights.eq(Cat(*self.words)),
            self.running.eq(self.state == RUNNING),
            self.outputs["wb_dat_o"].eq(self.data),
        ]
        if self.voted:
            self._vote(m)
        self._grant(m)
        self._access(m)
        self._answer(m)
        self._digest(m)
        self._serial(m)

    def _vote(self, m: Module) -> None:
        """Every register takes what the vote says unless it takes something new."""
        m.d.comb += self.outputs["state_o"].eq(Cat(*self._flops.values()))
        low = 0
        for register in self._registers:
            high = low + len(register)
            m.d.comb += register.eq(self.inputs["voted_i"][low:high])
            m.d.sync += self._next(register).eq(register)
            low = high

    def _grant(self, m: Module) -> None:
        due, asked = Signal(name="check_due"), Signal(name="wishbone_asked")
        m.d.comb += [
            due.eq((self.state == CHECKING) | ((self.state == RUNNING) & (self.pause == 0))),
            asked.eq(self.inputs["wb_cyc_i"] & self.inputs["wb_stb_i"]),
        ]
        with m.If(self.pause != 0):
            m.d.sync += self._next(self.pause).eq(self.pause - 1)
        with m.If((self.phase == _Phase.IDLE) & (self.asked | asked | due)):
            m.d.sync += self._next(self.phase).eq(_Phase.ACCESS)
            with m.If(self.asked):
                m.d.sync += [
                    self._next(self.source).eq(_Source.SERIAL),
                    self._next(self.write).eq(self.serial_write),
                    self._next(self.address).eq(self.serial_address),
                    self._next(self.data).eq(self.shift),
                ]
            with m.Elif(asked):
                m.d.sync += [
                    self._next(self.source).eq(_Source.WISHBONE),
                    self._next(self.write).eq(self.inputs["wb_we_i"]),
                    self._next(self.address).eq(self.inputs["wb_adr_i"]),
                    self._next(self.data).eq(self.inputs["wb_dat_i"]),
                ]
            with m.Else():
                m.d.sync += [
                    self._next(self.source).eq(_Source.CHECK),
                    self._next(self.write).eq(0),
                    self._next(self.address).eq(self.next_word),
                    self._next(self.pause).eq(SCRUB - 1),
                ]
                with m.If(self.next_word == FIRST):
                    m.d.sync += self._next(self.crc).eq((1 << WORD) - 1)

    def _access(self, m: Module) -> None:
        """Reads and writes; in a copy a word read for the check is written back as voted."""
        access, store = Signal(name="access"), Signal(name="store")
        unlocked, again = Signal(name="unlocked"), Signal(name="write_back")
        m.d.comb += [
            access.eq(self.phase == _Phase.ACCESS),
            unlocked.eq((self.state == LOADING) | (self.state == FAILED)),
        ]
        m.d.comb += store.eq((access & self.write & unlocked) | again)
        if self.voted:
            checked = self.source == _Source.CHECK
            m.d.comb += again.eq((self.phase == _Phase.ANSWER) & checked)
        selected = []
        for index, word in enumerate(self.words):
            select = Signal(name=f"select_{index}")
            m.d.comb += select.eq(self.address == FIRST + index)
            selected.append(word & select.replicate(len(word)))
            with m.If(select & store):
                m.d.sync += word.eq(self.data)
        control, expected, found = (
            Signal(name=f"select_{name}") for name in ("control", "expected", "found")
        )
        status = Cat(self.state, self.failed, Const(0, 13), Const(self.store.words, 16))
        m.d.comb += [
            control.eq(self.address == CONTROL),
            expected.eq(self.address == EXPECTED),
            found.eq(self.address == FOUND),
        ]
        selected += [
            status & control.replicate(WORD),
            self.expected & expected.replicate(WORD),
            ~self.crc & found.replicate(WORD),
        ]
        fetched = Signal(WORD, name="fetched")
        m.d.comb += fetched.eq(_any(selected))
        with m.If(access):
            m.d.sync += self._next(self.phase).eq(_Phase.ANSWER)
            with m.If(~self.write):
                m.d.sync += self._next(self.data).eq(fetched)
            with m.Elif(control):
                m.d.sync += [
                    self._next(self.state).eq(Mux(self.data[0], CHECKING, LOADING)),
                    self._next(self.failed).eq(0),
                    self._next(self.next_word).eq(FIRST),
                    self._next(self.pause).eq(0),
                ]
            with m.Elif(expected & unlocked):
                m.d.sync += self._next(self.expected).eq(self.data)

    def _answer(self, m: Module) -> None:
        answer, wishbone = Signal(name="answer"), self.source == _Source.WISHBONE
        asked = self.inputs["wb_cyc_i"] & self.inputs["wb_stb_i"]
        m.d.comb += [
            answer.eq(self.phase == _Phase.ANSWER),
            self.outputs["wb_ack_o"].eq(answer & wishbone & asked),
        ]
        with m.If(answer):
            checked = self.source == _Source.CHECK
            m.d.sync += self._next(self.phase).eq(Mux(checked, _Phase.DIGEST, _Phase.IDLE))

    def _digest(self, m: Module) -> None:
        """A byte of the word into the CRC; after the last word the comparison."""
        stepped, mixed = Signal(WORD, name="stepped_crc"), Signal(_BYTE, name="mixed")
        equal = Signal(name="crc_equal")
        remainders = [_remainder(place) for place in range(_BYTE)]
        moved = [[bit] for bit in self.crc[_BYTE:]] + [[] for _ in range(_BYTE)]
        parts = [
            [*bit, *(mixed[k] for k in range(_BYTE) if remainders[k] >> place & 1)]
            for place, bit in enumerate(moved)
        ]
        m.d.comb += [
            mixed.eq(self.crc[:_BYTE] ^ self.data[:_BYTE]),
            stepped.eq(Cat(*(reduce(xor, part) for part in parts))),
            equal.eq(stepped == ~self.expected),
        ]
        with m.If(self.phase == _Phase.DIGEST):
            m.d.sync += [
                self._next(self.crc).eq(stepped),
                self._next(self.data).eq(self.data[_BYTE:]),
                self._next(self.byte).eq(self.byte + 1),
            ]
            with m.If(self.byte == WORD // _BYTE - 1):
                m.d.sync += [
                    self._next(self.phase).eq(_Phase.IDLE),
                    self._next(self.next_word).eq(self.next_word + 1),
                ]
                with m.If(self.next_word == FIRST + self.store.words - 1):
                    m.d.sync += self._next(self.next_word).eq(FIRST)
                    with m.If(self.state == RUNNING):
                        m.d.sync += self._next(self.failed).eq(self.failed | ~equal)
                    with m.Else():
                        m.d.sync += self._next(self.state).eq(Mux(equal, RUNNING, FAILED))

    def _serial(self, m: Module) -> None:
        """Pins through two flip-flops each, then bits into and out of `shift`."""
        pins = Cat(self.inputs[f"ser_{n}_i"] for n in ("select", "clock", "data"))
        bits, before = self.serial_bits, self.serial_before
        select, clock, data = self.serial_pins
        m.d.sync += [
            self._next(self.serial_early).eq(pins),
            self._next(self.serial_pins).eq(self.serial_early),
            self._next(before).eq(clock),
        ]
        m.d.comb += self.outputs["ser_data_o"].eq(self.serial_out)
        header = Cat(data, self.shift[: _HEADER - 1])
        outside = header[len(self.address) : _HEADER - 1].any().replicate(len(self.address))
        served = (self.phase == _Phase.ANSWER) & (self.source == _Source.SERIAL)
        with m.If(served):
            m.d.sync += self._next(self.asked).eq(0)
            with m.If(~self.write):
                m.d.sync += self._next(self.shift).eq(self.data)
        with m.If(~select):
            m.d.sync += [self._next(bits).eq(0), self._next(self.serial_out).eq(0)]
        with m.Elif(clock & ~before & (bits != _FRAME)):
            m.d.sync += self._next(bits).eq(bits + 1)
            with m.If((bits < _HEADER) | (bits >= _PAUSE)):
                m.d.sync += self._next(self.shift).eq(Cat(data, self.shift[:-1]))
            with m.If(bits == _HEADER - 1):
                # The highest address has no register.
                m.d.sync += [
                    self._next(self.serial_write).eq(header[-1]),
                    self._next(self.serial_address).eq(header | outside),
                    self._next(self.asked).eq(~header[-1]),
                ]
            with m.If((bits == _FRAME - 1) & self.serial_write):
                m.d.sync += self._next(self.asked).eq(1)
        with m.Elif(~clock & before):
            m.d.sync += self._next(self.serial_out).eq(self.shift[-1] & (bits >= _PAUSE))


def _any(values: Sequence[Value]) -> Value:
    """OR of all as a balanced tree."""
    if len(values) < 4:
        return reduce(or_, values)
    return _any(values[: len(values) // 2]) | _any(values[len(values) // 2 :])


def _remainder(place: int) -> int:
    """CRC of a byte with one bit set, from a register of zeros."""
    value = 1 << place
    for _ in range(_BYTE):
        value = value >> 1 ^ _POLYNOMIAL * (value & 1)
    return value
