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

from amaranth import Cat, Const, Module, Mux, Signal, Value

from hwflow.backends.amaranth.module import HwModule
from hwflow.plan.loading import (
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
from hwflow.plan.store import WORD, WeightStore

__all__ = ["LoaderModule"]

LOADING, CHECKING, RUNNING, FAILED = range(len(STATES))
_POLYNOMIAL = 0xEDB88320
_BYTE = 8
_HEADER, _PAUSE, _FRAME = 16, 24, 56
"""Bits of a serial frame until its address, its data and its end are complete."""


class _Phase(IntEnum):
    IDLE, ACCESS, ANSWER, DIGEST = range(4)


class _Source(IntEnum):
    SERIAL, WISHBONE, CHECK = range(3)


class LoaderModule(HwModule):
    """Holds the words of `store`: `weights_o` is the packed vector, `running_o` the state."""

    uses_reset = True

    def __init__(self, name: str, store: WeightStore, *, generate: bool) -> None:
        super().__init__(name, generate=generate)
        self.store = store
        for pin, bits in loader_inputs(store).items():
            self.add_input(pin, bits)
        for pin, bits in loader_outputs().items():
            self.add_output(pin, bits)
        self.weights = self.add_output("weights_o", store.bits)
        self.running = self.add_output("running_o", 1)

    def build(self, m: Module) -> None:
        address = address_bits(self.store)
        self.words = [
            Signal(min(WORD, self.store.bits - WORD * i), name=f"word_{i}", reset_less=True)
            for i in range(self.store.words)
        ]
        self.state = Signal(2, name="state")
        self.failed = Signal(name="recheck_failed")
        self.expected = Signal(WORD, name="expected_crc")
        self.crc = Signal(WORD, name="found_crc")
        self.phase = Signal(2, name="phase")
        self.source = Signal(2, name="source")
        self.write = Signal(name="write")
        self.address = Signal(address, name="address")
        self.data = Signal(WORD, name="data")
        self.next_word = Signal(address, name="next_word", init=FIRST)
        self.byte = Signal(2, name="byte")
        self.pause = Signal(range(SCRUB), name="pause")
        self.asked = Signal(name="serial_asked")
        self.shift = Signal(WORD, name="serial_shift")
        self.serial_write = Signal(name="serial_write")
        self.serial_address = Signal(address, name="serial_address")
        m.d.comb += [
            self.weights.eq(Cat(*self.words)),
            self.running.eq(self.state == RUNNING),
            self.outputs["wb_dat_o"].eq(self.data),
        ]
        self._grant(m)
        self._access(m)
        self._answer(m)
        self._digest(m)
        self._serial(m)

    def _grant(self, m: Module) -> None:
        due, asked = Signal(name="check_due"), Signal(name="wishbone_asked")
        m.d.comb += [
            due.eq((self.state == CHECKING) | ((self.state == RUNNING) & (self.pause == 0))),
            asked.eq(self.inputs["wb_cyc_i"] & self.inputs["wb_stb_i"]),
        ]
        with m.If(self.pause != 0):
            m.d.sync += self.pause.eq(self.pause - 1)
        with m.If((self.phase == _Phase.IDLE) & (self.asked | asked | due)):
            m.d.sync += self.phase.eq(_Phase.ACCESS)
            with m.If(self.asked):
                m.d.sync += [
                    self.source.eq(_Source.SERIAL),
                    self.write.eq(self.serial_write),
                    self.address.eq(self.serial_address),
                    self.data.eq(self.shift),
                ]
            with m.Elif(asked):
                m.d.sync += [
                    self.source.eq(_Source.WISHBONE),
                    self.write.eq(self.inputs["wb_we_i"]),
                    self.address.eq(self.inputs["wb_adr_i"]),
                    self.data.eq(self.inputs["wb_dat_i"]),
                ]
            with m.Else():
                m.d.sync += [
                    self.source.eq(_Source.CHECK),
                    self.write.eq(0),
                    self.address.eq(self.next_word),
                    self.pause.eq(SCRUB - 1),
                ]
                with m.If(self.next_word == FIRST):
                    m.d.sync += self.crc.eq((1 << WORD) - 1)

    def _access(self, m: Module) -> None:
        """Reads and writes; while the design runs, a checked word is written back as it is read."""
        access, store = Signal(name="access"), Signal(name="store")
        unlocked, again = Signal(name="unlocked"), Signal(name="write_back")
        m.d.comb += [
            access.eq(self.phase == _Phase.ACCESS),
            unlocked.eq((self.state == LOADING) | (self.state == FAILED)),
            again.eq((self.phase == _Phase.ANSWER) & (self.source == _Source.CHECK)),
            store.eq((access & self.write & unlocked) | again),
        ]
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
            m.d.sync += self.phase.eq(_Phase.ANSWER)
            with m.If(~self.write):
                m.d.sync += self.data.eq(fetched)
            with m.Elif(control):
                m.d.sync += [
                    self.state.eq(Mux(self.data[0], CHECKING, LOADING)),
                    self.failed.eq(0),
                    self.next_word.eq(FIRST),
                    self.pause.eq(0),
                ]
            with m.Elif(expected & unlocked):
                m.d.sync += self.expected.eq(self.data)

    def _answer(self, m: Module) -> None:
        answer, wishbone = Signal(name="answer"), self.source == _Source.WISHBONE
        asked = self.inputs["wb_cyc_i"] & self.inputs["wb_stb_i"]
        m.d.comb += [
            answer.eq(self.phase == _Phase.ANSWER),
            self.outputs["wb_ack_o"].eq(answer & wishbone & asked),
        ]
        with m.If(answer):
            checked = self.source == _Source.CHECK
            m.d.sync += self.phase.eq(Mux(checked, _Phase.DIGEST, _Phase.IDLE))

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
                self.crc.eq(stepped),
                self.data.eq(self.data[_BYTE:]),
                self.byte.eq(self.byte + 1),
            ]
            with m.If(self.byte == WORD // _BYTE - 1):
                m.d.sync += [
                    self.phase.eq(_Phase.IDLE),
                    self.next_word.eq(self.next_word + 1),
                ]
                with m.If(self.next_word == FIRST + self.store.words - 1):
                    m.d.sync += self.next_word.eq(FIRST)
                    with m.If(self.state == RUNNING):
                        m.d.sync += self.failed.eq(self.failed | ~equal)
                    with m.Else():
                        m.d.sync += self.state.eq(Mux(equal, RUNNING, FAILED))

    def _serial(self, m: Module) -> None:
        """Pins through two flip-flops each, then bits into and out of `shift`."""
        pins = Cat(self.inputs[f"ser_{n}_i"] for n in ("select", "clock", "data"))
        early, pin = Signal(3, name="serial_early"), Signal(3, name="serial_pins")
        before, out = Signal(name="serial_clock_before"), Signal(name="serial_out")
        bits = Signal(range(_FRAME + 1), name="serial_bits")
        select, clock, data = pin
        m.d.sync += [early.eq(pins), pin.eq(early), before.eq(clock)]
        m.d.comb += self.outputs["ser_data_o"].eq(out)
        header = Cat(data, self.shift[: _HEADER - 1])
        outside = header[len(self.address) : _HEADER - 1].any()
        served = (self.phase == _Phase.ANSWER) & (self.source == _Source.SERIAL)
        with m.If(served):
            m.d.sync += self.asked.eq(0)
            with m.If(~self.write):
                m.d.sync += self.shift.eq(self.data)
        with m.If(~select):
            m.d.sync += [bits.eq(0), out.eq(0)]
        with m.Elif(clock & ~before & (bits != _FRAME)):
            m.d.sync += bits.eq(bits + 1)
            with m.If((bits < _HEADER) | (bits >= _PAUSE)):
                m.d.sync += self.shift.eq(Cat(data, self.shift[:-1]))
            with m.If(bits == _HEADER - 1):
                # The highest address has no register.
                m.d.sync += [
                    self.serial_write.eq(header[-1]),
                    self.serial_address.eq(header | outside.replicate(len(self.address))),
                    self.asked.eq(~header[-1]),
                ]
            with m.If((bits == _FRAME - 1) & self.serial_write):
                m.d.sync += self.asked.eq(1)
        with m.Elif(~clock & before):
            m.d.sync += out.eq(self.shift[-1] & (bits >= _PAUSE))


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
