# amaranth: UnusedElaboratable=no
"""A layer that takes its inputs in parts: trees of products, accumulators, what follows them."""

from __future__ import annotations

from itertools import pairwise

from amaranth import Cat, Const, Module, Mux, Signal, Value, signed

from hwflow.backends.amaranth.logic import extended
from hwflow.backends.amaranth.pipeline import Pipeline, lanes_of, weight_bits, weights_of
from hwflow.backends.amaranth.streamed import StreamedLayer
from hwflow.plan.schedule import Schedule
from hwflow.plan.serial import SerialPlan

__all__ = ["SerialLayer"]


class SerialLayer(StreamedLayer[SerialPlan]):
    """Reads `in_data_i`, which must stand still, for a tensor's steps from `in_valid_i` on.

    `in_ready_o` comes with the last step; `out_valid_o` marks `out_data_o`. Registers load where
    there is something to load, and hold while `en_i` is low.
    """

    def __init__(self, design: str, plan: SerialPlan, *, generate: bool) -> None:
        super().__init__(design, plan, generate=generate)
        self.add_input("weights_i", max(1, weight_bits(plan.terms)))

    def build(self, m: Module) -> None:
        plan, last = self.plan, self.plan.steps - 1
        step, advance = Signal(range(plan.steps), name="step"), Signal(name="advance")
        m.d.comb += [
            advance.eq(self.enable & (self.valid | (step != 0))),
            self.ready.eq(self.enable & (step == last)),
        ]
        with m.If(advance):
            m.d.sync += step.eq(Mux(step == last, 0, step + 1))
        valids = [Signal(name=f"sums_valid_s{i}") for i in range(plan.latency)]
        with m.If(self.enable):
            done = advance & (step == last)
            m.d.sync += [after.eq(before) for before, after in pairwise([done, *valids])]
        parts = self._parts(m, step, 1)
        tripled = self._parts(m, step, 3) if plan.tripled else []
        weights = weights_of(self.inputs["weights_i"], plan.terms)
        results: list[Value] = []
        for position, gather in enumerate(plan.kernel.gathers[0]):
            mine = [parts[i] if i >= 0 else Const(0, plan.digit) for i in gather.tolist()]
            more = [gather[element] for element in plan.tripled]
            more = [tripled[i] if i >= 0 else Const(0, plan.digit + 2) for i in more]
            first = step == 0
            sums = self._accumulated(m, mine, more, weights, first, advance, f"pos_{position}_")
            stages = Cat(*(self.enable & valid for valid in valids[:-1]))
            after = Pipeline(
                m, plan.epilogue, plan.epilogue_schedule, stages, f"pos_{position}_e", self
            )
            results += after.build(sums, weights)
        m.d.comb += [self.result.eq(Cat(*results)), self.result_valid.eq(valids[-1])]

    def _parts(self, m: Module, step: Signal, factor: int) -> list[Value]:
        """`factor` (1 or 3) times the bits of this step of every element, the highest in step 0."""
        plan, parts = self.plan, list[Value]()
        name, bits = ("part", plan.digit) if factor == 1 else ("triple", plan.digit + 2)
        for index, lane in enumerate(lanes_of(self.data, self.source)):
            whole = extended(lane, plan.steps * plan.digit)
            each = list[Value]()
            for k in reversed(range(plan.steps)):
                digit: Value = whole[k * plan.digit : (k + 1) * plan.digit]
                each.append(extended(digit if factor == 1 else digit + (digit << 1), bits))
            part = Signal(bits, name=f"{name}_{index}")
            m.d.comb += part.eq(Cat(*each).word_select(step, bits))
            parts.append(part)
        return parts

    def _accumulated(
        self,
        m: Module,
        parts: list[Value],
        tripled: list[Value],
        weights: list[Value],
        first: Value,
        advance: Value,
        prefix: str,
    ) -> list[Value]:
        """One position's accumulators."""
        plan = self.plan
        sums, held = list[Value](), list[Value]()
        for index, word in enumerate(plan.accumulators):
            shape = signed(word.width) if word.signed else word.width
            register = Signal(shape, name=f"{prefix}acc_{index}", reset_less=True)
            kept = Signal(shape, name=f"{prefix}held_{index}")
            m.d.comb += kept.eq(Mux(first, 0, register))
            sums.append(register)
            held.append(kept)
        still = Schedule(tuple(0 for _ in plan.terms.words), 0, 0.0, 0.0)
        terms = Pipeline(m, plan.terms, still, Const(1, 1), prefix, self)
        nexts = terms.build([*parts, *held, *tripled], weights)
        with m.If(advance):
            m.d.sync += [register.eq(value) for register, value in zip(sums, nexts, strict=True)]
        return sums
