# amaranth: UnusedElaboratable=no
"""Layers of constant blocks: repeated over positions, behind a line buffer, or picking."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

from amaranth import Cat, Const, Module, Mux, Signal, Value

from hwflow.backends.amaranth.logic import extended
from hwflow.backends.amaranth.module import HwModule
from hwflow.backends.amaranth.pipeline import (
    KernelModule,
    Pipeline,
    lanes_of,
    weight_bits,
    weights_of,
)
from hwflow.backends.amaranth.streamed import StreamedLayer
from hwflow.plan import words as w
from hwflow.plan.fitting import split
from hwflow.plan.kernel import raster_steps
from hwflow.plan.layer import LayerPlan, chain_length
from hwflow.plan.schedule import Schedule

__all__ = ["GatherLayer", "ParallelLayer", "WindowLayer", "layer_module"]


def layer_module(design: str, plan: LayerPlan, *, enables: int, generate: bool) -> HwModule:
    """The module `<design>__<layer>` of a layer that is not folded."""
    if plan.gathers:
        return GatherLayer(design, plan, generate=generate)
    if plan.window is not None:
        return WindowLayer(design, plan, generate=generate)
    return ParallelLayer(design, plan, enables=enables, generate=generate)


class ParallelLayer(HwModule):
    """A fully parallel layer: all positions at once, one register enable.

    Ports: `in_data_i` (or `in0_data_i`, `in1_data_i`, ...), `out_data_o` (likewise), `en_i` of
    `enables` bits if it has registers and its region can stall, `weights_i` if it reads any.
    """

    def __init__(self, design: str, plan: LayerPlan, *, enables: int, generate: bool) -> None:
        super().__init__(f"{design}__{plan.name}", generate=generate)
        self.plan, self.enables = plan, enables
        self.split = split(plan.circuit) if plan.weights and plan.positions > 1 else None
        kernel = self.kernel = self._kernel()
        if "en_i" in kernel.inputs:
            self.add_input("en_i", enables)
        if plan.weights:
            self.add_input("weights_i", max(1, weight_bits(plan.circuit)))
        self.sources = [
            self.add_input(f"in{_number(plan.inputs, k)}_data_i", max(1, plan.stream(v).bits))
            for k, v in enumerate(plan.inputs)
        ]
        self.results = [
            self.add_output(f"out{_number(plan.outputs, k)}_data_o", max(1, plan.stream(v).bits))
            for k, v in enumerate(plan.outputs)
        ]

    def _kernel(self) -> KernelModule:
        circuit, timing = self.plan.circuit, self.plan.schedule
        if self.split is not None:
            circuit = self.split.moving
            stages = tuple(timing.stages[i] for i in self.split.kept)
            timing = replace(timing, stages=stages)
        return KernelModule(
            f"{self.name}__kernel",
            circuit,
            timing,
            enables=self.enables,
            generate=self.generate,
        )

    @property
    def clocked(self) -> bool:
        return self.kernel.clocked

    def build(self, m: Module) -> None:
        plan = self.plan
        enable = self.inputs.get("en_i", Const(1, 1))
        lanes = [
            lanes_of(data, plan.stream(v))
            for data, v in zip(self.sources, plan.inputs, strict=True)
        ]
        weights = weights_of(self.inputs.get("weights_i", Const(0, 1)), plan.circuit)
        if plan.positions == 1 or plan.folding.pos == 1:
            elements = self._gathered(lanes, 0)
            pipeline = Pipeline(m, plan.circuit, plan.schedule, enable, owner=self)
            self._deliver(m, pipeline.build(elements, weights))
            return
        if self.split is not None:  # what weights alone make is made once for all positions
            none = Schedule(tuple(0 for _ in self.split.still.words), 0, 0.0, 0.0)
            once = Pipeline(m, self.split.still, none, Const(1, 1), "still_", self)
            weights = once.build([], weights)
        results = []
        for position in range(plan.kernel.positions):
            elements = self._gathered(lanes, position)
            kernel = self._kernel()
            result = Signal(len(kernel.result), name=f"pos_{position}_data")
            wires = kernel.wires(elements, result, enable, weights)
            self.attach(m, f"pos_{position}", kernel, wires)
            results.append(result)
        m.d.comb += self.results[0].eq(Cat(*results))

    def _gathered(self, lanes: Sequence[list[Value]], position: int) -> list[Value]:
        """The kernel's inputs at `position`, zeros where its window is padded."""
        return [
            tensor[index] if index >= 0 else Const(0, 1)
            for tensor, gather in zip(lanes, self.plan.kernel.gathers, strict=True)
            for index in gather[position]
        ]

    def _deliver(self, m: Module, words: Sequence[Value]) -> None:
        offset = 0
        for port, value in zip(self.results, self.plan.outputs, strict=True):
            count = self.plan.stream(value).lanes
            m.d.comb += port.eq(Cat(*words[offset : offset + count]))
            offset += count


def _number(values: Sequence[str], index: int) -> str:
    return str(index) if len(values) > 1 else ""


class WindowLayer(StreamedLayer[LayerPlan]):
    """A layer of one kernel behind a line buffer: one padded pixel a clock, raster order.

    Takes `in_data_i` when `in_valid_i` and `in_ready_o`; `out_valid_o` marks `out_data_o`; all
    registers hold while `en_i` is low.
    """

    def build(self, m: Module) -> None:
        window = self.plan.window
        assert window is not None
        steps = raster_steps(window)
        step = Signal(range(max(2, len(steps))), name="raster_step")
        takes, completes = Signal(name="takes_pixel"), Signal(name="completes_window")
        m.d.comb += [takes.eq(_one_of(step, steps, 0)), completes.eq(_one_of(step, steps, 1))]
        advance = Signal(name="advance")
        m.d.comb += [
            advance.eq(self.enable & (self.valid | ~takes)),
            self.ready.eq(self.enable & takes),
        ]
        chain = self._chain(m, advance, takes)
        valids = [Signal(name=f"window_valid_s{i}") for i in range(self.plan.latency + 1)]
        with m.If(self.enable):
            m.d.sync += valids[0].eq(advance & completes)
            m.d.sync += [after.eq(before) for before, after in pairwise(valids)]
        with m.If(advance):
            m.d.sync += step.eq(step + 1)
            with m.If(step == len(steps) - 1):
                m.d.sync += step.eq(0)
        kernel = KernelModule(
            f"{self.name}__kernel",
            self.plan.circuit,
            self.plan.schedule,
            enables=1,
            generate=self.generate,
        )
        elements = self._taps(chain)
        self.attach(m, "kernel", kernel, kernel.wires(elements, self.result, self.enable))
        m.d.comb += self.result_valid.eq(valids[-1])

    def _chain(self, m: Module, advance: Value, takes: Value) -> list[Signal]:
        """The line buffer: pixel registers, newest first."""
        window = self.plan.window
        assert window is not None
        pixel = Signal(len(self.data), name="pixel")
        m.d.comb += pixel.eq(self.data & takes.replicate(len(self.data)))
        chain = [
            Signal(len(self.data), name=f"line_{i}", reset_less=True)
            for i in range(chain_length(window))
        ]
        with m.If(advance):
            m.d.sync += [after.eq(before) for before, after in pairwise([pixel, *chain])]
        return chain

    def _taps(self, chain: list[Signal]) -> list[Value]:
        """Kernel inputs in order: window rows, columns, channels; the newest pixel is last."""
        window = self.plan.window
        assert window is not None
        rows, cols = (*window.span, 1)[:2]
        width = window.shape[1] + sum(window.padding[1]) if len(window.span) == 2 else 1
        elements: list[Value] = []
        for r in range(rows):
            for c in range(cols):
                age = (rows - 1 - r) * width + (cols - 1 - c)
                elements += lanes_of(chain[age], self.source)
        return elements


class GatherLayer(StreamedLayer[LayerPlan]):
    """Some kernels side by side, their positions picked from a tensor step by step.

    Ports as of `WindowLayer`; a tensor is taken with its first step and kept for the others.
    """

    def build(self, m: Module) -> None:
        plan = self.plan
        step, advance = Signal(range(plan.steps), name="step"), Signal(name="advance")
        starts = Signal(name="step_starts")
        kept = Signal(len(self.data), name="tensor", reset_less=True)
        m.d.comb += [
            starts.eq(step == 0),
            advance.eq(self.enable & (self.valid | ~starts)),
            self.ready.eq(self.enable & starts),
        ]
        with m.If(advance):
            m.d.sync += step.eq(Mux(step == plan.steps - 1, 0, step + 1))
        with m.If(advance & starts):
            m.d.sync += kept.eq(self.data)
        valids = [Signal(name=f"picked_valid_s{i}") for i in range(plan.latency + 1)]
        with m.If(self.enable):
            m.d.sync += [after.eq(before) for before, after in pairwise([advance, *valids])]
        lanes = lanes_of(self.data, self.source), lanes_of(kept, self.source)
        results = []
        for copy in range(plan.copies):
            kernel = KernelModule(
                f"{self.name}__kernel",
                plan.circuit,
                plan.schedule,
                enables=1,
                generate=self.generate,
            )
            picked = self._picked(m, step, lanes, copy, kernel)
            result = Signal(len(kernel.result), name=f"pos_{copy}_data")
            self.attach(m, f"pos_{copy}", kernel, kernel.wires(picked, result, self.enable))
            results.append(result)
        m.d.comb += [self.result.eq(Cat(*results)), self.result_valid.eq(valids[-1])]

    def _picked(
        self,
        m: Module,
        step: Signal,
        lanes: tuple[list[Value], list[Value]],
        copy: int,
        kernel: KernelModule,
    ) -> list[Value]:
        """The kernel inputs of copy number `copy`, registered; zeros where padded.

        `lanes` are those of the tensor that arrives (first step) and of the one kept.
        """
        (gather,) = self.plan.kernel.gathers
        picked: list[Value] = [Const(0, 1)] * gather.shape[1]
        for word in kernel.used:
            assert isinstance(word.op, w.In)
            element = word.op.index
            rows = gather[copy :: self.plan.copies, element]
            choices = [
                extended(lanes[turn > 0][i], word.width) if i >= 0 else Const(0, word.width)
                for turn, i in enumerate(rows)
            ]
            chosen = Signal(word.width, name=f"pos_{copy}_pick_{element}")
            with m.Switch(step):
                for turn, choice in enumerate(choices[:-1]):
                    with m.Case(turn):
                        m.d.comb += chosen.eq(choice)
                with m.Default():
                    m.d.comb += chosen.eq(choices[-1])
            held = Signal(word.width, name=f"pos_{copy}_x_{element}", reset_less=True)
            with m.If(self.enable):
                m.d.sync += held.eq(chosen)
            picked[element] = held
        return picked


def _one_of(step: Signal, steps: tuple[tuple[bool, bool], ...], which: int) -> Value:
    """1 in the steps whose flag `which` is set."""
    table = sum(1 << i for i, flags in enumerate(steps) if flags[which])
    return Const(table, len(steps)).bit_select(step, 1)
