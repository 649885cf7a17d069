# amaranth: UnusedElaboratable=no
"""Stream plumbing: the two-entry buffer and the width converters."""

from __future__ import annotations

from amaranth import Cat, Module, Mux, Signal, Value

from hwflow.backends.amaranth.memory import RamModule
from hwflow.backends.amaranth.module import HwModule
from hwflow.plan.rom import MemoryStyle
from hwflow.plan.streams import StreamType

__all__ = [
    "DelayModule", "DeserializerModule", "FifoModule", "ForkModule", "SerializerModule",
    "StreamBuffer",
]  # fmt: skip


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
    """Cuts a held wide beat into `count` beats, the first elements first."""

    uses_reset = True

    def __init__(self, name: str, stream: StreamType, count: int, *, generate: bool) -> None:
        super().__init__(name, generate=generate)
        self.stream, self.count = stream, count
        self.data = self.add_input("in_data_i", max(1, stream.bits) * count)
        self.valid = self.add_input("in_valid_i", 1)
        self.taken = self.add_input("out_ready_i", 1)
        self.ready = self.add_output("in_ready_o", 1)
        self.out_data = self.add_output("out_data_o", max(1, stream.bits))
        self.out_valid = self.add_output("out_valid_o", 1)

    def build(self, m: Module) -> None:
        beats = self.count
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
    """Gathers `count` beats into a wide one; the last passes straight through."""

    uses_reset = True

    def __init__(self, name: str, stream: StreamType, count: int, *, generate: bool) -> None:
        super().__init__(name, generate=generate)
        self.stream, self.count = stream, count
        self.data = self.add_input("in_data_i", max(1, stream.bits))
        self.valid = self.add_input("in_valid_i", 1)
        self.taken = self.add_input("out_ready_i", 1)
        self.ready = self.add_output("in_ready_o", 1)
        self.out_data = self.add_output("out_data_o", max(1, stream.bits) * count)
        self.out_valid = self.add_output("out_valid_o", 1)

    def build(self, m: Module) -> None:
        beats = self.count
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


class ForkModule(HwModule):
    """Offers every beat to each consumer until it has taken it; moves on when all have."""

    uses_reset = True

    def __init__(self, name: str, copies: int, *, generate: bool) -> None:
        super().__init__(name, generate=generate)
        self.valid = self.add_input("in_valid_i", 1)
        self.ready = self.add_output("in_ready_o", 1)
        self.taken = self.add_input("out_ready_i", copies)
        self.out_valid = self.add_output("out_valid_o", copies)

    def build(self, m: Module) -> None:
        done = Signal(len(self.taken), name="done")
        m.d.comb += [
            self.out_valid.eq(~done & self.valid.replicate(len(done))),
            self.ready.eq((done | self.taken).all()),
        ]
        with m.If(self.valid & self.ready):
            m.d.sync += done.eq(0)
        with m.Elif(self.valid):
            m.d.sync += done.eq(done | self.taken)


class FifoModule(HwModule):
    """A memory of `depth` beats, read into a register that is the output."""

    uses_reset = True

    def __init__(
        self, name: str, bits: int, depth: int, style: MemoryStyle, *, generate: bool
    ) -> None:
        super().__init__(name, generate=generate)
        self.depth, self.style = depth, style
        self.data = self.add_input("in_data_i", bits)
        self.valid = self.add_input("in_valid_i", 1)
        self.taken = self.add_input("out_ready_i", 1)
        self.ready = self.add_output("in_ready_o", 1)
        self.out_data = self.add_output("out_data_o", bits)
        self.out_valid = self.add_output("out_valid_o", 1)

    def build(self, m: Module) -> None:
        depth = self.depth
        write_at, read_at = (Signal(range(max(2, depth)), name=n) for n in ("write_at", "read_at"))
        stored, full = Signal(range(depth + 1), name="stored"), Signal(name="output_full")
        push, fetch = Signal(name="push"), Signal(name="fetch")
        m.d.comb += [
            self.ready.eq(stored != depth),
            push.eq(self.valid & self.ready),
            fetch.eq((~full | self.taken) & (stored != 0)),
            self.out_valid.eq(full),
        ]
        m.d.sync += stored.eq((stored + push - fetch)[: len(stored)])
        if depth > 1:
            with m.If(push):
                m.d.sync += write_at.eq(Mux(write_at == depth - 1, 0, write_at + 1))
            with m.If(fetch):
                m.d.sync += read_at.eq(Mux(read_at == depth - 1, 0, read_at + 1))
        with m.If(~full | self.taken):
            m.d.sync += full.eq(fetch)
        name = f"{self.name}__words"
        ram = RamModule(name, depth, len(self.data), self.style, generate=self.generate)
        bits = len(ram.read_address)
        wires: dict[str, Value] = {
            "write_i": push,
            "write_addr_i": write_at[:bits],
            "write_data_i": self.data,
            "en_i": fetch,
            "read_addr_i": read_at[:bits],
            "data_o": self.out_data,
        }
        self.attach(m, "memory", ram, wires)


class DelayModule(HwModule):
    """Gives a beat `clocks` later; its data move from register to register after `loads`."""

    uses_reset = True

    def __init__(
        self, name: str, bits: int, clocks: int, loads: tuple[int, ...], *, generate: bool
    ) -> None:
        super().__init__(name, generate=generate)
        self.clocks, self.loads = clocks, loads
        self.data = self.add_input("in_data_i", bits)
        self.valid = self.add_input("in_valid_i", 1)
        self.out_data = self.add_output("out_data_o", bits)
        self.out_valid = self.add_output("out_valid_o", 1)

    def build(self, m: Module) -> None:
        valids, data = [self.valid], self.data
        for stage in range(1, self.clocks + 1):
            valids.append(Signal(name=f"valid_s{stage}"))
            m.d.sync += valids[stage].eq(valids[stage - 1])
        for clock in self.loads:
            register = Signal(len(data), name=f"data_s{clock + 1}", reset_less=True)
            with m.If(valids[clock]):
                m.d.sync += register.eq(data)
            data = register
        m.d.comb += [self.out_data.eq(data), self.out_valid.eq(valids[-1])]
