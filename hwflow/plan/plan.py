"""From an integer graph to the whole dataflow plan."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction

from hwflow.errors import InputError
from hwflow.ir import digest
from hwflow.ir.graph import Graph
from hwflow.ir.types import TensorType
from hwflow.plan.checks import check_clock, check_fold, check_graph, check_widths
from hwflow.plan.dataflow import (
    Deserializer,
    Region,
    Serializer,
    Stage,
    WindowStage,
    measure,
)
from hwflow.plan.layer import Cost, Folding, LayerPlan, plan_layer, stream_of
from hwflow.plan.size import check_fits, check_unrolled
from hwflow.plan.streams import Interface, InterfaceKind, PortGroup, StreamType
from hwflow.plan.targets import Target
from hwflow.plan.words import Circuit

__all__ = ["Options", "Plan", "make_plan"]

Progress = Callable[[float, str], None]


@dataclass(frozen=True, slots=True)
class Options:
    """What the user chose about the hardware. `clock_hz` is exact."""

    target: Target
    clock_hz: Fraction
    interface: InterfaceKind = "axi_stream"
    fold: Mapping[str, Folding] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """A design ready to be generated.

    `stages` are in dataflow order; `interface` holds the ports, the latency and the initiation
    interval in cycles. `fmax_hz` is estimated from the delay model.
    """

    graph: Graph
    digest: str
    options: Options
    stages: tuple[Stage, ...]
    interface: Interface
    types: Mapping[str, TensorType]
    fmax_hz: float

    @property
    def layers(self) -> tuple[LayerPlan, ...]:
        """Every layer, in order."""
        found: list[LayerPlan] = []
        for stage in self.stages:
            if isinstance(stage, Region):
                found += stage.layers
            elif isinstance(stage, WindowStage):
                found.append(stage.layer)
        return tuple(found)

    @property
    def cost(self) -> Cost:
        """Sums over the layers (buffers and converters apart)."""
        costs = [layer.cost for layer in self.layers]
        return Cost(
            sum(c.adders for c in costs),
            sum(c.adder_bits for c in costs),
            sum(c.luts for c in costs),
            sum(c.ffs for c in costs),
        )


def make_plan(
    graph: Graph,
    options: Options,
    circuits: Mapping[str, Circuit] | None = None,
    progress: Progress = lambda _fraction, _text: None,
) -> Plan:
    """Plan `graph`; `circuits` are layer circuits of an earlier plan of the same graph.

    Raises:
        InputError: "plan.fold", "plan.interface", "plan.operation", "plan.name", "plan.port",
            "plan.clock", "plan.too-large", or "plan.fork": the foldings ask for a dataflow
            that this version lacks.
    """
    check_fold(graph, options.fold, options.interface)
    check_graph(graph)
    check_clock(options.target, options.clock_hz)
    check_widths({n.name: graph.types[n.name] for n in graph.inputs})
    layers = _plan_layers(graph, options, circuits or {}, progress)
    check_fits(layers, options.target)
    types = {n.name: graph.types[n.name] for n in graph.inputs}
    for layer in layers:
        types.update({v: layer.types[v] for v in layer.outputs})
    stages = _string(graph, layers)
    period = float(1_000_000_000 / options.clock_hz)
    worst = max((layer.schedule.worst for layer in layers), default=0.0)
    worst = max(worst, period / 1000)
    overhead = options.target.delay.clock_overhead
    return Plan(
        graph,
        digest(graph),
        options,
        stages,
        _interface(graph, options, stages, types),
        types,
        1e9 / (worst + overhead),
    )


def _plan_layers(
    graph: Graph, options: Options, circuits: Mapping[str, Circuit], progress: Progress
) -> tuple[LayerPlan, ...]:
    period = float(1_000_000_000 / options.clock_hz)
    types = {n.name: graph.types[n.name] for n in graph.inputs}
    arrivals: dict[str, float] = {}
    plans: list[LayerPlan] = []
    layers = graph.layers()
    check_unrolled(graph, options.fold, options.target)
    for index, layer in enumerate(layers):
        progress(index / len(layers), f"adder graphs of {layer.name}")
        folding = options.fold.get(layer.name, Folding())
        start = max((arrivals.get(v, 0.0) for v in layer.inputs), default=0.0)
        planned = plan_layer(
            graph,
            layer,
            types,
            folding,
            period,
            options.target.delay,
            start,
            circuits.get(layer.name),
        )
        made = {v: planned.types[v] for v in layer.outputs}
        check_widths(made)
        types.update(made)
        after = 0.0 if folding.pos == 1 else planned.schedule.arrival
        arrivals.update(dict.fromkeys(layer.outputs, after))
        plans.append(planned)
    return tuple(plans)


def _string(graph: Graph, layers: tuple[LayerPlan, ...]) -> tuple[Stage, ...]:
    groups: list[list[LayerPlan]] = []
    for layer in layers:
        if groups and layer.folding.pos == "all" and groups[-1][0].folding.pos == "all":
            groups[-1].append(layer)
        else:
            groups.append([layer])
    results = {value for _, value in graph.outputs}
    stages: list[Stage] = []
    for group in groups:
        inside = {v for layer in group for v in layer.outputs}
        elsewhere = {v for layer in layers if layer not in group for v in layer.inputs}
        inputs = tuple(dict.fromkeys(v for g in group for v in g.inputs if v not in inside))
        outputs = tuple(v for g in group for v in g.outputs if v in results or v in elsewhere)
        if len(groups) > 1 and (len(inputs) > 1 or len(outputs) > 1):
            raise InputError(
                "plan.fork",
                f"layer {group[0].name} joins or forks streams next to a layer with pos: 1; "
                "that needs a FIFO of computed depth, which this version lacks",
                hint="use pos: all for the layers of this branch",
            )
        stages += _converters(groups, group, inputs)
        stages.append(
            WindowStage(group[0])
            if group[0].folding.pos == 1
            else _region(tuple(group), inputs, outputs)
        )
    if len(groups) > 1:
        _check_chain(stages, results)
    return tuple(stages)


def _converters(
    groups: list[list[LayerPlan]], group: list[LayerPlan], inputs: tuple[str, ...]
) -> list[Stage]:
    """What must stand before `group` so that its input arrives in the beats it wants."""
    value, consumer = inputs[0], group[0]
    maker = next((g for old in groups for g in old if value in g.outputs), None)
    if maker is None or maker.folding.pos == consumer.folding.pos:
        return []
    if consumer.folding.pos == 1:
        return [Serializer(value, consumer.stream(value))]
    return [Deserializer(value, maker.stream(value))]


def _check_chain(stages: list[Stage], results: set[str]) -> None:
    made: tuple[str, ...] | None = None
    for stage in stages:
        if isinstance(stage, (Serializer, Deserializer)):
            continue
        if made is not None and stage.inputs != made:
            raise InputError(
                "plan.fork",
                f"value {stage.inputs[0]} is not the result of the stage before it; layers with "
                "pos: 1 work in a chain in this version",
                hint="use pos: all for the layers of this branch",
            )
        made = stage.outputs
    if made is None or not results <= {*made}:
        raise InputError(
            "plan.fork",
            f"output {min(results.difference(made or ()))} leaves in the middle of a chain of "
            "layers with pos: 1; that fork is not in this version",
            hint="use pos: all, or keep the last layer's output only",
        )


def _region(
    layers: tuple[LayerPlan, ...], inputs: tuple[str, ...], outputs: tuple[str, ...]
) -> Region:
    times = dict.fromkeys(inputs, 0)
    starts: dict[str, int] = {}
    for layer in layers:
        starts[layer.name] = max((times[v] for v in layer.inputs), default=0)
        times.update(dict.fromkeys(layer.outputs, starts[layer.name] + layer.latency))
    latency = max(times[v] for v in outputs)
    return Region(layers, inputs, outputs, starts, times, latency)


def _interface(
    graph: Graph, options: Options, stages: tuple[Stage, ...], types: Mapping[str, TensorType]
) -> Interface:
    first, last = stages[0], stages[-1]
    axi = options.interface == "axi_stream"
    ins = tuple(
        _port(options.interface, n.name, types[n.name], _beats(first, n.name, types), into=True)
        for n in graph.inputs
    )
    outs = tuple(
        _port(options.interface, name, types[value], _beats(last, value, types), into=False)
        for name, value in graph.outputs
    )
    if len(stages) == 1 and isinstance(first, Region):
        latency, interval = first.latency + 1, 1
    else:
        latency, interval = measure(stages, outs[0].stream.beats, ins[0].stream.beats)
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
    )


def _beats(stage: Stage, value: str, types: Mapping[str, TensorType]) -> StreamType:
    if isinstance(stage, WindowStage):
        return stage.layer.stream(value)
    return stream_of(types[value], 1)


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
