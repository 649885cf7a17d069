"""The plan as plain data: what `hwflow plan` shows and the report draws on."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from hwflow.plan.connect import AnyLayer
from hwflow.plan.dataflow import (
    Delay,
    Deserializer,
    Fifo,
    FoldedStage,
    Fork,
    GatherStage,
    Region,
    Serializer,
    SerialStage,
    WindowStage,
)
from hwflow.plan.folded import FoldedPlan
from hwflow.plan.kernel import Window
from hwflow.plan.layer import LayerPlan, recoding_of
from hwflow.plan.plan import Plan
from hwflow.plan.serial import SerialPlan
from hwflow.plan.words import Dot

__all__ = ["layer_cycles", "plan_record", "window_cycles"]


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
    protect = {} if plan.options.protect == "none" else {"protect": plan.options.protect}
    return {
        **protect,
        "design": plan.graph.name,
        "graph": plan.digest,
        "target": target.name,
        **({"delays": asdict(target.delay)} if target.family == "asic" else {}),
        "clock_hz": str(plan.options.clock_hz),
        "interface": plan.options.interface,
        "latency_cycles": plan.interface.latency,
        "initiation_interval": plan.interface.initiation_interval,
        "estimated_fmax_hz": round(plan.fmax_hz),
        "bottleneck": bottleneck["name"],
        "layers": layers,
        **_loader(plan),
        "dataflow": [_stage(stage) for stage in plan.stages],
        "total": {
            "adders": cost.adders,
            "adder_bits": cost.adder_bits,
            "luts": cost.luts,
            "ffs": cost.ffs,
            "dsps": cost.dsps,
            "brams": cost.brams,
        },
        "device": {
            "luts": target.resources.lut,
            "ffs": target.resources.ff,
            "dsps": target.resources.dsp,
            "brams": target.resources.bram,
        }
        if target.resources
        else None,
    }


def _loader(plan: Plan) -> dict[str, Any]:
    store = plan.interface.store
    if store is None:
        return {}
    cost = plan.loader_cost
    return {
        "loader": {
            "words": store.words, "bits": store.bits, "luts": cost.luts, "ffs": cost.ffs,
        }
    }  # fmt: skip


def _layer(layer: AnyLayer) -> dict[str, Any]:
    pos = layer.folding.pos
    folded = isinstance(layer, FoldedPlan)
    return {
        "name": layer.name,
        "operations": list(layer.operations),
        "folding": {
            "pe": layer.folding.pe,
            "simd": layer.folding.simd,
            "pos": 1 if folded else pos,
        },
        "multiplier": layer.folding.multiplier
        if isinstance(layer, FoldedPlan)
        else _recoding(layer),
        "digits": layer.folding.digits,
        "positions": layer.positions,
        "cycles": layer_cycles(layer),
        "latency": layer.latency,
        "lanes_in": sum(layer.stream(v).lanes for v in layer.inputs),
        "bits_in": sum(layer.stream(v).bits for v in layer.inputs),
        "lanes_out": sum(layer.stream(v).lanes for v in layer.outputs),
        "bits_out": sum(layer.stream(v).bits for v in layer.outputs),
        "inputs": {v: str(layer.types[v]) for v in layer.inputs},
        "outputs": {v: str(layer.types[v]) for v in layer.outputs},
        "longest_path_ns": round(layer.worst, 3),
        "adders": layer.cost.adders,
        "adder_bits": layer.cost.adder_bits,
        "luts": layer.cost.luts,
        "ffs": layer.cost.ffs,
        "dsps": layer.cost.dsps,
        "brams": layer.cost.brams,
    }


def _recoding(layer: LayerPlan | SerialPlan) -> str | None:
    circuit = layer.terms if isinstance(layer, SerialPlan) else layer.circuit
    recodes = any(isinstance(word.op, Dot) and word.op.weights for word in circuit.words)
    return recoding_of(layer.folding) if recodes else None


def layer_cycles(layer: AnyLayer) -> int:
    """Clock cycles of a layer for a tensor."""
    if isinstance(layer, FoldedPlan):
        return layer.cycles
    if isinstance(layer, SerialPlan):
        return layer.steps
    if layer.gathers:
        return layer.steps
    if layer.window is not None:
        return window_cycles(layer.window)
    return layer.positions if layer.folding.pos == 1 else 1


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
        case GatherStage():
            return {"kind": "gather", "layers": [stage.layer.name]}
        case FoldedStage():
            return {"kind": "folded", "layers": [stage.layer.name]}
        case SerialStage():
            return {"kind": "serial", "layers": [stage.layer.name]}
        case Serializer():
            return {"kind": "serializer", "value": stage.value, "beats": stage.count}
        case Deserializer():
            return {"kind": "deserializer", "value": stage.value, "beats": stage.count}
        case Fork():
            return {"kind": "fork", "value": stage.value, "copies": len(stage.writes)}
        case Fifo():
            return {"kind": "fifo", "value": stage.value, "depth": stage.depth}
        case Delay():
            return {"kind": "delay", "value": stage.value, "clocks": stage.clocks}
        case _:
            raise AssertionError(stage)
