"""What can be refused before anything is planned: foldings, ports, names, clock."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import get_args

import numpy as np

from hwflow.errors import ErrorList, HwflowError, InputError
from hwflow.ir import ops
from hwflow.ir.graph import Graph
from hwflow.ir.types import TensorType
from hwflow.plan.dataflow import SerialStage, Stage
from hwflow.plan.folding import Folding
from hwflow.plan.loading import MOST_WORDS
from hwflow.plan.store import store_of
from hwflow.plan.streams import MAX_LANE_BITS, InterfaceKind
from hwflow.plan.targets import TARGETS, Target, multiplies_in_dsps
from hwflow.plan.words import Recoding

__all__ = [
    "check_clock", "check_dsps", "check_fold", "check_graph", "check_held", "check_widths",
]  # fmt: skip

_OURS = re.compile(
    r"(buffer|serializer|deserializer|fork|fifo|delay|dot)_\w+|loader(_copy|_voter_\d+)?|\w*__kernel"
    r"|tmr_(\d+|held_\d+|banks?_\d+|copy|voter)"
)
"""Layer names that would be mistaken for modules and instances of our own."""


def check_fold(graph: Graph, fold: Mapping[str, Folding], interface: InterfaceKind) -> None:
    """Refuse foldings of layers that do not exist, foldings and interfaces that cannot be built.

    Raises:
        InputError: "plan.fold" or "plan.interface".
        ErrorList: several "plan.fold".
    """
    names = [layer.name for layer in graph.layers()]
    loaded = {
        n.layer for n in graph.nodes for a in n.args if isinstance(graph.node(a).op, ops.Param)
    }
    mistakes = [m for name, f in fold.items() if (m := _mistake(name, f, names, name in loaded))]
    if mistakes:
        raise mistakes[0] if len(mistakes) == 1 else ErrorList(mistakes)
    folded = [n for n, folding in fold.items() if folding.pos != "all" or folding.folded]
    if interface == "valid_only" and folded:
        raise InputError(
            "plan.interface",
            "interface valid_only cannot hold input back, and a folded layer must "
            f"({', '.join(folded)})",
            hint="use interface: axi_stream or valid_ready, or pos: all everywhere",
        )


def check_dsps(fold: Mapping[str, Folding], target: Target) -> None:
    """Refuse multipliers in DSPs on a device without, or without a way to use them.

    Raises:
        InputError: "plan.dsp".
    """
    asked = [name for name, folding in fold.items() if folding.multiplier == "dsp"]
    if not asked or multiplies_in_dsps(target):
        return
    have = target.resources.dsp if target.resources else 0
    lacks = "no DSPs" if not have else "DSPs that no synthesis recipe of hwflow uses"
    able = [t.name for t in TARGETS if t.family == target.family and multiplies_in_dsps(t)]
    other = f"hardware.target: {able[0]}, or " if able else ""
    raise InputError(
        "plan.dsp",
        f"multiplier: dsp is asked for {', '.join(asked)}, but {target.name} has {lacks}",
        hint=f"use {other}multiplier: lut",
        place=fold[asked[0]].place,
    )


def _mistake(name: str, folding: Folding, names: Sequence[str], loaded: bool) -> HwflowError | None:
    if name not in names:
        near = difflib.get_close_matches(name, names, n=1)
        meant = f"did you mean {near[0]!r}? " if near else ""
        return InputError(
            "plan.fold",
            f"hardware.fold names layer {name!r}, which the design does not have",
            hint=f"{meant}layers: {', '.join(names)}",
            place=folding.place,
        )
    if folding.digits > 1 and (folding.folded or folding.pos != "all"):
        both = [key for key in ("pe", "simd", "pos") if getattr(folding, key) != "all"]
        return InputError(
            "plan.fold",
            f"layer {name}: digits does not go with {' and '.join(both)}: its weights stand still, "
            "and all its positions take their inputs together",
            hint=f"keep one of them in hardware.fold.layers.{name}",
            place=folding.place,
        )
    if loaded and folding.folded:
        return InputError(
            "plan.fold",
            f"layer {name} has weights loaded at run time: pe and simd fold constant ones",
            hint=f"give hardware.fold.layers.{name}.digits instead",
            place=folding.place,
        )
    recodes = folding.multiplier in get_args(Recoding)
    if recodes != loaded and folding.multiplier != "lut":
        which = "recodes weights loaded at run time" if recodes else "is for constant weights"
        return InputError(
            "plan.fold",
            f"layer {name}: multiplier: {folding.multiplier} {which}",
            hint="plain, radix4 and radix8 go with hardware.weights: programmable",
            place=folding.place,
        )
    if folding.multiplier != "lut" and not folding.folded and not recodes:
        return InputError(
            "plan.fold",
            f"layer {name}: multiplier: {folding.multiplier}, but it is not folded: constants are "
            "built from adders",
            hint="give pe or simd too, or remove multiplier",
            place=folding.place,
        )
    return None


def check_graph(graph: Graph) -> None:
    """Refuse what has no ports or no hardware.

    Raises:
        InputError: "plan.port" for an input that nothing reads or an output that no layer makes,
            "plan.name" for a layer called like a module of ours, "plan.operation" for a param
            whose bits can hold what its type excludes: nothing would keep the loader from it,
            "plan.weights" for more params than the loader has addresses for.
    """
    for node in graph.params:
        elem = graph.types[node.name].elem
        if not bool(np.all(elem.hi - elem.lo + 1 == 2 ** elem.width().astype(object))):
            raise InputError(
                "plan.operation",
                f"param {node.name} is {elem}: its bits can be loaded with more than that",
                hint="give it all values of its bits (IntType.fixed), and limit it in the graph",
            )
    words = sum(store.words for store in [store_of(graph)] if store)
    if words > MOST_WORDS:
        raise InputError(
            "plan.weights",
            f"{words} words of 32 bits are loaded at run time; the loader reaches {MOST_WORDS}",
            hint="make weights constant or narrower",
        )
    for layer in graph.layers():
        if _OURS.fullmatch(layer.name):
            raise InputError(
                "plan.name",
                f"layer {layer.name} is called like a module that hwflow adds",
                hint="rename the layer: not buffer_*, serializer_*, deserializer_*, fork_*, "
                "fifo_*, delay_*, dot_*, loader, tmr_* or *__kernel",
            )
    read = {arg for node in graph.nodes for arg in node.args}
    for node in graph.inputs:
        if node.name not in read:
            raise InputError(
                "plan.port",
                f"no layer reads input {node.name}",
                hint="remove the input from the model",
            )
    made: dict[str, str] = {}
    for name, value in graph.outputs:
        if isinstance(graph.node(value).op, (ops.Input, ops.Const, ops.Param)):
            raise InputError(
                "plan.port",
                f"output {name} is the input or constant {value}: no layer makes it",
                hint="remove the output from the model",
            )
        if value in made:
            raise InputError(
                "plan.port",
                f"outputs {made[value]} and {name} are the same value {value}",
                hint="keep one of them",
            )
        made[value] = name


def check_held(graph: Graph, stages: Sequence[Stage], interface: InterfaceKind) -> None:
    """Refuse a layer that reads an input of the design again and again, if nothing holds it.

    Raises:
        InputError: "plan.interface".
    """
    inputs = {node.name for node in graph.inputs}
    for stage in stages:
        read = inputs & {*stage.layer.inputs} if isinstance(stage, SerialStage) else set()
        if isinstance(stage, SerialStage) and interface == "valid_only" and read:
            raise InputError(
                "plan.interface",
                f"layer {stage.layer.name} takes input {stage.reads[0]} in {stage.layer.steps} "
                "parts, and with interface valid_only nothing holds it that long",
                hint="use interface: axi_stream or valid_ready, or let another layer come first",
                place=stage.layer.folding.place,
            )


def check_clock(target: Target, clock_hz: Fraction) -> None:
    """Refuse a clock that leaves no time for one LUT between two registers.

    Raises:
        InputError: "plan.clock".
    """
    shortest = target.delay.clock_overhead + target.delay.lut
    if float(1_000_000_000 / clock_hz) < shortest:
        raise InputError(
            "plan.clock",
            f"{target.name} at {float(clock_hz) / 1e6:g} MHz: a register and one LUT take about "
            f"{shortest:.2g} ns, more than the clock's {float(1_000_000_000 / clock_hz):.2g} ns",
            hint=f"set hardware.clock to at most {int(1000 / shortest)} MHz",
        )


def check_widths(types: Mapping[str, TensorType]) -> None:
    """Refuse values wider than a stream's lane.

    Raises:
        InputError: "plan.operation".
    """
    for value, kind in types.items():
        if kind.elem.max_width() > MAX_LANE_BITS:
            raise InputError(
                "plan.operation",
                f"{value} has {kind.elem.max_width()} bits; a value that leaves its layer has at "
                f"most {MAX_LANE_BITS}",
                hint="requantize it inside the layer",
            )
