# amaranth: UnusedElaboratable=no
"""A folded layer: line buffer, weights, multipliers, accumulators."""

from __future__ import annotations

from dataclasses import dataclass

from amaranth import Cat, Const, Module, Mux, Signal, Value, signed

from hwflow.backends.amaranth.logic import extended
from hwflow.backends.amaranth.memory import RamModule, RomModule
from hwflow.backends.amaranth.nest import Nest
from hwflow.backends.amaranth.pipeline import Pipeline, lanes_of
from hwflow.backends.amaranth.streamed import StreamedLayer
from hwflow.plan.folded import FoldedPlan
from hwflow.plan.rom import Rom

__all__ = ["FoldedLayer"]


class FoldedLayer(StreamedLayer[FoldedPlan]):
    """Takes `in_data_i` when `in_valid_i` and `in_ready_o`; `out_valid_o` marks `out_data_o`.

    Registers behind the line buffer hold while `en_i` is low; the buffer fills regardless.
    """

    def build(self, m: Module) -> None:
        plan = self.plan
        nest = Nest(m, plan, self.enable)
        wrote = Signal(name="word_written")
        m.d.comb += wrote.eq(self.valid & self.ready)
        word = self._line_buffer(m, nest, wrote)
        lanes = self._gated(m, nest, lanes_of(word, self.source))
        weights = self._weights(m, nest)
        terms = Pipeline(m, plan.terms, plan.terms_schedule, self.enable, "")
        taken = terms.build([*lanes, *self._digit(m, nest), *weights])
        flags = self._flags(m, nest)
        accumulators, strobe = self._accumulate(m, taken, flags)
        constants = self._constants(m, flags)
        after = Pipeline(m, plan.epilogue, plan.epilogue_schedule, self.enable, "e")
        outputs = after.build([*accumulators, *constants])
        valid: Value = strobe
        for stage in range(1, plan.epilogue_schedule.latency + 1):
            register = Signal(name=f"out_valid_s{stage}")
            with m.If(self.enable):
                m.d.sync += register.eq(valid)
            valid = register
        m.d.comb += [self.result.eq(Cat(*outputs)), self.result_valid.eq(valid)]

    # -- the line buffer ---------------------------------------------------------------------------

    def _line_buffer(self, m: Module, nest: Nest, wrote: Value) -> Value:
        """Write words round and round, read them as the loops say; returns the word read."""
        plan = self.plan
        depth = plan.depth
        write_address = Signal(range(depth), name="write_address")
        # Below zero when words that no window reads are given up before they come: it wraps.
        held = Signal(range(depth + plan.raster.ahead + 1), name="words_held")
        lead = nest.lead
        m.d.comb += self.ready.eq(held != depth)
        with m.If(wrote):
            m.d.sync += write_address.eq(write_address + 1)
        released = Signal(range(max(2, max(plan.raster.releases) + 1)), name="words_released")
        m.d.comb += released.eq(Mux(nest.issue, nest.release, 0))
        m.d.sync += held.eq((held + wrote - released)[: len(held)])
        moved = Signal(lead.shape(), name="lead_moved")
        m.d.comb += moved.eq(Mux(nest.issue, nest.moves_back, 0))
        m.d.sync += lead.eq((lead + wrote + moved)[: len(lead)])
        ram = RamModule(
            f"{self.name}__lines",
            depth,
            self.source.bits,
            plan.buffer_style,
            generate=self.generate,
        )
        word = Signal(max(1, self.source.bits), name="word")
        wires: dict[str, Value] = {
            "write_i": wrote,
            "write_addr_i": write_address,
            "write_data_i": self.data,
            "en_i": self.enable,
            "read_addr_i": nest.address,
            "data_o": word,
        }
        self.attach(m, "lines", ram, wires)
        return word

    def _gated(self, m: Module, nest: Nest, lanes: list[Value]) -> list[Value]:
        """Zeros in place of words that lie in the padding."""
        if not self.plan.raster.padded:
            return lanes
        inside = Signal(name="word_inside")
        with m.If(self.enable):
            m.d.sync += inside.eq(nest.inside)
        gated = []
        for index, lane in enumerate(lanes):
            signal = Signal(lane.shape(), name=f"lane_{index}")
            m.d.comb += signal.eq(lane & inside.replicate(len(lane)))
            gated.append(signal)
        return gated

    def _digit(self, m: Module, nest: Nest) -> list[Value]:
        """The number of the digit that the word read is taken for."""
        if self.plan.digits is None:
            return []
        if self.plan.digits.count == 1:
            return [Const(0, 1)]
        digit = Signal(nest.digit.shape(), name="digit_of_word")
        with m.If(self.enable):
            m.d.sync += digit.eq(nest.digit)
        return [digit]

    # -- weights and constants ---------------------------------------------------------------------

    def _weights(self, m: Module, nest: Nest) -> list[Value]:
        rom = self.plan.weights
        if rom is None:
            return []
        if rom.depth == 1:
            return _fixed(rom)
        row = Signal(range(rom.depth), name="weight_row")
        following: Value = Mux(row == rom.depth - 1, 0, row + 1)
        digits = self.plan.digits.count if self.plan.digits else 1
        rows = self.plan.raster.length // digits
        if digits > 1 and rows < rom.depth:
            following = Mux(nest.again, row - (rows - 1), following)
        with m.If(nest.issue):
            m.d.sync += row.eq(following)
        return self._read(m, "weights", rom, row)

    def _constants(self, m: Module, flags: _Flags) -> list[Value]:
        rom = self.plan.constants
        if rom is None:
            return []
        row = Signal(range(rom.depth), name="constant_row")
        with m.If(self.enable & flags.valid & flags.last):
            m.d.sync += row.eq(Mux(row == rom.depth - 1, 0, row + 1))
        return self._read(m, "constants", rom, row)

    def _read(self, m: Module, role: str, rom: Rom, row: Value) -> list[Value]:
        header = f"Layer {self.plan.name}: {role}, {rom.depth} rows of {rom.stream.lanes} fields"
        module = RomModule(f"{self.name}__{role}", rom, header, generate=self.generate)
        data = Signal(max(1, rom.stream.bits), name=f"{role}_row_data")
        wires: dict[str, Value] = {"en_i": self.enable, "addr_i": row, "data_o": data}
        self.attach(m, role, module, wires)
        return lanes_of(data, rom.stream)

    # -- accumulation ------------------------------------------------------------------------------

    def _flags(self, m: Module, nest: Nest) -> _Flags:
        """What a step is, delayed to where its terms are."""
        flags = {"valid": nest.issue, "first": nest.first, "last": nest.last}
        digits = self.plan.digits
        if digits is not None and digits.count > 1:
            flags["doubles"] = nest.doubles
        if digits is not None and digits.signed:
            flags["negative"] = nest.digit == 0
        for stage in range(1, self.plan.terms_schedule.latency + 2):
            registers = {role: Signal(name=f"step_{role}_s{stage}") for role in flags}
            with m.If(self.enable):
                m.d.sync += [registers[role].eq(value) for role, value in flags.items()]
            flags = dict(registers)
        return _Flags(**flags)

    def _accumulate(
        self, m: Module, taken: list[Value], flags: _Flags
    ) -> tuple[list[Value], Signal]:
        """The accumulators, and when each holds a finished sum (or maximum)."""
        strobe = Signal(name="accumulator_valid")
        with m.If(self.enable):
            m.d.sync += strobe.eq(flags.valid & flags.last)
        combine = self._maximum if self.plan.kind == "max" else self._sum
        accumulators: list[Value] = []
        for index, (term, width) in enumerate(zip(taken, self.plan.accumulators, strict=True)):
            accumulator = Signal(
                signed(width) if self._signed(index) else width,
                name=f"accumulator_{index}",
                reset_less=True,
            )
            total = combine(m, index, accumulator, term, flags)
            with m.If(self.enable & flags.valid):
                m.d.sync += accumulator.eq(total)
            accumulators.append(accumulator)
        return accumulators, strobe

    def _signed(self, lane: int) -> bool:
        return self.plan.epilogue.inputs[lane][0] < 0

    def _sum(self, m: Module, lane: int, accumulator: Signal, term: Value, flags: _Flags) -> Value:
        """Before the first term of a digit what was accumulated doubles; the sign's subtract."""
        width = len(accumulator)
        added = extended(term, width)
        if self.plan.raster.length == 1 and flags.negative is None:
            return added
        held: Value = accumulator
        if flags.doubles is not None:
            held = Mux(flags.doubles, Cat(Const(0, 1), accumulator)[:width], accumulator)
        before = Signal(width, name=f"before_{lane}")
        m.d.comb += before.eq(held & (~flags.first).replicate(width))
        if flags.negative is None:
            return (before + added)[:width]
        # One adder: a bit below the lowest carries the one that a complement lacks.
        signs = Cat(flags.negative, added ^ flags.negative.replicate(width))
        return (Cat(Const(1, 1), before) + signs)[1 : width + 1]

    def _maximum(
        self, m: Module, lane: int, accumulator: Signal, term: Value, flags: _Flags
    ) -> Value:
        width = len(accumulator)
        bigger = Signal(name=f"bigger_{lane}")
        m.d.comb += bigger.eq(flags.first | (term > accumulator))
        return Mux(bigger, extended(term, width), accumulator)


@dataclass(frozen=True)
class _Flags:
    """A step where its terms are: whether there is one, the first or last of an accumulation,

    and of digits: the first of a further one, or one of the signs.
    """

    valid: Value
    first: Value
    last: Value
    doubles: Value | None = None
    negative: Value | None = None


def _fixed(rom: Rom) -> list[Value]:
    stream = rom.stream
    return [
        Const(int(value), signed(max(1, width)) if is_signed else max(1, width))
        for value, width, is_signed in zip(rom.values[0], stream.widths, stream.signed, strict=True)
    ]
