"""Modules that a design repeats: mapped once each, with what is constant at their ports built in.

A module instantiated twice or more keeps its border until everything is mapped, so that its logic
is optimized and mapped once. Instances with constant inputs (the border of a padded convolution)
get a module of their own for each pattern of constants: what a border would hide from optimization.
"""

from __future__ import annotations

import copy
from collections import Counter, deque
from collections.abc import Sequence, Set
from typing import Any

__all__ = ["instances", "share_modules"]

# The JSON tree of Yosys.
Json = Any
Pattern = tuple[tuple[str, tuple[str, ...]], ...]

_KEPT = "0" * 31 + "1"


def share_modules(netlist: Json, top: str, layer_modules: Sequence[str]) -> int:
    """Mark repeated modules of a design before mapping to be kept, in place; returns how many.

    Layers keep their own border in any case, and take no constants from outside; nor do copies of
    registers and of the weight loader, which all stay.
    """
    modules = netlist["modules"]
    whole = {n for n in modules if n.startswith((f"{top}__tmr_", f"{top}__loader"))}
    _specialize(modules, top, whole.union(layer_modules))
    count = instances(modules, top)
    repeated = sorted(name for name, number in count.items() if number > 1)
    for name in repeated:
        modules[name]["attributes"]["keep_hierarchy"] = _KEPT
    netlist["modules"] = {name: module for name, module in modules.items() if count[name]}
    return len(repeated)


def _specialize(modules: Json, top: str, whole: Set[str]) -> None:
    """Give each pattern of constant inputs a module of its own, from the top down."""
    made: dict[tuple[str, Pattern], str] = {}
    waiting, entered = deque([top]), {top}
    while waiting:
        for _, cell in sorted(modules[waiting.popleft()]["cells"].items()):
            kind = cell["type"]
            if kind not in modules:
                continue
            pattern = () if kind in whole else _constants(modules[kind], cell)
            if pattern:
                name = made.setdefault((kind, pattern), f"{kind}$constant_{len(made)}")
                if name not in modules:
                    modules[name] = _with_constants(modules[kind], pattern)
                cell["type"] = kind = name
            if kind not in entered:
                entered.add(kind)
                waiting.append(kind)


def _constants(module: Json, cell: Json) -> Pattern:
    """The input ports of an instance that are constant in some bit: "0", "1", or "" for a net."""
    found = []
    for name, port in sorted(module["ports"].items()):
        bits = cell["connections"].get(name, ())
        if port["direction"] == "input" and any(bit in ("0", "1") for bit in bits):
            found.append((name, tuple(bit if bit in ("0", "1") else "" for bit in bits)))
    return tuple(found)


def _with_constants(module: Json, pattern: Pattern) -> Json:
    """A copy whose logic reads constants instead of those bits of its ports, which stay."""
    twin = copy.deepcopy(module)
    fresh = 1 + max(b for n in twin["netnames"].values() for b in n["bits"] if isinstance(b, int))
    value: dict[Any, str] = {}
    for name, bits in pattern:
        port = twin["ports"][name]["bits"]
        for place, bit in enumerate(bits):
            if bit:
                value[port[place]] = bit
    lists = [bits for cell in twin["cells"].values() for bits in cell["connections"].values()]
    lists += [net["bits"] for net in twin["netnames"].values()]
    lists += [port["bits"] for port in twin["ports"].values()]
    for row in lists:
        row[:] = [value.get(bit, bit) for bit in row]
    for name, bits in pattern:
        row = twin["ports"][name]["bits"]
        for place, bit in enumerate(bits):
            if bit:
                row[place] = fresh
                fresh += 1
        twin["netnames"][name]["bits"] = list(row)
    return twin


def instances(modules: Json, top: str) -> Counter[str]:
    """How often each module stands in the whole design."""
    inner = {
        name: Counter(c["type"] for c in module["cells"].values() if c["type"] in modules)
        for name, module in modules.items()
    }
    order: list[str] = []
    done = set[str]()

    def visit(name: str) -> None:
        if name not in done:
            done.add(name)
            for kind in inner[name]:
                visit(kind)
            order.append(name)

    visit(top)
    count = Counter({top: 1})
    for name in reversed(order):
        for kind, number in inner[name].items():
            count[kind] += number * count[name]
    return count
