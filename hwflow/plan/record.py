"""The plan as plain data: what `hwflow plan` shows and the report draws on."""

from __future__ import annotations

from typing import Any

from hwflow.plan.dataflow import Deserializer, Region, Serializer, WindowStage
from hwflow.plan.kernel import Window
from hwflow.plan.layer import LayerPlan
from hwflow.plan.plan import Plan

__all__ = ["plan_record", "window_cycles"]


def window_cycles(window: Window) -> int:
    """Clock cycles that one position a clock takes for a tensor, padding included."""
    total = 1
    for size, pads in zip(window.shape[:-1], window.padding, strict=True):
        total *= size + sum(pads)
    return total


def plan_record(plan: Plan) -> dict[str, Any]:
    """JSON-able record: layers in order, the dataflow, totals, and the interface's cycles."""
    target, cost = plan.options.target, plan.cost
    layers = [_layer(layer) for layer in plan.layers]
    bottleneck = max(layers, key=lambda entry: int(entry["cycles"]))
    return {
        "design": plan.graph.name,
        "graph": plan.digest,
        "target": target.name,
        "clock_hz": str(plan.options.clock_hz),
        "interface": plan.options.interface,
        "latency_cycles": plan.interface.latency,
        "initiation_interval": plan.interface.initiation_interval,
        "estimated_fmax_hz": round(plan.fmax_hz),
        "bottleneck": bottleneck["name"],
        "layers": layers,
        "dataflow": [_stage(stage) for stage in plan.stages],
        "total": {
            "adders": cost.adders,
            "adder_bits": cost.adder_bits,
            "luts": cost.luts,
            "ffs": cost.ffs,
        },
        "device": {"luts": target.resources.lut, "ffs": target.resources.ff}
        if target.resources
        else None,
    }


def _layer(layer: LayerPlan) -> dict[str, Any]:
    pos = layer.folding.pos
    window = layer.window
    return {
        "name": layer.name,
        "operations": list(layer.operations),
        "folding": {"pe": layer.folding.pe, "simd": layer.folding.simd, "pos": pos},
        "positions": layer.kernel.positions,
        "cycles": window_cycles(window) if window else 1,
        "latency": layer.latency,
        "lanes_in": sum(layer.stream(v).lanes for v in layer.inputs),
        "bits_in": sum(layer.stream(v).bits for v in layer.inputs),
        "lanes_out": sum(layer.stream(v).lanes for v in layer.outputs),
        "bits_out": sum(layer.stream(v).bits for v in layer.outputs),
        "inputs": {v: str(layer.types[v]) for v in layer.inputs},
        "outputs": {v: str(layer.types[v]) for v in layer.outputs},
        "longest_path_ns": round(layer.schedule.worst, 3),
        "adders": layer.cost.adders,
        "adder_bits": layer.cost.adder_bits,
        "luts": layer.cost.luts,
        "ffs": layer.cost.ffs,
    }


def _stage(stage: object) -> dict[str, Any]:
    match stage:
        case Region():
            return {
                "kind": "region",
                "layers": [layer.name for layer in stage.layers],
                "latency": stage.latency,
            }
        case WindowStage():
            return {"kind": "window", "layers": [stage.layer.name]}
        case Serializer(value, stream):
            return {"kind": "serializer", "value": value, "beats": stream.beats}
        case Deserializer(value, stream):
            return {"kind": "deserializer", "value": value, "beats": stream.beats}
        case _:
            raise AssertionError(stage)
