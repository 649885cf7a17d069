"""Stream plumbing: the two-entry buffer and the width converters."""

from __future__ import annotations

from amaranth import Cat, Module, Mux, Signal

from hwflow.backends.amaranth.module import HwModule
from hwflow.plan.streams import StreamType

__all__ = ["DeserializerModule", "SerializerModule", "StreamBuffer"]


class StreamBuffer(HwModule):
    """Two entries, so that `in_ready_o` comes from a register and nothing is lost by a stall."""

    uses_reset = True

    def __init__(self, name: str, bits: int, *, generate: bool) -> None:
        super().__init__(name, generate=generate)
        self.data = self.add_input("in_data_i", bits)
        self.valid = self.add_input("in_valid_i", 1)
        self.taken = self.add_input("out_ready_i", 1)
        self.ready = self.add_output("in_ready_o", 1)
        self.out_data = self.add_output("out_data_o", bits)
        self.out_valid = self.add_output("out_valid_o", 1)

    def build(self, m: Module) -> None:
        head = Signal(len(self.data), name="head", reset_less=True)
        spare = Signal(len(self.data), name="spare", reset_less=True)
        head_valid, spare_valid = Signal(name="head_valid"), Signal(name="spare_valid")
        free, push = Signal(name="head_free"), Signal(name="push")
        m.d.comb += [
            self.ready.eq(~spare_valid),
            self.out_data.eq(head),
            self.out_valid.eq(head_valid),
            free.eq(~head_valid | self.taken),
            push.eq(self.valid & ~spare_valid),
        ]
        with m.If(free):
            m.d.sync += [
                head.eq(Mux(spare_valid, spare, self.data)),
                head_valid.eq(spare_valid | push),
                spare_valid.eq(0),
            ]
        with m.Elif(push):
            m.d.sync += [spare.eq(self.data), spare_valid.eq(1)]


class SerializerModule(HwModule):
    """Cuts a held tensor into beats, the first elements first."""

    uses_reset = True

    def __init__(self, name: str, stream: StreamType, *, generate: bool) -> None:
        super().__init__(name, generate=generate)
        self.stream = stream
        self.data = self.add_input("in_data_i", max(1, stream.bits * stream.beats))
        self.valid = self.add_input("in_valid_i", 1)
        self.taken = self.add_input("out_ready_i", 1)
        self.ready = self.add_output("in_ready_o", 1)
        self.out_data = self.add_output("out_data_o", max(1, stream.bits))
        self.out_valid = self.add_output("out_valid_o", 1)

    def build(self, m: Module) -> None:
        beats = self.stream.beats
        beat, last = Signal(range(max(2, beats)), name="beat"), Signal(name="last_beat")
        m.d.comb += [
            last.eq(beat == beats - 1),
            self.out_data.eq(self.data.word_select(beat, max(1, self.stream.bits))),
            self.out_valid.eq(self.valid),
            self.ready.eq(self.taken & last),
        ]
        with m.If(self.valid & self.taken):
            m.d.sync += beat.eq(Mux(last, 0, beat + 1))


class DeserializerModule(HwModule):
    """Gathers beats into one tensor; the last beat passes straight through."""

    uses_reset = True

    def __init__(self, name: str, stream: StreamType, *, generate: bool) -> None:
        super().__init__(name, generate=generate)
        self.stream = stream
        self.data = self.add_input("in_data_i", max(1, stream.bits))
        self.valid = self.add_input("in_valid_i", 1)
        self.taken = self.add_input("out_ready_i", 1)
        self.ready = self.add_output("in_ready_o", 1)
        self.out_data = self.add_output("out_data_o", max(1, stream.bits) * stream.beats)
        self.out_valid = self.add_output("out_valid_o", 1)

    def build(self, m: Module) -> None:
        beats = self.stream.beats
        beat, last = Signal(range(max(2, beats)), name="beat"), Signal(name="last_beat")
        kept = [Signal(len(self.data), name=f"beat_{i}", reset_less=True) for i in range(beats - 1)]
        m.d.comb += [
            last.eq(beat == beats - 1),
            self.out_data.eq(Cat(*kept, self.data)),
            self.out_valid.eq(self.valid & last),
            self.ready.eq(~last | self.taken),
        ]
        with m.If(self.valid & self.ready):
            m.d.sync += beat.eq(Mux(last, 0, beat + 1))
            for index, register in enumerate(kept):
                # Written in place: shifting would toggle what hangs on every register each beat.
                with m.If(beat == index):
                    m.d.sync += register.eq(self.data)
