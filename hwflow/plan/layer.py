"""The plan of one layer: its folding, its kernel as a scheduled circuit, its cost."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from hwflow.errors import InputError, InternalError, Place
from hwflow.ir import ops
from hwflow.ir.graph import Graph, Layer
from hwflow.ir.types import IntType, TensorType
from hwflow.plan.cost import adder_bits, luts
from hwflow.plan.elaborate import elaborate
from hwflow.plan.fitting import fitted
from hwflow.plan.folding import Cost, Folding
from hwflow.plan.kernel import Kernel, Window, kernel_of
from hwflow.plan.schedule import Schedule, register_bits, schedule
from hwflow.plan.streams import StreamType
from hwflow.plan.targets import DelayModel
from hwflow.plan.words import Circuit, Dot, Product, Recoding, Sum, Word

__all__ = [
    "LayerPlan", "block_cost", "chain_length", "check_folding", "circuit_cost", "physical",
    "plan_layer", "recoding_of", "stream_of",
]  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class LayerPlan:
    """One layer of the plan.

    `inputs` and `outputs` are the values that cross its border, in the kernel's order; `types`
    their element types as the hardware carries them. `latency` counts pipeline registers from
    the kernel's inputs to its outputs. A layer that `waits` takes its inputs a clock later than
    they come: registers there are fewer than inside.
    """

    name: str
    operations: tuple[str, ...]
    folding: Folding
    kernel: Kernel
    circuit: Circuit
    schedule: Schedule
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    types: Mapping[str, TensorType]
    cost: Cost
    waits: bool = False

    @property
    def weights(self) -> tuple[str, ...]:
        """Params that the layer reads, in the order of its circuit's weights."""
        return tuple(n.name for n in self.kernel.graph.params)

    @property
    def latency(self) -> int:
        """Pipeline registers between inputs and outputs."""
        return self.schedule.latency

    @property
    def worst(self) -> float:
        """Longest path between registers, in ns."""
        return self.schedule.worst

    @property
    def positions(self) -> int:
        """Output positions."""
        return self.kernel.positions

    @property
    def gathers(self) -> bool:
        """Whether some, not all, positions are picked from a whole tensor in each clock."""
        return self.folding.pos not in ("all", 1)

    @property
    def copies(self) -> int:
        """Kernels side by side."""
        return self.positions if self.folding.pos == "all" else self.folding.pos

    @property
    def steps(self) -> int:
        """Clocks that the kernels take for a tensor, each for as many positions."""
        return self.positions // self.copies

    @property
    def window(self) -> Window | None:
        """The line buffer's geometry when positions are taken one a clock."""
        return self.kernel.window if self.folding.pos == 1 else None

    def stream(self, value: str) -> StreamType:
        """How `value` travels into or out of this layer."""
        window = self.window
        if self.gathers:
            return stream_of(self.types[value], 1 if value in self.inputs else self.steps)
        if window is None:
            return stream_of(self.types[value], 1 if self.folding.pos == "all" else self.positions)
        pixels = int(np.prod(window.shape[:-1]))
        beats = pixels if value in self.inputs else self.kernel.positions
        return stream_of(self.types[value], beats)


def stream_of(kind: TensorType, beats: int) -> StreamType:
    """A tensor in `beats` equal parts; lanes take the widest element they carry."""
    lo, hi, _ = kind.elem.full(kind.shape)
    lanes = IntType(lo.reshape(beats, -1).min(axis=0), hi.reshape(beats, -1).max(axis=0))
    count = (kind.size // beats,)
    widths, signs = (np.broadcast_to(a, count) for a in (lanes.width(), lanes.signed()))
    return StreamType(tuple(map(int, widths)), tuple(map(bool, signs)), beats)


def plan_layer(
    graph: Graph,
    layer: Layer,
    types: Mapping[str, TensorType],
    folding: Folding,
    period: float,
    model: DelayModel,
    start: float,
    circuit: Circuit | None = None,
    solve: Callable[[Graph], Circuit] = elaborate,
) -> LayerPlan:
    """Plan `layer` whose inputs have hardware types `types`, settling `start` ns into a clock.

    `circuit` is a result of an earlier call for the same layer (solving adder graphs is slow);
    without it `solve` gives that of the kernel.

    Raises:
        InputError: "plan.fold": the folding does not suit the layer.
    """
    kernel = kernel_of(graph, layer, types)
    check_folding(layer, kernel, folding)
    if circuit is None:
        circuit = solve(kernel.graph)
    if any(isinstance(word.op, Dot) for word in circuit.words):
        circuit = fitted(circuit, recoding_of(folding), trees=model.trees)
    if len(circuit.inputs) != sum(g.shape[1] for g in kernel.gathers):
        raise InternalError("internal.archive", f"the circuit kept for {layer.name} is another's")
    timing = schedule(circuit, period, model, start if folding.pos == "all" else 0.0)
    waits = False
    if folding.pos == "all" and start > 0:
        later = schedule(circuit, period, model)
        bits = sum(int(np.broadcast_to(t.elem.width(), t.shape).sum())
                   for t in (types[v] for v in layer.inputs))  # fmt: skip
        mine, its = (register_bits(circuit, t) * kernel.positions for t in (timing, later))
        waits = 1 + later.latency <= timing.latency and bits + its < mine
        timing = later if waits else timing
    known = {v: types[v] for v in layer.inputs}
    offset = 0
    for value, (_, inner) in zip(layer.outputs, kernel.graph.outputs, strict=True):
        count = kernel.graph.types[inner].size
        words = [circuit.words[i] for i in circuit.outputs[offset : offset + count]]
        offset += count
        known[value] = physical(graph.types[value], kernel.positions, words)
    return LayerPlan(
        layer.name,
        tuple(n.op.name for n in layer.nodes if not isinstance(n.op, (ops.Const, ops.Input))),
        folding,
        kernel,
        circuit,
        timing,
        layer.inputs,
        layer.outputs,
        known,
        block_cost(kernel, folding, circuit_cost(circuit, timing)),
        waits,
    )


def check_folding(layer: Layer, kernel: Kernel, folding: Folding) -> None:
    """Refuse a number of positions a clock that a constant block of `layer` cannot have.

    Raises:
        InputError: "plan.fold".
    """
    if folding.pos != "all" and kernel.graph.params:
        raise InputError(
            "plan.fold",
            f"layer {layer.name} has weights loaded at run time: it takes all positions at once",
            hint=f"give hardware.fold.layers.{layer.name}.digits instead of pos",
            place=folding.place,
        )
    if folding.pos not in ("all", 1):
        _check_gather(layer, kernel, folding)
    elif folding.pos == 1 and not (kernel.pointwise and len(layer.inputs) > 1):
        _check_window(layer.name, kernel.window, folding.place)


def _check_window(layer: str, window: Window | None, place: Place | None) -> None:
    why = ""
    if window is None:
        why = "it has no single input that a window slides over"
    elif any(before >= span for (before, _), span in zip(window.padding, window.span, strict=True)):
        why = "its first window lies in the padding, before any input has come"
    if why:
        raise InputError(
            "plan.fold",
            f"layer {layer} cannot take one position a clock (pos: 1): {why}",
            hint=f"remove {layer} from hardware.fold.pos",
            place=place,
        )


def _check_gather(layer: Layer, kernel: Kernel, folding: Folding) -> None:
    pos, positions = folding.pos, kernel.positions
    assert isinstance(pos, int)
    if len(layer.inputs) == len(layer.outputs) == 1 and positions % pos == 0:
        return
    fitting = ", ".join(str(d) for d in range(1, positions + 1) if positions % d == 0)
    raise InputError(
        "plan.fold",
        f"layer {layer.name}: pos {pos} does not divide its {positions} positions "
        f"({fitting} would), or it has several inputs",
        hint="choose a number of positions that divides, or pos: 1",
        place=folding.place,
    )


def recoding_of(folding: Folding) -> Recoding:
    """How the weights of a layer are recoded that are loaded at run time."""
    chosen = folding.multiplier
    return chosen if chosen in ("plain", "radix4") else "radix8"


def physical(kind: TensorType, positions: int, words: Sequence[Word]) -> TensorType:
    """The type of an output as the hardware carries it: every position like the kernel's."""
    lo = np.tile(np.array([w.lo for w in words], dtype=object), positions)
    hi = np.tile(np.array([w.hi for w in words], dtype=object), positions)
    frac = kind.elem.full(kind.shape)[2]
    return TensorType(kind.shape, IntType(lo.reshape(kind.shape), hi.reshape(kind.shape), frac))


def circuit_cost(circuit: Circuit, timing: Schedule, *, dsp: bool = False) -> Cost:
    """A scheduled circuit; with `dsp` its products are in DSPs."""
    sums = [w for w in circuit.words if isinstance(w.op, Sum)]
    products = [w for w in circuit.words if dsp and isinstance(w.op, Product)]
    return Cost(
        len(sums),
        sum(adder_bits(circuit, w) for w in sums),
        sum(luts(circuit, w) for w in circuit.words) - sum(luts(circuit, w) for w in products),
        register_bits(circuit, timing),
        len(products),
    )


def block_cost(kernel: Kernel, folding: Folding, block: Cost) -> Cost:
    """Copies of a `block` for one position, and what brings them their windows."""
    copies = kernel.positions if folding.pos == "all" else folding.pos
    total = Cost(
        block.adders * copies,
        block.adder_bits * copies,
        block.luts * copies,
        block.ffs * copies,
    )
    if folding.pos not in ("all", 1):
        kinds = [kernel.graph.types[n.name] for n in kernel.graph.inputs]
        bits = copies * sum(int(np.broadcast_to(k.elem.width(), k.shape).sum()) for k in kinds)
        total += Cost(luts=bits * (kernel.positions // copies) * 2 // 3, ffs=bits)
    if folding.pos == 1 and kernel.window is not None:
        (node,) = kernel.graph.inputs
        kind = kernel.graph.types[node.name]
        channel_bits = stream_of(kind, kind.size // kind.shape[-1]).bits
        total += Cost(ffs=channel_bits * chain_length(kernel.window))
    return total


def chain_length(window: Window) -> int:
    """Pixels that the line buffer of `window` holds."""
    row = window.shape[1] + sum(window.padding[1]) if len(window.span) == 2 else 1
    return (window.span[0] - 1) * row + (window.span[1] if len(window.span) == 2 else 1)
