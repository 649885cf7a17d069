"""Which bits of each wire anybody needs, and so the width each operator is printed at.

A word that the author named is kept whole as soon as one of its bits is needed; unnamed results
keep only what is used.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from hwflow.backends.amaranth.verilog.drivers import (
    ARITHMETIC,
    BITWISE,
    Driver,
    Nets,
    Operator,
    Register,
    Table,
    extended,
    reads,
)
from hwflow.backends.amaranth.verilog.netlist import Netlist

__all__ = ["Carrier", "Demand", "demand_of", "is_named", "operands_at"]


@dataclass(frozen=True, slots=True)
class Carrier:
    """A named word that holds bits [low, low + width) of an unnamed result at bit `at`.

    `pure` when it holds nothing else.
    """

    word: int
    wire: int
    low: int
    at: int
    width: int
    pure: bool


@dataclass(frozen=True, slots=True)
class Demand:
    """Per driven wire that is needed: (lowest, highest) bit printed; and who may carry it."""

    span: dict[int, tuple[int, int]]
    carriers: dict[int, tuple[Carrier, ...]]


def is_named(netlist: Netlist, wire: int) -> bool:
    """Whether the author named this wire."""
    return netlist.wires[wire].name.startswith("\\")


def demand_of(netlist: Netlist) -> Demand:
    """Spread demand from the output ports and the instances' inputs back to the input ports."""
    carriers: dict[int, list[Carrier]] = defaultdict(list)
    for word, nets in netlist.aliases.items():
        carrier = _carrier(netlist, word, nets)
        if carrier is not None:
            carriers[carrier.wire].append(carrier)
    masks: dict[int, int] = defaultdict(int)
    work: list[int] = []

    def need(nets: Iterable[int]) -> None:
        for net in nets:
            if net > 1:
                wire = netlist.owner[net]
                bit = 1 << (net - netlist.base[wire])
                if not masks[wire] & bit:
                    if whole(wire):
                        bit = (1 << netlist.wires[wire].width) - 1
                    masks[wire] |= bit
                    work.append(wire)

    def whole(wire: int) -> bool:
        return is_named(netlist, wire) or not isinstance(netlist.drivers[wire], Operator)

    for i, wire in enumerate(netlist.wires):
        if wire.port == "output":
            need(netlist.aliases.get(i) or netlist.nets(i))
    for instance in netlist.instances:
        for _, nets in instance.inputs:
            need(nets)
        for _, output in instance.outputs:
            need(netlist.nets(output))
    seen: dict[int, int] = {}
    while work:
        wire_ = work.pop()
        mask = masks[wire_]
        if seen.get(wire_) == mask:
            continue
        seen[wire_] = mask
        for carrier in carriers.get(wire_, ()):
            if mask & (((1 << carrier.width) - 1) << carrier.low):
                need(netlist.aliases[carrier.word])
        driver = netlist.drivers[wire_]
        for nets in _needed(driver, _span(driver, masks[wire_])):
            need(nets)
    span = {w: _span(netlist.drivers[w], mask) for w, mask in sorted(masks.items())}
    return Demand(span, {w: tuple(c) for w, c in sorted(carriers.items())})


def _carrier(netlist: Netlist, word: int, nets: Nets) -> Carrier | None:
    """The longest run of an unnamed operator's bits in a named word."""
    best: Carrier | None = None
    at = 0
    while at < len(nets):
        end = at + 1
        while end < len(nets) and nets[end] == nets[end - 1] + 1 and nets[at] > 1:
            if netlist.owner[nets[end]] != netlist.owner[nets[at]]:
                break
            end += 1
        wire = netlist.owner[nets[at]] if nets[at] > 1 else -1
        if (
            wire >= 0
            and isinstance(netlist.drivers[wire], Operator)
            and not is_named(netlist, wire)
            and (best is None or end - at > best.width)
        ):
            low = nets[at] - netlist.base[wire]
            best = Carrier(word, wire, low, at, end - at, end - at == len(nets))
        at = end
    if best is None:
        return None
    rest = nets[: best.at] + nets[best.at + best.width :]
    if any(net > 1 and netlist.owner[net] == best.wire for net in rest):
        return None
    return best


def _span(driver: Driver, mask: int) -> tuple[int, int]:
    high = mask.bit_length() - 1
    if isinstance(driver, Operator):
        if driver.kind in BITWISE or driver.kind in ("$not", "$mux"):
            return (mask & -mask).bit_length() - 1, high
        if driver.kind in ARITHMETIC or driver.kind in ("$neg", "$shl"):
            return 0, high
        return 0, driver.width - 1
    if isinstance(driver, (Table, Register)):
        return 0, driver.width - 1
    return 0, high


def _needed(driver: Driver, span: tuple[int, int]) -> Iterable[Nets]:
    if isinstance(driver, Operator):
        return operands_at(driver, span)
    if isinstance(driver, Register):
        return (driver.data,)
    return reads(driver)


def operands_at(driver: Operator, span: tuple[int, int]) -> tuple[Nets, ...]:
    """The operands cut or extended to the width at which the operator is printed."""
    low, high = span
    signed, ops = driver.signed, driver.operands
    if driver.kind == "$mux":
        return (ops[0][low : high + 1], ops[1][low : high + 1], ops[2])
    if driver.kind in BITWISE or driver.kind == "$not":
        return tuple(extended(nets, high + 1, signed)[low:] for nets in ops)
    if driver.kind in ARITHMETIC or driver.kind == "$neg":
        return tuple(extended(nets, high + 1, signed) for nets in ops)
    if driver.kind in ("$shl", "$shr", "$sshr"):
        width = high + 1 if driver.kind == "$shl" else driver.width
        return (extended(ops[0], width, signed), ops[1])
    if len(ops) == 2:
        width = max(1, *(len(nets) for nets in ops))
        return tuple(extended(nets, width, signed) for nets in ops)
    return ops
