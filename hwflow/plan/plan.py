"""From an integer graph to the whole dataflow plan."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import reduce
from operator import add
from typing import Literal

from hwflow.errors import InputError
from hwflow.ir import digest
from hwflow.ir.graph import Graph
from hwflow.ir.types import TensorType
from hwflow.plan.checks import (
    check_clock,
    check_dsps,
    check_fold,
    check_graph,
    check_held,
    check_widths,
)
from hwflow.plan.connect import AnyLayer, Dataflow, connect
from hwflow.plan.dataflow import (
    FoldedStage,
    GatherStage,
    Region,
    SerialStage,
    Stage,
    WindowStage,
)
from hwflow.plan.folded import plan_folded
from hwflow.plan.folding import Cost, Folding
from hwflow.plan.kernel import kernel_of
from hwflow.plan.layer import LayerPlan, plan_layer
from hwflow.plan.loading import loader_cost
from hwflow.plan.serial import plan_serial
from hwflow.plan.size import check_fits, check_unrolled
from hwflow.plan.sizing import sized
from hwflow.plan.solver import Solver
from hwflow.plan.store import store_of
from hwflow.plan.streams import Interface, InterfaceKind, PortGroup, StreamType
from hwflow.plan.targets import Target
from hwflow.plan.timing import measure
from hwflow.plan.words import Circuit

__all__ = ["Options", "Plan", "make_plan"]

Progress = Callable[[float, str], None]


@dataclass(frozen=True, slots=True)
class Options:
    """What the user chose about the hardware. `clock_hz` is exact.

    With `protect` "tmr" the target is one that `protected` has made.
    """

    target: Target
    clock_hz: Fraction
    interface: InterfaceKind = "axi_stream"
    fold: Mapping[str, Folding] = field(default_factory=dict)
    protect: Literal["none", "tmr"] = "none"


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """A design ready to be generated.

    `stages` are in dataflow order, `links` gives the link that each output port reads;
    `interface` holds the ports, the latency and the initiation
    interval in cycles. `fmax_hz` is estimated from the delay model.
    """

    graph: Graph
    digest: str
    options: Options
    stages: tuple[Stage, ...]
    links: Mapping[str, str]
    interface: Interface
    types: Mapping[str, TensorType]
    fmax_hz: float

    @property
    def layers(self) -> tuple[AnyLayer, ...]:
        """Every layer, in order."""
        found: list[AnyLayer] = []
        for stage in self.stages:
            if isinstance(stage, Region):
                found += stage.layers
            elif isinstance(stage, WindowStage | GatherStage | FoldedStage | SerialStage):
                found.append(stage.layer)
        return tuple(found)

    @property
    def cost(self) -> Cost:
        """Sums over the layers and the weight loader (buffers and converters apart)."""
        return reduce(add, (layer.cost for layer in self.layers), self.loader_cost)

    @property
    def loader_cost(self) -> Cost:
        """What loading weights at run time takes."""
        store, copies = self.interface.store, 3 if self.options.protect == "tmr" else 1
        return loader_cost(store, copies) if store else Cost()


def make_plan(
    graph: Graph,
    options: Options,
    circuits: Mapping[str, Circuit] | None = None,
    progress: Progress = lambda _fraction, _text: None,
    solver: Solver | None = None,
) -> Plan:
    """Plan `graph`; `circuits` are layer circuits of an earlier plan of the same graph.

    All other circuits come from `solver` (by default one that solves them here, in turn).

    Raises:
        InputError: "plan.fold", "plan.dsp", "plan.interface", "plan.operation", "plan.name",
            "plan.port", "plan.clock", "plan.weights", or "plan.too-large".
    """
    check_fold(graph, options.fold, options.interface)
    check_dsps(options.fold, options.target)
    check_graph(graph)
    check_clock(options.target, options.clock_hz)
    check_widths({n.name: graph.types[n.name] for n in graph.inputs})
    layers = _plan_layers(graph, options, circuits or {}, progress, solver or Solver())
    check_fits(layers, options.target)
    types = {n.name: graph.types[n.name] for n in graph.inputs}
    for layer in layers:
        types.update({v: layer.types[v] for v in layer.outputs})
    dataflow = connect(graph, layers, types, ready=options.interface != "valid_only")
    check_held(graph, dataflow.stages, options.interface)
    flow, cycles = _timed(graph, dataflow, options.interface)
    period = float(1_000_000_000 / options.clock_hz)
    worst = max((layer.worst for layer in layers), default=0.0)
    worst = max(worst, period / 1000)
    overhead = options.target.delay.clock_overhead
    return Plan(
        graph,
        digest(graph),
        options,
        flow.stages,
        {name: link for name, (link, _) in flow.outputs.items()},
        _interface(graph, options, flow, cycles, types),
        types,
        1e9 / (worst + overhead),
    )


def _plan_layers(
    graph: Graph,
    options: Options,
    circuits: Mapping[str, Circuit],
    progress: Progress,
    solver: Solver,
) -> tuple[AnyLayer, ...]:
    period = float(1_000_000_000 / options.clock_hz)
    types = {n.name: graph.types[n.name] for n in graph.inputs}
    arrivals: dict[str, float] = {}
    plans: list[AnyLayer] = []
    layers = graph.layers()
    check_unrolled(graph, options.fold, options.target)
    unrolled = [n for n in layers if not _spread(options.fold.get(n.name, Folding()))]
    progress(0.0, f"adder graphs of {len(unrolled)} layers")
    # By interval analysis alone; where hardware words turn out narrower, the layer is solved below.
    solver.prepare([
        kernel_of(graph, layer, {v: graph.types[v] for v in layer.inputs})
        .graph for layer in unrolled if layer.name not in circuits
    ])  # fmt: skip
    for index, layer in enumerate(layers):
        progress(index / len(layers), f"adder graphs of {layer.name}")
        folding = options.fold.get(layer.name, Folding())
        start = max((arrivals.get(v, 0.0) for v in layer.inputs), default=0.0)
        planned: AnyLayer
        if folding.digits > 1:
            delay = options.target.delay
            planned = plan_serial(graph, layer, types, folding, period, delay)
        elif folding.folded:
            planned = plan_folded(graph, layer, types, folding, period, options.target)
        else:
            kept = circuits.get(layer.name)
            delay = options.target.delay
            planned = plan_layer(graph, layer, types, folding, period, delay, start, kept, solver)
        made = {v: planned.types[v] for v in layer.outputs}
        check_widths(made)
        types.update(made)
        parallel = isinstance(planned, LayerPlan) and folding.pos == "all"
        after = planned.schedule.arrival if isinstance(planned, LayerPlan) and parallel else 0.0
        arrivals.update(dict.fromkeys(layer.outputs, after))
        plans.append(planned)
    return tuple(plans)


def _spread(folding: Folding) -> bool:
    """Whether a layer is spread over clocks otherwise than by positions."""
    return folding.folded or folding.digits > 1


def _timed(
    graph: Graph, flow: Dataflow, interface: InterfaceKind
) -> tuple[Dataflow, tuple[int, int]]:
    """The dataflow with its FIFOs sized, and its latency and initiation interval."""
    if interface == "valid_only":
        return flow, flow.unhindered
    if len(flow.stages) == 1 and isinstance(flow.stages[0], Region):
        return flow, (flow.stages[0].latency + 1, 1)
    source, sink = graph.inputs[0].name, flow.outputs[graph.outputs[0][0]]

    def measured(stages: Sequence[Stage]) -> tuple[int, int]:
        beats = (flow.inputs[source].beats, sink[1].beats)
        return measure(stages, source, sink[0], *beats)

    timed = sized(flow, measured)
    if timed[1][0] < 0:
        raise InputError(
            "plan.fold",
            f"a result would leave {-timed[1][0]} clocks before input {source} has been taken",
            hint="fold the layers that read this input alike",
        )
    return timed


def _interface(
    graph: Graph,
    options: Options,
    flow: Dataflow,
    cycles: tuple[int, int],
    types: Mapping[str, TensorType],
) -> Interface:
    axi = options.interface == "axi_stream"
    ins = tuple(
        _port(options.interface, n.name, types[n.name], flow.inputs[n.name], into=True)
        for n in graph.inputs
    )
    outs = tuple(
        _port(options.interface, name, types[value], flow.outputs[name][1], into=False)
        for name, value in graph.outputs
    )
    latency, interval = cycles
    return Interface(
        top=graph.name,
        kind=options.interface,
        clock="aclk" if axi else "clk",
        reset="aresetn" if axi else "rst",
        reset_active_high=not axi,
        reset_cycles=2,
        inputs=ins,
        outputs=outs,
        latency=latency,
        initiation_interval=interval,
        store=store_of(graph),
    )


def _port(
    kind: InterfaceKind, name: str, tensor: TensorType, stream: StreamType, *, into: bool
) -> PortGroup:
    bits = max(1, stream.bits)
    if kind == "axi_stream":
        stem = f"s_axis_{name}_t" if into else f"m_axis_{name}_t"
        data, valid, ready, last = (f"{stem}{role}" for role in ("data", "valid", "ready", "last"))
        bits = -(-bits // 8) * 8
        return PortGroup(name, tensor.shape, stream, data, valid, ready, last, bits)
    here, there = ("i", "o") if into else ("o", "i")
    data, valid = f"{name}_data_{here}", f"{name}_valid_{here}"
    back = f"{name}_ready_{there}" if kind == "valid_ready" else None
    return PortGroup(name, tensor.shape, stream, data, valid, back, None, bits)
