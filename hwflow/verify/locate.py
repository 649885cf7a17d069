"""Where a hardware rung first differs: the layers one by one, against the integer graph."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from hwflow.ir.exact import IntArray
from hwflow.plan.connect import AnyLayer
from hwflow.plan.folded import FoldedPlan
from hwflow.plan.layer import LayerPlan
from hwflow.plan.plan import Plan
from hwflow.plan.serial import SerialPlan
from hwflow.plan.streams import Interface, PortGroup
from hwflow.verify.compare import Mismatch
from hwflow.verify.netlist import NetlistSim
from hwflow.verify.netlist.trace import Trace
from hwflow.verify.rtl import LayerPorts, build_replay, replay_layer
from hwflow.verify.rtl.wrapper import Fixed
from hwflow.verify.vectors import Vectors

__all__ = ["locate_in_netlist", "locate_in_rtl"]

_STREAMS = 64
Beats = npt.NDArray[np.uint8]


def locate_in_rtl(
    plan: Plan,
    rtl: Path,
    vectors: Vectors,
    layers: Mapping[str, IntArray],
    vector: int,
    work: Path,
    params: Mapping[str, IntArray] | None = None,
) -> Mismatch | None:
    """Run each layer's module alone on the graph's own inputs for `vector`.

    `layers` holds the graph's layer results (n, *shape) by value, `params` weights loaded at run
    time. Returns the first layer that
    differs, or None if every layer is right (the fault is then between them).
    """
    known = {**vectors.inputs, **layers}
    for layer in plan.layers:
        inputs = {v: known[v][vector : vector + 1] for v in layer.inputs}
        fixed = _weights(plan, layer, params or {})
        found = _alone(plan, layer, rtl, inputs, work / layer.name, fixed)
        for value in layer.outputs:
            difference = _difference(layer.name, value, layers, found[value], vectors, vector)
            if difference is not None:
                return difference
    return None


def _weights(plan: Plan, layer: AnyLayer, params: Mapping[str, IntArray]) -> tuple[Fixed, ...]:
    """What the layer's `weights_i` gets, if it has one."""
    store = plan.interface.store
    if store is None or isinstance(layer, FoldedPlan) or not layer.weights:
        return ()
    whole = int.from_bytes(store.image(params).astype("<u4").tobytes(), "little")
    fields = {field.name: field for field in store.fields}
    bits, value = 0, 0
    for field in (fields[name] for name in layer.weights):
        value |= (whole >> field.offset & ((1 << field.bits) - 1)) << bits
        bits += field.bits
    return (("weights_i", bits, value),)


def _alone(
    plan: Plan,
    layer: AnyLayer,
    rtl: Path,
    inputs: Mapping[str, IntArray],
    work: Path,
    fixed: tuple[Fixed, ...],
) -> dict[str, IntArray]:
    beats = {v: layer.stream(v).pack(a.reshape(1, -1).astype(np.int64)) for v, a in inputs.items()}
    work.mkdir(parents=True, exist_ok=True)
    if isinstance(layer, FoldedPlan | SerialPlan) or layer.window is not None or layer.gathers:
        interface = _stream_interface(plan.graph.name, layer)
        (group,) = interface.outputs
        result = build_replay(rtl, interface, work, fixed=fixed).run(beats).outputs
        return {group.tensor: group.unpack(result[group.tensor])}
    ports = replace(_layer_ports(plan, layer), fixed=fixed)
    names = dict(zip(layer.inputs, (name for name, _ in ports.inputs), strict=True))
    result = replay_layer(rtl, ports, {names[v]: b for v, b in beats.items()}, work)
    outputs = zip(layer.outputs, (name for name, _ in ports.outputs), strict=True)
    return {value: layer.stream(value).unpack(result[port]) for value, port in outputs}


def _layer_ports(plan: Plan, layer: LayerPlan) -> LayerPorts:
    def ports(stem: str, role: str, values: tuple[str, ...]) -> tuple[tuple[str, int], ...]:
        many = len(values) > 1
        return tuple(
            (f"{stem}{k if many else ''}_data_{role}", max(1, layer.stream(v).bits))
            for k, v in enumerate(values)
        )

    clocked = layer.cost.ffs > 0
    streams = plan.interface.kind != "valid_only"
    gated = plan.interface.initiation_interval > 1
    stalls = clocked and (streams or gated)
    return LayerPorts(
        f"{plan.graph.name}__{layer.name}",
        ports("in", "i", layer.inputs),
        ports("out", "o", layer.outputs),
        layer.latency,
        "clk" if clocked else None,
        "en_i" if stalls else None,
        1 if streams else max(1, layer.latency),
    )


def _stream_interface(design: str, layer: AnyLayer) -> Interface:
    """A layer with a line buffer as a stream: its enable plays the sink's ready."""
    (source,), (value,) = layer.inputs, layer.outputs
    into, out = layer.stream(source), layer.stream(value)
    cycles = layer.cycles if isinstance(layer, FoldedPlan) else 0
    shapes = layer.types[source].shape, layer.types[value].shape
    given = PortGroup(
        source, shapes[0], into, "in_data_i", "in_valid_i", "in_ready_o", None, max(1, into.bits)
    )
    made = PortGroup(
        value, shapes[1], out, "out_data_o", "out_valid_o", "en_i", None, max(1, out.bits)
    )
    return Interface(
        top=f"{design}__{layer.name}",
        kind="valid_ready",
        clock="clk",
        reset="rst",
        reset_active_high=True,
        reset_cycles=2,
        inputs=(given,),
        outputs=(made,),
        latency=layer.latency + into.beats + cycles,
        initiation_interval=max(into.beats, out.beats, cycles),
    )


def _difference(
    layer: str,
    value: str,
    layers: Mapping[str, IntArray],
    found: IntArray,
    vectors: Vectors,
    vector: int,
) -> Mismatch | None:
    want = layers[value][vector]
    have = found.reshape(want.shape)
    if not bool((want != have).any()):
        return None
    at = tuple(int(i) for i in np.argwhere(want != have)[0])
    kind = vectors.class_of(vector)
    return Mismatch(layer, value, vector, kind, at, int(want[at]), int(have[at]), 1)


def locate_in_netlist(
    plan: Plan,
    sim: NetlistSim,
    vectors: Vectors,
    layers: Mapping[str, IntArray],
    vector: int,
    fault_masks: npt.NDArray[np.uint64] | None = None,
    stream: int = 0,
) -> Mismatch | None:
    """Watch every layer's output nets while `vector` runs, and name the first that differs.

    `stream` is the simulator's stream to look at (each may carry its own fault).
    """
    repeats = 2 + plan.interface.latency
    inputs = {
        group.tensor: np.tile(
            group.pack(
                vectors.inputs[group.tensor][vector : vector + 1].reshape(1, -1).astype(np.int64)
            ),
            (_STREAMS * repeats, 1),
        )
        for group in plan.interface.inputs
    }
    there = set(sim.nets)
    watch = [net for layer in plan.layers for net in _nets(layer) if net in there]
    trace = sim.replay(inputs, watch=watch, fault_masks=fault_masks).trace
    assert trace is not None
    for layer in plan.layers:
        for value, array in _watched(layer, trace, stream).items():
            difference = _difference(layer.name, value, layers, array, vectors, vector)
            if difference is not None:
                return difference
    return None


def _streamed(layer: AnyLayer) -> bool:
    return isinstance(layer, FoldedPlan) or layer.folding.pos != "all"


def _nets(layer: AnyLayer) -> tuple[str, ...]:
    many = len(layer.outputs) > 1
    ports = [f"out{k if many else ''}_data_o" for k in range(len(layer.outputs))]
    if _streamed(layer):
        ports += ["out_valid_o", "en_i"]
    return tuple(f"{layer.name}.{port}" for port in ports)


def _watched(layer: AnyLayer, trace: Trace, stream: int) -> dict[str, IntArray]:
    """Values of a layer's outputs for the repeated vector, where its nets could be watched."""
    nets = _nets(layer)
    if any(net not in trace.words for net in nets):
        return {}
    if _streamed(layer):
        (value,) = layer.outputs
        kind = layer.stream(value)
        beats = trace.beats(nets[0], nets[1], nets[2], stream)[: kind.beats]
        return {value: kind.unpack(beats)} if len(beats) == kind.beats else {}
    settled = {
        value: layer.stream(value).unpack(trace.settled(net)[stream : stream + 1])
        for value, net in zip(layer.outputs, nets, strict=True)
    }
    return {value: array for value, array in settled.items() if layer.stream(value).bits}
